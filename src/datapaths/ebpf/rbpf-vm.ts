import { initSync, inspect, Loader, runMemory, type Collection as WasmCollection } from '../../../wasm/pkg/chain_vs_map_vm.js';
import type { InstructionRow, MapInfo, MapRow } from '../view.ts';
import { ProgramCompiler, type ModuleWriter } from './compile/compiler.ts';
import { unpackAccesses, unpackRecords, type AccessedMap } from './packed.ts';
import { fromVm, type VmMapInfo } from './vm-json.ts';
import { type Backend, type CheckResult, type Collection, type CollectionSpec, type LoadOptions, type MemoryOutput, type RunInput, type RunOutput, type Vm } from './vm.ts';

/**
 * rbpf in WebAssembly, and programs compiled to modules beside it. `wasm`: the bytes of
 * `wasm/pkg/chain_vs_map_vm_bg.wasm`; compiled once a page or process. Without `write` (`compileProgram`), programs run
 * in rbpf until that is loaded, which begins once one is worth it.
 */
export function createVm(wasm: Uint8Array<ArrayBuffer>, write: ModuleWriter | null = null): Vm {
  const compiler = new ProgramCompiler(initSync({ module: wasm }), write);
  return {
    inspect: (object) => fromVm.spec(attempt(() => inspect(object))),
    load: (object, options) => new WasmVmCollection(object, options, compiler),
    runMemory: (program, memory, { fuel = DEFAULT_FUEL, backend = 'rbpf' } = {}) => {
      const result = attempt(() => runMemory(program, memory, fuel, backend === 'compiled' ? compiler : null));
      const output: MemoryOutput = { r0: result.r0, instructions: result.instructions, memory: result.memory };
      result.free();
      return output;
    },
  };
}

const DEFAULT_FUEL = 10_000_000;
/**
 * A program is compiled once rbpf has run that many instructions for each slot that it has after its preparation: then
 * interpreting it took about as long as compiling it does, 8 µs a slot the first time and less than 2 later, against some
 * 15 ns an instruction. A single packet is never worth it.
 */
const WORTH_COMPILING = 256;

/** Errors cross the border as JSON text. */
function attempt<T>(body: () => T): T {
  try {
    return body();
  } catch (thrown) {
    if (typeof thrown !== 'string') throw thrown;
    throw fromVm.error(thrown);
  }
}

class WasmVmCollection implements Collection {
  readonly spec: CollectionSpec;
  readonly #wasm: WasmCollection;
  readonly #compiler: ProgramCompiler;
  /** Buckets never change, so accesses need not ask for them. */
  readonly #accessed = new Map<number, AccessedMap>();

