/** A global constant of an object, which a loader may rewrite before it loads it (cilium/ebpf's RewriteConstants). */
export interface ObjectConstant {
  readonly name: string;
  /** As the object has it. */
  readonly value: Uint8Array;
}

const HEADER = 64;
const SECTION_HEADER = 64;
const SYMBOL = 24;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const STT_OBJECT = 1;

interface Section {
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

/**
 * The variables of an object's read-only sections, in their order. Objects of 64 bits, little-endian, as clang makes them
 * for BPF; of bytes that are none, or cut off, none.
 */
export function objectConstants(object: Uint8Array): readonly ObjectConstant[] {
  const view = new DataView(object.buffer, object.byteOffset, object.byteLength);
  if (object.length < HEADER || view.getUint32(0) !== 0x7f454c46 || object[4] !== 2 || object[5] !== 1) return [];
  try {
    const sections = sectionsOf(view);
    const symbols = sections.find(({ type }) => type === SHT_SYMTAB);
    const strings = symbols && sections[symbols.link];
    if (!symbols || !strings) return [];
    const found: ObjectConstant[] = [];
    for (let at = symbols.offset; at + SYMBOL <= symbols.offset + symbols.size; at += SYMBOL) {
      const section = sections[view.getUint16(at + 6, true)];
      if ((view.getUint8(at + 4) & 15) !== STT_OBJECT || !section?.name.startsWith('.rodata') || section.type === SHT_NOBITS) continue;
      const start = section.offset + Number(view.getBigUint64(at + 8, true));
      const size = Number(view.getBigUint64(at + 16, true));
      if (size > 0 && start + size <= object.length) found.push({ name: textAt(view, strings.offset + view.getUint32(at, true)), value: object.slice(start, start + size) });
    }
    return found;
  } catch (error) {
    // What points beyond the end: the VM says what is wrong with it.
    if (error instanceof RangeError) return [];
    throw error;
  }
}

function sectionsOf(view: DataView): Section[] {
  const table = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  const raw = Array.from({ length: count }, (_, index) => {
    const at = table + index * SECTION_HEADER;
    return { name: view.getUint32(at, true), type: view.getUint32(at + 4, true), offset: Number(view.getBigUint64(at + 24, true)), size: Number(view.getBigUint64(at + 32, true)), link: view.getUint32(at + 40, true) };
  });
  const names = raw[view.getUint16(62, true)]?.offset ?? 0;
  return raw.map((section) => ({ ...section, name: textAt(view, names + section.name) }));
}

function textAt(view: DataView, at: number): string {
  let end = at;
  while (view.getUint8(end) !== 0) end += 1;
  return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at, end - at));
}
