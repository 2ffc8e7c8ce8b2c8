import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble, type Assembly } from '../../src/datapaths/ebpf/assembler.ts';
import { assemblyText } from '../../src/datapaths/ebpf/assembler/assembly-text.ts';
import { helperNumber } from '../../src/datapaths/ebpf/assembler/helper-names.ts';
import { accessSize, encodeInstructions, type Instruction } from '../../src/datapaths/ebpf/assembler/instruction.ts';
import { mapTypeNumber } from '../../src/datapaths/ebpf/assembler/map-types.ts';
import { parseInstruction } from '../../src/datapaths/ebpf/assembler/parse-instruction.ts';
import { writeObject, type ObjectParts } from '../../src/datapaths/ebpf/assembler/write-object.ts';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

const assets = readAssets();
const vm = createVm(assets.wasm);

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function assembled(text: string): Assembly {
  const result = assemble(text);
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  return result.assembly;
}

function object(instructions: Uint8Array, parts: Partial<ObjectParts> = {}): Uint8Array<ArrayBuffer> {
  return writeObject({ section: 'socket', license: 'GPL', instructions, functions: [{ name: 'main', slot: 0 }], maps: [], data: [], references: [], ...parts });
}

/** The listing that the VM prints of these bytes, as text. */
function textOf(bytes: Uint8Array, functions: ObjectParts['functions']): string {
  const collection = vm.load(object(bytes, { functions }), { seed: 1 });
  const rows = collection.disassemble('main');
  collection.free();
  return assemblyText({ name: 'main', section: 'socket', license: 'GPL' }, [], rows);
}

/** Where local calls go, as clang's symbols would say. */
function functionsOf(bytes: Uint8Array): ObjectParts['functions'] {
  const view = new DataView(bytes.buffer);
  const slots = new Set([0]);
  for (let at = 0; at < bytes.length; at += 8) {
    if (bytes[at] === 0x18) at += 8;
    else if (bytes[at] === 0x85 && (bytes[at + 1] ?? 0) >> 4 === 1) slots.add(at / 8 + 1 + view.getInt32(at + 4, true));
  }
  return [...slots].sort((a, b) => a - b).map((slot) => ({ slot, name: slot === 0 ? 'main' : `callee_${slot}` }));
}

describe('what the disassembler prints is what the assembler reads', () => {
  const cases = JSON.parse(readFileSync(new URL('../conformance/bpf/bpf_conformance.json', import.meta.url), 'utf8')) as readonly { readonly n: string; readonly bc: string }[];

  it('has the whole conformance suite', () => {
    expect(cases).toHaveLength(313);
  });

  it.each(cases)('$n', ({ bc }) => {
    const bytes = bytesOf(bc);
    expect(hexOf(assembled(textOf(bytes, functionsOf(bytes))).bytes)).toBe(hexOf(bytes));
  });

  it.each(Object.entries(assets.objects))('%s.bpf.o', (_, whole) => {
    const spec = vm.inspect(whole);
    const collection = vm.load(whole, { seed: 1 });
    for (const program of spec.programs.filter(({ unsupported }) => unsupported === null)) {
      const rows = collection.disassemble(program.name);
      const maps = spec.maps.map((map) => ({ ...map, bytes: map.name.startsWith('.') ? collection.lookup(map.name, new Uint8Array(4)) : null }));
      const again = vm.load(assembled(assemblyText(program, maps, rows)).object, { seed: 1 });
      expect(again.disassemble(program.name).map(({ text }) => text)).toEqual(rows.map(({ text }) => text));
      expect(again.spec.programs).toEqual([program]);
      again.free();
    }
    collection.free();
  });
});

const register = fc.integer({ min: 0, max: 9 });
const imm = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const off = fc.integer({ min: -0x8000, max: 0x7fff });
const instruction = (fields: { [Key in keyof Instruction]?: fc.Arbitrary<Instruction[Key]> }): fc.Arbitrary<Instruction> =>
  fc.record({ opcode: fc.constant(0), dst: fc.constant(0), src: fc.constant(0), off: fc.constant(0), imm: fc.constant(0), upper: fc.constant(null), ...fields });