  constructor(object: Uint8Array, { seed, cpus = 1, maxEntries = {}, constants = {}, readers = true, backend = 'tiered' }: LoadOptions, compiler: ProgramCompiler) {
    const loader = new Loader(object, seed, cpus);
    if (!readers) loader.withoutReaders();
    for (const [name, entries] of Object.entries(maxEntries)) loader.setMaxEntries(name, entries);
    for (const [name, value] of Object.entries(constants)) loader.setConstant(name, value);
    try {
      this.#wasm = attempt(() => loader.load());
    } finally {
      loader.free();
    }
    this.spec = fromVm.spec(this.#wasm.spec);
    this.#compiler = compiler;
    this.setBackend(backend);
  }

  run(program: string, { data, ifindex = 1, ingressIfindex = 0, mark = 0, nowNs = 0n, detail = 'counts' }: RunInput): RunOutput {
    const result = attempt(() => this.#wasm.run(program, data, ifindex, ingressIfindex, mark, nowNs, detail === 'steps'));
    try {
      const value = result.value;
      const redirectBy = result.redirectBy;
      return {
        value,
        returnValue: Number(BigInt.asIntN(32, value)),
        data: result.data,
        mark: result.mark,
        redirect: redirectBy === undefined ? null : { ifindex: result.redirectIfindex ?? 0, by: redirectBy as NonNullable<RunOutput['redirect']>['by'] },
        instructions: result.instructions,
        helperCalls: fromVm.helperCalls(result.helperCalls),
        accesses: unpackAccesses(result.accesses, (index) => this.#mapOf(index)),
        steps: detail === 'steps' ? { instruction: result.stepInstructions, registers: result.stepRegisters, programs: this.#programsOf(result.stepPrograms) } : null,
        printed: result.printed,
      };
    } finally {
      result.free();
    }
  }

  #programsOf(pairs: Uint32Array): { readonly step: number; readonly program: string }[] {
    return Array.from({ length: pairs.length / 2 }, (_, index) => ({ step: pairs[2 * index] ?? 0, program: this.spec.programs[pairs[2 * index + 1] ?? 0]?.name ?? '' }));
  }

  #mapOf(index: number): AccessedMap {
    const known = this.#accessed.get(index);
    if (known) return known;
    const name = this.spec.maps[index]?.name ?? `map ${index}`;
    const map = { name, buckets: this.spec.maps[index] ? this.info(name).buckets : 0 };
    this.#accessed.set(index, map);
    return map;
  }

  check(program: string): CheckResult {
    return fromVm.check(attempt(() => this.#wasm.check(program)));
  }

  disassemble(program: string): readonly InstructionRow[] {
    return fromVm.instructions(attempt(() => this.#wasm.disassemble(program)));
  }

  lookup(map: string, key: Uint8Array): Uint8Array | null {
    return attempt(() => this.#wasm.lookup(map, key)) ?? null;
  }

  update(map: string, key: Uint8Array, value: Uint8Array): boolean {
    return attempt(() => this.#wasm.update(map, key, value));
  }

  updateAllCpus(map: string, key: Uint8Array, value: Uint8Array): boolean {
    return attempt(() => this.#wasm.updateAllCpus(map, key, value));
  }

  createInner(outer: string, key: Uint8Array): string {
    const name = attempt(() => this.#wasm.createInner(outer, key));
    // Named after its place among the collection's maps: accesses say that number.
    this.#accessed.set(Number(name.slice(name.lastIndexOf('/') + 1)), { name, buckets: this.info(name).buckets });
    return name;
  }

  delete(map: string, key: Uint8Array): boolean {
    return attempt(() => this.#wasm.delete(map, key));
  }

  bucket(map: string, key: Uint8Array): number | null {
    return attempt(() => this.#wasm.bucket(map, key)) ?? null;
  }

  entries(map: string, from: number, count: number): readonly Omit<MapRow, 'keyText' | 'valueText'>[] {
    const { keySize, userValueSize } = this.#info(map);
    const bytes = attempt(() => this.#wasm.entries(map, from, count));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const rows: Omit<MapRow, 'keyText' | 'valueText'>[] = [];
    const size = 4 + keySize + userValueSize;
    for (let at = 0; at + size <= bytes.length; at += size) {
      rows.push({ bucket: view.getUint32(at, true), key: bytes.slice(at + 4, at + 4 + keySize), value: bytes.slice(at + 4 + keySize, at + size) });
    }
    return rows;
  }

  clear(map: string): void {
    attempt(() => {
      this.#wasm.clear(map);
    });
  }

  info(map: string): MapInfo {
    const { name, type, keySize, valueSize, maxEntries, entries, buckets, cpus } = this.#info(map);
    return { name, type, keySize, valueSize, maxEntries, entries, buckets, cpus };
  }

  #info(map: string): VmMapInfo {
    return fromVm.mapInfo(attempt(() => this.#wasm.info(map)));
  }

  takeRecords(map: string): Uint8Array[] {
    return unpackRecords(attempt(() => this.#wasm.takeRecords(map)));
  }

  setFuel(instructions: number): void {
    this.#wasm.setFuel(instructions);
  }

  setCounts(counts: boolean): void {
    this.#wasm.setCounts(counts);
  }

  setBackend(backend: Backend): void {
    this.#wasm.setCompiler(backend === 'rbpf' ? null : this.#compiler, backend === 'compiled' ? 0 : WORTH_COMPILING);
  }

  reseed(seed: number): void {
    this.#wasm.reseed(seed);
  }

  free(): void {
    this.#wasm.free();
  }
}
