import { Misread } from './fault.ts';
import { mapTypeNumber } from './map-types.ts';
import type { Token } from './tokens.ts';
import { Statement } from './statement.ts';

/** A map that the text declares. */
export interface DeclaredMap {
  readonly name: string;
  /** `enum bpf_map_type`. */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

const SIZES = { key: 'keySize', value: 'valueSize', max: 'maxEntries', flags: 'flags' } as const;
const U32 = 0xffff_ffffn;

/** `.map NAME TYPE key 4 value 8 max 16 flags 1`, behind `.map`. Throws `Misread`. */
export function mapDeclaration(statement: Statement): { readonly map: DeclaredMap; readonly name: Token } {
  const name = statement.word('counts …');
  const type = statement.word('hash, array, lru_hash …');
  const number = mapTypeNumber(type.text);
  if (number === null) throw new Misread('programs_asm_map_type', { found: type.text }, type.column, type.text.length);
  const sizes: Partial<Record<(typeof SIZES)[keyof typeof SIZES], number>> = {};
  while (!statement.done) {
    const word = statement.word('key, value, max, flags');
    if (!(word.text in SIZES)) throw new Misread('programs_asm_expected', { what: 'key, value, max, flags', found: word.text }, word.column, word.text.length);
    sizes[SIZES[word.text as keyof typeof SIZES]] = Number(statement.number(0n, U32));
  }
  const missing = (['key', 'value', 'max'] as const).find((word) => sizes[SIZES[word]] === undefined && !keyless(type.text, word));
  if (missing !== undefined) throw new Misread('programs_asm_map_missing', { what: missing, name: name.text }, name.column, name.text.length);
  const { keySize = 0, valueSize = 0, maxEntries = 0, flags = 0 } = sizes;
  return { map: { name: name.text, type: number, keySize, valueSize, maxEntries, flags }, name };
}

/** Rings have neither keys nor values, and a perf event array may leave its size to the machine. */
function keyless(type: string, word: 'key' | 'value' | 'max'): boolean {
  if (type === 'ringbuf' || type === 'user_ringbuf') return word !== 'max';
  return type === 'perf_event_array' && word === 'max';
}

/** `.data NAME 00 ff …`, behind `.data`: a section of variables. The bytes are read from the line as it stands. */
export function dataDeclaration(line: string): { readonly name: string; readonly bytes: Uint8Array } {
  const found = /^\s*\.data\s+(\S+)\s*(.*?)\s*$/.exec(line);
  if (!found) throw new Misread('programs_asm_end', { what: '.rodata …' }, line.length + 1, 1);
  const [, name = '', text = ''] = found;
  const column = line.length - line.trimStart().length + 1;
  if (!/^\.(rodata|data|bss)/.test(name)) throw new Misread('programs_asm_expected', { what: '.rodata, .data, .bss', found: name }, line.indexOf(name, column) + 1, name.length);
  const digits = text.replace(/\s+/g, '');
  if (digits === '' || digits.length % 2 === 1 || !/^[0-9a-fA-F]*$/.test(digits)) {
    throw new Misread('programs_asm_hex', { found: text.length > 24 ? `${text.slice(0, 24)}…` : text }, Math.max(1, line.indexOf(text, line.indexOf(name) + name.length) + 1), Math.max(1, text.length));
  }
  return { name, bytes: Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)) };
}