const oneOf = (...values: number[]) => fc.constantFrom(...values);
const operations = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0];
const jumps = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];
const sizes = [0x00, 0x08, 0x10, 0x18];
/** Every instruction that Linux knows and a straight line can hold: jumps go to the next one. */
const KINDS: readonly fc.Arbitrary<Instruction>[] = [
  ...[4, 7].flatMap((kind) => [
    instruction({ opcode: oneOf(...operations.map((operation) => kind | operation)), dst: register, imm }),
    instruction({ opcode: oneOf(...operations.map((operation) => kind | operation | 8)), dst: register, src: register }),
    instruction({ opcode: oneOf(kind | 0x30, kind | 0x90), dst: register, imm, off: fc.constant(1) }),
    instruction({ opcode: oneOf(kind | 0x38, kind | 0x98), dst: register, src: register, off: fc.constant(1) }),
    instruction({ opcode: oneOf(kind | 0xb8), dst: register, src: register, off: kind === 7 ? oneOf(8, 16, 32) : oneOf(8, 16) }),
    instruction({ opcode: oneOf(kind | 0x80), dst: register }),
  ]),
  instruction({ opcode: oneOf(0xd4, 0xdc, 0xd7), dst: register, imm: oneOf(16, 32, 64) }),
  ...[5, 6].flatMap((kind) => [
    instruction({ opcode: oneOf(...jumps.map((operation) => kind | operation)), dst: register, imm }),
    instruction({ opcode: oneOf(...jumps.map((operation) => kind | operation | 8)), dst: register, src: register }),
    instruction({ opcode: oneOf(kind) }),
  ]),
  instruction({ opcode: oneOf(...sizes.map((size) => 0x61 | size)), dst: register, src: register, off }),
  instruction({ opcode: oneOf(0x81, 0x89, 0x91), dst: register, src: register, off }),
  instruction({ opcode: oneOf(...sizes.map((size) => 0x62 | size)), dst: register, off, imm }),
  instruction({ opcode: oneOf(...sizes.map((size) => 0x63 | size)), dst: register, src: register, off }),
  instruction({ opcode: oneOf(0xc3, 0xdb), dst: register, src: register, off, imm: oneOf(0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1) }),
  instruction({ opcode: oneOf(0x20, 0x28, 0x30), imm }),
  instruction({ opcode: oneOf(0x40, 0x48, 0x50), src: register, imm }),
  instruction({ opcode: oneOf(0x18), dst: register, imm, upper: imm }),
  instruction({ opcode: oneOf(0x85), imm }),
  instruction({ opcode: oneOf(0x8d), dst: register }),
  instruction({ opcode: oneOf(0x95) }),
];
const EXIT: Instruction = { opcode: 0x95, dst: 0, src: 0, off: 0, imm: 0, upper: null };

describe('any instructions', () => {
  it('come back byte for byte, and print the same again', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...KINDS), { minLength: 1, maxLength: 60 }), (instructions) => {
        const bytes = encodeInstructions([...instructions, EXIT]);
        const text = textOf(bytes, [{ name: 'main', slot: 0 }]);
        const again = assembled(text).bytes;
        expect(hexOf(again)).toBe(hexOf(bytes));
        expect(textOf(again, [{ name: 'main', slot: 0 }])).toBe(text);
      }),
      { seed: 20261124, numRuns: 300 },
    );
  });
});

