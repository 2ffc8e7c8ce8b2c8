import { Misread } from './fault.ts';

export interface Token {
  readonly kind: 'word' | 'number' | 'sign' | 'raw';
  readonly text: string;
  /** From 1. */
  readonly column: number;
}

// Signed operators begin with a letter, so they come first; what stands in map[…] is taken as it is.
const TOKEN = /(?<sign>s(?:>>=|\/=|%=|>=|<=|>|<)(?![\w=])|<<=|>>=|[-+*/%&|^=!<>]=|[-+*&=<>()[\],:#])|(?<number>0[xX][0-9a-fA-F]+|\d+)|(?<word>[A-Za-z_.$][\w.$]*)/y;
const SPACE = /\s*/y;

/** A line without its comment (`;` or `//` to the end; `#` at the start). */
export function withoutComment(line: string): string {
  if (/^\s*#/.test(line)) return '';
  return /^(?:[^;/]|\/(?!\/))*/.exec(line)?.[0] ?? '';
}

/** The words of one line. Throws `Misread`. */
export function tokensOf(line: string): Token[] {
  const text = withoutComment(line);
  const tokens: Token[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const last = tokens.at(-1);
    if (last?.text === '[' && tokens.at(-2)?.text === 'map') {
      const end = text.indexOf(']', at);
      const raw = text.slice(at, end < 0 ? text.length : end);
      if (raw.length > 0) tokens.push({ kind: 'raw', text: raw.trim(), column: at + 1 });
      at += raw.length;
      if (raw.length > 0) continue;
    }
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) {
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
      throw new Misread('programs_asm_character', { found: character }, at + 1, character.length);
    }
    const kind = found.groups?.['word'] !== undefined ? 'word' : found.groups?.['number'] !== undefined ? 'number' : 'sign';
    tokens.push({ kind, text: found[0], column: at + 1 });
    at = skipSpace(text, at + found[0].length);
  }
  return tokens;
}

function skipSpace(text: string, from: number): number {
  SPACE.lastIndex = from;
  return from + (SPACE.exec(text)?.[0].length ?? 0);
}
