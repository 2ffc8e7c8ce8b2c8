import { accessSize, CLASS } from '../assembler/instruction.ts';
import { registerLocal } from './arithmetic.ts';
import type { Layout, Rewritten } from './rewritten.ts';
import { WASM, WasmWriter } from './wasm-writer.ts';

/** The local that holds an access's address. */
const ADDRESS = 13;
/** Globals: the range that an access beyond the known areas last fell into. */
export const FOUND_START = 0;
export const FOUND_LENGTH = 1;

const LOADS = { 1: WASM.i64Load8, 2: WASM.i64Load16, 4: WASM.i64Load32, 8: WASM.i64Load } as const;
const STORES = { 1: WASM.i64Store8, 2: WASM.i64Store16, 4: WASM.i64Store32, 8: WASM.i64Store } as const;
const STORE_BIT = 0x100;
const FRAME_POINTER = 10;

/** What an access needs to know of where it stands. */
export interface AccessPlace {
  readonly layout: Layout;
  readonly checks: BoundsChecks;
  /** Index of the function that `writeFind` makes. */
  readonly find: number;
  /** Labels that are open; the outermost ends the function with a fault. */
  readonly labels: number;
}

/** A load or store, where rbpf would let it: an address is its lower 32 bits. */
export function writeAccess(out: WasmWriter, program: Rewritten, at: number, place: AccessPlace): void {
  const opcode = program.opcode(at);
  const size = accessSize({ opcode });
  const loads = (opcode & 7) === CLASS.LDX;
  const off = program.off(at);
  const base = loads ? program.src(at) : program.dst(at);
  const { frame, spill } = place.layout;
  out.indexed(WASM.localGet, registerLocal(base)).op(WASM.i32WrapI64);
  let offset = 0;
  if (base === FRAME_POINTER && off >= -frame && off + size <= spill) {
    // Nothing writes r10: this lies in the frame, at any depth.
    if (off < 0) out.i32(off).op(WASM.i32Add);
    else offset = off;
  } else {
    if (off !== 0) out.i32(off).op(WASM.i32Add);
    out.indexed(WASM.localSet, ADDRESS);
    out.append(place.checks[size]).i32(size | (loads ? 0 : STORE_BIT)).i32(at);
    // The `if` is a label of its own.
    out.indexed(WASM.call, place.find).indexed(WASM.brIf, place.labels).op(WASM.end);
    out.indexed(WASM.localGet, ADDRESS);
  }
  if (loads) {
    out.memory(LOADS[size], offset).indexed(WASM.localSet, registerLocal(program.dst(at)));
    return;
  }
  if ((opcode & 7) === CLASS.ST) out.i64(program.imm(at));
  else out.indexed(WASM.localGet, registerLocal(program.src(at)));
  out.memory(STORES[size], offset);
}

/** By the size of an access: whether it may not be made, as a condition, and the address once more where so. */
export type BoundsChecks = Readonly<Record<1 | 2 | 4 | 8, Uint8Array>>;

/** All in one condition, which hardly ever fails: comparing is cheap, a branch that is foretold wrong is not. */
export function boundsChecks({ packet, workspace }: Layout): BoundsChecks {
  const check = (size: number) => {
    const out = new WasmWriter();
    for (const { start, length } of [packet, workspace]) out.indexed(WASM.localGet, ADDRESS).i32(start).op(WASM.i32Sub).i32(length - size).op(WASM.i32LeU);
    out.indexed(WASM.localGet, ADDRESS).indexed(WASM.globalGet, FOUND_START).op(WASM.i32Sub).indexed(WASM.globalGet, FOUND_LENGTH).op(WASM.i32LtU);
    return out.op(WASM.i32Or, WASM.i32Or, WASM.i32Eqz, WASM.if, WASM.void).indexed(WASM.localGet, ADDRESS).bytes();
  };
  return { 1: check(1), 2: check(2), 4: check(4), 8: check(8) };
}

/**
 * The body of a function `(address, access, position) → whether the program has to end`: it asks the VM, and keeps the
 * range that the address lies in. Ranges never go while a program may run.
 */
export function writeFind(out: WasmWriter, locate: number): void {
  const range = 3;
  // One local of 64 bits.
  out.op(1, 1, WASM.i64);
  out.indexed(WASM.localGet, 0).indexed(WASM.localGet, 1).indexed(WASM.localGet, 2).indexed(WASM.call, locate);
  out.indexed(WASM.localTee, range).op(WASM.i64Eqz, WASM.if, WASM.void).i32(1).op(WASM.return, WASM.end);
  out.indexed(WASM.localGet, range).op(WASM.i32WrapI64).indexed(WASM.globalSet, FOUND_START);
  out.indexed(WASM.localGet, range).i64(32).op(WASM.i64ShrU, WASM.i32WrapI64).indexed(WASM.globalSet, FOUND_LENGTH);
  out.i32(0).op(WASM.end);
}
