import { RuleWords } from './rule-words.ts';

/** Keeps one of several rules: its text without `-A CHAIN`. */
export class OneRule extends RuleWords {
  text = '';
  #left: number;

  /** @param index which one, from 0 */
  constructor(index: number) {
    super();
    this.#left = index;
  }

  override append(_chain: string): void {
    // A rule's text is what comes after it.
  }

  override line(text: string): void {
    super.line(text.slice(text.indexOf(' ', '-A '.length)));
  }

  protected put(words: string): void {
    if (this.#left === 0) this.text += words;
  }

  protected endLine(): void {
    if (this.#left === 0) this.text = this.text.trimStart();
    this.#left -= 1;
  }
}
