import type { DatapathAssets } from '../../datapaths/assets.ts';
import { BpfError, createVm, keyText, objectConstants, START_NS, valueText, type CheckResult, type Collection, type MapSpec, type ProgramSpec, type RunAccess, type Vm } from '../../datapaths/ebpf/index.ts';
import type { MapInfo } from '../../datapaths/view.ts';
import type { BpfFault, MapWindow, ObjectSource, OpenedObject, OpenedProgram, Outcome, ProgramInput, ProgramRun } from './api.ts';
import { exampleInput } from './example-input.ts';
import { fillMaps } from './fill-maps.ts';

/** Every step is kept with its registers, 92 bytes each: so many are enough to look at. */
const MOST_STEPS = 200_000;
const ROWS = 1000;
/** Entries that are gone through in search of one. */
const MOST_SEARCHED = 200_000;
/** How much later each further run is. */
const BETWEEN_RUNS_NS = 1_000_000n;
/** What a ring hands over at once. */
const MOST_RECORDS = 1000;

interface Loaded {
  readonly bytes: Uint8Array;
  readonly constants: NonNullable<ObjectSource['constants']>;
  readonly spec: OpenedObject['spec'];
  readonly collection: Collection | null;
  readonly opened: OpenedObject;
}

/** The VM with one object in it, loaded, checked and run. Faults of a person's own object are values. */
export class Programs {
  readonly #vm: Vm;
  readonly #objects: DatapathAssets['objects'];
  readonly #seed: number;
  /** Maps as the project's own objects lay them out: their entries can be said in words, and filled. */
  readonly #known = new Map<string, MapSpec>();
  #loaded: Loaded | null = null;
  /** What the checker said, by program: it may follow a million instructions. */
  readonly #checks = new Map<string, CheckResult>();
  #now = START_NS;

