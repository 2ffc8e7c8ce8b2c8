import type { RuleFault } from './parse/rule-fault.ts';

/** Rules that cannot be taken, with the place in the text (line and column from 1) and the reason in a sentence. */
export class RestoreError extends Error {
  override readonly name = 'RestoreError';
  readonly reason: string;
  readonly fault: RuleFault;
  /** @param cause a `RuleError`, or what else is to be said, in English */
  constructor(
    cause: { readonly message: string; readonly fault?: RuleFault },
    readonly line: number,
    /** Where on the line; 1 where it is about the whole line. */
    readonly column = 1,
    /** The word that stands there; '' where it is about the whole line. */
    readonly word = '',
  ) {
    super(`line ${line}${column > 1 ? `, column ${column}` : ''}: ${cause.message}`);
    this.reason = cause.message;
    this.fault = cause.fault ?? { code: 'said', values: { text: cause.message } };
  }
}
