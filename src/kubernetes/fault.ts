/** Something in a person's text that cannot be used as it is, with its place and what to do about it. */
export interface Fault {
  /**
   * `error`: the object is left out. `note`: it is used, but a person should know. Nothing read before or after is lost.
   */
  readonly severity: 'error' | 'note';
  /** A message's key in `messages/*.json` with its values, so that both languages say it. */
  readonly message: string;
  readonly values: Readonly<Record<string, string | number>>;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** The object it belongs to, `Service shop/cart`; null where the text itself is broken. */
  readonly object: string | null;
}
