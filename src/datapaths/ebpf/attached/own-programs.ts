import { BpfError, type Collection, type CollectionSpec, type RunAccess, type RunInput, type RunOutput, type Vm } from '../vm.ts';
import type { AttachedProgram, Attachment, AttachHook, AttachPlace } from './attachment.ts';
import { fitsHook } from './fits-hook.ts';
import { objectConstants } from './object-constants.ts';
import { copyOuter, entriesOf, fillMap, sameBytes, type Entry } from './shared-map.ts';
import { unlike } from './unlike.ts';

/** Every step is kept with its registers, 92 bytes each: what runs on longer is stopped. */
const MOST_STEPS = 200_000;
/** What is pinned is Cilium's own. */
const PINNED = /^cilium_/;
/** Where the pods' policies lie, one map each, under the agent's names. */
const POLICY_OF_POD = 'cilium_policy_v2_';

/** Maps of these types hold nothing of a run, or nothing that a clear may take: records are handed over, and programs stay. */
const RECORDS: ReadonlySet<string> = new Set(['ringbuf', 'user_ringbuf', 'perf_event_array']);
const OF_MAPS: ReadonlySet<string> = new Set(['hash_of_maps', 'array_of_maps']);
const KEPT: ReadonlySet<string> = new Set([...RECORDS, ...OF_MAPS, 'prog_array']);

export interface OwnProgramsOptions {
  readonly vm: Vm;
  /** The lane's own collection: its maps are the pinned ones. */
  readonly pinned: Collection;
  readonly seed: number;
  /** Pinned maps that the lane itself empties before a packet. */
  readonly emptied: readonly string[];
}

interface Loaded {
  readonly collection: Collection;
  readonly spec: CollectionSpec;
  readonly shared: ReadonlySet<string>;
  readonly apart: AttachedProgram['apart'];
  /** Variables as the object has them, by section. */
  readonly variables: ReadonlyMap<string, Uint8Array>;
}

/** A program that stands at a hook. */
export interface OwnProgram {
  readonly place: AttachPlace;
  readonly name: string;
  /** Whether a map is the pinned one of its name. */
  readonly shares: (map: string) => boolean;
  run(input: RunInput): RunOutput;
  disassemble: Collection['disassemble'];
}

/**
 * A person's own programs, each object a collection of its own. Maps with a pinned map's name and shape are shared with the
 * lane: the VM's collections hold their own maps, so what a run or the agent changes in one is written to the others before
 * anything else runs. The state is that of one map, but for the places that its hash gives the keys in each.
 */
export class OwnPrograms {
  readonly attached: readonly AttachedProgram[];
  readonly #pinned: Collection;
  readonly #emptied: ReadonlySet<string>;
  readonly #loaded: Loaded[] = [];
  readonly #at = new Map<AttachHook, OwnProgram>();
  /** Pinned maps that programs changed although the lane does not empty them, as they were. */
  readonly #before = new Map<string, readonly Entry[]>();
  #policiesStale = false;

