import { Misread } from './fault.ts';
import { helperNumber } from './helper-names.ts';
import { ATOMIC, BY_REGISTER, CLASS, MODE, OPCODE, PSEUDO, SIZE, type Instruction, type Width } from './instruction.ts';
import { Statement, type Register } from './statement.ts';
import { tokensOf, type Token } from './tokens.ts';

/** An instruction as one line gives it, with what only the whole text can fill in. */
export interface Parsed {
  readonly instruction: Instruction;
  /** The label that a jump goes to, a call calls, or a constant load takes the address of. */
  readonly label: Token | null;
  /** The map that a constant load stands for. */
  readonly map: Token | null;
}

const INT32: readonly [bigint, bigint] = [-0x8000_0000n, 0x7fff_ffffn];
/** In 32-bit operations the sign bit is as good as any other. */
const BITS32: readonly [bigint, bigint] = [-0x8000_0000n, 0xffff_ffffn];
const INT16: readonly [bigint, bigint] = [-0x8000n, 0x7fffn];
const BITS64: readonly [bigint, bigint] = [-0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn];

const ALU: Readonly<Record<string, number>> = { '+=': 0x00, '-=': 0x10, '*=': 0x20, '/=': 0x30, '|=': 0x40, '&=': 0x50, '<<=': 0x60, '>>=': 0x70, '%=': 0x90, '^=': 0xa0, '=': 0xb0, 's>>=': 0xc0 };
const SIGNED_ALU: Readonly<Record<string, number>> = { 's/=': 0x30, 's%=': 0x90 };
const NEG = 0x80;
const MOV = 0xb0;
const END = 0xd0;
const JUMP: Readonly<Record<string, number>> = { '==': 0x10, '>': 0x20, '>=': 0x30, '&': 0x40, '!=': 0x50, 's>': 0x60, 's>=': 0x70, '<': 0xa0, '<=': 0xb0, 's<': 0xc0, 's<=': 0xd0 };
const ATOMIC_SIGN: Readonly<Record<string, number>> = { '+=': 0x00, '|=': 0x40, '&=': 0x50, '^=': 0xa0 };
const ATOMIC_NAME: Readonly<Record<string, number>> = { atomic_fetch_add: 0x01, atomic_fetch_or: 0x41, atomic_fetch_and: 0x51, atomic_fetch_xor: 0xa1, xchg: ATOMIC.XCHG };
const TYPE = /^([us])(8|16|32|64)$/;
const BYTE_SWAP = /^(le|be|bswap)(16|32|64)$/;

/** Reads one instruction in the notation of the kernel's verifier log and of llvm-objdump. Throws `Misread`. */
export function parseInstruction(line: string): Parsed {
  return instructionOf(new Statement(tokensOf(line)));
}

export function instructionOf(statement: Statement): Parsed {
  const parsed = anyInstruction(statement);
  statement.end();
  return parsed;
}

function anyInstruction(statement: Statement): Parsed {
  if (statement.accept('exit')) return plain(make(OPCODE.EXIT));
  if (statement.accept('goto')) return jumpTo(statement, make(OPCODE.JA));
  if (statement.accept('gotol')) return jumpTo(statement, make(OPCODE.JA32));
  if (statement.accept('if')) return conditional(statement);
  if (statement.accept('call')) return call(statement);
  if (statement.accept('callx')) return plain(make(OPCODE.CALLX, { dst: statement.register().number }));
  if (statement.accept('lock')) return plain(locked(statement));
  if (statement.looksAt('*')) return plain(store(statement));
  if (statement.isRegister() || /^[rw]\d/.test(statement.peek()?.text ?? '')) return compute(statement);
  throw statement.expected('r0 = …, *(u32 *)(r1 + 0) = …, if …, goto, call, exit');
}

function make(opcode: number, fields: Partial<Instruction> = {}): Instruction {
  return { opcode, dst: 0, src: 0, off: 0, imm: 0, upper: null, ...fields };
}

function plain(instruction: Instruction): Parsed {
  return { instruction, label: null, map: null };
}

const toInt32 = (value: bigint) => Number(BigInt.asIntN(32, value));

