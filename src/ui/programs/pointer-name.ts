/**
 * Registers that hold addresses are recorded as the places they point at (wasm/src/machine/provenance.rs): areas far
 * above every number that a program works with.
 */
const CONTEXT = 0xffff_8881_0000_0000n;
/** The frame's first byte as the run began: the buffer has XDP_PACKET_HEADROOM before it. */
const PACKET = 0xffff_8882_0000_0100n;
const VALUES = 0xffff_8900_0000_0000n;
/** Stacks and maps share their upper half: a map is its index there, a stack stands from the first page's end down. */
export const STACK = 0xffff_c900_0000_0000n;
export const STACK_TOP = 0xffff_c900_0000_1000n;

const AREA = 0x1_0000_0000n;

export type Pointer =
  | { readonly to: 'context'; readonly offset: number }
  | { readonly to: 'packet'; readonly offset: number }
  /** Offset from the frame pointer of the function that runs. */
  | { readonly to: 'stack'; readonly offset: number }
  | { readonly to: 'map'; readonly map: string }
  /** Bucket or index of the element, and the byte within its value. */
  | { readonly to: 'value'; readonly map: string; readonly bucket: number; readonly offset: number };

/** What a register's value points at; null: it is a number. `maps`: the object's, in their order. */
export function pointerOf(value: bigint, framePointer: bigint, maps: readonly string[]): Pointer | null {
  const within = (base: bigint) => value >= base && value - base < AREA;
  // A context's and a packet's end may lie a little before their start's area.
  if (within(CONTEXT)) return { to: 'context', offset: Number(value - CONTEXT) };
  if (within(PACKET & ~0xffff_ffffn)) return { to: 'packet', offset: Number(value - PACKET) };
  if (within(STACK)) {
    const index = Number(value - STACK);
    const map = maps[index];
    return map === undefined ? { to: 'stack', offset: Number(value - framePointer) } : { to: 'map', map };
  }
  if (value >= VALUES && value < STACK) {
    const map = maps[Number((value - VALUES) / AREA)];
    if (map === undefined) return null;
    const place = Number((value - VALUES) % AREA);
    // A section of variables is one value; elements stand 256 bytes apart.
    return map.startsWith('.') ? { to: 'value', map, bucket: 0, offset: place } : { to: 'value', map, bucket: Math.floor(place / 256), offset: place % 256 };
  }
  return null;
}

/** `fp − 16`, `packet + 14`, `ctx`. */
export function pointerText(pointer: Pointer): string {
  switch (pointer.to) {
    case 'context':
      return `ctx${signed(pointer.offset)}`;
    case 'packet':
      return `packet${signed(pointer.offset)}`;
    case 'stack':
      return `fp${signed(pointer.offset)}`;
    case 'map':
      return 'map';
    case 'value':
      return `value${signed(pointer.offset)}`;
  }
}

function signed(offset: number): string {
  if (offset === 0) return '';
  return offset < 0 ? ` − ${-offset}` : ` + ${offset}`;
}
