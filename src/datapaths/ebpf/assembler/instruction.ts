/** One instruction of RFC 9669, decoded. */
export interface Instruction {
  readonly opcode: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  /** Signed, 32 bits. */
  readonly imm: number;
  /** The upper half of a 64-bit constant load, which takes two slots; null for any other instruction. */
  readonly upper: number | null;
}

export const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const;

export const OPCODE = { LDDW: 0x18, JA: 0x05, JA32: 0x06, CALL: 0x85, CALLX: 0x8d, EXIT: 0x95 } as const;

/** `BPF_X`: the second operand is a register. */
export const BY_REGISTER = 0x08;

/** Modes of loads and stores (upper three bits of the opcode). */
export const MODE = { ABS: 0x20, IND: 0x40, MEM: 0x60, MEMSX: 0x80, ATOMIC: 0xc0 } as const;

/** Sizes of loads and stores as the opcode has them, by bits. */
export const SIZE = { 8: 0x10, 16: 0x08, 32: 0x00, 64: 0x18 } as const;
export type Width = keyof typeof SIZE;

/** `BPF_PSEUDO_*` (linux/bpf.h): what `src` says of a call or a constant load. */
export const PSEUDO = { CALL: 1, KFUNC: 2, FUNC: 4 } as const;

export const ATOMIC = { FETCH: 0x01, XCHG: 0xe1, CMPXCHG: 0xf1 } as const;

/** Slots of 8 bytes that an instruction takes. */
export function slotsOf({ upper }: Instruction): 1 | 2 {
  return upper === null ? 1 : 2;
}

/** Bytes that a load or store moves. */
export function accessSize({ opcode }: Pick<Instruction, 'opcode'>): 1 | 2 | 4 | 8 {
  switch (opcode & 0x18) {
    case SIZE[8]:
      return 1;
    case SIZE[16]:
      return 2;
    case SIZE[32]:
      return 4;
    default:
      return 8;
  }
}

/** Instructions as they stand in a program: 8 bytes a slot, little-endian. */
export function encodeInstructions(instructions: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const slots = instructions.reduce((sum, instruction) => sum + slotsOf(instruction), 0);
  const view = new DataView(new ArrayBuffer(slots * 8));
  let at = 0;
  for (const { opcode, dst, src, off, imm, upper } of instructions) {
    view.setUint8(at, opcode);
    view.setUint8(at + 1, dst | (src << 4));
    view.setInt16(at + 2, off, true);
    view.setInt32(at + 4, imm, true);
    at += 8;
    if (upper === null) continue;
    view.setInt32(at + 4, upper, true);
    at += 8;
  }
  return new Uint8Array(view.buffer);
}
