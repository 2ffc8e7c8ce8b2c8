import { BY_REGISTER, CLASS } from '../assembler/instruction.ts';
import type { Rewritten } from './rewritten.ts';
import { WASM, type WasmWriter } from './wasm-writer.ts';

/** The local that holds a register: behind the meter's address and the depth. */
export const registerLocal = (register: number) => 2 + register;

/** Opcodes for 32 bits, by operation; those for 64 bits stand `WIDER` further. */
const DIRECT: Readonly<Partial<Record<number, number>>> = { 0x00: 0x6a, 0x10: 0x6b, 0x20: 0x6c, 0x40: 0x72, 0x50: 0x71, 0x60: 0x74, 0x70: 0x76, 0xa0: 0x73, 0xc0: 0x75 };
const WIDER = 0x12;
const DIV = 0x30;
const NEG = 0x80;
const MOD = 0x90;
const MOV = 0xb0;
const END = 0xd0;

/** One arithmetic instruction, as rbpf computes it. */
export function writeArithmetic(out: WasmWriter, program: Rewritten, at: number): void {
  const opcode = program.opcode(at);
  const wide = (opcode & 7) === CLASS.ALU64;
  const operation = opcode & 0xf0;
  const byRegister = (opcode & BY_REGISTER) !== 0;
  const imm = program.imm(at);
  const destination = registerLocal(program.dst(at));
  const read = (local: number) => {
    out.indexed(WASM.localGet, local);
    if (!wide) out.op(WASM.i32WrapI64);
  };
  const left = () => read(destination);
  const right = () => {
    if (byRegister) read(registerLocal(program.src(at)));
    else if (wide) out.i64(imm);
    else out.i32(imm);
  };
  /** A 32-bit result has zeros above. */
  const set = () => {
    if (!wide) out.op(WASM.i64ExtendI32U);
    out.indexed(WASM.localSet, destination);
  };
  const direct = DIRECT[operation];
  if (direct !== undefined) {
    left();
    right();
    out.op(wide ? direct + WIDER : direct);
    set();
    return;
  }
  switch (operation) {
    case MOV:
      right();
      set();
      return;
    case NEG:
      if (wide) out.i64(0);
      else out.i32(0);
      left();
      out.op(wide ? WASM.i64Sub : WASM.i32Sub);
      set();
      return;
    case END:
      writeByteOrder(out, destination, byRegister, imm);
      return;
    case DIV:
    case MOD:
      divide();
      return;
  }

  /** By zero, a quotient is 0 and a remainder what was there, its upper half too. */
  function divide(): void {
    const quotient = operation === DIV;
    const divideBy = wide ? (quotient ? WASM.i64DivU : WASM.i64RemU) : quotient ? WASM.i32DivU : WASM.i32RemU;
    if (!byRegister && imm === 0) {
      if (quotient) out.i64(0).indexed(WASM.localSet, destination);
      return;
    }
    if (!byRegister) {
      left();
      right();
      out.op(divideBy);
      set();
      return;
    }
    const isZero = () => {
      right();
      out.op(wide ? WASM.i64Eqz : WASM.i32Eqz);
    };
    if (quotient) out.i64(0);
    else out.indexed(WASM.localGet, destination);
    left();
    // 1 in the place of 0, by which WebAssembly does not divide.
    right();
    isZero();
    if (wide) out.op(WASM.i64ExtendI32U);
    out.op(wide ? WASM.i64Or : WASM.i32Or, divideBy);
    if (!wide) out.op(WASM.i64ExtendI32U);
    isZero();
    out.op(WASM.select).indexed(WASM.localSet, destination);
  }
}

/** Conversion to big-endian swaps; that to little-endian cuts off what is above. */
function writeByteOrder(out: WasmWriter, register: number, swaps: boolean, bits: number): void {
  const get = () => out.indexed(WASM.localGet, register);
  if (!swaps) {
    if (bits === 64) return;
    get().i64(bits === 16 ? 0xffff : 0xffff_ffff).op(WASM.i64And).indexed(WASM.localSet, register);
    return;
  }
  if (bits === 16) {
    get().i64(8).op(WASM.i64Shl).i64(0xff00).op(WASM.i64And);
    get().i64(8).op(WASM.i64ShrU).i64(0xff).op(WASM.i64And, WASM.i64Or).indexed(WASM.localSet, register);
    return;
  }
  if (bits === 32) {
    get().op(WASM.i32WrapI64).i32(8).op(WASM.i32Rotl).i32(0x00ff_00ff).op(WASM.i32And);
    get().op(WASM.i32WrapI64).i32(8).op(WASM.i32Rotr).i32(0xff00_ff00 | 0).op(WASM.i32And, WASM.i32Or, WASM.i64ExtendI32U).indexed(WASM.localSet, register);
    return;
  }
  // Bytes in pairs, pairs in halves, halves.
  for (const [shift, mask] of [[8, 0x00ff_00ff_00ff_00ffn], [16, 0x0000_ffff_0000_ffffn]] as const) {
    get().i64(mask).op(WASM.i64And).i64(shift).op(WASM.i64Shl);
    get().i64(shift).op(WASM.i64ShrU).i64(mask).op(WASM.i64And, WASM.i64Or).indexed(WASM.localSet, register);
  }
  get().i64(32).op(WASM.i64Rotl).indexed(WASM.localSet, register);
}

/** Opcodes for 32 bits, by operation; those for 64 bits stand `WIDER_COMPARISON` further. */
const COMPARISON: Readonly<Partial<Record<number, number>>> = { 0x10: 0x46, 0x20: 0x4b, 0x30: 0x4f, 0x50: 0x47, 0x60: 0x4a, 0x70: 0x4e, 0xa0: 0x49, 0xb0: 0x4d, 0xc0: 0x48, 0xd0: 0x4c };
const WIDER_COMPARISON = 0x0b;
/** Those whose constant rbpf extends with its sign: the signed ones. */
const SIGNED: ReadonlySet<number> = new Set([0x60, 0x70, 0xc0, 0xd0]);
const SET = 0x40;

/** Leaves on the stack whether the conditional jump at `at` is taken. */
export function writeCondition(out: WasmWriter, program: Rewritten, at: number): void {
  const opcode = program.opcode(at);
  const wide = (opcode & 7) === CLASS.JMP;
  const operation = opcode & 0xf0;
  const read = (register: number) => {
    out.indexed(WASM.localGet, registerLocal(register));
    if (!wide) out.op(WASM.i32WrapI64);
  };
  read(program.dst(at));
  const imm = program.imm(at);
  if (opcode & BY_REGISTER) read(program.src(at));
  else if (!wide) out.i32(imm);
  else out.i64(SIGNED.has(operation) || operation === SET ? imm : imm >>> 0);
  if (operation !== SET) out.op((COMPARISON[operation] ?? 0) + (wide ? WIDER_COMPARISON : 0));
  else if (wide) out.op(WASM.i64And).i64(0).op(WASM.i64Ne);
  else out.op(WASM.i32And);
}
