import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeInstructions, type Instruction } from '../../src/datapaths/ebpf/assembler/instruction.ts';
import { writeObject } from '../../src/datapaths/ebpf/assembler/write-object.ts';
import { compileProgram } from '../../src/datapaths/ebpf/compile/compile-program.ts';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { BpfError, type RunInput } from '../../src/datapaths/ebpf/vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

// Instructions are counted in lots where ways of different lengths meet, and loops of one block run several turns
// between two counts. Recorded step by step, the same program says how many there really were.

const vm = createVm(readAssets().wasm, compileProgram);
const CALL = 0x85;
const PRANDOM = 7;
const KTIME = 5;

const WAYS = [
  { detail: 'counts', backend: 'rbpf' },
  { detail: 'counts', backend: 'compiled' },
  { detail: 'steps', backend: 'rbpf' },
] as const;

/** All ways to run it: the outcome, and how many instructions. Addresses may be part of it, so memory lies the same. */
function allWays(object: Uint8Array, program: string, input: RunInput) {
  return WAYS.map(({ detail, backend }) => {
    const collection = vm.load(object, { seed: 5, backend });
    collection.setFuel(50_000);
    try {
      const { value, instructions, steps, accesses } = collection.run(program, { ...input, detail });
      return { value, instructions: steps?.instruction.length ?? instructions, accesses: accesses.map(({ atInstruction }) => atInstruction) };
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      return error.message;
    } finally {
      collection.free();
    }
  });
}

const instruction = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Instruction => ({ opcode, dst, src, off, imm, upper: null });
const assembled = (code: readonly Instruction[], functions: readonly { readonly name: string; readonly slot: number }[] = [{ name: 'main', slot: 0 }], references: readonly { readonly slot: number; readonly to: number }[] = []) =>
  writeObject({ section: 'socket', license: 'GPL', instructions: encodeInstructions(code), functions, maps: [], data: [], references });

const arithmetic = fc.record({
  opcode: fc.constantFrom(0x07, 0xb7, 0x67, 0x57, 0xbf, 0x0f, 0xa7, 0x2f, 0x3f, 0x9f),
  dst: fc.constantFrom(0, 6, 7, 8),
  src: fc.constantFrom(0, 6, 7, 8),
  immediate: fc.integer({ min: 0, max: 60 }),
});
const signedDivision = fc.record({ opcode: fc.constant(0x37), dst: fc.constantFrom(0, 6, 7, 8), src: fc.constant(0), immediate: fc.integer({ min: -3, max: 9 }), offset: fc.constant(1) });
const call = fc.record({ opcode: fc.constant(CALL), dst: fc.constant(0), src: fc.constant(0), immediate: fc.constantFrom(PRANDOM, KTIME) });
const plain = fc.oneof({ weight: 8, arbitrary: arithmetic }, { weight: 1, arbitrary: signedDivision }, { weight: 1, arbitrary: call });
/** Every conditional jump, forward over `skip` instructions that follow. */
const forward = fc.record({ jump: fc.constantFrom(0x15, 0x55, 0x25, 0x2d, 0x65, 0xa5, 0x16, 0x56, 0xc6, 0x45), register: fc.constantFrom(0, 6, 7, 8), skip: fc.nat({ max: 9 }), immediate: fc.integer({ min: -2, max: 40 }) });
const piece = fc.oneof(fc.array(plain, { maxLength: 6 }).map((body) => ({ body })), forward.map((skip) => ({ skip })), fc.record({ turns: fc.integer({ min: 1, max: 150 }), body: fc.array(arithmetic, { maxLength: 5 }), early: fc.option(forward) }));

type Piece = typeof piece extends fc.Arbitrary<infer T> ? T : never;

