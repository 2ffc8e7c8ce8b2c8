import type { InstructionRow, MapInfo, MapRow } from '../view.ts';

/** A program of a collection, as its object declares it. */
export interface ProgramSpec {
  readonly name: string;
  readonly section: string;
  /** As bpftool prints it: `sched_cls`, `xdp`, `cgroup_sock_addr`… */
  readonly type: string;
  readonly license: string;
  /** As cilium/ebpf counts them: a 64-bit constant load, two slots of 8 bytes, is one; the functions it calls are included. */
  readonly instructions: number;
  /** Why it can be read but not run (CO-RE, kernel functions…); null where it can. */
  readonly unsupported: string | null;
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

/**
 * What runs programs: `rbpf` interprets them; `compiled` makes each a WebAssembly module before its first run; `tiered`
 * begins with rbpf and compiles what runs again and again. They give the same; steps are recorded in rbpf always, and
 * what cannot be compiled stays there.
 */
export type Backend = 'rbpf' | 'compiled' | 'tiered';

export interface LoadOptions {
  /** Sizes to use instead of the object's, by map name. */
  readonly maxEntries?: Readonly<Record<string, number>>;
  /** Bytes for global constants in `.rodata`, by variable name. */
  readonly constants?: Readonly<Record<string, Uint8Array>>;
  /** Seed of the maps' hash function and of `bpf_get_prandom_u32`. */
  readonly seed: number;
  /** Values that a per-CPU map has for each key; programs run on CPU 0. 1 unless given. */
  readonly cpus?: number;
  /** Whether somebody reads perf event arrays: true unless given. Without a reader, Linux refuses records (ENOENT). */
  readonly readers?: boolean;
  /** `tiered` unless given. */
  readonly backend?: Backend;
}

/** What a program is run on, as BPF_PROG_TEST_RUN takes it. */
export interface RunInput {
  /** tc, XDP, socket filter, cgroup_skb: an Ethernet frame. Other types: the bytes of the context. */
  readonly data: Uint8Array;
  /** The device it is seen on: 1 unless given, as in a test run. */
  readonly ifindex?: number;
  readonly ingressIfindex?: number;
  readonly mark?: number;
  /** Answer of `bpf_ktime_get_ns`; 0 unless given. */
  readonly nowNs?: bigint;
  /** `counts` (unless given): totals and map accesses; `steps`: every instruction with its registers too. */
  readonly detail?: 'counts' | 'steps';
}

export interface RunAccess {
  readonly map: string;
  readonly operation: 'lookup' | 'update' | 'delete';
  readonly found: boolean;
  readonly bucket: number;
  readonly buckets: number;
  readonly elementsCompared: number;
  readonly trieNodesWalked: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
  /** Instructions run before this access, its own call included: splits the run into stages. */
  readonly atInstruction: number;
}

export interface RunOutput {
  /** r0 at exit, whole. */
  readonly value: bigint;
  /** r0 at exit, as the hook reads it (int32). */
  readonly returnValue: number;
  /** The frame, or the context, as the program left it. */
  readonly data: Uint8Array;
  readonly mark: number;
  readonly redirect: { readonly ifindex: number; readonly by: 'redirect' | 'redirect_peer' | 'redirect_neigh' | 'redirect_map' } | null;
  readonly instructions: number;
  /** Calls by helper name, without the `bpf_`. */
  readonly helperCalls: Readonly<Record<string, number>>;
  readonly accesses: readonly RunAccess[];
  /** Only for `steps`. */
  readonly steps: {
    readonly instruction: Int32Array;
    readonly registers: BigUint64Array;
    /** The program that runs from a step on, in their order: tail calls go on in others. */
    readonly programs: readonly { readonly step: number; readonly program: string }[];
  } | null;
  /** What `bpf_trace_printk` printed, a line each. */
  readonly printed: readonly string[];
}

/** A run of bare bytes on a block of memory. */
export interface MemoryOutput {
  readonly r0: bigint;
  readonly instructions: number;
  readonly memory: Uint8Array;
}

/** What the checker says of a program before it runs. */
export interface CheckResult {
  /** The first thing that is not safe; null where nothing is. */
  readonly refusal: { readonly instruction: number; readonly message: string } | null;
  /** Instructions followed, over all paths. */
  readonly followed: number;
  /** There were too many paths to follow them all: neither safe nor unsafe was shown. */
  readonly gaveUp: boolean;
}

/** A loaded object: its maps exist, its programs can run. */
export interface Collection {
  readonly spec: CollectionSpec;
  /**
   * Runs a program once. Throws `BpfError` for a runaway program, a bad memory access or an unknown helper, with the
   * instruction it happened at; maps keep what was written before.
   */
  run(program: string, input: RunInput): RunOutput;
  /** Whether the program is safe, as the kernel's verifier would ask. Throws `BpfError` for one that can only be read. */
  check(program: string): CheckResult;
  /** The program's instructions as text, helpers and maps by name, with C lines where the object has BTF. */
  disassemble(program: string): readonly InstructionRow[];
  lookup(map: string, key: Uint8Array): Uint8Array | null;
  /** Creates or replaces; throws `BpfError` when the map is full. Returns whether the key was there before. */
  update(map: string, key: Uint8Array, value: Uint8Array): boolean;
  /** `value` of the declared size goes to every CPU of a per-CPU map; elsewhere as `update`. */
  updateAllCpus(map: string, key: Uint8Array, value: Uint8Array): boolean;
  /** Makes a new inner map as the outer one declares its elements, puts it at `key`, and returns its name. */
  createInner(outer: string, key: Uint8Array): string;
  /** Returns whether the key was there. */
  delete(map: string, key: Uint8Array): boolean;
  /** The bucket that a key belongs to, whether it is there or not; null: the map has no buckets. */
  bucket(map: string, key: Uint8Array): number | null;
  /** Keys and values in bucket order, a window of them; `keyText` and `valueText` left to the caller. */
  entries(map: string, from: number, count: number): readonly Omit<MapRow, 'keyText' | 'valueText'>[];
  clear(map: string): void;
  info(map: string): MapInfo;
  /** Records that programs handed over through a ring buffer or perf event array since the last call. */
  takeRecords(map: string): Uint8Array[];
  /** How many instructions a run may take before it is stopped; 10,000,000 at first. */
  setFuel(instructions: number): void;
  /** What runs programs from now on; what was compiled is kept. */
  setBackend(backend: Backend): void;
  /** For the benchmark: without counts, `instructions` is 0 and nothing ends an endless program. On at first. */
  setCounts(counts: boolean): void;
  /** Restarts `bpf_get_prandom_u32`. */
  reseed(seed: number): void;
  /** Frees the collection's memory in the VM. */
  free(): void;
}

/** The eBPF VM: rbpf in WebAssembly behind our load pipeline, and a compiler beside it. */
export interface Vm {
  /** Reads an object without loading it. Throws `BpfError`. */
  inspect(object: Uint8Array): CollectionSpec;
  /** Creates maps, resolves relocations, checks and prepares programs. Throws `BpfError`. */
  load(object: Uint8Array, options: LoadOptions): Collection;
  /** Runs one program, given as its instructions' bytes, with r1 the memory's address and r2 its length; in rbpf unless asked otherwise. Throws `BpfError`. */
  runMemory(program: Uint8Array, memory: Uint8Array, options?: { readonly fuel?: number; readonly backend?: 'rbpf' | 'compiled' }): MemoryOutput;
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