  constructor({ wasm, objects }: DatapathAssets, seed: number) {
    this.#vm = createVm(wasm);
    this.#objects = objects;
    this.#seed = seed;
    for (const object of Object.values(objects)) for (const map of this.#vm.inspect(object).maps) this.#known.set(map.name, map);
  }

  samples(): readonly string[] {
    return Object.keys(this.#objects);
  }

  open(source: ObjectSource): Outcome<OpenedObject> {
    const bytes = source.kind === 'bytes' ? source.bytes : this.#objects[source.name];
    if (!bytes) return { fault: { message: `There is no object ${source.kind === 'sample' ? source.name : ''} here.`, program: null, instruction: null } };
    return this.#open(bytes, source.constants ?? {});
  }

  reset(): Outcome<OpenedObject> {
    const { bytes, constants } = this.#one();
    return this.#open(bytes, constants);
  }

  #open(bytes: Uint8Array, rewritten: Loaded['constants']): Outcome<OpenedObject> {
    return attempt(() => {
      const spec = this.#vm.inspect(bytes);
      const constants = objectConstants(bytes);
      this.#loaded?.collection?.free();
      this.#loaded = null;
      this.#checks.clear();
      this.#now = START_NS;
      try {
        const collection = this.#vm.load(bytes, { seed: this.#seed, constants: rewritten });
        collection.setFuel(MOST_STEPS);
        const filled = fillMaps(collection, this.#takes(spec.maps));
        const opened: OpenedObject = { spec, fault: null, maps: spec.maps.map(({ name }) => collection.info(name)), constants, filled };
        this.#loaded = { bytes, constants: rewritten, spec, collection, opened };
        return opened;
      } catch (error) {
        const opened: OpenedObject = { spec, fault: faultOf(error), maps: [], constants, filled: [] };
        this.#loaded = { bytes, constants: rewritten, spec, collection: null, opened };
        return opened;
      }
    });
  }

  program(name: string): Outcome<OpenedProgram> {
    return attempt(() => {
      const program = this.#program(name);
      const collection = this.#collection();
      const rows = collection.disassemble(name);
      const example = exampleInput(program.type, this.#seed);
      const checked = attempt(() => this.#check(collection, name));
      return 'value' in checked ? { rows, example, check: checked.value, fault: null } : { rows, example, check: null, fault: checked.fault };
    });
  }

  run(name: string, input: ProgramInput): Outcome<ProgramRun> {
    return attempt(() => {
      this.#program(name);
      const collection = this.#collection();
      const { refusal } = this.#check(collection, name);
      if (refusal) throw new BpfError(refusal.message, name, refusal.instruction);
      const nowNs = this.#now;
      this.#now += BETWEEN_RUNS_NS;
      const { steps, accesses, ...output } = collection.run(name, { ...input, nowNs, detail: 'steps' });
      const records = this.#one().spec.maps.flatMap((map) => (RECORDS.has(map.type) ? collection.takeRecords(map.name).slice(0, MOST_RECORDS).map((bytes) => ({ map: map.name, bytes })) : []));
      const ran = steps ?? { instruction: new Int32Array(), registers: new BigUint64Array(), programs: [] };
      const listings = Object.fromEntries(ran.programs.map(({ program }) => [program, collection.disassemble(program)]));
      return { ...output, input, steps: ran, listings, accesses: accesses.map((access) => this.#said(access)), records };
    });
  }

  maps(): readonly MapInfo[] {
    const { spec, collection } = this.#one();
    return collection ? spec.maps.map(({ name }) => collection.info(name)) : [];
  }

  map(name: string, from: number, count: number): Outcome<MapWindow> {
    return attempt(() => {
      const collection = this.#collection();
      const rows = collection.entries(name, from, Math.min(count, ROWS));
      return { map: collection.info(name), rows: rows.map((row) => ({ ...row, ...this.#words(name, row.key, row.value) })) };
    });
  }

  find(map: string, key: Uint8Array): number | null {
    const collection = this.#collection();
    const wanted = String(key);
    const { entries } = collection.info(map);
    for (let from = 0; from < Math.min(entries, MOST_SEARCHED); from += ROWS) {
      const at = collection.entries(map, from, ROWS).findIndex((row) => String(row.key) === wanted);
      if (at >= 0) return from + at;
    }
    return null;
  }

  bytesOf(map: string): Uint8Array | null {
    const { spec, collection } = this.#one();
    const found = spec.maps.find(({ name, type }) => name === map && type === 'array' && map.startsWith('.'));
    return found && collection ? collection.lookup(map, new Uint8Array(found.keySize)) : null;
  }

  put(map: string, key: Uint8Array, value: Uint8Array): Outcome<boolean> {
    return attempt(() => {
      const collection = this.#collection();
      const { cpus, valueSize } = collection.info(map);
      return cpus > 1 && value.length === valueSize ? collection.updateAllCpus(map, key, value) : collection.update(map, key, value);
    });
  }

  remove(map: string, key: Uint8Array): Outcome<boolean> {
    return attempt(() => this.#collection().delete(map, key));
  }

  clear(map: string): Outcome<null> {
    return attempt(() => {
      this.#collection().clear(map);
      return null;
    });
  }

  #one(): Loaded {
    if (!this.#loaded) throw new BpfError('No object is open yet.');
    return this.#loaded;
  }

  #collection(): Collection {
    const { collection, opened } = this.#one();
    if (!collection) throw new BpfError(opened.fault?.message ?? '', opened.fault?.program ?? null, opened.fault?.instruction ?? null);
    return collection;
  }

  #program(name: string): ProgramSpec {
    const { programs } = this.#one().spec;
    const program = programs.find((one) => one.name === name);
    if (!program) throw new BpfError(`The object holds no program ${name}.`);
    return program;
  }

  #check(collection: Collection, name: string): CheckResult {
    const known = this.#checks.get(name);
    if (known) return known;
    const result = collection.check(name);
    this.#checks.set(name, result);
    return result;
  }

  #takes(maps: readonly MapSpec[]): ReadonlySet<string> {
    return new Set(maps.filter((map) => this.#isKnown(map)).map(({ name }) => name));
  }

  #isKnown({ name, keySize, valueSize }: Pick<MapSpec, 'name' | 'keySize' | 'valueSize'>): boolean {
    const known = this.#known.get(name);
    return known?.keySize === keySize && known.valueSize === valueSize;
  }

  #said(access: RunAccess): ProgramRun['accesses'][number] {
    return { ...access, ...this.#words(access.map, access.key, access.value) };
  }

  /** Maps of the project's own layout in the field's words, others byte by byte. */
  #words(map: string, key: Uint8Array, value: Uint8Array | null): { readonly keyText: string; readonly valueText: string } {
    const spec = this.#one().spec.maps.find(({ name }) => name === map);
    const name = spec && this.#isKnown(spec) && (value === null || value.length === spec.valueSize) ? map : '';
    return { keyText: keyText(name, key), valueText: valueText(name, key, value) };
  }
}

const RECORDS: ReadonlySet<string> = new Set(['ringbuf', 'perf_event_array']);

function attempt<T>(body: () => T): Outcome<T> {
  try {
    return { value: body() };
  } catch (error) {
    return { fault: faultOf(error) };
  }
}

function faultOf(error: unknown): BpfFault {
  if (!(error instanceof BpfError)) throw error;
  const { message, program, instruction } = error;
  return { message, program, instruction };
}