/** r9 counts a loop's turns; a function at the end is called between pieces. */
function program(pieces: readonly Piece[], calls: boolean): Uint8Array {
  const code: Instruction[] = [0, 6, 7, 8].map((register) => instruction(0xb7, register, 0, 0, register + 3));
  const callPlaces: number[] = [];
  const plainOf = (body: readonly { opcode: number; dst: number; src: number; immediate: number; offset?: number }[]) => {
    for (const { opcode, dst, src, immediate, offset = 0 } of body) code.push(opcode & 8 ? instruction(opcode, dst, src) : instruction(opcode, dst, 0, offset, immediate));
  };
  const jumps: { readonly at: number; readonly skip: number }[] = [];
  for (const part of pieces) {
    if ('skip' in part) {
      jumps.push({ at: code.length, skip: part.skip.skip });
      code.push(part.skip.jump & 8 ? instruction(part.skip.jump, part.skip.register, 6) : instruction(part.skip.jump, part.skip.register, 0, 0, part.skip.immediate));
    } else if ('turns' in part) {
      code.push(instruction(0xb7, 9, 0, 0, part.turns));
      const start = code.length;
      plainOf(part.body);
      if (part.early) code.push(instruction(part.early.jump & ~8, part.early.register, 0, 2, part.early.immediate));
      code.push(instruction(0x17, 9, 0, 0, 1));
      code.push(instruction(0x55, 9, 0, start - code.length - 1, 0));
    } else {
      plainOf(part.body);
    }
    if (calls) {
      callPlaces.push(code.length);
      code.push(instruction(CALL, 0, 1));
    }
  }
  const end = code.length;
  code.push(instruction(0x95));
  const callee = code.length;
  code.push(instruction(0xbf, 0, 1), instruction(0x25, 0, 0, 1, 9), instruction(0x95), instruction(0x07, 0, 0, 0, 5), instruction(0x95));
  const fixed = code.map((each, at) => {
    const jump = jumps.find((one) => one.at === at);
    if (jump) return { ...each, off: Math.min(jump.skip, end - at - 1) };
    return callPlaces.includes(at) ? { ...each, imm: callee - at - 1 } : each;
  });
  return assembled(calls ? fixed : fixed.slice(0, callee), [{ name: 'main', slot: 0 }, ...(calls ? [{ name: 'callee', slot: callee }] : [])]);
}

describe('what is counted in lots is what ran', () => {
  test('random programs of branches, loops and calls', () => {
    let ended = 0;
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), fc.boolean(), (pieces, calls) => {
        const [counted, compiled, stepped] = allWays(program(pieces, calls), 'main', { data: new Uint8Array(64) });
        expect(counted).toEqual(stepped);
        expect(compiled).toEqual(stepped);
        if (typeof counted === 'object') ended++;
      }),
      { seed: 20261124, numRuns: 1500 },
    );
    expect(ended).toBeGreaterThan(700);
  });

  // A loop's turns, up to several rows of them, and what is left over.
  test.each([1, 2, 31, 63, 64, 65, 127, 128, 129, 1000])('%i turns of a loop', (turns) => {
    const code = [instruction(0xb7, 0), instruction(0xb7, 1, 0, 0, turns), instruction(0x0f, 0, 1), instruction(0x17, 1, 0, 0, 1), instruction(0x55, 1, 0, -3), instruction(0x95)];
    const collection = vm.load(assembled(code), { seed: 1 });
    expect(collection.run('main', { data: new Uint8Array(64) })).toMatchObject({ instructions: 3 + 3 * turns, value: BigInt((turns * (turns + 1)) / 2) });
    collection.free();
  });

  const objects = new URL('../conformance/bpf/objects/', import.meta.url);
  test.each(readdirSync(objects))('%s: every program, with where its map accesses stand', (name) => {
    const object = new Uint8Array(readFileSync(new URL(name, objects)));
    let spec;
    try {
      spec = vm.inspect(object);
    } catch {
      // Read by nobody, or refused as cilium/ebpf does: other tests say which.
      return;
    }
    for (const { name: entry, unsupported } of spec.programs) {
      if (unsupported !== null) continue;
      const [counted, compiled, stepped] = allWays(object, entry, { data: Uint8Array.from({ length: 96 }, (_, at) => (at * 37) & 255) });
      expect({ entry, counted, compiled }).toEqual({ entry, counted: stepped, compiled: stepped });
    }
  });
});

