import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { Collection } from '../../src/datapaths/ebpf/vm.ts';
import { shell } from '../shell.ts';

/** linux/bpf.h, `enum bpf_prog_type`: those that a test run takes with a packet. */
export const PROGRAM_TYPES: Readonly<Record<string, number>> = { socket_filter: 1, sched_cls: 3, sched_act: 4, xdp: 6, cgroup_skb: 8, lwt_in: 10, lwt_out: 11, lwt_xmit: 12 };
const OUTER: ReadonlySet<string> = new Set(['array_of_maps', 'hash_of_maps']);
/** What a dump shows; a perf event array, a ring or a program array has nothing that could be compared. */
const SHOWN: ReadonlySet<string> = new Set(['hash', 'array', 'lru_hash', 'percpu_hash', 'percpu_array', 'lru_percpu_hash', 'lpm_trie']);
const WINDOW = 4096;

export type Answer = { readonly ret: number; readonly out: string } | { readonly refused: string };
/** By map and key; a per-CPU map's values stand one behind the other. */
export type Maps = ReadonlyMap<string, ReadonlyMap<string, string>>;
export interface Outcome {
  readonly answers: readonly Answer[];
  readonly maps: Maps;
}

const hex = (bytes: Uint8Array) => (bytes.length === 0 ? '-' : Buffer.from(bytes).toString('hex'));

/** CPUs that a per-CPU map has values for. */
export function possibleCpus(): number {
  const last = /(\d+)\s*$/.exec(readFileSync('/sys/devices/system/cpu/possible', 'utf8'))?.[1];
  return Number(last ?? 0) + 1;
}

/** Compiles the runner. Throws `LabError`. */
export function buildRunner(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const runner = join(folder, 'bpf-runner');
  shell('cc', ['-O1', '-o', runner, join(import.meta.dirname, 'runner.c'), join(import.meta.dirname, 'object.c'), '-lbpf']);
  return runner;
}

/** All entries of the collection's maps, as the runner's lines. Inner maps are those that outer maps' elements name. */
export function entryLines(collection: Collection): string[] {
  const lines: string[] = [];
  for (const { name, type } of collection.spec.maps) {
    if (name.startsWith('.') || !(SHOWN.has(type) || OUTER.has(type))) continue;
    for (const { key, value } of allEntries(collection, name)) {
      if (!OUTER.has(type)) {
        if (value.some((byte) => byte !== 0) || type.includes('hash') || type === 'lpm_trie') lines.push(`put ${name} ${hex(key)} ${hex(value)}`);
        continue;
      }
      const id = new DataView(value.buffer, value.byteOffset).getUint32(0, true) - 1;
      // Those that the object itself declares are there already.
      if (id < collection.spec.maps.length) continue;
      lines.push(`inner ${name} ${id}`);
      for (const entry of allEntries(collection, `${name}/${id}`)) lines.push(`put #${id} ${hex(entry.key)} ${hex(entry.value)}`);
      lines.push(`link ${name} ${hex(key)} ${id}`);
    }
  }
  return lines;
}

function allEntries(collection: Collection, map: string): { readonly key: Uint8Array; readonly value: Uint8Array }[] {
  const all: { readonly key: Uint8Array; readonly value: Uint8Array }[] = [];
  for (let from = 0; ; from += WINDOW) {
    const rows = collection.entries(map, from, WINDOW);
    all.push(...rows);
    if (rows.length < WINDOW) return all;
  }
}

/** Runs the packets in the kernel, over maps filled by `lines`. `object`: the file's bytes. Throws `LabError`. */
export function runInKernel(runner: string, folder: string, object: Uint8Array, collection: Collection, lines: readonly string[], program: string, packets: readonly Uint8Array[]): Outcome {
  const file = join(folder, 'object.o');
  writeFileSync(file, object);
  const types = collection.spec.programs.flatMap(({ name, type }) => (PROGRAM_TYPES[type] === undefined ? [] : [`type ${name} ${PROGRAM_TYPES[type]}`]));
  const input = [...types, 'load', ...lines, ...packets.map((packet) => `run ${program} ${hex(packet)}`), 'dump', ''].join('\n');
  const said = shell(runner, [file], { input, timeoutMs: 120_000 }).split('\n');
  const answers = said.flatMap((line): Answer[] => {
    const [word, first = '', second = ''] = line.split(' ');
    return word === 'ret' ? [{ ret: Number(first), out: second === '-' ? '' : second }] : word === 'refused' ? [{ refused: first }] : [];
  });
  return { answers, maps: readMaps(said) };
}

/** What `dump` said. */
export function readMaps(lines: readonly string[]): Maps {
  const maps = new Map<string, Map<string, string>>();
  for (const line of lines) {
    const [word, map = '', key = '', value = ''] = line.split(' ');
    if (word === 'map') maps.set(map, (maps.get(map) ?? new Map<string, string>()).set(key, value));
  }
  return maps;
}

/** The same in the VM. */
export function runInVm(collection: Collection, program: string, packets: readonly Uint8Array[]): Outcome {
  const answers = packets.map((data): Answer => {
    try {
      const { returnValue, data: out } = collection.run(program, { data });
      return { ret: returnValue >>> 0, out: Buffer.from(out).toString('hex') };
    } catch (error) {
      return { refused: error instanceof Error ? error.message : String(error) };
    }
  });
  return { answers, maps: mapsOf(collection) };
}

/** All entries of the collection's maps whose values are bytes. */
export function mapsOf(collection: Collection): Maps {
  const maps = new Map<string, Map<string, string>>();
  for (const { name, type } of collection.spec.maps) {
    if (!SHOWN.has(type)) continue;
    const entries = new Map(allEntries(collection, name).map(({ key, value }) => [hex(key), hex(value)]));
    if (entries.size > 0) maps.set(name, entries);
  }
  return maps;
}

/** Where the two differ first, or null. */
export function difference(kernel: Outcome, vm: Outcome, declared: readonly string[], packets: readonly Uint8Array[]): string | null {
  for (const [index, packet] of packets.entries()) {
    const [theirs, ours] = [kernel.answers[index], vm.answers[index]];
    if (theirs && ours && 'refused' in theirs && 'refused' in ours) continue;
    if (JSON.stringify(theirs) !== JSON.stringify(ours)) return `packet ${index} (${hex(packet).slice(0, 200)}): the kernel answers ${JSON.stringify(theirs)?.slice(0, 300)}, the VM ${JSON.stringify(ours)?.slice(0, 300)}`;
  }
  return mapDifference(kernel.maps, vm.maps, declared);
}

/** The first entry that the two have not alike, or null. */
export function mapDifference(kernel: Maps, vm: Maps, declared: readonly string[]): string | null {
  // libbpf makes maps that cilium/ebpf, and so the VM, leaves out: a kernel’s settings, sections that nothing names.
  for (const name of declared) {
    const [theirs, ours] = [kernel.get(name) ?? new Map<string, string>(), vm.get(name) ?? new Map<string, string>()];
    for (const key of new Set([...theirs.keys(), ...ours.keys()])) {
      if (theirs.get(key) !== ours.get(key)) return `map ${name}, key ${key}: the kernel holds ${theirs.get(key) ?? 'nothing'}, the VM ${ours.get(key) ?? 'nothing'}`;
    }
  }
  return null;
}
