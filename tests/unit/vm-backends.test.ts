import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { mapsOf } from '../../lab/bpf/kernel-run.ts';
import { below, fillCluster, NODE, randomFrame } from '../../lab/bpf/random-cluster.ts';
import { encodeInstructions, type Instruction } from '../../src/datapaths/ebpf/assembler/instruction.ts';
import { writeObject } from '../../src/datapaths/ebpf/assembler/write-object.ts';
import { compileProgram } from '../../src/datapaths/ebpf/compile/compile-program.ts';
import { ProgramCompiler } from '../../src/datapaths/ebpf/compile/compiler.ts';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { BpfError, type Collection, type RunInput } from '../../src/datapaths/ebpf/vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import { functionTable } from '../../wasm/pkg/chain_vs_map_vm.js';
import { MEMORY, randomProgram } from './random-program.ts';

// rbpf is the reference: what a compiled program gives, down to counts and faults, is what rbpf gives.

const assets = readAssets();
const vm = createVm(assets.wasm, compileProgram);
const BACKENDS = ['rbpf', 'compiled'] as const;
const I = (opcode: number, dst = 0, src = 0, off = 0, imm = 0): Instruction => ({ opcode, dst, src, off, imm, upper: null });
const load = (code: readonly Instruction[], functions: readonly number[] = [], into = vm) =>
  into.load(writeObject({ section: 'socket', license: 'GPL', instructions: encodeInstructions(code), functions: [0, ...functions].map((slot, index) => ({ name: index === 0 ? 'main' : `f${slot}`, slot })), maps: [], data: [], references: [] }), { seed: 1 });

function outcome<T>(body: () => T): T | { readonly message: string; readonly program: string | null; readonly instruction: number | null } {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    const { message, program, instruction } = error;
    return { message, program, instruction };
  }
}

const compile = vi.spyOn(ProgramCompiler.prototype, 'compile');
const compiled = () => compile.mock.results.map(({ value }) => value as number);
afterEach(() => {
  compile.mockClear();
});

describe('random programs', () => {
  test('give the same in both back ends: r0, registers, memory, counts, faults', () => {
    const ends = { value: 0, fuel: 0, memory: 0, depth: 0, other: 0 };
    fc.assert(
      fc.property(randomProgram, fc.uint8Array({ minLength: MEMORY, maxLength: MEMORY }), (program, memory) => {
        const [interpreted, other] = BACKENDS.map((backend) => outcome(() => vm.runMemory(program, memory, { backend, fuel: 5000 })));
        expect(other).toEqual(interpreted);
        const message = interpreted && 'message' in interpreted ? interpreted.message : null;
        ends[message === null ? 'value' : message.includes('had not ended') ? 'fuel' : message.includes('which is neither') ? 'memory' : message.includes('8 deep') ? 'depth' : 'other']++;
      }),
      { seed: 20261125, numRuns: 6000 },
    );
    // All of them were compiled, and they end in every way.
    expect(compiled()).not.toContain(0);
    expect(compiled()).toHaveLength(6000);
    for (const count of Object.values(ends)) expect(count).toBeGreaterThan(50);
  });
});

/** tc and XDP programs take frames; the socket programs an address, most of them a Service's. */
const PROGRAMS = Object.entries(assets.objects).flatMap(([object, bytes]) => vm.inspect(bytes).programs.map(({ name, type }) => ({ object, name, type })));

describe('the project’s programs over random clusters', () => {
  test.each(PROGRAMS)('$object: $name', ({ object, name, type }) => {
    for (let cluster = 1; cluster <= 4; cluster++) {
      const bytes = assets.objects[object] ?? new Uint8Array();
      const constants = { enable_events: Uint8Array.of(1), enable_policy: Uint8Array.of(cluster & 1), nat_ipv4_masquerade: Uint8Array.of(NODE >>> 24, (NODE >>> 16) & 255, (NODE >>> 8) & 255, NODE & 255), direct_routing_dev_ifindex: Uint8Array.of(1, 0, 0, 0) };
      const sides = BACKENDS.map((backend) => {
        const collection = vm.load(bytes, { seed: cluster, cpus: 2, constants, backend });
        return { collection, ends: fillCluster(collection, cluster), random: below(cluster) };
      });
      for (let run = 0; run < 120; run++) {
        const [interpreted, other] = sides.map(({ collection, ends, random }) => {
          const data = type === 'cgroup_sock_addr' ? socketAddress(ends.frontends[random(ends.frontends.length * 2)] ?? { address: NODE, port: 53, protocol: 17 }) : randomFrame(ends, random);
          return outcome(() => collection.run(name, { data, ifindex: 1 + random(20), mark: random(3), nowNs: 2_000_000_000n + BigInt(run) * 100_000_000n }));
        });
        expect(other).toEqual(interpreted);
      }
      const [interpreted, other] = sides.map(({ collection }) => ({ maps: mapsOf(collection), records: collection.spec.maps.filter((map) => /ringbuf|perf/.test(map.type)).map((map) => collection.takeRecords(map.name)) }));
      expect(other).toEqual(interpreted);
      for (const { collection } of sides) collection.free();
    }
    expect(compiled()).not.toContain(0);
    expect(compiled().length).toBeGreaterThanOrEqual(4);
  });
});

