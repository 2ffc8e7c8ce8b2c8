import { Misread } from './fault.ts';
import type { Token } from './tokens.ts';

const REGISTER = /^([rw])(\d{1,2})$/;

export interface Register {
  readonly number: number;
  /** `r`: all 64 bits; `w`: the lower 32. */
  readonly wide: boolean;
  readonly token: Token;
}

/** The words of one line, read from left to right. Every reading that does not fit throws `Misread`. */
export class Statement {
  readonly #tokens: readonly Token[];
  readonly #end: number;
  #at = 0;

  /** `end`: the column behind the line's last word. */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    const last = tokens.at(-1);
    this.#end = last ? last.column + last.text.length : 1;
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  peek(ahead = 0): Token | null {
    return this.#tokens[this.#at + ahead] ?? null;
  }

  /** Whether the next words are these. */
  looksAt(...texts: readonly string[]): boolean {
    return texts.every((text, ahead) => this.peek(ahead)?.text === text);
  }

  /** Takes the next words where they are these. */
  accept(...texts: readonly string[]): boolean {
    if (!this.looksAt(...texts)) return false;
    this.#at += texts.length;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.expected(`“${text}”`);
  }

  next(what: string): Token {
    const token = this.peek();
    if (!token) throw this.expected(what);
    this.#at += 1;
    return token;
  }

  word(what: string): Token {
    if (this.peek()?.kind !== 'word') throw this.expected(what);
    return this.next(what);
  }

  isRegister(ahead = 0): boolean {
    return REGISTER.test(this.peek(ahead)?.text ?? '');
  }

  register(): Register {
    const token = this.peek();
    const found = REGISTER.exec(token?.text ?? '');
    if (!token || !found) throw this.expected('r0 … r10');
    const number = Number(found[2]);
    if (number > 10) throw new Misread('programs_asm_register', { found: token.text }, token.column, token.text.length);
    this.#at += 1;
    return { number, wide: found[1] === 'r', token };
  }

  /** A whole number with its sign, within these bounds. */
  number(low: bigint, high: bigint): bigint {
    const first = this.peek();
    // Listings have `r1 + -4`.
    const negative = this.accept('-') || this.accept('+', '-');
    if (!negative) this.accept('+');
    const token = this.peek();
    if (first === null || token?.kind !== 'number') throw this.expected('0, 1, 0x10 …');
    this.#at += 1;
    const value = negative ? -BigInt(token.text) : BigInt(token.text);
    if (value < low || value > high) {
      const text = `${negative ? '-' : ''}${token.text}`;
      throw new Misread('programs_asm_range', { found: text, low: String(low), high: String(high) }, first.column, token.column + token.text.length - first.column);
    }
    return value;
  }

  /** Nothing may follow. */
  end(): void {
    const token = this.peek();
    if (token) throw new Misread('programs_asm_rest', { found: token.text }, token.column, token.text.length);
  }

  expected(what: string): Misread {
    const token = this.peek();
    if (!token) return new Misread('programs_asm_end', { what }, this.#end, 1);
    return new Misread('programs_asm_expected', { what, found: token.text }, token.column, token.text.length);
  }
}
