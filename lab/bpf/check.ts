import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { compileProgram } from '../../src/datapaths/ebpf/compile/compile-program.ts';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import type { Collection } from '../../src/datapaths/ebpf/vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { LabCheck } from '../lab-check.ts';
import { hasCommand, LabError, shell } from '../shell.ts';
import { checkHooks, type HooksLab } from './check-hooks.ts';
import { checkSockets } from './check-sockets.ts';
import { buildHooks } from './hook-node.ts';
import { type Answer, buildRunner, difference, entryLines, possibleCpus, runInKernel, runInVm } from './kernel-run.ts';
import { withSameDice, withVariables } from './patch-object.ts';
import { below, fillCluster, NODE, randomFrame, type Below } from './random-cluster.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SAMPLES = join(ROOT, 'bpf-samples');
const SUITE = join(ROOT, 'tests', 'conformance', 'bpf');
/** Those whose programs take a packet in a test run. */
const SAMPLE_OBJECTS = ['from_container', 'to_container', 'xdp_node'];
const ALL_OBJECTS = [...SAMPLE_OBJECTS, 'connect4', 'node'];
/** Frames and calls on real hooks: each takes a moment. */
const HOOK_FRAMES = 600;
const SOCKET_CALLS = 250;
/** Long after the start; fits in 31 bits. */
const NOW_NS = 2_000_000_000;

export interface BpfCheckOptions {
  /** Random packets through the samples, shared out among their programs and clusters; 10,000 unless given. */
  readonly packets?: number;
  readonly seed?: number;
  readonly say?: (line: string) => void;
}

/**
 * The same objects with the same map entries and packets, in this machine's kernel and in the VM: verdicts, bytes out and
 * map contents; by `BPF_PROG_TEST_RUN`, and on real hooks in namespaces and a cgroup that are taken away again. Needs Linux
 * and root.
 */
export async function checkBpf({ packets = 10_000, seed = 1, say = () => undefined }: BpfCheckOptions = {}): Promise<LabCheck[]> {
  const missing = whatIsMissing();
  if (missing !== null) return [{ name: 'BPF objects in the kernel and in the VM', passed: null, detail: missing }];
  const folder = join(ROOT, '.cache', 'lab', 'bpf');
  mkdirSync(folder, { recursive: true });
  let runner: string;
  let hooks: string;
  try {
    runner = buildRunner(folder);
    hooks = buildHooks(folder);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return [{ name: 'BPF objects in the kernel and in the VM', passed: null, detail: `${error.message} The runner needs libbpf: apt-get install libbpf-dev gcc.` }];
  }
  const lab: Lab = { vm: createVm(readAssets().wasm, compileProgram), runner, hooks, folder, cpus: possibleCpus(), samples: SAMPLES };
  say('loading the project’s objects');
  const checks: LabCheck[] = [checkLoads(lab, seed)];
  if (checks[0]?.passed === null) return checks;
  for (const name of SAMPLE_OBJECTS) {
    say(`${name}.bpf.o over random clusters`);
    checks.push(checkSample(lab, name, Math.ceil(packets / SAMPLE_OBJECTS.length), seed));
  }
  say('node.bpf.o on tc and XDP hooks');
  checks.push(await checkHooks(lab, HOOK_FRAMES, seed));
  say('connect4.bpf.o on a cgroup’s hooks');
  checks.push(await checkSockets(lab, SOCKET_CALLS, seed));
  say('the recorded objects');
  checks.push(...checkSuite(lab));
  return checks;
}

interface Lab extends HooksLab {
  readonly runner: string;
}

/** Every object of the project's, its maps filled by the agents: does this kernel's verifier take it? */
function checkLoads(lab: Lab, seed: number): LabCheck {
  const name = `the project’s objects load in Linux ${release()}`;
  const told: string[] = [];
  for (const file of ALL_OBJECTS) {
    const object = new Uint8Array(readFileSync(join(SAMPLES, `${file}.bpf.o`)));
    const collection = lab.vm.load(object, { seed: 1, cpus: lab.cpus, readers: false });
    try {
      fillCluster(collection, seed);
      const lines = entryLines(collection);
      const { programs } = collection.spec;
      const path = join(lab.folder, 'loads.o');
      writeFileSync(path, object);
      shell(lab.runner, [path], { input: [...programs.map((program) => `use ${program.name}`), 'load', ...lines, ''].join('\n') });
      told.push(`${file} (${programs.length} program${programs.length === 1 ? '' : 's'}, ${lines.filter((line) => line.startsWith('put')).length} entries)`);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      // A container's root may not be let: that is nothing about the object.
      return { name, passed: error.message.includes('Operation not permitted') ? null : false, detail: `${file}.bpf.o: ${error.message}` };
    } finally {
      collection.free();
    }
  }
  return { name, passed: true, detail: `the verifier takes them, their maps take the agent’s entries: ${told.join(', ')}.` };
}

