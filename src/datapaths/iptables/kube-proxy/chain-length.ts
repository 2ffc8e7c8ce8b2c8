import { RuleWords } from './rule-words.ts';

/** Counts the rules of one chain. */
export class ChainLength extends RuleWords {
  rules = 0;
  readonly #chain: string;

  constructor(chain: string) {
    super();
    this.#chain = chain;
  }

  override append(chain: string): void {
    if (chain === this.#chain) this.rules += 1;
  }

  protected put(_words: string): void {
    // Only where a rule stands is asked.
  }

  protected endLine(): void {
    // As above.
  }
}
