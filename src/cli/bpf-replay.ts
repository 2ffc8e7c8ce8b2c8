import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileProgram } from '../datapaths/ebpf/compile/compile-program.ts';
import { createVm } from '../datapaths/ebpf/rbpf-vm.ts';
import { BpfError, type Backend, type Collection, type Vm } from '../datapaths/ebpf/vm.ts';
import { FieldError, fields, list, parseJson, text, type Reader } from '../datapaths/json-fields.ts';
import { readAssets } from '../simulation/node-assets.ts';
import { BACKEND_USAGE, backendOf } from './backend-option.ts';
import { UsageError, type Command } from './command.ts';
import { formatHex, parseHex } from './hex.ts';
import { readInput, required } from './input.ts';
import { whyNoPacket } from './packet-programs.ts';

const WINDOW = 4096;
/** As on the machines that most recordings come from; programs run on the first one. */
const CPUS = '2';
/** What Linux loads ends, and takes its time: this is only for what has no end. */
const FUEL = 100_000_000;
/** A clock that has run for long, as Linux’s has: what counts from 0 is out of date. */
const STARTED_NS = 1_000_000_000_000n;
const BETWEEN_PACKETS_NS = 10_000n;

interface Case {
  readonly object: string;
  readonly program: string;
  readonly maps: readonly { readonly name: string; readonly key: Uint8Array; readonly value: Uint8Array }[];
  readonly packets: readonly Uint8Array[];
}

/** Map entries written, packets run in order over the same maps; verdicts, packets out and maps come back, a line a case. */
export const command: Command = {
  usage: [`--objects DIR --cases F.jsonl [--cpus N] ${BACKEND_USAGE}`],
  summary: 'Runs recorded packets through objects: verdicts, packets out, maps.',
  run(args, print) {
    const { values } = parseArgs({ args: [...args], options: { objects: { type: 'string' }, cases: { type: 'string' }, cpus: { type: 'string', default: CPUS }, backend: { type: 'string' } } });
    const folder = required(values.objects, 'objects');
    const cpus = Number(values.cpus);
    if (!Number.isInteger(cpus) || cpus < 1 || cpus > 256) throw new UsageError('--cpus is a whole number from 1 to 256.');
    const backend = backendOf(values.backend, 'tiered');
    const vm = createVm(readAssets().wasm, compileProgram);
    readInput(required(values.cases, 'cases')).split('\n').forEach((line, index) => {
      if (line.trim() !== '') print(JSON.stringify(replayLine(vm, folder, line, cpus, `line ${index + 1}`, backend)));
    });
  },
};

/** What is wrong with a case is its result, and the next one runs. `place`: `line 3`. */
export function replayLine(vm: Vm, folder: string, line: string, cpus: number, place: string, backend: Backend = 'tiered'): object {
  let object = '';
  let collection: Collection | null = null;
  try {
    const record = parseJson(line);
    if (typeof record === 'object' && record !== null && 'object' in record && typeof record.object === 'string') object = record.object;
    const { program, maps, packets } = readCase(record);
    collection = vm.load(new Uint8Array(readFileSync(join(folder, object))), { seed: 1, cpus, readers: false, backend });
    for (const { name, key, value } of maps) collection.updateAllCpus(name, key, value);
    collection.setFuel(FUEL);
    const loaded = collection;
    const spec = loaded.spec.programs.find(({ name }) => name === program);
    const refusal = spec ? whyNoPacket(spec.type, spec.section) : null;
    return { object, packets: packets.map((data, index) => refusal !== null ? { error: refusal } : runPacket(loaded, program, data, STARTED_NS + BigInt(index) * BETWEEN_PACKETS_NS)), maps: Object.fromEntries(collection.spec.maps.map(({ name }) => [name, dump(loaded, name)])) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof FieldError) return { object, error: `${place} of the cases: ${error.message}` };
    return { object, error: error instanceof BpfError && error.program !== null ? `${error.program}: ${error.message}` : error.message };
  } finally {
    collection?.free();
  }
}

/** Throws `FieldError` with the field's place. */
function readCase(value: unknown): Case {
  const record = fields(value, 'the case');
  const object = text(record['object'], 'object');
  if (object === '') throw new FieldError('object', 'Here the name of a file in the objects’ folder is expected.');
  return {
    object,
    program: text(record['program'], 'program'),
    maps: list(record['maps'] ?? [], 'maps', (entry, place) => {
      const { name, key, value: bytes } = fields(entry, place);
      return { name: text(name, `${place}.name`), key: hex(key, `${place}.key`), value: hex(bytes, `${place}.value`) };
    }),
    packets: list(record['packets'] ?? [], 'packets', (packet, place) => hex(fields(packet, place)['in'], `${place}.in`)),
  };
}

const hex: Reader<Uint8Array> = (value, place) => {
  const digits = text(value, place);
  try {
    return parseHex(digits, place);
  } catch (error) {
    throw error instanceof UsageError ? new FieldError('', error.message) : error;
  }
};

/** A test run's return value is unsigned; an error in one packet leaves the others to run. */
function runPacket(collection: Collection, program: string, data: Uint8Array, nowNs: bigint): object {
  try {
    const { returnValue, data: out } = collection.run(program, { data, nowNs });
    return { ret: returnValue >>> 0, out: formatHex(out) };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { error: error.instruction === null ? error.message : `instruction ${error.instruction}: ${error.message}` };
  }
}

/** Types whose elements are there only once somebody has put something in. */
const REFERENCES: ReadonlySet<string> = new Set(['prog_array', 'array_of_maps', 'hash_of_maps', 'devmap', 'devmap_hash', 'cpumap', 'xskmap', 'sockmap', 'sockhash', 'cgroup_array']);

/** All entries of a map; of a per-CPU map a list of values, one a CPU. */
function dump(collection: Collection, map: string): Record<string, string | string[]> {
  const { cpus, valueSize, type } = collection.info(map);
  const entries: Record<string, string | string[]> = {};
  for (let from = 0; ; from += WINDOW) {
    const rows = collection.entries(map, from, WINDOW);
    for (const { key, value } of rows) {
      if (REFERENCES.has(type) && value.every((byte) => byte === 0)) continue;
      const stride = Math.ceil(valueSize / 8) * 8;
      const perCpu = type.includes('percpu');
      entries[formatHex(key)] = perCpu ? Array.from({ length: cpus }, (_, cpu) => formatHex(value.subarray(cpu * stride, cpu * stride + valueSize))) : formatHex(value);
    }
    if (rows.length < WINDOW) return entries;
  }
}