/** `struct bpf_sock_addr` of an IPv4 call. */
function socketAddress({ address, port, protocol }: { readonly address: number; readonly port: number; readonly protocol: number }): Uint8Array {
  const view = new DataView(new ArrayBuffer(72));
  view.setUint32(0, 2, true);
  view.setUint32(4, address);
  view.setUint16(24, port);
  view.setUint32(28, 2, true);
  view.setUint32(32, protocol === 17 ? 2 : 1, true);
  view.setUint32(36, protocol, true);
  return new Uint8Array(view.buffer);
}

/** What both back ends give for one program on one machine, so that addresses are the same. */
function both(collection: Collection, input: Partial<RunInput> = {}) {
  const [interpreted, other] = BACKENDS.map((backend) => {
    collection.setBackend(backend);
    collection.reseed(1);
    return outcome(() => collection.run('main', { data: new Uint8Array(64), ...input }));
  });
  expect(compiled()).toHaveLength(1);
  expect(compiled()).not.toContain(0);
  expect(other).toEqual(interpreted);
  collection.free();
  return interpreted;
}

describe('ways to end', () => {
  const CALL = (distance: number) => I(0x85, 0, 1, 0, distance);
  test.each([
    { name: 'functions eight deep', code: [I(0xb7, 1, 0, 0, 8), CALL(1), I(0x95), I(0xb7, 0, 0, 0, 1), I(0x17, 1, 0, 0, 1), I(0x15, 1, 0, 2), CALL(-4), I(0x07, 0, 0, 0, 1), I(0x95)], functions: [3], ends: { value: 8n } },
    { name: 'functions nine deep', code: [I(0xb7, 1, 0, 0, 9), CALL(1), I(0x95), I(0xb7, 0, 0, 0, 1), I(0x17, 1, 0, 0, 1), I(0x15, 1, 0, 2), CALL(-4), I(0x07, 0, 0, 0, 1), I(0x95)], functions: [3], ends: { message: 'Functions call one another more than 8 deep; Linux allows no more either.' } },
    { name: 'a store below the deepest frame', code: [CALL(1), I(0x95), I(0x7a, 10, 0, -513, 1), I(0xb7, 0), I(0x95)], functions: [2], ends: { value: 0n } },
    { name: 'a store far below the stack', code: [I(0x7a, 10, 0, -32000, 1), I(0xb7, 0), I(0x95)], ends: { instruction: 0, message: expect.stringMatching(/write 8 bytes at 0x/) as string } },
    { name: 'a read of the upper half of an address', code: [I(0x18, 1, 0, 0, -1), I(0x71, 0, 1, -8), I(0x95)].map((one, at) => (at === 0 ? { ...one, upper: -1 } : one)), ends: { instruction: 2, message: expect.stringContaining('read 1 bytes at 0xfffffff7') as string } },
    { name: 'a function’s r6 to r9 are its own, r0 to r5 are not', code: [I(0xb7, 6, 0, 0, 5), I(0xb7, 3, 0, 0, 1), CALL(3), I(0x0f, 0, 6), I(0x0f, 0, 3), I(0x95), I(0xb7, 0, 0, 0, 100), I(0xb7, 6, 0, 0, 70), I(0xb7, 3, 0, 0, 9), I(0x95)], functions: [6], ends: { value: 114n } },
    { name: 'a loop with two entries', code: [I(0xb7, 0), I(0x85, 0, 0, 0, 7), I(0x57, 0, 0, 0, 1), I(0xb7, 1), I(0x15, 0, 0, 1), I(0x07, 1, 0, 0, 1), I(0x07, 1, 0, 0, 2), I(0x25, 1, 0, 2, 40), I(0x45, 1, 0, -3, 1), I(0x05, 0, 0, -5), I(0xbf, 0, 1), I(0x95)], ends: { value: expect.any(BigInt) as bigint } },
    { name: 'an endless loop', code: [I(0xb7, 0), I(0x07, 0, 0, 0, 1), I(0x05, 0, 0, -2), I(0x95)], ends: { message: expect.stringContaining('had not ended') as string } },
    { name: 'a helper that is not there', code: [I(0x85, 0, 0, 0, 4000), I(0xb7, 0), I(0x95)], ends: { instruction: 0, message: expect.stringContaining('no such helper') as string } },
  ])('$name', ({ code, functions = [], ends }) => {
    expect(both(load(code, functions))).toMatchObject(ends);
  });
});

