import { initSync, MemoryProgram, runRaw } from '../../../wasm/pkg/chain_vs_map_vm.js';
import { ALGORITHM, backendId, backendValue, endpointKey, endpointValue, MAP, reverseNatKey, reverseNatValue, serviceKey, serviceValue, slotValue } from '../../datapaths/ebpf/agent/layout.ts';
import { MapSink } from '../../datapaths/ebpf/agent/map-sink.ts';
import { compileProgram } from '../../datapaths/ebpf/compile/compile-program.ts';
import { ProgramCompiler } from '../../datapaths/ebpf/compile/compiler.ts';
import { createVm } from '../../datapaths/ebpf/rbpf-vm.ts';
import type { Collection } from '../../datapaths/ebpf/vm.ts';
import { parseIpv4, type Ipv4 } from '../../packet/address.ts';
import { encodeFrame } from '../../packet/frame.ts';
import { TCP_FLAG } from '../../packet/packet.ts';
import { readAssets } from '../../simulation/node-assets.ts';
import { CommandError } from '../command.ts';
import { median } from './median.ts';

/** Many short turns: what else the machine does then falls on all settings alike. */
const ROUNDS = 201;
const PACKETS = 20;
const WARM_UP = 20;
/** Runs of a compiled loop in one turn: a single one takes about as long as the clock's step. */
const COMPILED_RUNS = 20;

/** One program in several settings, in turn, round by round: medians of the rounds' ratios, so that a slow moment falls on all. */
export interface VmRow {
  readonly program: string;
  readonly backend: 'rbpf' | 'compiled';
  /** Instructions of one run, as the VM counts them. */
  readonly instructions: number;
  /** Instructions a second; raw rbpf has no maps, so it runs the loops only. */
  readonly rawPerSecond: number | null;
  readonly countedPerSecond: number;
  /** Runs a second with counts on. */
  readonly runsPerSecond: number;
  /** The first run, with what prepares the program for it, before anything is warm. */
  readonly firstRunMs: number;
  /** How much longer the VM's counts make a run: 0.1 is a tenth. */
  readonly countingCost: number;
  /** Instructions/s with counts on, by raw rbpf's. */
  readonly againstRaw: number | null;
}

/** The speed of the VM's back ends with counts on, beside the same program uncounted and, where it can run it, rbpf alone. */
export function vmTimes(): readonly VmRow[] {
  const assets = readAssets();
  const vm = createVm(assets.wasm, compileProgram);
  const object = assets.objects['from_container'];
  if (!object) throw new CommandError('from_container.bpf.o is missing: npm run bpf');
  const compiler = new ProgramCompiler(initSync({ module: assets.wasm }), compileProgram);
  return [...loop('ALU loop', ALU_LOOP, new Uint8Array(0), compiler), ...loop('memory loop', MEMORY_LOOP, new Uint8Array(8), compiler), ...container(vm.load(object, { seed: 1 }))];
}

export function vmLines(rows: readonly VmRow[]): string[] {
  const million = (value: number) => `${(value / 1e6).toFixed(1)} M`;
  return rows.map(({ program, backend, instructions, rawPerSecond, countedPerSecond, runsPerSecond, firstRunMs, countingCost, againstRaw }) => {
    const raw = rawPerSecond === null || againstRaw === null ? `${Math.round(runsPerSecond)} packets/s` : `rbpf alone ${million(rawPerSecond)}: ratio ${againstRaw.toFixed(2)}`;
    return `VM, ${program} (${instructions} instructions) ${backend === 'rbpf' ? 'in rbpf' : 'compiled'}: ${million(countedPerSecond)} instructions/s counted, ${raw}; counting adds ${(countingCost * 100).toFixed(1)} %; first run ${firstRunMs.toFixed(1)} ms`;
  });
}

const instruction = (opcode: number, dst: number, src: number, off: number, imm: number) => [opcode, dst | (src << 4), off & 255, (off >> 8) & 255, imm & 255, (imm >> 8) & 255, (imm >> 16) & 255, (imm >> 24) & 255];
const TURNS = 20_000;

/** r0 += r1; r0 ^= r2; r1 -= 1; if r1 != 0 goto -4, as rbpf's own bytes. */
const ALU_LOOP = Uint8Array.from([
  ...instruction(0xb7, 0, 0, 0, 0),
  ...instruction(0xb7, 2, 0, 0, 7),
  ...instruction(0xb7, 1, 0, 0, TURNS),
  ...instruction(0x0f, 0, 1, 0, 0),
  ...instruction(0xaf, 0, 2, 0, 0),
  ...instruction(0x17, 1, 0, 0, 1),
  ...instruction(0x55, 1, 0, -4, 0),
  ...instruction(0x95, 0, 0, 0, 0),
]);

/** A number in memory, at r1, is counted up: read, one more, written, turn by turn. */
const MEMORY_LOOP = Uint8Array.from([
  ...instruction(0xb7, 0, 0, 0, 0),
  ...instruction(0xb7, 2, 0, 0, TURNS),
  ...instruction(0x79, 0, 1, 0, 0),
  ...instruction(0x07, 0, 0, 0, 1),
  ...instruction(0x7b, 1, 0, 0, 0),
  ...instruction(0x17, 2, 0, 0, 1),
  ...instruction(0x55, 2, 0, -5, 0),
  ...instruction(0x95, 0, 0, 0, 0),
]);

