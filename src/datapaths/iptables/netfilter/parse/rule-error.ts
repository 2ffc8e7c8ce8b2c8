/** Why a rule cannot be taken, in a sentence; `word`: which of its words (from 0) the sentence is about. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
  constructor(
    message: string,
    readonly word: number | null = null,
  ) {
    super(message);
  }
}
