/** Rules that cannot be taken, with the line of the text (from 1) and the reason in a sentence. */
export class RestoreError extends Error {
  override readonly name = 'RestoreError';
  constructor(
    readonly reason: string,
    readonly line: number,
  ) {
    super(`line ${line}: ${reason}`);
  }
}
