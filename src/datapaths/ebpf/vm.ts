import type { InstructionRow, MapInfo, MapRow } from '../view.ts';

/** A program of a collection, as its object declares it. */
export interface ProgramSpec {
  readonly name: string;
  readonly section: string;
  /** As bpftool prints it: `sched_cls`, `xdp`, `cgroup_sock_addr`… */
  readonly type: string;
  readonly license: string;
  /** 8-byte slots, subprograms included. */
  readonly instructions: number;
}

/** A map of a collection, as its object declares it. */
export interface MapSpec {
  readonly name: string;
  /** As bpftool prints it: `hash`, `lru_hash`, `array`… */
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

export interface CollectionSpec {
  readonly programs: readonly ProgramSpec[];
  readonly maps: readonly MapSpec[];
}

export interface LoadOptions {
  /** Sizes to use instead of the object's, by map name. */
  readonly maxEntries?: Readonly<Record<string, number>>;
  /** Bytes for global constants in `.rodata`, by variable name. */
  readonly constants?: Readonly<Record<string, Uint8Array>>;
  /** Seed of the maps' hash function and of `bpf_get_prandom_u32`. */
  readonly seed: number;
}

/** What a program is run on: an Ethernet frame as it arrives at a tc hook. */
export interface RunInput {
  readonly frame: Uint8Array;
  readonly ifindex: number;
  readonly mark: number;
  /** Answer of `bpf_ktime_get_ns`. */
  readonly nowNs: bigint;
  /** `counts`: totals and map accesses; `steps`: every instruction with its registers too. */
  readonly detail: 'counts' | 'steps';
}

export interface RunAccess {
  readonly map: string;
  readonly operation: 'lookup' | 'update' | 'delete';
  readonly found: boolean;
  readonly bucket: number;
  readonly buckets: number;
  readonly elementsCompared: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
  /** Instructions run before this access, its own call included: splits the run into stages. */
  readonly atInstruction: number;
}

export interface RunOutput {
  /** r0 at exit, as the hook reads it (int32). */
  readonly returnValue: number;
  readonly frame: Uint8Array;
  readonly mark: number;
  readonly redirect: { readonly ifindex: number; readonly by: 'redirect' | 'redirect_peer' | 'redirect_neigh' } | null;
  readonly instructions: number;
  /** Calls by helper name, without the `bpf_`. */
  readonly helperCalls: Readonly<Record<string, number>>;
  readonly accesses: readonly RunAccess[];
  /** Only for `steps`. */
  readonly steps: { readonly instruction: Int32Array; readonly registers: BigUint64Array } | null;
}

/** A loaded object: its maps exist, its programs can run. */
export interface Collection {
  readonly spec: CollectionSpec;
  /**
   * Runs a program once. Throws `BpfError` for a runaway program, a bad memory access or an unknown helper, with the
   * instruction it happened at; maps keep what was written before.
   */
  run(program: string, input: RunInput): RunOutput;
  /** The program's instructions as text, helpers and maps by name, with C lines where the object has BTF. */
  disassemble(program: string): readonly InstructionRow[];
  lookup(map: string, key: Uint8Array): Uint8Array | null;
  /** Creates or replaces; throws `BpfError` when the map is full. Returns whether the key was there before. */
  update(map: string, key: Uint8Array, value: Uint8Array): boolean;
  /** Returns whether the key was there. */
  delete(map: string, key: Uint8Array): boolean;
  /** Keys and values in bucket order, a window of them; `keyText` and `valueText` left to the caller. */
  entries(map: string, from: number, count: number): readonly Omit<MapRow, 'keyText' | 'valueText'>[];
  clear(map: string): void;
  info(map: string): MapInfo;
  /** Restarts `bpf_get_prandom_u32`. */
  reseed(seed: number): void;
  /** Frees the collection's memory in the VM. */
  free(): void;
}

/** The eBPF VM: rbpf in WebAssembly behind our load pipeline. */
export interface Vm {
  /** Reads an object without loading it. Throws `BpfError`. */
  inspect(object: Uint8Array): CollectionSpec;
  /** Creates maps, resolves relocations, checks and prepares programs. Throws `BpfError`. */
  load(object: Uint8Array, options: LoadOptions): Collection;
}

/** Anything that is wrong with an object or a run; `instruction` is an 8-byte slot index in `program`. */
export class BpfError extends Error {
  override readonly name = 'BpfError';
  constructor(
    message: string,
    readonly program: string | null = null,
    readonly instruction: number | null = null,
  ) {
    super(message);
  }
}