/** `r1 = …`, `w1 += …` and the loads, which look the same at their start. */
function compute(statement: Statement): Parsed {
  const dst = statement.register();
  const kind = dst.wide ? CLASS.ALU64 : CLASS.ALU;
  const sign = statement.next('=, +=, -= …');
  const signed = SIGNED_ALU[sign.text];
  const operation = signed ?? ALU[sign.text];
  if (operation === undefined) throw new Misread('programs_asm_expected', { what: '=, +=, -=, *=, /=, %=, &=, |=, ^=, <<=, >>=', found: sign.text }, sign.column, sign.text.length);
  if (sign.text === '=') {
    const special = assignment(statement, dst, kind);
    if (special) return special;
  }
  const off = signed === undefined ? 0 : 1;
  return plain(withOperand(statement, dst, make(kind | operation, { dst: dst.number, off })));
}

/** The second operand: a register of the same width, or a number of 32 bits. */
function withOperand(statement: Statement, first: Register, instruction: Instruction): Instruction {
  if (!statement.isRegister()) return { ...instruction, imm: toInt32(statement.number(...(first.wide ? INT32 : BITS32))) };
  const src = sameWidth(statement.register(), first);
  return { ...instruction, opcode: instruction.opcode | BY_REGISTER, src: src.number };
}

function sameWidth(register: Register, first: Register): Register {
  if (register.wide !== first.wide) throw new Misread('programs_asm_width', { found: register.token.text, wanted: `${first.wide ? 'r' : 'w'}${register.number}` }, register.token.column, register.token.text.length);
  return register;
}

/** What may stand behind `=` beside an operand; null where one stands there. */
function assignment(statement: Statement, dst: Register, kind: number): Parsed | null {
  const next = statement.peek();
  if (statement.looksAt('*')) return plain(load(statement, dst));
  if (statement.accept('map', '[')) {
    const map = statement.next('cilium_lb4_services_v2 …');
    statement.expect(']');
    const offset = statement.looksAt('+') ? statement.number(0n, 0x7fff_ffffn) : 0n;
    return { instruction: make(OPCODE.LDDW, { dst: wideOnly(dst).number, upper: Number(offset) }), label: null, map };
  }
  if (statement.accept('-') ) {
    if (!statement.isRegister()) return immediate(statement, dst, kind, true);
    onlyRegister(statement.register(), dst);
    return plain(make(kind | NEG, { dst: dst.number }));
  }
  if (next?.kind === 'number') return immediate(statement, dst, kind, false);
  if (statement.accept('(')) {
    const bits = /^s(8|16|32)$/.exec(statement.word('s8, s16, s32').text)?.[1];
    if (bits === undefined || (bits === '32' && !dst.wide)) throw wrongSize(statement, dst.wide ? 's8, s16, s32' : 's8, s16');
    statement.expect(')');
    return plain(make(kind | MOV | BY_REGISTER, { dst: dst.number, src: sameWidth(statement.register(), dst).number, off: Number(bits) }));
  }
  const swap = BYTE_SWAP.exec(next?.text ?? '');
  if (swap) {
    statement.next('');
    const register = statement.register();
    onlyRegister(register, wideOnly(dst));
    const opcode = swap[1] === 'bswap' ? CLASS.ALU64 | END : swap[1] === 'be' ? CLASS.ALU | END | BY_REGISTER : CLASS.ALU | END;
    return plain(make(opcode, { dst: dst.number, imm: Number(swap[2]) }));
  }
  const atomic = ATOMIC_NAME[next?.text ?? ''];
  if (atomic !== undefined || next?.text === 'cmpxchg') return plain(fetching(statement, dst, atomic ?? ATOMIC.CMPXCHG));
  if (next?.kind === 'word' && statement.peek(1)?.text === 'll') {
    // llvm's way to name a map.
    statement.next('');
    statement.next('');
    return { instruction: make(OPCODE.LDDW, { dst: wideOnly(dst).number, upper: 0 }), label: null, map: next };
  }
  if (next?.kind === 'word' && statement.peek(1) === null && !statement.isRegister() && !/^[rw]\d+$/.test(next.text)) {
    // A function's address, for a helper that calls it back.
    statement.next('');
    return { instruction: make(OPCODE.LDDW, { dst: wideOnly(dst).number, src: PSEUDO.FUNC, upper: 0 }), label: next, map: null };
  }
  return null;
}