function whatIsMissing(): string | null {
  if (process.platform !== 'linux') return `This is ${process.platform}, not Linux: there is no kernel here to compare with.`;
  if (process.getuid?.() !== 0) return 'Loading BPF programs needs root: run it with sudo.';
  const absent = ['cc', 'ip', 'nsenter'].filter((command) => !hasCommand(command));
  if (absent.length > 0) return `${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} not installed (apt-get install gcc libbpf-dev iproute2 util-linux).`;
  return null;
}

/** Packets of one cluster: enough for connections to be found again. */
const BATCH = 250;

function checkSample(lab: Lab, name: string, packets: number, seed: number): LabCheck {
  const file = join(SAMPLES, `${name}.bpf.o`);
  let done = 0;
  const verdicts = new Map<string, number>();
  for (let cluster = 0; done < packets; cluster++) {
    const random = below(seed * 1000 + cluster);
    const object = withSameDice(withVariables(new Uint8Array(readFileSync(file)), settings(random)), NOW_NS, random(2 ** 31));
    // Both back ends have to do as Linux does.
    const collection = lab.vm.load(object, { seed: 1, cpus: lab.cpus, readers: false, backend: cluster % 2 === 0 ? 'rbpf' : 'compiled' });
    try {
      const program = collection.spec.programs[0]?.name ?? '';
      const ends = fillCluster(collection, seed * 1000 + cluster);
      const frames = Array.from({ length: Math.min(BATCH, packets - done) }, () => randomFrame(ends, random));
      const count = (answer: Answer) => {
        const verdict = 'ret' in answer ? String(answer.ret) : 'refused';
        verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      };
      const wrong = compare(lab, object, collection, entryLines(collection), program, frames, count);
      if (wrong !== null) return { name: `${name}.bpf.o in test runs`, passed: false, detail: `cluster ${seed * 1000 + cluster}: ${wrong}` };
      done += frames.length;
    } finally {
      collection.free();
    }
  }
  return { name: `${name}.bpf.o in test runs`, passed: true, detail: `${done} random packets over ${Math.ceil(done / BATCH)} random clusters, in rbpf and compiled by turns: verdicts (${[...verdicts].sort().map(([verdict, times]) => `${times} × ${verdict}`).join(', ')}), bytes and maps agree.` };
}

/** What the agent would set in the object before it loads it. */
function settings(random: Below): Record<string, Uint8Array> {
  const bigEndian = Uint8Array.of(NODE >>> 24, (NODE >>> 16) & 255, (NODE >>> 8) & 255, NODE & 255);
  return { enable_events: Uint8Array.of(1), enable_policy: Uint8Array.of(random(2)), nat_ipv4_masquerade: bigEndian, direct_routing_dev_ifindex: Uint8Array.of(1, 0, 0, 0) };
}

/** Null: no difference. */
function compare(lab: Lab, object: Uint8Array, collection: Collection, lines: readonly string[], program: string, packets: readonly Uint8Array[], count: (answer: Answer) => void = () => undefined): string | null {
  try {
    const kernel = runInKernel(lab.runner, lab.folder, object, collection, lines, program, packets);
    kernel.answers.forEach(count);
    return difference(kernel, runInVm(collection, program, packets), collection.spec.maps.map((map) => map.name), packets);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return error.message;
  }
}

interface Case {
  readonly object: string;
  readonly program: string;
  readonly maps: readonly { readonly name: string; readonly key: string; readonly value: string }[];
  readonly packets: readonly { readonly in: string }[];
}

/** The recorded cases once more, in this kernel. */
function checkSuite(lab: Lab): LabCheck[] {
  const cases = readFileSync(join(SUITE, 'cases.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Case);
  return cases.map((record): LabCheck => {
    const name = `${record.object}: ${record.program}`;
    // libbpf reads no `struct bpf_map_def` since its version 1.
    if (record.object.startsWith('legacy_maps')) return { name, passed: null, detail: 'libbpf, which the lab loads objects with, no longer reads maps declared with struct bpf_map_def.' };
    const object = new Uint8Array(readFileSync(join(SUITE, 'objects', record.object)));
    const collection = lab.vm.load(object, { seed: 1, cpus: lab.cpus, readers: false });
    try {
      const lines = record.maps.map(({ name: map, key, value }) => {
        const { type, valueSize } = collection.info(map);
        const padded = type.includes('percpu') ? value.padEnd(Math.ceil(valueSize / 8) * 16, '0').repeat(lab.cpus) : value;
        return `put ${map} ${key === '' ? '-' : key} ${padded}`;
      });
      for (const { name: map, key, value } of record.maps) collection.updateAllCpus(map, Buffer.from(key, 'hex'), Buffer.from(value, 'hex'));
      const packets = record.packets.map(({ in: bytes }) => new Uint8Array(Buffer.from(bytes, 'hex')));
      const wrong = compare(lab, object, collection, lines, record.program, packets);
      return { name, passed: wrong === null, detail: wrong ?? `${packets.length} packets agree.`, quiet: true };
    } finally {
      collection.free();
    }
  });
}

