import type { DeclaredMap } from './directives.ts';

/** What stands in an object: one section of instructions, its functions and the maps they refer to. */
export interface ObjectParts {
  /** The program section's name, which says the program's type: `xdp`, `tc`, `cgroup/connect4`. */
  readonly section: string;
  readonly license: string;
  readonly instructions: Uint8Array;
  /** Functions by the slot that each begins at; the first is the program. */
  readonly functions: readonly { readonly name: string; readonly slot: number }[];
  readonly maps: readonly DeclaredMap[];
  /** Sections of variables. */
  readonly data: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** Constant loads by slot, and the map, section, or function (by its slot) that each stands for. */
  readonly references: readonly { readonly slot: number; readonly to: string | number }[];
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

const ELF_HEADER = 64;
const SECTION_HEADER = 64;
const SYMBOL = 24;
const RELOCATION = 16;
/** `struct bpf_map_def` with its flags. */
const MAP_DEFINITION = 20;
const EM_BPF = 247;
const R_BPF_64_64 = 1;
const R_BPF_64_32 = 10;
/** A call of a function of the object: opcode, and `BPF_PSEUDO_CALL` in the upper half of the second byte. */
const CALL = 0x85;
const PSEUDO_CALL = 1;
const SHT = { PROGBITS: 1, SYMTAB: 2, STRTAB: 3, REL: 9 } as const;
const SHF = { WRITE: 1, ALLOC: 2, EXECINSTR: 4 } as const;
const STT = { OBJECT: 1, FUNC: 2, SECTION: 3 } as const;
const GLOBAL = 1 << 4;

/** The smallest ELF object that a BPF loader reads: as clang would make it, without debugging information. */
export function writeObject({ section, license, instructions, functions, maps, data, references }: ObjectParts): Uint8Array<ArrayBuffer> {
  const names = new Names();
  const sections: Section[] = [];
  const add = (one: Partial<Section> & Pick<Section, 'name' | 'bytes'>): number => sections.push({ type: SHT.PROGBITS, flags: 0, link: 0, info: 0, entrySize: 0, ...one });
  // As clang lays it out: what is called stands in .text, so that it is no program of its own.
  const split = functions[1]?.slot ?? instructions.length / 8;
  const code = add({ name: section, bytes: instructions.subarray(0, split * 8), flags: SHF.ALLOC | SHF.EXECINSTR });
  const text = functions.length > 1 ? add({ name: '.text', bytes: instructions.subarray(split * 8), flags: SHF.ALLOC | SHF.EXECINSTR }) : 0;
  add({ name: 'license', bytes: terminated(license), flags: SHF.ALLOC | SHF.WRITE });
  const mapSection = maps.length === 0 ? 0 : add({ name: 'maps', bytes: definitions(maps), flags: SHF.ALLOC | SHF.WRITE });
  const dataSections = data.map(({ name, bytes }) => ({ name, bytes, index: add({ name, bytes, flags: SHF.ALLOC | (name.startsWith('.rodata') ? 0 : SHF.WRITE) }) }));

  const symbols: Uint8Array[] = [new Uint8Array(SYMBOL)];
  const indices = new Map<string | number, number>();
  const symbol = (name: string, kind: number, at: number, value: number, size: number): number => symbols.push(symbolOf(names.of(name), kind, at, value, size)) - 1;
  // Local symbols stand before the global ones.
  for (const { name, index } of dataSections) indices.set(name, symbol('', STT.SECTION, index, 0, 0));
  const firstGlobal = symbols.length;
  functions.forEach(({ name, slot }, position) => indices.set(slot, symbol(name, STT.FUNC | GLOBAL, slot < split ? code : text, (slot < split ? slot : slot - split) * 8, ((functions[position + 1]?.slot ?? instructions.length / 8) - slot) * 8)));
  maps.forEach(({ name }, position) => indices.set(name, symbol(name, STT.OBJECT | GLOBAL, mapSection, position * MAP_DEFINITION, MAP_DEFINITION)));

  const wanted = [...references.map(({ slot, to }) => ({ slot, to, kind: R_BPF_64_64 })), ...calls(instructions)].sort((a, b) => a.slot - b.slot);
  const relocated = [
    { name: section, index: code, base: 0, all: wanted.filter(({ slot }) => slot < split) },
    { name: '.text', index: text, base: split, all: wanted.filter(({ slot }) => slot >= split) },
  ].filter(({ all }) => all.length > 0);
  const strings = sections.length + relocated.length + 2;
  const symbolTable = add({ name: '.symtab', type: SHT.SYMTAB, bytes: joined(symbols), link: strings, info: firstGlobal, entrySize: SYMBOL });
  for (const { name, index, base, all } of relocated) {
    const bytes = joined(all.map(({ slot, to, kind }) => relocationOf((slot - base) * 8, indices.get(to) ?? 0, kind)));
    add({ name: `.rel${name}`, type: SHT.REL, bytes, link: symbolTable, info: index, entrySize: RELOCATION });
  }
  for (const one of sections) names.of(one.name);
  names.of('.strtab');
  add({ name: '.strtab', type: SHT.STRTAB, bytes: names.bytes() });
  return file(sections, names);
}

/** Section and symbol names in one table. */
class Names {
  readonly #at = new Map<string, number>([['', 0]]);
  readonly #parts: Uint8Array[] = [Uint8Array.of(0)];
  #length = 1;