/** A number behind `=`: with `ll` of 64 bits, else of 32. */
function immediate(statement: Statement, dst: Register, kind: number, negative: boolean): Parsed {
  const token = statement.peek();
  const value = statement.number(...BITS64) * (negative ? -1n : 1n);
  if (statement.accept('ll')) {
    const bits = BigInt.asUintN(64, value);
    return plain(make(OPCODE.LDDW, { dst: wideOnly(dst).number, imm: toInt32(bits), upper: toInt32(bits >> 32n) }));
  }
  const [low, high] = dst.wide ? INT32 : BITS32;
  if (value < low || value > high) throw new Misread('programs_asm_range', { found: String(value), low: String(low), high: String(high) }, token?.column ?? 1, token?.text.length ?? 1);
  return plain(make(kind | MOV, { dst: dst.number, imm: toInt32(value) }));
}

function wideOnly(register: Register): Register {
  if (!register.wide) throw new Misread('programs_asm_width', { found: register.token.text, wanted: `r${register.number}` }, register.token.column, register.token.text.length);
  return register;
}

function onlyRegister(register: Register, wanted: Register): void {
  if (register.number === wanted.number && register.wide === wanted.wide) return;
  throw new Misread('programs_asm_same', { found: register.token.text, wanted: wanted.token.text }, register.token.column, register.token.text.length);
}

function wrongSize(statement: Statement, wanted: string): Misread {
  const token = statement.peek(-1);
  return new Misread('programs_asm_number', { found: token?.text ?? '', wanted }, token?.column ?? 1, token?.text.length ?? 1);
}

const LOADED = ['u8', 'u16', 'u32', 'u64', 's8', 's16', 's32'];
const STORED = ['u8', 'u16', 'u32', 'u64'];
const ATOMICALLY = ['u32', 'u64'];

/** `(u32 *)`, without what it points at. */
function pointer(statement: Statement, types: readonly string[]): { readonly width: Width; readonly signed: boolean } {
  statement.expect('(');
  const { text } = statement.word(types.join(', '));
  const found = TYPE.exec(text);
  if (!found || !types.includes(text)) throw wrongSize(statement, types.join(', '));
  const signed = found[1] === 's';
  statement.expect('*');
  statement.expect(')');
  return { width: Number(found[2]) as Width, signed };
}

/** `(r1 + 4)`. */
function place(statement: Statement): { readonly register: number; readonly off: number } {
  statement.expect('(');
  const register = wideOnly(statement.register()).number;
  const off = statement.looksAt('+') || statement.looksAt('-') ? Number(statement.number(...INT16)) : 0;
  statement.expect(')');
  return { register, off };
}

function load(statement: Statement, dst: Register): Instruction {
  statement.expect('*');
  const { width, signed } = pointer(statement, LOADED);
  wideOnly(dst);
  if (statement.accept('skb', '[')) {
    if (dst.number !== 0) throw new Misread('programs_asm_same', { found: dst.token.text, wanted: 'r0' }, dst.token.column, dst.token.text.length);
    const src = statement.isRegister() ? statement.register().number : null;
    const imm = src === null || statement.looksAt('+') || statement.looksAt('-') ? toInt32(statement.number(...INT32)) : 0;
    statement.expect(']');
    return make(CLASS.LD | (src === null ? MODE.ABS : MODE.IND) | SIZE[width], { src: src ?? 0, imm });
  }
  const { register, off } = place(statement);
  return make(CLASS.LDX | (signed ? MODE.MEMSX : MODE.MEM) | SIZE[width], { dst: dst.number, src: register, off });
}

function store(statement: Statement): Instruction {
  statement.expect('*');
  const { width } = pointer(statement, STORED);
  const { register, off } = place(statement);
  statement.expect('=');
  if (!statement.isRegister()) return make(CLASS.ST | MODE.MEM | SIZE[width], { dst: register, off, imm: toInt32(statement.number(...(width === 64 ? INT32 : BITS32))) });
  // Of 32 bits and fewer it does not matter which half is named.
  const src = statement.register();
  return make(CLASS.STX | MODE.MEM | SIZE[width], { dst: register, src: (width === 64 ? wideOnly(src) : src).number, off });
}

