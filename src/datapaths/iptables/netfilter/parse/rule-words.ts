import type { Negatable } from '../rule.ts';
import { RuleError } from './rule-error.ts';
import type { RuleFault, RuleFaultCode } from './rule-fault.ts';

/** A rule's words, read one after the other, with the `!` that stands before an option. */
export class RuleWords {
  readonly #words: readonly string[];
  #at: number;
  #negated = false;

  constructor(words: readonly string[], from: number) {
    this.#words = words;
    this.#at = from;
  }

  get ended(): boolean {
    return this.#at >= this.#words.length;
  }

  /** The word read last, for an error about it. */
  get last(): number {
    return Math.max(0, this.#at - 1);
  }

  get negated(): boolean {
    return this.#negated;
  }

  peek(): string | undefined {
    return this.#words[this.#at];
  }

  /** The next word. `ends`: what is said where there is none, of the option (or target) `of`. */
  take(ends: RuleFaultCode & `ends_${string}`, of = ''): string {
    const word = this.#words[this.#at];
    if (word === undefined) throw new RuleError(ends, { option: of }, this.#words.length - 1);
    this.#at += 1;
    return word;
  }

  negate(): void {
    this.#negated = !this.#negated;
  }

  /** Uses up the `!` before an option. Old texts have it after (`-s ! 10.0.0.0/8`). */
  value<T>(option: string, read: (text: string) => T | undefined): Negatable<T> {
    let negated = this.#negated;
    this.#negated = false;
    if (this.peek() === '!') {
      negated = !negated;
      this.#at += 1;
    }
    const text = this.take('ends_value', option);
    const value = read(text);
    if (value === undefined) throw new RuleError('cannot_take', { option, text }, this.last);
    return { value, negated };
  }

  plain<T>(option: string, read: (text: string) => T | undefined): T {
    this.mustNotNegate(option);
    return this.value(option, read).value;
  }

  /** Uses up the `!` before an option without a value. */
  flag(): boolean {
    const negated = this.#negated;
    this.#negated = false;
    return negated;
  }

  mustNotNegate(option: string): void {
    if (this.#negated) throw new RuleError('cannot_negate', { option }, this.last);
  }

  /** Takes the next word where it is one of these options, `!` before it included. */
  option(known: (word: string) => boolean): string | undefined {
    let at = this.#at;
    let negated = this.#negated;
    while (this.#words[at] === '!') {
      negated = !negated;
      at += 1;
    }
    const word = this.#words[at];
    if (word === undefined || !known(word)) return undefined;
    this.#at = at + 1;
    this.#negated = negated;
    return word;
  }

  error(code: RuleFaultCode, values: RuleFault['values'] = {}): RuleError {
    return new RuleError(code, values, this.last);
  }
}
