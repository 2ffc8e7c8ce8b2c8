const SHF_EXECINSTR = 4n;
const SHT_SYMTAB = 2;
/** Numbers of bpf_ktime_get_ns and bpf_get_prandom_u32. */
const CLOCK = 5;
const DICE = 7;
const CALL = 0x85;
const MOVE = 0xb7;

interface Section {
  readonly type: number;
  readonly flags: bigint;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

/** Section headers of a little-endian ELF object. */
function sectionsOf(view: DataView): Section[] {
  const start = Number(view.getBigUint64(40, true));
  const [size, count] = [view.getUint16(58, true), view.getUint16(60, true)];
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    return { type: view.getUint32(at + 4, true), flags: view.getBigUint64(at + 8, true), offset: Number(view.getBigUint64(at + 24, true)), size: Number(view.getBigUint64(at + 32, true)), link: view.getUint32(at + 40, true) };
  });
}

/**
 * The object with its clock stopped and its dice loaded: calls for the time and for random numbers are constants, so
 * that the kernel and the VM, given the same object, see the same.
 */
export function withSameDice(object: Uint8Array, nowNs: number, dice: number): Uint8Array {
  const changed = object.slice();
  const view = new DataView(changed.buffer);
  for (const { flags, offset, size } of sectionsOf(view)) {
    if ((flags & SHF_EXECINSTR) === 0n) continue;
    for (let at = offset; at + 8 <= offset + size; at += 8) {
      if (view.getUint8(at) !== CALL || view.getUint8(at + 1) !== 0) continue;
      const helper = view.getInt32(at + 4, true);
      if (helper !== CLOCK && helper !== DICE) continue;
      view.setUint8(at, MOVE);
      view.setInt32(at + 4, helper === CLOCK ? nowNs : dice, true);
    }
  }
  return changed;
}

/** The object with other bytes in its global variables, by name; those that it does not have are left out. */
export function withVariables(object: Uint8Array, variables: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const changed = object.slice();
  const view = new DataView(changed.buffer);
  const sections = sectionsOf(view);
  const symbols = sections.find(({ type }) => type === SHT_SYMTAB);
  const names = symbols && sections[symbols.link];
  if (!symbols || !names) return changed;
  for (let at = symbols.offset; at < symbols.offset + symbols.size; at += 24) {
    const start = names.offset + view.getUint32(at, true);
    const name = new TextDecoder().decode(changed.subarray(start, changed.indexOf(0, start)));
    const bytes = Object.hasOwn(variables, name) ? variables[name] : undefined;
    const section = sections[view.getUint16(at + 6, true)];
    if (bytes && section) changed.set(bytes, section.offset + Number(view.getBigUint64(at + 8, true)));
  }
  return changed;
}
