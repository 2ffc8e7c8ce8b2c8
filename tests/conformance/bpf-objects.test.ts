import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { replayLine } from '../../src/cli/bpf-replay.ts';
import { compileProgram } from '../../src/datapaths/ebpf/compile/compile-program.ts';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { BpfError, type CollectionSpec, type MapSpec, type ProgramSpec } from '../../src/datapaths/ebpf/vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

interface Named {
  readonly name: string;
}
/** Or cilium/ebpf cannot read it either: clang 22 makes jump tables for `-mcpu=v4`. */
type Spec = { readonly object: string } & ({ readonly programs: readonly Named[]; readonly maps: readonly Named[] } | { readonly error: string });
interface Case {
  readonly object: string;
  readonly program: string;
}
type Answer = { readonly ret: number; readonly out: string } | { readonly error: string };
interface Outcome {
  readonly object: string;
  readonly packets: readonly Answer[];
  readonly maps: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

const suite = new URL('bpf/', import.meta.url);
const objects = fileURLToPath(new URL('objects/', suite));
const lines = <T>(file: string) => readFileSync(new URL(file, suite), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as T);
const bytes = (object: string) => new Uint8Array(readFileSync(objects + object));
const vm = createVm(readAssets().wasm, compileProgram);
/** As many as the machine had that the answers were recorded on. */
const CPUS = 2;

const specs = lines<Spec>('specs.jsonl');
const cases = lines<Case>('cases.jsonl');
const outcomes = lines<Outcome>('kernel.jsonl');

describe('objects read as cilium/ebpf reads them', () => {
  const byName = <T extends Named>(list: readonly T[]) => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
  const program = ({ name, section, type, license, instructions }: ProgramSpec) => ({ name, section, type, license, instructions });
  const map = ({ name, type, keySize, valueSize, maxEntries, flags }: MapSpec) => ({ name, type, keySize, valueSize, maxEntries, flags });

  test('every object has its spec', () => {
    expect(specs.map(({ object }) => object).sort()).toEqual(readdirSync(objects).sort());
  });

  test.each(specs.map((spec) => [spec.object, spec] as const))('%s', (object, spec) => {
    if ('error' in spec) {
      expect(() => vm.inspect(bytes(object))).toThrow(BpfError);
      return;
    }
    const read: CollectionSpec = vm.inspect(bytes(object));
    expect(byName(read.programs.map(program))).toEqual(byName(spec.programs));
    expect(byName(read.maps.map(map))).toEqual(byName(spec.maps));
  });
});

describe('objects run as Linux runs them', () => {
  test('every case has its outcome', () => {
    expect(cases.length).toBeGreaterThan(80);
    expect(outcomes.map(({ object }) => object)).toEqual(cases.map(({ object }) => object));
  });

  /** The VM says more than the kernel's number about what it refuses. */
  const plain = (answers: readonly Answer[]) => answers.map((answer) => ('error' in answer ? 'refused' : answer));

  describe.each(['rbpf', 'compiled'] as const)('in the back end %s', (backend) => {
    test.each(cases.map((record, index) => [record.object, record.program, index] as const))('%s: %s', (_, __, index) => {
      const expected = outcomes[index];
      const actual = replayLine(vm, objects, JSON.stringify(cases[index]), CPUS, `line ${index + 1}`, backend) as Outcome;
      expect(plain(actual.packets)).toEqual(plain(expected?.packets ?? []));
      for (const [name, entries] of Object.entries(expected?.maps ?? {})) expect(actual.maps[name], name).toEqual(entries);
    });
  });
});