describe('large programs', () => {
  const BRANCHES = 3000;
  const SHARED = 150;
  /** Every branch goes to an addition of its own, the first to the last: blocks in blocks, thousands deep. */
  const ladder = [I(0xb7, 0), I(0xb7, 1, 0, 0, 5), ...Array.from({ length: BRANCHES }, (_, at) => I(0x15, 1, 0, 2 * (BRANCHES - 1 - at), at + 10)), ...Array.from({ length: BRANCHES }, () => I(0x07, 0, 0, 0, 1)), I(0x95)];
  /** Every function is a part of the one before: too much code, were each compiled with all that it reaches. */
  const shared = [...Array.from({ length: SHARED }, (_, at) => I(0x85, 0, 1, 0, SHARED - at + 5 * at)), I(0x95), ...Array.from({ length: SHARED }, () => [1, 2, 3, 4, 5].map((by) => I(0x07, 0, 0, 0, by))).flat(), I(0x95)];

  test.each([
    { name: 'a ladder of branches', code: ladder, isCompiled: true, ends: { r0: BigInt(BRANCHES), instructions: 2 + 2 * BRANCHES + 1 } },
    { name: 'functions in one another', code: shared, isCompiled: false, ends: { r0: BigInt((15 * SHARED * (SHARED + 1)) / 2) } },
  ])('$name', ({ code, isCompiled, ends }) => {
    const [interpreted, other] = BACKENDS.map((backend) => vm.runMemory(encodeInstructions(code), new Uint8Array(8), { backend }));
    expect(interpreted).toMatchObject(ends);
    expect(other).toEqual(interpreted);
    expect(compiled().map((index) => index > 0)).toEqual([isCompiled]);
  });
});

describe('when programs are compiled', () => {
  const loop = (turns: number, into = vm) => load([I(0xb7, 0), I(0xb7, 1, 0, 0, turns), I(0x0f, 0, 1), I(0x17, 1, 0, 0, 1), I(0x55, 1, 0, -3), I(0x95)], [], into);

  test('once interpreting took about as long as it takes', () => {
    const collection = loop(1000);
    const runs = Array.from({ length: 100 }, () => {
      const { value, instructions } = collection.run('main', { data: new Uint8Array(64) });
      return { value, instructions, compiled: compiled().length };
    });
    expect(new Set(runs.map(({ value, instructions }) => `${value} ${instructions}`))).toEqual(new Set(['500500 3003']));
    expect(runs[0]?.compiled).toBe(0);
    expect(runs.at(-1)?.compiled).toBe(1);
    collection.free();
  });

  test('in rbpf until the page has loaded what compiles', async () => {
    const collection = loop(1000, createVm(assets.wasm));
    collection.setBackend('compiled');
    const run = () => collection.run('main', { data: new Uint8Array(64) });
    const later = 2 ** 32 - 1;
    const first = run();
    expect(compiled()).toEqual([later]);
    await vi.waitFor(() => {
      expect(run()).toEqual(first);
      expect(compiled().at(-1)).not.toBe(later);
    });
    const tries = compiled().length;
    expect(compiled().at(-1)).toBeGreaterThan(0);
    expect(run()).toEqual(first);
    expect(compiled()).toHaveLength(tries);
    collection.free();
  });

  test('recorded steps stay in rbpf', () => {
    const collection = loop(20);
    collection.setBackend('compiled');
    expect(collection.run('main', { data: new Uint8Array(64), detail: 'steps' }).steps?.instruction).toHaveLength(63);
    expect(compiled()).toHaveLength(0);
    collection.free();
  });

  test('a place in the VM’s table is used again once its program is gone', () => {
    const sizes = Array.from({ length: 20 }, () => {
      const collection = loop(3);
      both(collection);
      compile.mockClear();
      return (functionTable() as WebAssembly.Table).length;
    });
    expect(new Set(sizes).size).toBe(1);
  });

  test('what the engine cannot compile runs in rbpf', () => {
    compile.mockReturnValueOnce(0);
    const collection = loop(1000);
    collection.setBackend('compiled');
    for (let run = 0; run < 3; run++) expect(collection.run('main', { data: new Uint8Array(64) })).toMatchObject({ value: 500_500n, instructions: 3003 });
    expect(compile).toHaveBeenCalledTimes(1);
    collection.free();
    // Index 0 stands for none, and was no place to give back.
    compile.mockClear();
    both(loop(3));
  });
});
