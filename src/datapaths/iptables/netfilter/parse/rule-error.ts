import { ruleSentence, type RuleFault, type RuleFaultCode } from './rule-fault.ts';

/** Why a rule cannot be taken; `word`: which of its words (from 0) it is about. The message is the sentence in English. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
  readonly fault: RuleFault;
  constructor(
    code: RuleFaultCode,
    values: RuleFault['values'] = {},
    readonly word: number | null = null,
  ) {
    const fault: RuleFault = { code, values };
    super(ruleSentence(fault));
    this.fault = fault;
  }

  /** The same about another word. */
  at(word: number | null): RuleError {
    return new RuleError(this.fault.code, this.fault.values, word);
  }
}