test('an endless loop of one block ends where the fuel does', () => {
  const collection = vm.load(assembled([instruction(0xb7, 0), instruction(0x07, 0, 0, 0, 1), instruction(0x55, 0, 0, -2), instruction(0x95)]), { seed: 1 });
  collection.setFuel(1000);
  expect(() => collection.run('main', { data: new Uint8Array(64) })).toThrow(/had not ended after 1000 instructions/);
  collection.free();
});

// Ways to end, each with how many instructions run: at an exit alone, behind a loop, behind functions, where a load
// leaves the packet, in a function that a helper calls back.
const ENDS: readonly (readonly [string, readonly Instruction[], number, number | null])[] = [
  ['thirteen in a row', [...Array.from({ length: 12 }, () => instruction(0xb7, 0)), instruction(0x95)], 13, null],
  ['a loop', [instruction(0xb7, 0), instruction(0xb7, 1, 0, 0, 100), instruction(0x17, 1, 0, 0, 1), instruction(0x55, 1, 0, -2), instruction(0x95)], 203, null],
  ['a way back to the exit', [instruction(0xb7, 0), instruction(0x05, 0, 0, 1), instruction(0x95), instruction(0x05, 0, 0, -2)], 4, null],
  ['branches of different lengths', [instruction(0xb7, 0), instruction(0x15, 0, 0, 3, 0), ...Array.from({ length: 3 }, () => instruction(0x07, 0, 0, 0, 1)), instruction(0x95)], 3, null],
  ['a function', [instruction(CALL, 0, 1, 0, 1), instruction(0x95), instruction(0xb7, 0), instruction(0x95)], 4, 2],
  ['a load beyond the packet', [instruction(0xbf, 6, 1), instruction(0xb7, 0), instruction(0x30, 0, 0, 0, 5000), instruction(0x95)], 3, null],
  // The address is a wide load: it takes slots 1 and 2.
  ['a function called back', [instruction(0xb7, 1, 0, 0, 5), { ...instruction(0x18, 2, 4), upper: 0 }, instruction(0xb7, 3), instruction(0xb7, 4), instruction(CALL, 0, 0, 0, 181), instruction(0x95), instruction(0xb7, 0), instruction(0x95)], 6 + 5 * 2, 7],
];

describe.each(ENDS)('fuel is exact: %s', (_, code, length, callee) => {
  const addresses = code.flatMap(({ upper }, slot) => (upper === null || callee === null ? [] : [{ slot, to: callee }]));
  const object = assembled(code, [{ name: 'main', slot: 0 }, ...(callee === null ? [] : [{ name: 'callee', slot: callee }])], addresses);

  test.each(WAYS)('with $detail in $backend', ({ detail, backend }) => {
    const collection = vm.load(object, { seed: 1, backend });
    const run = (fuel: number) => {
      collection.setFuel(fuel);
      return collection.run('main', { data: new Uint8Array(64), detail });
    };
    for (const fuel of [length, length + 1, 2 ** 63, Infinity]) expect(run(fuel).instructions).toBe(length);
    for (const fuel of [length - 1, 1, 0]) expect(() => run(fuel)).toThrow(`had not ended after ${String(fuel)} instructions`);
    collection.free();
  });
});

test('a program on memory alone takes the same fuel', () => {
  const code = encodeInstructions([instruction(0xb7, 0), instruction(0x07, 0, 0, 0, 1), instruction(0x55, 0, 0, -2, 10), instruction(0x95)]);
  for (const backend of ['rbpf', 'compiled'] as const) {
    for (const fuel of [22, 2 ** 63, Infinity]) expect(vm.runMemory(code, new Uint8Array(0), { fuel, backend })).toMatchObject({ r0: 10n, instructions: 22 });
    expect(() => vm.runMemory(code, new Uint8Array(0), { fuel: 21, backend })).toThrow('had not ended after 21 instructions');
  }
});
