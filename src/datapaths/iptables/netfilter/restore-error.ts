/** Rules that cannot be taken, with the place in the text (line and column from 1) and the reason in a sentence. */
export class RestoreError extends Error {
  override readonly name = 'RestoreError';
  constructor(
    readonly reason: string,
    readonly line: number,
    /** Where on the line; 1 where it is about the whole line. */
    readonly column = 1,
    /** The word that stands there; '' where it is about the whole line. */
    readonly word = '',
  ) {
    super(`line ${line}${column > 1 ? `, column ${column}` : ''}: ${reason}`);
  }
}
