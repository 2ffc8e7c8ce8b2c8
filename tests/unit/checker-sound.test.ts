import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeInstructions, type Instruction } from '../../src/datapaths/ebpf/assembler/instruction.ts';
import { writeObject } from '../../src/datapaths/ebpf/assembler/write-object.ts';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

const vm = createVm(readAssets().wasm);
const I = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Instruction => ({ opcode, dst, src, off, imm, upper: null });
const load = (code: readonly Instruction[], callee: number | null = null) =>
  vm.load(writeObject({ section: 'socket', license: 'GPL', instructions: encodeInstructions(code), functions: [{ name: 'main', slot: 0 }, ...(callee === null ? [] : [{ name: 'callee', slot: callee }])], maps: [], data: [], references: [] }), { seed: 1 });

// Paths that meet again are followed once, where all they differ in are numbers that do not matter. Loops and branches
// over numbers, some of which go into an address later, straight or through the stack, show whether the checker knows
// which do: what it lets pass never leaves its stack.
const register = fc.constantFrom(6, 7, 8);
const small = fc.integer({ min: 0, max: 40 });
const piece = fc.oneof(
  register.map((to) => [I(0x85, 0, 0, 0, 7), I(0xbf, to, 0)]),
  fc.tuple(register, fc.constantFrom(7, 15, 31, 63, 255)).map(([to, mask]) => [I(0x57, to, 0, 0, mask)]),
  fc.tuple(register, register, fc.constantFrom(0x0f, 0xbf, 0x4f, 0x2f)).map(([to, from, opcode]) => [I(opcode, to, from)]),
  fc.tuple(register, small).map(([to, by]) => [I(0x07, to, 0, 0, by)]),
  fc.tuple(register, fc.integer({ min: 1, max: 3 })).map(([to, by]) => [I(0x77, to, 0, 0, by)]),
  // Over the next piece's first instructions.
  fc.tuple(register, small, fc.constantFrom(0x25, 0xa5, 0x15, 0x55), fc.integer({ min: 0, max: 3 })).map(([of, than, opcode, skip]) => [I(opcode, of, 0, skip, than)]),
  fc.tuple(register, fc.constantFrom(-8, -16)).map(([from, at]) => [I(0x7b, 10, from, at)]),
  fc.tuple(register, fc.constantFrom(-8, -16)).map(([to, at]) => [I(0x79, to, 10, at)]),
  // A number up to so many turns, and one that sums.
  fc.tuple(register, fc.integer({ min: 1, max: 12 })).map(([sum, turns]) => [I(0xb7, 9, 0, 0, turns), I(0x07, sum, 0, 0, 3), I(0x17, 9, 0, 0, 1), I(0x55, 9, 0, -3, 0)]),
  // A store at an address that a number moves.
  fc.tuple(register, fc.constantFrom(-64, -256, -512)).map(([by, from]) => [I(0xbf, 2, 10), I(0x07, 2, 0, 0, from), I(0x0f, 2, by), I(0x72, 2, 0, 0, 1)]),
);
const STORE = 0x72;

test('what the checker lets pass stays in its stack', () => {
  let passed = 0;
  let stored = 0;
  fc.assert(
    fc.property(fc.array(piece, { minLength: 3, maxLength: 14 }), fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), (pieces, seeds) => {
      const code = [I(0x7a, 10, 0, -8, 1), I(0x7a, 10, 0, -16, 2), ...[6, 7, 8, 9].map((to) => I(0xb7, to, 0, 0, to)), ...pieces.flat(), I(0xb7, 0), I(0xb7, 0), I(0xb7, 0), I(0xb7, 0), I(0x95)];
      const collection = load(code);
      try {
        const { refusal, gaveUp } = collection.check('main');
        if (refusal !== null || gaveUp) return;
        passed++;
        for (const seed of seeds) {
          collection.reseed(seed);
          const { steps } = collection.run('main', { data: new Uint8Array(64), detail: 'steps' });
          steps?.instruction.forEach((slot, step) => {
            if (code[slot]?.opcode !== STORE) return;
            stored++;
            const offset = (steps.registers[11 * step + 2] ?? 0n) - (steps.registers[11 * step + 10] ?? 0n);
            expect(offset).toBeGreaterThanOrEqual(-512n);
            expect(offset).toBeLessThan(0n);
          });
        }
      } finally {
        collection.free();
      }
    }),
    { seed: 20261124, numRuns: 1000 },
  );
  expect(passed).toBeGreaterThan(100);
  expect(stored).toBeGreaterThan(200);
});

/** r6 is 8 on the way that is followed first, 2000 on the other; both meet behind. */
const EITHER = [I(0xbf, 9, 1), I(0x85, 0, 0, 0, 7), I(0xb7, 6, 0, 0, 2000), I(0x15, 0, 0, 1, 0), I(0xb7, 6, 0, 0, 8)];
/** Puts 1 at r10 - 512 + r6. */
const MOVE = [I(0xbf, 2, 10), I(0x07, 2, 0, 0, -512), I(0x0f, 2, 6), I(0x72, 2, 0, 0, 1), I(0xb7, 0), I(0x95)];
const call = (distance: number) => I(0x85, 0, 1, 0, distance);