/** `lock *(u64 *)(r1 + 0) += r2`. */
function locked(statement: Statement): Instruction {
  statement.expect('*');
  const { width } = pointer(statement, ATOMICALLY);
  const { register, off } = place(statement);
  const sign = statement.next('+=, |=, &=, ^=');
  const operation = ATOMIC_SIGN[sign.text];
  if (operation === undefined) throw new Misread('programs_asm_expected', { what: '+=, |=, &=, ^=', found: sign.text }, sign.column, sign.text.length);
  return make(CLASS.STX | MODE.ATOMIC | SIZE[width], { dst: register, src: statement.register().number, off, imm: operation });
}

/** `r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)` and its kin. */
function fetching(statement: Statement, dst: Register, operation: number): Instruction {
  statement.next('');
  statement.expect('(');
  const { width } = pointer(statement, ATOMICALLY);
  if (dst.wide !== (width === 64)) throw new Misread('programs_asm_width', { found: dst.token.text, wanted: `${width === 64 ? 'r' : 'w'}${dst.number}` }, dst.token.column, dst.token.text.length);
  const { register, off } = place(statement);
  statement.expect(',');
  if (operation === ATOMIC.CMPXCHG) {
    if (dst.number !== 0) throw new Misread('programs_asm_same', { found: dst.token.text, wanted: dst.wide ? 'r0' : 'w0' }, dst.token.column, dst.token.text.length);
    onlyRegister(statement.register(), dst);
    statement.expect(',');
  }
  const src = statement.register();
  if (operation === ATOMIC.CMPXCHG) sameWidth(src, dst);
  else onlyRegister(src, dst);
  statement.expect(')');
  return make(CLASS.STX | MODE.ATOMIC | SIZE[width], { dst: register, src: src.number, off, imm: operation });
}

function conditional(statement: Statement): Parsed {
  const first = statement.register();
  const sign = statement.next('==, !=, >, >=, <, <=, s>, s>=, s<, s<=, &');
  const operation = JUMP[sign.text];
  if (operation === undefined) throw new Misread('programs_asm_expected', { what: '==, !=, >, >=, <, <=, s>, s>=, s<, s<=, &', found: sign.text }, sign.column, sign.text.length);
  const instruction = withOperand(statement, first, make((first.wide ? CLASS.JMP : CLASS.JMP32) | operation, { dst: first.number }));
  statement.expect('goto');
  return jumpTo(statement, instruction);
}

/** `+3`, `-2`, `pc+3` or a label. */
function jumpTo(statement: Statement, instruction: Instruction): Parsed {
  const long = instruction.opcode === OPCODE.JA32;
  const distance = relative(statement, long ? INT32 : INT16);
  if (distance !== null) return plain({ ...instruction, ...(long ? { imm: distance } : { off: distance }) });
  return { instruction, label: statement.word('+1, -1, a_label'), map: null };
}

function relative(statement: Statement, [low, high]: readonly [bigint, bigint]): number | null {
  if (statement.looksAt('pc')) statement.accept('pc');
  else if (!statement.looksAt('+') && !statement.looksAt('-')) return null;
  return Number(statement.number(low, high));
}

/** `call map_lookup_elem#1`, `call 1`, `call a_label`, `call pc+3`. */
function call(statement: Statement): Parsed {
  const distance = statement.looksAt('pc') ? relative(statement, INT32) : null;
  if (distance !== null) return plain(make(OPCODE.CALL, { src: PSEUDO.CALL, imm: distance }));
  if (statement.accept('kernel', 'function')) return plain(make(OPCODE.CALL, { src: PSEUDO.KFUNC, imm: toInt32(statement.number(...INT32)) }));
  const next = statement.peek();
  if (next?.kind === 'number' || next?.text === '-') return plain(make(OPCODE.CALL, { imm: toInt32(statement.number(...INT32)) }));
  const name = statement.word('map_lookup_elem, 1, a_label');
  if (statement.accept('#')) return plain(make(OPCODE.CALL, { imm: Number(statement.number(0n, 0x7fff_ffffn)) }));
  const helper = helperNumber(name.text.replace(/^bpf_/, ''));
  if (helper !== null) return plain(make(OPCODE.CALL, { imm: helper }));
  return { instruction: make(OPCODE.CALL, { src: PSEUDO.CALL }), label: name, map: null };
}