  of(name: string): number {
    const known = this.#at.get(name);
    if (known !== undefined) return known;
    const bytes = terminated(name);
    const at = this.#length;
    this.#at.set(name, at);
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return at;
  }

  bytes(): Uint8Array {
    return joined(this.#parts);
  }
}

function file(sections: readonly Section[], names: Names): Uint8Array<ArrayBuffer> {
  let end = ELF_HEADER;
  const places = sections.map(({ bytes }) => {
    const at = align(end);
    end = at + bytes.length;
    return at;
  });
  const headers = align(end);
  const out = new Uint8Array(headers + (sections.length + 1) * SECTION_HEADER);
  const view = new DataView(out.buffer);
  // 64 bits, little-endian, version 1.
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 1, true); // ET_REL
  view.setUint16(18, EM_BPF, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(40, BigInt(headers), true);
  view.setUint16(52, ELF_HEADER, true);
  view.setUint16(58, SECTION_HEADER, true);
  view.setUint16(60, sections.length + 1, true);
  view.setUint16(62, sections.length, true); // the names are in the last section
  sections.forEach(({ name, type, flags, bytes, link, info, entrySize }, index) => {
    const at = places[index] ?? 0;
    out.set(bytes, at);
    const header = headers + (index + 1) * SECTION_HEADER;
    view.setUint32(header, names.of(name), true);
    view.setUint32(header + 4, type, true);
    view.setBigUint64(header + 8, BigInt(flags), true);
    view.setBigUint64(header + 24, BigInt(at), true);
    view.setBigUint64(header + 32, BigInt(bytes.length), true);
    view.setUint32(header + 40, link, true);
    view.setUint32(header + 44, info, true);
    view.setBigUint64(header + 48, 8n, true);
    view.setBigUint64(header + 56, BigInt(entrySize), true);
  });
  return out;
}

const align = (at: number) => Math.ceil(at / 8) * 8;

function terminated(value: string): Uint8Array {
  return new TextEncoder().encode(`${value}\0`);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function definitions(maps: readonly DeclaredMap[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(maps.length * MAP_DEFINITION));
  maps.forEach(({ type, keySize, valueSize, maxEntries, flags }, index) => {
    [type, keySize, valueSize, maxEntries, flags].forEach((field, position) => {
      view.setUint32(index * MAP_DEFINITION + position * 4, field, true);
    });
  });
  return new Uint8Array(view.buffer);
}

function symbolOf(name: number, info: number, section: number, value: number, size: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(SYMBOL));
  view.setUint32(0, name, true);
  view.setUint8(4, info);
  view.setUint16(6, section, true);
  view.setBigUint64(8, BigInt(value), true);
  view.setBigUint64(16, BigInt(size), true);
  return new Uint8Array(view.buffer);
}

/** Calls of functions, by the slots that they go to. */
function calls(instructions: Uint8Array): { readonly slot: number; readonly to: number; readonly kind: number }[] {
  const view = new DataView(instructions.buffer, instructions.byteOffset, instructions.byteLength);
  return Array.from({ length: instructions.length / 8 }, (_, slot) => slot)
    .filter((slot) => instructions[slot * 8] === CALL && (instructions[slot * 8 + 1] ?? 0) >> 4 === PSEUDO_CALL)
    .map((slot) => ({ slot, to: slot + 1 + view.getInt32(slot * 8 + 4, true), kind: R_BPF_64_32 }));
}

function relocationOf(offset: number, symbol: number, kind: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(RELOCATION));
  view.setBigUint64(0, BigInt(offset), true);
  view.setUint32(8, kind, true);
  view.setUint32(12, symbol, true);
  return new Uint8Array(view.buffer);
}
