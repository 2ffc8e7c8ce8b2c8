import fc from 'fast-check';
import { ATOMIC, encodeInstructions, slotsOf, type Instruction } from '../../src/datapaths/ebpf/assembler/instruction.ts';

/** Memory that a random program gets: it writes r0 to r8 into its beginning before it ends. */
export const MEMORY = 128;

/** An instruction; a jump or call by where it goes among the instructions, as a share of them. */
interface Part {
  readonly instruction: Instruction;
  readonly to: { readonly kind: 'jump'; readonly share: number } | { readonly kind: 'call'; readonly which: number } | null;
}

const plain = (opcode: number, dst = 0, src = 0, off = 0, imm = 0, upper: number | null = null): Part => ({ instruction: { opcode, dst, src, off, imm, upper }, to: null });

const register = fc.integer({ min: 0, max: 8 });
const immediate = fc.oneof(fc.integer({ min: -9, max: 70 }), fc.integer(), fc.constantFrom(-0x8000_0000, 0x7fff_ffff));
const CLASSES = [4, 7];

const arithmetic = fc
  .record({ operation: fc.constantFrom(0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0), kind: fc.constantFrom(...CLASSES), byRegister: fc.boolean(), dst: register, src: register, imm: immediate, variant: fc.nat({ max: 5 }) })
  .map(({ operation, kind, byRegister, dst, src, imm, variant }) => {
    const opcode = operation | kind | (byRegister ? 8 : 0);
    const divides = operation === 0x30 || operation === 0x90;
    const widths = kind === 7 ? [0, 8, 16, 32] : [0, 8, 16];
    const off = divides ? (variant === 0 ? 1 : 0) : operation === 0xb0 && byRegister ? (widths[variant % widths.length] ?? 0) : 0;
    return plain(opcode, dst, byRegister ? src : 0, off, byRegister ? 0 : imm);
  });
const unary = fc.record({ opcode: fc.constantFrom(0x84, 0x87, 0xd4, 0xdc, 0xd7), dst: register, bits: fc.constantFrom(16, 32, 64) }).map(({ opcode, dst, bits }) => plain(opcode, dst, 0, 0, opcode > 0xd0 ? bits : 0));
const wide = fc.record({ dst: register, imm: fc.integer(), upper: fc.integer() }).map(({ dst, imm, upper }) => plain(0x18, dst, 0, 0, imm, upper));

/** Mostly in r9's memory and r10's stack, now and then beyond, and seldom anywhere. */
const place = fc.oneof(
  { weight: 8, arbitrary: fc.record({ base: fc.constant(9), off: fc.integer({ min: 0, max: MEMORY - 8 }) }) },
  { weight: 8, arbitrary: fc.record({ base: fc.constant(10), off: fc.integer({ min: -512, max: -8 }) }) },
  { weight: 1, arbitrary: fc.record({ base: fc.constantFrom(9, 10), off: fc.integer({ min: -32768, max: 32767 }) }) },
  { weight: 1, arbitrary: fc.record({ base: register, off: fc.integer({ min: -8, max: 8 }) }) },
);
const size = fc.constantFrom(0x00, 0x08, 0x10, 0x18);
const access = fc.oneof(
  fc.record({ at: place, bits: size, to: register }).map(({ at, bits, to }) => plain(0x61 | bits, to, at.base, at.off)),
  fc.record({ at: place, bits: fc.constantFrom(0x00, 0x08, 0x10), to: register }).map(({ at, bits, to }) => plain(0x81 | bits, to, at.base, at.off)),
  fc.record({ at: place, bits: size, imm: immediate }).map(({ at, bits, imm }) => plain(0x62 | bits, at.base, 0, at.off, imm)),
  fc.record({ at: place, bits: size, from: register }).map(({ at, bits, from }) => plain(0x63 | bits, at.base, from, at.off)),
  fc.record({ at: place, bits: fc.constantFrom(0x00, 0x18), from: register, imm: fc.constantFrom(0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, ATOMIC.XCHG, ATOMIC.CMPXCHG) }).map(({ at, bits, from, imm }) => plain(0xc3 | bits, at.base, from, at.off, imm)),
);

const jump = fc
  .record({ operation: fc.constantFrom(0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0), kind: fc.constantFrom(5, 6), byRegister: fc.boolean(), dst: register, src: register, imm: immediate, share: fc.nat({ max: 999 }).map((thousandths) => thousandths / 1000) })
  .map(({ operation, kind, byRegister, dst, src, imm, share }): Part => {
    const part = operation === 0 ? plain(0x05) : plain(operation | kind | (byRegister ? 8 : 0), dst, byRegister ? src : 0, 0, byRegister ? 0 : imm);
    return { ...part, to: { kind: 'jump', share } };
  });
/** Random numbers and the time; a helper that is not there; a call by a register’s number. */
const helper = fc.oneof({ weight: 12, arbitrary: fc.constantFrom(plain(0x85, 0, 0, 0, 7), plain(0x85, 0, 0, 0, 5)) }, { weight: 1, arbitrary: fc.constantFrom(plain(0x85, 0, 0, 0, 9999), plain(0x8d, 3), plain(0x95)) });
const call = fc.nat({ max: 7 }).map((which): Part => ({ ...plain(0x85, 0, 1), to: { kind: 'call', which } }));

const body = fc.array(
  fc.oneof({ weight: 10, arbitrary: arithmetic }, { weight: 2, arbitrary: unary }, { weight: 1, arbitrary: wide }, { weight: 7, arbitrary: access }, { weight: 5, arbitrary: jump }, { weight: 1, arbitrary: helper }, { weight: 1, arbitrary: call }),
  { minLength: 1, maxLength: 40 },
);

/**
 * A program as its bytes: a main function and up to three others, with jumps to and fro in each, loops of many entries
 * among them. It passes the load-time check; it may well fault, or use its fuel up.
 */
export const randomProgram = fc.record({ start: fc.array(fc.tuple(fc.integer(), fc.integer()), { minLength: 9, maxLength: 9 }), functions: fc.array(body, { minLength: 1, maxLength: 4 }) }).map(({ start, functions }) => {
  const parts: Part[] = [plain(0xbf, 9, 1), ...start.map(([low, high], index) => plain(0x18, index, 0, 0, low, high))];
  const spans: { readonly first: number; readonly count: number }[] = [];
  functions.forEach((one, index) => {
    const first = index === 0 ? 0 : parts.length;
    parts.push(...one);
    if (index === 0) for (let saved = 0; saved <= 8; saved++) parts.push(plain(0x7b, 9, saved, saved * 8));
    parts.push(plain(0x95));
    spans.push({ first, count: parts.length - first });
  });
  const slots: number[] = [];
  let slot = 0;
  for (const { instruction } of parts) {
    slots.push(slot);
    slot += slotsOf(instruction);
  }
  const code = parts.map(({ instruction, to }, index): Instruction => {
    const behind = (slots[index] ?? 0) + 1;
    if (to === null) return instruction;
    if (to.kind === 'call') return { ...instruction, imm: (slots[spans[to.which % spans.length]?.first ?? 0] ?? 0) - behind };
    const own = spans.find(({ first, count }) => index >= first && index < first + count);
    const target = (own?.first ?? 0) + Math.min(Math.floor(to.share * (own?.count ?? 1)), (own?.count ?? 1) - 1);
    return { ...instruction, off: (slots[target] ?? 0) - behind };
  });
  return encodeInstructions(code);
});