describe('names', () => {
  it('numbers the helpers as the VM names them', () => {
    const text = Array.from({ length: 260 }, (_, number) => `call ${number}`).join('\n');
    const collection = vm.load(assembled(`${text}\nexit`).object, { seed: 1 });
    const named = collection.disassemble('program').flatMap(({ text: row }) => /^call (\w+)#(\d+)$/.exec(row)?.slice(1, 3) ?? []);
    collection.free();
    expect(named.length).toBe(2 * 211);
    for (let at = 0; at < named.length; at += 2) expect(helperNumber(named[at] ?? '')).toBe(Number(named[at + 1]));
  });

  it('numbers the map types as the VM names them', () => {
    for (const name of ['hash', 'array', 'percpu_hash', 'lru_hash', 'lpm_trie', 'ringbuf', 'devmap_hash', 'queue']) {
      const { object: bytes } = assembled(`.map m ${name} key 8 value 8 max 8 flags 0\nr0 = 0\nexit`);
      expect(vm.inspect(bytes).maps).toEqual([{ name: 'm', type: name, keySize: 8, valueSize: 8, maxEntries: 8, flags: 0 }]);
      expect(mapTypeNumber(name)).not.toBeNull();
    }
  });
});

describe('texts', () => {
  it.each<readonly [text: string, hex: string]>([
    ['r0 = 0', 'b700000000000000'],
    ['r1=-5', 'b7010000fbffffff'],
    ['w1 = 0xffffffff', 'b4010000ffffffff'],
    ['r2 = *(u32 *)(r1 + 76)', '61124c0000000000'],
    ['r2 = *(u32*)(r1)', '6112000000000000'],
    ['if r1 > r2 goto +3', '2d21030000000000'],
    ['if r1 > r2 goto pc+3', '2d21030000000000'],
    ['12: exit ; as in a listing', '9500000000000000'],
    ['call map_lookup_elem#1', '8500000001000000'],
    ['call bpf_map_lookup_elem', '8500000001000000'],
    ['call map_lookup_elem // by name', '8500000001000000'],
    ['# a comment\nexit', '9500000000000000'],
    ['r1 = 0xffffffffffffffff ll', '18010000ffffffff00000000ffffffff'],
    ['here: goto here', '0500ffff00000000'],
    ['goto there\nr0 = 1\nthere: exit', '0500010000000000b7000000010000009500000000000000'],
    ['gotol there\nr0 = 1 ll\nthere:\nexit', '06000000020000001800000001000000000000000000000095000000' + '00000000'],
    ['*(u8 *)(r10 - 1) = w3', '733affff00000000'],
    ['lock *(u64 *)(r1 + 0) += r2', 'db21000000000000'],
  ])('%s', (text, hex) => {
    expect(hexOf(assembled(text).bytes)).toBe(hex);
  });

  it('runs what was written, with its maps and variables', () => {
    const { object: bytes, program, lines } = assembled(`
      .program xdp count
      .license GPL
      .map counts array key 4 value 8 max 2
      .data .rodata 05 00 00 00 07 00 00 00
        *(u32 *)(r10 - 4) = 1
        r2 = r10
        r2 += -4
        r1 = map[counts]
        call map_lookup_elem
        if r0 == 0 goto out
        r1 = map[.rodata] + 4
        r1 = *(u32 *)(r1 + 0)
        lock *(u64 *)(r0 + 0) += r1
      out:
        call give            ; a function of its own
        exit
      give:
        r0 = 2
        exit`);
    const collection = vm.load(bytes, { seed: 1 });
    expect(collection.spec.programs[0]).toMatchObject({ name: 'count', section: 'xdp', type: 'xdp', license: 'GPL' });
    expect(program).toBe('count');
    expect(collection.run(program, { data: new Uint8Array(64) }).returnValue).toBe(2);
    collection.run(program, { data: new Uint8Array(64) });
    expect(collection.lookup('counts', Uint8Array.of(1, 0, 0, 0))?.[0]).toBe(14);
    expect([...lines].slice(0, 6)).toEqual([6, 7, 8, 9, 9, 10]);
    collection.free();
  });

  it('knows the line of each instruction however the functions are ordered', () => {
    const { object: bytes, lines } = assembled('call second\ncall first\nr1 = second\nexit\nfirst:\nr0 = 1\nexit\nnever:\nr0 = 3\nexit\nsecond:\nr0 = 2\ncall first\nexit');
    const collection = vm.load(bytes, { seed: 1 });
    const rows = collection.disassemble('program');
    expect(rows.map(({ index, text }) => `${lines[index]} ${text}`)).toEqual([
      '1 call second', '2 call first', '3 r1 = second', '4 exit', '12 r0 = 2', '13 call first', '14 exit', '6 r0 = 1', '7 exit', '9 r0 = 3', '10 exit',
    ]);
    expect(collection.run('program', { data: new Uint8Array(64) }).returnValue).toBe(1);
    expect(collection.spec.programs).toHaveLength(1);
    collection.free();
  });
});

describe('faults', () => {
  it.each<readonly [text: string, message: string, line: number, column: number]>([
    ['r0 = 0\nr1 = ?', 'programs_asm_character', 2, 6],
    ['r0 +', 'programs_asm_expected', 1, 4],
    ['r0 =', 'programs_asm_end', 1, 5],
    ['r11 = 0', 'programs_asm_register', 1, 1],
    ['r1 += w2', 'programs_asm_width', 1, 7],
    ['r1 = 0x100000000', 'programs_asm_range', 1, 6],
    ['r1 = 0x80000000', 'programs_asm_range', 1, 6],
    ['r1 = *(u24 *)(r2 + 0)', 'programs_asm_number', 1, 8],
    ['r1 = *(u8 *)(r2 + 40000)', 'programs_asm_range', 1, 17],
    ['r1 = be24 r1', 'programs_asm_expected', 1, 6],
    ['r1 = be16 r2', 'programs_asm_same', 1, 11],
    ['w1 = (s32)w2', 'programs_asm_number', 1, 7],
    ['exit now', 'programs_asm_rest', 1, 6],
    ['goto nowhere', 'programs_asm_label', 1, 6],
    ['a: exit\na: exit', 'programs_asm_label_twice', 2, 1],
    ['call no_such_helper', 'programs_asm_helper', 1, 6],
    ['r1 = map[counts]\nexit', 'programs_asm_map', 1, 10],
    ['.map m hash key 4 value 8\nexit', 'programs_asm_map_missing', 1, 6],
    ['.map m tree key 4 value 8 max 1\nexit', 'programs_asm_map_type', 1, 8],
    ['.map m hash key 4 value 8 max 1\n.map m hash key 4 value 8 max 1\nexit', 'programs_asm_map_twice', 2, 6],
    ['.data .rodata 123\nexit', 'programs_asm_hex', 1, 15],
    ['.license GPL\n.license MIT\nexit', 'programs_asm_twice', 2, 1],
    ['.section xdp\nexit', 'programs_asm_directive', 1, 1],
    ['; nothing here', 'programs_asm_empty', 1, 1],
    ['', 'programs_asm_empty', 1, 1],
    ['mov r0, 1', 'programs_asm_expected', 1, 1],
    ['*(u64 *)(r1 + 0) = w2', 'programs_asm_width', 1, 20],
    ['lock *(u8 *)(r1 + 0) += r2', 'programs_asm_number', 1, 8],
  ])('%s', (text, message, line, column) => {
    const result = assemble(text);
    expect('faults' in result ? result.faults[0] : null).toMatchObject({ message, line, column });
  });

  it('come all at once', () => {
    const result = assemble('r0 = \nexit\ngoto away\nr99 = 1');
    expect('faults' in result ? result.faults.map(({ line }) => line) : []).toEqual([1, 3, 4]);
  });

  it('never throws, whatever the text', () => {
    const piece = fc.constantFrom('r0', 'r1', 'w2', '=', '+=', '(', ')', '*', 'u32', 'goto', 'if', 'call', 'map', '[', ']', '0x10', '-', '7', ':', 'exit', '\n', '.map', 'll', '\u{1f600}', ' ', 's>>=', '#', 'lock', 'skb');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const result = assemble(pieces.join(' '));
        if ('faults' in result) for (const { line, column, length } of result.faults) expect(Math.min(line, column, length)).toBeGreaterThanOrEqual(1);
      }),
      { seed: 7, numRuns: 2000 },
    );
  });
});

describe('one instruction', () => {
  it('says how many bytes it moves', () => {
    expect(['u8', 'u16', 'u32', 'u64'].map((type) => accessSize(parseInstruction(`r1 = *(${type} *)(r2 + 0)`).instruction))).toEqual([1, 2, 4, 8]);
  });
});