function loop(program: string, bytes: Uint8Array, memory: Uint8Array, compiler: ProgramCompiler): readonly VmRow[] {
  const prepared = (counts: boolean, withCompiler?: ProgramCompiler) => {
    const start = performance.now();
    const made = new MemoryProgram(bytes, memory, counts, withCompiler);
    made.run(1);
    return { made, firstRunMs: performance.now() - start };
  };
  const [{ made: counted, firstRunMs }, { made: bare }, { made: compiled, firstRunMs: firstCompiledMs }, { made: compiledBare }] = [prepared(true), prepared(false), prepared(true, compiler), prepared(false, compiler)];
  const times = inTurn({
    raw: { runs: 1, body: () => runRaw(bytes, memory, 1) },
    bare: { runs: 1, body: () => bare.run(1) },
    counted: { runs: 1, body: () => counted.run(1) },
    compiledBare: { runs: COMPILED_RUNS, body: () => compiledBare.run(COMPILED_RUNS) },
    compiled: { runs: COMPILED_RUNS, body: () => compiled.run(COMPILED_RUNS) },
  });
  const { instructions } = counted;
  if (compiled.instructions !== instructions) throw new CommandError(`${program}: the back ends count ${instructions} and ${compiled.instructions} instructions.`);
  for (const one of [counted, bare, compiled, compiledBare]) one.free();
  const row = (backend: VmRow['backend'], firstMs: number, mine: readonly number[], uncounted: readonly number[]): VmRow => ({
    program,
    backend,
    instructions,
    rawPerSecond: (instructions * 1000) / median(times.raw),
    countedPerSecond: (instructions * 1000) / median(mine),
    runsPerSecond: 1000 / median(mine),
    firstRunMs: firstMs,
    countingCost: ratio(mine, uncounted) - 1,
    againstRaw: ratio(times.raw, mine),
  });
  return [row('rbpf', firstRunMs, times.counted, times.bare), row('compiled', firstCompiledMs, times.compiled, times.compiledBare)];
}

/** A connection's packets to a Service: its entry is made by the first. */
function container(collection: Collection): readonly VmRow[] {
  fill(collection);
  const data = encodeFrame({ protocol: 'TCP', flags: TCP_FLAG.ACK, sequence: 1, acknowledgement: 1, source: ip('10.0.0.1'), destination: ip('10.96.0.10'), sourcePort: 40_000, destinationPort: 80, ttl: 64, length: 72 }, { source: mac(11), destination: mac(12) });
  const run = () => collection.run('cil_from_container', { data, ifindex: 11, ingressIfindex: 11, nowNs: 1_000_000_000_000n });
  const packets = (backend: VmRow['backend'], counts: boolean) => ({
    runs: PACKETS,
    body: () => {
      collection.setBackend(backend);
      collection.setCounts(counts);
      for (let packet = 0; packet < PACKETS; packet++) run();
    },
  });
  const first = (backend: VmRow['backend']) => {
    collection.setBackend(backend);
    const start = performance.now();
    run();
    return performance.now() - start;
  };
  const [firstRunMs, firstCompiledMs] = [first('rbpf'), first('compiled')];
  const { instructions, accesses, redirect } = run();
  if (redirect === null || accesses.length === 0) throw new CommandError('from_container forwards no packet of the benchmark.');
  const times = inTurn({ bare: packets('rbpf', false), counted: packets('rbpf', true), compiledBare: packets('compiled', false), compiled: packets('compiled', true) });
  collection.free();
  const row = (backend: VmRow['backend'], firstMs: number, mine: readonly number[], uncounted: readonly number[]): VmRow => ({
    program: `from_container, ${accesses.length} map accesses`,
    backend,
    instructions,
    rawPerSecond: null,
    countedPerSecond: (instructions * 1000) / median(mine),
    runsPerSecond: 1000 / median(mine),
    firstRunMs: firstMs,
    countingCost: ratio(mine, uncounted) - 1,
    againstRaw: null,
  });
  return [row('rbpf', firstRunMs, times.counted, times.bare), row('compiled', firstCompiledMs, times.compiled, times.compiledBare)];
}

function ip(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === undefined) throw new CommandError(`${text} is no address.`);
  return address;
}

const mac = (last: number) => Uint8Array.of(2, 0, 0, 0, 0, last);

function fill(collection: Collection): void {
  const sink = new MapSink(collection);
  const frontend = { address: ip('10.96.0.10'), port: 80, protocol: 6, scope: 0 };
  sink.write(MAP.backends, backendId(1), backendValue({ address: ip('10.0.1.1'), port: 8080, protocol: 6 }));
  sink.write(MAP.services, serviceKey(frontend, 1), slotValue(1, 1));
  sink.write(MAP.reverseNat, reverseNatKey(1), reverseNatValue(frontend));
  sink.write(MAP.services, serviceKey(frontend, 0), serviceValue(1, 1, { flags: 0, flags2: 0, affinitySeconds: 0, algorithm: ALGORITHM.random }));
  for (const [address, ifindex] of [['10.0.0.1', 11], ['10.0.1.1', 21]] as const) sink.write(MAP.endpoints, endpointKey(ip(address)), endpointValue(ifindex, mac(ifindex), mac(ifindex + 100), 0));
}

/** ms that one run of each takes, ROUNDS times in turn, after some to warm up. */
function inTurn<Name extends string>(bodies: Readonly<Record<Name, { readonly runs: number; readonly body: () => unknown }>>): Record<Name, number[]> {
  const times = {} as Record<Name, number[]>;
  const names = Object.keys(bodies) as Name[];
  for (const name of names) times[name] = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const name of names) {
      const { runs, body } = bodies[name];
      const start = performance.now();
      body();
      if (round >= 0) times[name].push((performance.now() - start) / runs);
    }
  }
  return times;
}

/** The median of a round's time by another's in the same round. */
function ratio(times: readonly number[], others: readonly number[]): number {
  return median(times.map((time, round) => time / (others[round] ?? Number.NaN)));
}
