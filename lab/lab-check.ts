/** One thing that was checked, or could not be. */
export interface LabCheck {
  readonly name: string;
  /** Null: it could not be checked; `detail` says why. */
  readonly passed: boolean | null;
  readonly detail: string;
  /** One of many of a kind: told of only where it does not agree. */
  readonly quiet?: boolean;
}
