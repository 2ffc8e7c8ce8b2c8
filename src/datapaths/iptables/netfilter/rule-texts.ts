/** Where the texts of many rules come from: each rule has two numbers by which its own is found again. */
export interface RuleTexts {
  /** Characters that are kept for it. */
  readonly length: number;
  /** The rule's text without `-A CHAIN`. */
  ruleText(first: number, second: number): string;
}

/** A text that was handed over: a rule's numbers are its start and end in there. */
export class WrittenText implements RuleTexts {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#text.length;
  }

  ruleText(start: number, end: number): string {
    return this.#text.slice(start, end);
  }
}
