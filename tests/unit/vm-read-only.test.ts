import { describe, expect, test } from 'vitest';
import { encodeInstructions, type Instruction } from '../../src/datapaths/ebpf/assembler/instruction.ts';
import { writeObject } from '../../src/datapaths/ebpf/assembler/write-object.ts';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { BpfError, type RunOutput } from '../../src/datapaths/ebpf/vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

// Linux refuses to load a program that writes into `.rodata` or a map of BPF_F_RDONLY_PROG ("write into map forbidden");
// the checker says so, and a run of it ends at the store.

const vm = createVm(readAssets().wasm);
const DATA = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
const I = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Instruction => ({ opcode, dst, src, off, imm, upper: null });
/** A constant load, two slots, for a reference. */
const address = (dst: number): Instruction => ({ opcode: 0x18, dst, src: 0, off: 0, imm: 0, upper: 0 });
const EXIT = [I(0xb7, 0), I(0x95)];

type To = '.rodata' | 'constants' | 'numbers';

function load(code: readonly Instruction[], references: readonly { readonly slot: number; readonly to: To }[], functions = [{ name: 'main', slot: 0 }]) {
  const maps = [
    { name: 'constants', type: 2, keySize: 4, valueSize: 8, maxEntries: 4, flags: 128 },
    { name: 'numbers', type: 2, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 },
  ];
  return vm.load(writeObject({ section: 'tc', license: 'GPL', instructions: encodeInstructions(code), functions, maps, data: [{ name: '.rodata', bytes: DATA }], references }), { seed: 1 });
}

function outcome(collection: ReturnType<typeof load>): RunOutput | BpfError {
  try {
    return collection.run('main', { data: new Uint8Array(64) });
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
}

/** `*(u32 *)(r10 - 4) = 1; r2 = r10 - 4; r1 = the map; call bpf_map_lookup_elem; if r0 == 0 goto exit`: r1 is loaded at slot 3. */
const LOOKUP = [I(0x62, 10, 0, -4, 1), I(0xbf, 2, 10), I(0x07, 2, 0, 0, -4), address(1), I(0x85, 0, 0, 0, 1), I(0x15, 0, 0, 1, 0)];

describe('a store into read-only data', () => {
  const rodata = [{ slot: 0, to: '.rodata' }] as const;
  test.each([
    { name: 'a constant', code: [address(1), I(0x62, 1, 0, 0, 5), ...EXIT], references: rodata, at: 2 },
    { name: 'a register, further in', code: [address(0), I(0xb7, 2, 0, 0, 9), I(0x7b, 0, 2, 8), ...EXIT], references: rodata, at: 3 },
    { name: 'through a copy that was moved', code: [address(6), I(0xbf, 1, 6), I(0x07, 1, 0, 0, 4), I(0x72, 1, 0, 0, 5), ...EXIT], references: rodata, at: 4 },
    { name: 'an atomic addition', code: [address(1), I(0xb7, 2, 0, 0, 1), I(0xdb, 1, 2, 0, 0), ...EXIT], references: rodata, at: 3 },
    { name: 'through an address kept on the stack', code: [address(1), I(0x7b, 10, 1, -8), I(0x79, 3, 10, -8), I(0x62, 3, 0, 0, 5), ...EXIT], references: rodata, at: 4 },
    { name: 'into what a look-up found', code: [...LOOKUP, I(0x62, 0, 0, 0, 5), ...EXIT], references: [{ slot: 3, to: 'constants' }] as const, at: 7 },
  ])('$name: the checker refuses it, and a run ends there', ({ code, references, at }) => {
    const collection = load(code, references);
    expect(collection.check('main').refusal).toMatchObject({ instruction: at, message: expect.stringContaining('read-only') as string });
    expect(outcome(collection)).toMatchObject({ instruction: at, message: expect.stringContaining('read-only data') as string });
    const { key } = collection.entries(references[0]?.to ?? '', 0, 1)[0] ?? { key: new Uint8Array(4) };
    if (references[0]?.to === '.rodata') expect(collection.lookup('.rodata', key)).toEqual(DATA);
    collection.free();
  });

  test('in a function that gets the address', () => {
    const code = [address(1), I(0x85, 0, 1, 0, 1), I(0x95), I(0x62, 1, 0, 4, 7), ...EXIT];
    const collection = load(code, rodata, [{ name: 'main', slot: 0 }, { name: 'callee', slot: 4 }]);
    expect(outcome(collection)).toMatchObject({ instruction: 4, message: expect.stringContaining('read-only data') as string });
    expect(collection.lookup('.rodata', new Uint8Array(4))).toEqual(DATA);
    collection.free();
  });

  test('by a helper’s answer', () => {
    // bpf_skb_load_bytes(ctx, 0, the data, 4)
    const code = [address(3), I(0xb7, 2), I(0xb7, 4, 0, 0, 4), I(0x85, 0, 0, 0, 26), ...EXIT];
    const collection = load(code, rodata);
    expect(collection.check('main').refusal).toMatchObject({ instruction: 4, message: expect.stringContaining('read-only') as string });
    expect(outcome(collection)).toMatchObject({ instruction: 4, message: expect.stringContaining('may not be written') as string });
    collection.free();
  });

  test('by bpf_map_update_elem', () => {
    const code = [I(0x62, 10, 0, -4, 1), I(0x7a, 10, 0, -16, 1), I(0xbf, 2, 10), I(0x07, 2, 0, 0, -4), address(1), I(0xbf, 3, 10), I(0x07, 3, 0, 0, -16), I(0xb7, 4), I(0x85, 0, 0, 0, 2), ...EXIT];
    const refused = load(code, [{ slot: 4, to: 'constants' }]);
    expect(refused.check('main').refusal).toMatchObject({ instruction: 9, message: expect.stringContaining('read-only for programs') as string });
    expect(outcome(refused)).toMatchObject({ message: expect.stringContaining('read-only for programs') as string });
    refused.free();
    const taken = load(code, [{ slot: 4, to: 'numbers' }]);
    expect(taken.check('main').refusal).toBeNull();
    expect(outcome(taken)).toMatchObject({ value: 0n });
    taken.free();
  });
});

test.each([
  ['reading it', [address(1), I(0x61, 0, 1, 4), I(0x95)], [{ slot: 0, to: '.rodata' }], 0x08070605n],
  ['a store elsewhere through the same register', [address(1), I(0xbf, 1, 10), I(0x7a, 1, 0, -8, 3), I(0x79, 0, 10, -8), I(0x95)], [{ slot: 0, to: '.rodata' }], 3n],
  ['a store into what a look-up found in another map', [...LOOKUP, I(0x62, 0, 0, 0, 5), ...EXIT], [{ slot: 3, to: 'numbers' }], 0n],
] as const)('%s is let pass', (_, code, references, value) => {
  const collection = load(code, references);
  expect(collection.check('main').refusal).toBeNull();
  expect(outcome(collection)).toMatchObject({ value });
  collection.free();
});