  constructor(attachments: readonly Attachment[], { vm, pinned, seed, emptied }: OwnProgramsOptions) {
    this.#pinned = pinned;
    this.#emptied = new Set(emptied);
    const objects = new Map<string, Loaded>();
    this.attached = attachments.map((attachment) => this.#attach(attachment, vm, seed, objects));
  }

  at(hook: AttachHook): OwnProgram | null {
    return this.#at.get(hook) ?? null;
  }

  /** The lane's own program ran. */
  pinnedRan(accesses: readonly RunAccess[]): void {
    this.#spread(this.#pinned, accesses);
  }

  /** The agent wrote, or deleted, an entry. */
  put(map: string, key: Uint8Array, value: Uint8Array | null): void {
    if (map.startsWith(POLICY_OF_POD) || this.#isOuter(map)) {
      this.#policiesStale = true;
      return;
    }
    for (const { collection, shared } of this.#loaded) {
      if (!shared.has(map)) continue;
      if (value === null) collection.delete(map, key);
      else collection.update(map, key, value);
    }
  }

  /** Every map as it was after the agent's last write, but for those that the lane empties itself; random numbers from `seed` on. */
  reset(seed: number): void {
    for (const [map, entries] of this.#before) for (const collection of this.#sharers(map)) fillMap(collection, map, entries);
    this.#before.clear();
    for (const { collection, spec, shared, variables } of this.#loaded) {
      for (const { name, type } of spec.maps) {
        const variable = variables.get(name);
        if (RECORDS.has(type)) collection.takeRecords(name);
        else if (variable) fillVariable(collection, name, variable);
        else if (shared.has(name) ? this.#emptied.has(name) : !KEPT.has(type)) collection.clear(name);
      }
      collection.reseed(seed);
    }
  }

  free(): void {
    for (const { collection } of this.#loaded) collection.free();
  }

  #attach(attachment: Attachment, vm: Vm, seed: number, objects: Map<string, Loaded>): AttachedProgram {
    const { hook, place } = attachment;
    const failed = (fault: NonNullable<AttachedProgram['fault']>, program = attachment.program ?? ''): AttachedProgram => ({ hook, place, program, fault, shared: [], apart: [] });
    try {
      const { programs } = vm.inspect(attachment.object);
      const chosen = attachment.program === null ? programs.find((one) => fitsHook(hook, one)) : programs.find(({ name }) => name === attachment.program);
      if (!chosen) return failed({ kind: 'none', message: programs.map(({ name, type }) => `${name} (${type})`).join(', '), instruction: null });
      if (!fitsHook(hook, chosen)) return failed({ kind: 'type', message: `${chosen.type}, SEC("${chosen.section}")`, instruction: null });
      if (chosen.unsupported !== null) return failed({ kind: 'load', message: chosen.unsupported, instruction: null }, chosen.name);
      const key = objectKey(attachment);
      let loaded = objects.get(key);
      if (!loaded) {
        loaded = this.#load(attachment, vm, seed);
        objects.set(key, loaded);
        this.#loaded.push(loaded);
      }
      const { collection, shared, apart } = loaded;
      const { refusal } = collection.check(chosen.name);
      if (refusal) return failed({ kind: 'refused', ...refusal }, chosen.name);
      this.#at.set(hook, {
        place,
        name: chosen.name,
        shares: (map) => shared.has(map),
        run: (input) => this.#run(collection, shared, chosen.name, input),
        disassemble: (name) => collection.disassemble(name),
      });
      return { hook, place, program: chosen.name, fault: null, shared: [...shared], apart };
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      return failed({ kind: 'load', message: error.message, instruction: error.instruction });
    }
  }

  #load({ object, constants }: Attachment, vm: Vm, seed: number): Loaded {
    const wrong = wrongConstant(object, constants);
    if (wrong) throw new BpfError(wrong);
    const spec = vm.inspect(object);
    const shared = new Set<string>();
    const apart: { readonly map: string; readonly why: AttachedProgram['apart'][number]['why'] }[] = [];
    for (const own of spec.maps) {
      const pinned = PINNED.test(own.name) ? this.#pinned.spec.maps.find(({ name }) => name === own.name) : undefined;
      if (!pinned) continue;
      const why = unlike(own, pinned);
      if (why) apart.push({ map: own.name, why });
      else shared.add(own.name);
    }
    const sized = spec.maps.filter(({ name, type }) => shared.has(name) && !RECORDS.has(type));
    const maxEntries = Object.fromEntries(sized.map(({ name }) => [name, this.#pinned.info(name).maxEntries]));
    const collection = vm.load(object, { seed, maxEntries, constants });
    collection.setFuel(MOST_STEPS);
    for (const { name, type } of sized) {
      if (OF_MAPS.has(type)) copyOuter(this.#pinned, collection, name);
      else fillMap(collection, name, entriesOf(this.#pinned, name));
    }
    const variables = new Map<string, Uint8Array>();
    for (const { name, type, keySize } of spec.maps) {
      const bytes = name.startsWith('.') && type === 'array' ? collection.lookup(name, new Uint8Array(keySize)) : null;
      if (bytes) variables.set(name, bytes);
    }
    return { collection, spec, shared, apart, variables };
  }

  #run(collection: Collection, shared: ReadonlySet<string>, program: string, input: RunInput): RunOutput {
    this.#refreshPolicies();
    let output: RunOutput;
    try {
      output = collection.run(program, input);
    } catch (error) {
      // Which maps it had changed by then is not said: all that it could have.
      for (const map of shared) this.#spreadWhole(collection, map);
      throw error;
    }
    this.#spread(collection, output.accesses);
    // The picture is that of the pinned map: its bucket, where this collection has another.
    const accesses = output.accesses.map((access) => (shared.has(access.map) ? { ...access, bucket: this.#pinned.bucket(access.map, access.key) ?? access.bucket } : access));
    return { ...output, accesses };
  }

  /** What one collection's run wrote, into the others: a value that was looked up may have been written through its pointer. */
  #spread(from: Collection, accesses: readonly RunAccess[]): void {
    const seen = new Set<string>();
    for (const { map, key, operation } of accesses) {
      const others = this.#sharers(map).filter((one) => one !== from);
      const id = `${map} ${key.join(' ')}`;
      const type = others.length === 0 ? '' : typeOf(from, map);
      // A trie's look-up names an address, not the prefix that it found; nothing writes through what it finds. What a map
      // of maps holds are numbers of its own collection.
      if (others.length === 0 || seen.has(id) || KEPT.has(type) || (operation === 'lookup' && type === 'lpm_trie')) continue;
      seen.add(id);
      const now = from.lookup(map, key);
      for (const other of others) {
        const was = other.lookup(map, key);
        if (sameBytes(now, was)) continue;
        this.#note(map, other);
        if (now === null) other.delete(map, key);
        else other.update(map, key, now);
      }
    }
  }

  #spreadWhole(from: Collection, map: string): void {
    const { type } = from.info(map);
    if (KEPT.has(type)) return;
    const entries = entriesOf(from, map);
    for (const other of this.#sharers(map)) {
      if (other === from) continue;
      this.#note(map, other);
      fillMap(other, map, entries);
    }
  }

  /** Keeps a map as it was before programs changed it. */
  #note(map: string, unchanged: Collection): void {
    if (!this.#emptied.has(map) && !this.#before.has(map)) this.#before.set(map, entriesOf(unchanged, map));
  }

  #sharers(map: string): Collection[] {
    const own = this.#loaded.filter(({ shared }) => shared.has(map)).map(({ collection }) => collection);
    return own.length === 0 ? [] : [this.#pinned, ...own];
  }

  #isOuter(map: string): boolean {
    return this.#pinned.spec.maps.some(({ name, type }) => name === map && OF_MAPS.has(type));
  }

  #refreshPolicies(): void {
    if (!this.#policiesStale) return;
    this.#policiesStale = false;
    for (const { collection, shared } of this.#loaded) {
      for (const { name, type } of this.#pinned.spec.maps) if (OF_MAPS.has(type) && shared.has(name)) copyOuter(this.#pinned, collection, name);
    }
  }
}

/** The VM takes no notice of a constant that is not there; cilium/ebpf refuses it. */
function wrongConstant(object: Uint8Array, constants: Attachment['constants']): string | null {
  const known = objectConstants(object);
  for (const [name, value] of Object.entries(constants)) {
    const found = known.find((one) => one.name === name);
    if (!found) return `The object has no constant ${name}; it has ${known.length === 0 ? 'none' : known.map((one) => one.name).join(', ')}.`;
    if (found.value.length !== value.length) return `The constant ${name} has ${found.value.length} bytes, and not ${value.length}.`;
  }
  return null;
}

function typeOf(collection: Collection, map: string): string {
  return collection.spec.maps.find(({ name }) => name === map)?.type ?? '';
}

/** A read-only section takes no write, and needs none. */
function fillVariable(collection: Collection, section: string, bytes: Uint8Array): void {
  if (section.startsWith('.rodata')) return;
  const key = new Uint8Array(4);
  if (!sameBytes(collection.lookup(section, key), bytes)) collection.update(section, key, bytes);
}

function objectKey({ object, constants }: Attachment): string {
  return JSON.stringify([object.join(), Object.entries(constants).map(([name, value]) => [name, value.join()])]);
}
