/**
 * The block YAML that kubectl prints, and no more: maps and lists by indentation, scalars on one line, literal blocks.
 * About ten times as fast as a whole YAML parser, which reads whatever this one leaves: at the first thing that is
 * not plainly within the subset it gives up. A value that it does return is the one that YAML 1.2's core schema gives.
 */
export function parseBlockYaml(text: string): { readonly value: unknown } | undefined {
  if (text.includes('\t')) return undefined;
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (index < lines.length - 1 && line.endsWith('\r')) lines[index] = line.slice(0, -1);
    if (lines[index]?.includes('\r') === true) return undefined;
  }
  try {
    const block = new Block(lines);
    const value = block.node(0, 0);
    return block.isAtEnd() ? { value } : undefined;
  } catch (reason) {
    if (reason instanceof Beyond) return undefined;
    throw reason;
  }
}

/** Something that the subset does not hold. */
class Beyond extends Error {}

const DEEPEST = 48;
/** No word of the core schema's begins otherwise than these do. */
const PLAIN = /^[A-Za-z0-9/_(]/;
const KEY = /^([A-Za-z][\w./-]*):(?: +|$)/;
const WORD = /^(?:null|true|false|y|n|yes|no|on|off)$/i;
const DOUBLE_QUOTED = /^"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"$/;
const SINGLE_QUOTED = /^'(?:[^']|'')*'$/;
/** The patterns for quoted texts keep a state for each character. */
const LONGEST_QUOTED = 20_000;

class Block {
  readonly #lines: string[];
  #at = 0;
  /** Of the line at `#at`, after `#skip`. */
  #indent = 0;

  constructor(lines: string[]) {
    this.#lines = lines;
  }

  isAtEnd(): boolean {
    return this.#skip() === null;
  }

  /** The value that begins on the next line, if it is indented by at least `least`; else null. */
  node(least: number, depth: number): unknown {
    const line = this.#skip();
    if (line === null || this.#indent < least) return null;
    if (depth > DEEPEST) throw new Beyond();
    const indent = this.#indent;
    if (isItem(line, indent)) return this.#list(indent, depth);
    const content = line.slice(indent);
    if (KEY.test(content)) return this.#map(indent, depth);
    this.#at += 1;
    return scalar(content);
  }

  #map(indent: number, depth: number): unknown {
    const map: Record<string, unknown> = {};
    for (let line = this.#skip(); line !== null && this.#indent >= indent; line = this.#skip()) {
      if (this.#indent > indent) throw new Beyond();
      const content = line.slice(indent);
      const match = KEY.exec(content);
      const key = match?.[1];
      if (!match || key === undefined || WORD.test(key) || Object.hasOwn(map, key)) throw new Beyond();
      map[key] = this.#valueAfter(content.slice(match[0].length), indent, depth);
    }
    return map;
  }

  #valueAfter(rest: string, indent: number, depth: number): unknown {
    this.#at += 1;
    if (rest === '|' || rest === '|-') return this.#literal(indent, rest === '|');
    if (rest !== '') return scalar(rest);
    const next = this.#skip();
    // A list may stand in its key's own column.
    if (next !== null && this.#indent === indent && isItem(next, indent)) return this.#list(indent, depth + 1);
    return this.node(indent + 1, depth + 1);
  }

  #list(column: number, depth: number): unknown[] {
    const list: unknown[] = [];
    for (let line = this.#skip(); line !== null && this.#indent >= column; line = this.#skip()) {
      if (this.#indent > column) throw new Beyond();
      if (!isItem(line, column)) break;
      if (line.length === column + 1) {
        this.#at += 1;
        list.push(this.node(column + 1, depth + 1));
      } else {
        // Without its dash the line is the first of the item's own block.
        this.#lines[this.#at] = `${line.slice(0, column)} ${line.slice(column + 1)}`;
        list.push(this.node(column + 1, depth + 1));
      }
    }
    return list;
  }

  #literal(parent: number, keepsEnd: boolean): string {
    const first = this.#lines[this.#at] ?? '';
    const indent = indentOf(first);
    if (indent <= parent || indent === first.length) throw new Beyond();
    const content: string[] = [];
    for (let line = this.#lines[this.#at]; line !== undefined; line = this.#lines[this.#at]) {
      const own = indentOf(line);
      if (own === line.length) {
        if (own > indent) throw new Beyond();
        content.push('');
      } else if (own < indent) break;
      else content.push(line.slice(indent));
      this.#at += 1;
    }
    while (content.at(-1) === '') content.pop();
    return content.join('\n') + (keepsEnd ? '\n' : '');
  }

  /** Goes to the next line that is neither blank nor a comment, and returns it without blanks at its end. */
  #skip(): string | null {
    for (let line = this.#lines[this.#at]; line !== undefined; line = this.#lines[++this.#at]) {
      const indent = indentOf(line);
      if (indent === line.length || line[indent] === '#') continue;
      this.#indent = indent;
      if (!line.endsWith(' ')) return line;
      return line.slice(0, line.search(/ +$/));
    }
    return null;
  }
}

function indentOf(line: string): number {
  let indent = 0;
  while (line.charCodeAt(indent) === 32) indent += 1;
  return indent;
}

function isItem(line: string, indent: number): boolean {
  return line[indent] === '-' && (line.length === indent + 1 || line[indent + 1] === ' ');
}

function scalar(text: string): unknown {
  switch (text[0]) {
    case '{':
      if (text === '{}') return {};
      break;
    case '[':
      if (text === '[]') return [];
      break;
    case '"':
      if (text.length < LONGEST_QUOTED && DOUBLE_QUOTED.test(text)) return JSON.parse(text);
      break;
    case "'":
      if (text.length < LONGEST_QUOTED && SINGLE_QUOTED.test(text)) return text.slice(1, -1).replaceAll("''", "'");
      break;
    default:
      if (PLAIN.test(text)) return plain(text);
  }
  throw new Beyond();
}

function plain(text: string): unknown {
  if (text.includes(': ') || text.includes(' #') || text.endsWith(':')) throw new Beyond();
  const code = text.charCodeAt(0);
  if (code < 48 || code > 57) {
    if (text === 'true') return true;
    if (text === 'false') return false;
    if (text === 'null') return null;
    if (WORD.test(text)) throw new Beyond();
    return text;
  }
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  // Other numbers: with a sign, a point, an exponent or a base of their own.
  if (/^\d+$/.test(text) || /^\d+(?:\.\d*)?(?:[eE][-+]?\d+)?$/.test(text) || /^0[xo]/.test(text)) throw new Beyond();
  return text;
}