test.each([
  { name: 'an address that it moves', code: [...EITHER, ...MOVE] },
  { name: 'an address, through sums and copies', code: [...EITHER, I(0xb7, 7), I(0x0f, 7, 6), I(0x07, 7, 0, 0, 3), I(0xbf, 6, 7), ...MOVE] },
  { name: 'an address, through the stack', code: [...EITHER, I(0x7b, 10, 6, -8), I(0xb7, 6), I(0x79, 6, 10, -8), ...MOVE] },
  { name: 'a number of bytes', code: [...EITHER, I(0xbf, 1, 9), I(0xb7, 2), I(0xbf, 3, 10), I(0x07, 3, 0, 0, -64), I(0xbf, 4, 6), I(0x85, 0, 0, 0, 26), I(0xb7, 0), I(0x95)] },
  { name: 'a comparison that guards', code: [...EITHER, I(0x25, 6, 0, 2, 100), I(0xb7, 0), I(0x95), I(0x71, 0, 10, -8), I(0x95)] },
  { name: 'an address in a function', code: [...EITHER, I(0xbf, 1, 6), call(2), I(0xb7, 0), I(0x95), I(0xbf, 6, 1), ...MOVE], callee: 9 },
  { name: 'an address, as a function’s answer', code: [call(2 + MOVE.length - 1), I(0xbf, 6, 0), ...MOVE, ...EITHER, I(0xbf, 0, 6), I(0x95)], callee: 2 + MOVE.length },
  { name: 'an address, kept while a function runs', code: [...EITHER, call(MOVE.length), ...MOVE, I(0x85, 0, 0, 0, 7), I(0x15, 0, 0, 0, 0), I(0xb7, 0), I(0x95)], callee: EITHER.length + 1 + MOVE.length },
])('a number that matters to $name is not left out', ({ code, callee = null }) => {
  const collection = load(code, callee);
  expect(collection.check('main').refusal).not.toBeNull();
  collection.free();
  // With the small number on both ways it is safe: the number is what it is refused for.
  const safe = load(code.map((one) => (one.imm === 2000 ? { ...one, imm: 8 } : one)), callee);
  expect(safe.check('main')).toMatchObject({ refusal: null, gaveUp: false });
  safe.free();
});

test('paths that differ in numbers without a use are followed once', () => {
  const collection = vm.load(new Uint8Array(readFileSync(new URL('../conformance/bpf/objects/xdp_icmp.clang16-v2.o', import.meta.url))), { seed: 1 });
  // A checksum over up to 32 words, whose sum differs on every way out of the loop.
  const { refusal, gaveUp, followed } = collection.check('echo');
  expect({ refusal, gaveUp }).toEqual({ refusal: null, gaveUp: false });
  expect(followed).toBeLessThan(2000);
  collection.free();
});

test('a loop that changes nothing but a sum loops for ever', () => {
  const collection = load([I(0xb7, 6), I(0x07, 6, 0, 0, 3), I(0xbf, 0, 6), I(0x05, 0, 0, -3), I(0x95)]);
  expect(collection.check('main').refusal?.message).toContain('loops for ever');
  collection.free();
});

// What the loop reads depends on r6, which only moves an address: that it matters is learnt on the way.
test.each([
  ['added to', 0x0f, -24, 8],
  ['taken from', 0x1f, 24, -8],
] as const)('a loop whose number is %s an address ends', (_, opcode, first, by) => {
  const collection = load([
    ...[1, 0, 0].map((value, slot) => I(0x7a, 10, 0, -8 * (slot + 1), value)),
    ...[I(0xb7, 6, 0, 0, first), I(0xbf, 3, 10), I(opcode, 3, 6), I(0x79, 1, 3), I(0x07, 6, 0, 0, by), I(0x15, 1, 0, -5, 0), I(0xb7, 0), I(0x95)],
  ]);
  expect(collection.check('main')).toMatchObject({ refusal: null, gaveUp: false });
  expect(collection.run('main', { data: new Uint8Array(64) })).toMatchObject({ value: 0n, instructions: 3 + 1 + 3 * 5 + 2 });
  collection.free();
});

test.each([
  ['an atomic addition to stack that nothing wrote', [I(0xb7, 1, 0, 0, 1), I(0xdb, 10, 1, -8), I(0xb7, 0), I(0x95)], 1],
  ['one to stack that was written', [I(0xb7, 1, 0, 0, 1), I(0x7b, 10, 1, -8), I(0xdb, 10, 1, -8), I(0xb7, 0), I(0x95)], null],
  // The way that meets the other at slot 7 wrote there; an addition reads it.
  ['one to stack that was written on one way only', [I(0x85, 0, 0, 0, 7), I(0xb7, 1, 0, 0, 1), I(0x15, 0, 0, 1, 0), I(0x7b, 10, 1, -8), I(0xdb, 10, 1, -8), I(0xb7, 0), I(0x95)], 4],
] as const)('%s', (_, code, refusedAt) => {
  const collection = load(code);
  const { refusal } = collection.check('main');
  if (refusedAt === null) expect(refusal).toBeNull();
  else expect(refusal).toMatchObject({ instruction: refusedAt });
  collection.free();
});
