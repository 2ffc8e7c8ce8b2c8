import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileProgram } from '../../src/datapaths/ebpf/compile/compile-program.ts';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { BpfError } from '../../src/datapaths/ebpf/vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

interface Case {
  readonly n: string;
  /** Expected r0 in hexadecimal. */
  readonly ret: string;
  readonly mem: string;
  readonly bc: string;
}

const cases = JSON.parse(readFileSync(new URL('bpf/bpf_conformance.json', import.meta.url), 'utf8')) as Case[];
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
/** Every opcode of RFC 9669 but the legacy packet loads, and a few that do not exist. */
const OPCODES = Array.from({ length: 256 }, (_, code) => code).filter((code) => (code & 7) !== 0 || code === 0x18 || code === 0x30);
const vm = createVm(readAssets().wasm, compileProgram);
const BACKENDS = ['rbpf', 'compiled'] as const;

describe('the public BPF conformance suite', () => {
  test('the cases are there', () => {
    expect(cases.length).toBe(313);
  });

  describe.each(BACKENDS)('in the back end %s', (backend) => {
    test.each(cases.map((record) => [record.n, record] as const))('%s', (_, { bc, mem, ret }) => {
      expect(vm.runMemory(bytes(bc), bytes(mem), { backend }).r0.toString(16)).toBe(ret.replace(/^0x/, '').replace(/^0+(?=.)/, ''));
    });
  });
});

describe('whatever the bytes are', () => {
  const FUEL = 100_000;
  const outcome = (program: Uint8Array, memory: Uint8Array, backend: (typeof BACKENDS)[number]) => {
    try {
      return vm.runMemory(program, memory, { fuel: FUEL, backend });
    } catch (error) {
      // A trap of the WASM instance would be a RuntimeError.
      expect(error).toBeInstanceOf(BpfError);
      const { message, instruction } = error as BpfError;
      expect(message).toMatch(/[.?]$/);
      return { message, instruction };
    }
  };
  const run = (program: Uint8Array, memory: Uint8Array) => {
    const [interpreted, compiled] = BACKENDS.map((backend) => outcome(program, memory, backend));
    expect(compiled).toEqual(interpreted);
  };

  test('random bytes end with a value or a sentence, the same in both back ends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ maxLength: 64 }), run),
      { seed: 20261124, numRuns: 5000 },
    );
  });

  test('random instructions that look like a program end with a value or a sentence', () => {
    const opcode = fc.constantFrom(...OPCODES);
    const instruction = fc.tuple(opcode, fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 10 }), fc.integer({ min: -12, max: 12 }), fc.oneof(fc.integer({ min: -8, max: 200 }), fc.integer()));
    fc.assert(
      fc.property(fc.array(instruction, { maxLength: 60 }), fc.uint8Array({ maxLength: 64 }), (instructions, memory) => {
        const program = new DataView(new ArrayBuffer(instructions.length * 8 + 16));
        instructions.forEach(([code, dst, src, off, imm], index) => {
          program.setUint8(index * 8, code);
          program.setUint8(index * 8 + 1, dst | (src << 4));
          program.setInt16(index * 8 + 2, off, true);
          program.setInt32(index * 8 + 4, imm, true);
        });
        program.setUint8(instructions.length * 8, 0xb7);
        program.setUint8(instructions.length * 8 + 8, 0x95);
        run(new Uint8Array(program.buffer), memory);
      }),
      { seed: 20261124, numRuns: 5000 },
    );
  });

  test('a mutated program of the suite ends with a value or a sentence', () => {
    fc.assert(
      fc.property(fc.constantFrom(...cases), fc.nat(), fc.integer({ min: 0, max: 255 }), ({ bc, mem }, at, value) => {
        const program = bytes(bc);
        program[at % program.length] = value;
        run(program, bytes(mem));
      }),
      { seed: 20261124, numRuns: 5000 },
    );
  });
});
