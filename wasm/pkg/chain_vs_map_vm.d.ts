/* tslint:disable */
/* eslint-disable */

/** Makes rewritten programs into functions in the VM's table. */
export interface Compiler {
    /** `numbers` as `compiled.rs` lays them out. The function's index, 0 where the program cannot be compiled, or 2^32 - 1 where that is not known yet. */
    compile(program: Uint8Array, numbers: Int32Array): number;
    /** The function at an index is not called again. */
    release(index: number): void;
}



/**
 * A loaded object.
 */
export class Collection {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    bucket(map: string, key: Uint8Array | number[]): number | undefined;
    /**
     * Whether the program is safe: `{"refusal":{"instruction","message"}|null,"followed","gaveUp"}`.
     */
    check(program: string): string;
    clear(map: string): void;
    createInner(outer: string, key: Uint8Array | number[]): string;
    delete(map: string, key: Uint8Array | number[]): boolean;
    /**
     * `[[slot, text, file, line, source, function], …]`: the C line is null where the object does not say, the function
     * where none begins.
     */
    disassemble(program: string): string;
    /**
     * A window of the entries in bucket order: bucket (u32), key, value, one behind the other.
     */
    entries(map: string, from: number, count: number): Uint8Array;
    /**
     * Name, type, sizes as declared or asked for; entries, buckets, bytes of a value as user space has it, CPUs.
     */
    info(map: string): string;
    lookup(map: string, key: Uint8Array | number[]): Uint8Array | undefined;
    reseed(seed: number): void;
    run(program: string, data: Uint8Array | number[], ifindex: number, ingress_ifindex: number, mark: number, now_ns: bigint, steps: boolean): RunResult;
    /**
     * From now on programs are compiled, each once it is worth it (`Tier`); without a compiler rbpf runs them all.
     */
    setCompiler(compiler: Compiler | null | undefined, after: number): void;
    /**
     * For the benchmark: without counts, instructions are 0 and nothing ends an endless program.
     */
    setCounts(counts: boolean): void;
    setFuel(instructions: number): void;
    /**
     * Records handed to user space through this map since the last call: length (u32) and bytes, one behind the other.
     */
    takeRecords(map: string): Uint8Array;
    updateAllCpus(map: string, key: Uint8Array | number[], value: Uint8Array | number[]): boolean;
    update(map: string, key: Uint8Array | number[], value: Uint8Array | number[]): boolean;
    /**
     * As `inspect` gives it.
     */
    readonly spec: string;
}

/**
 * An object about to be loaded.
 */
export class Loader {
    free(): void;
    [Symbol.dispose](): void;
    load(): Collection;
    constructor(object: Uint8Array | number[], seed: number, cpus: number);
    setConstant(variable: string, value: Uint8Array | number[]): void;
    setMaxEntries(map: string, max_entries: number): void;
    withoutReaders(): void;
}

/**
 * For the benchmark: a program and its memory, prepared once as every program is.
 */
export class MemoryProgram {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * `counts`: as in every run; without them nothing is counted, and nothing ends an endless program.
     */
    constructor(program: Uint8Array | number[], memory: Uint8Array | number[], counts: boolean, compiler?: Compiler | null);
    /**
     * Runs it that many times on the memory as it is; r0 at the last exit.
     */
    run(times: number): bigint;
    /**
     * Counted in the last of the runs.
     */
    readonly instructions: number;
}

/**
 * Runs bytes as one program on a block of memory; the answer is `{"r0":"0x…","instructions":…}` with the memory after.
 */
export class MemoryResult {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    readonly instructions: number;
    readonly memory: Uint8Array;
    readonly r0: bigint;
}

/**
 * What one run gave.
 */
export class RunResult {
    private constructor();
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Packed as `machine::access::pack` says.
     */
    readonly accesses: Uint8Array;
    readonly data: Uint8Array;
    /**
     * `{"name":count,…}`.
     */
    readonly helperCalls: string;
    readonly instructions: number;
    readonly mark: number;
    /**
     * What `trace_printk` printed.
     */
    readonly printed: string[];
    readonly redirectBy: string | undefined;
    /**
     * Where a redirect goes, and by which helper; undefined without one.
     */
    readonly redirectIfindex: number | undefined;
    readonly stepInstructions: Int32Array;
    /**
     * A step and the program, by its place in the spec, that runs from it on; two numbers each.
     */
    readonly stepPrograms: Uint32Array;
    readonly stepRegisters: BigUint64Array;
    readonly value: bigint;
}

/**
 * The table of this module's functions, which compiled programs join.
 */
export function functionTable(): any;

/**
 * Reads an object without loading it: `{"programs":[…],"maps":[…]}`.
 */
export function inspect(object: Uint8Array | number[]): string;

export function runMemory(program: Uint8Array | number[], memory: Uint8Array | number[], fuel: number, compiler?: Compiler | null): MemoryResult;

/**
 * For the benchmark: rbpf alone runs the bytes, `times` in a row. r0 at the last exit.
 */
export function runRaw(program: Uint8Array | number[], memory: Uint8Array | number[], times: number): bigint;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly memory: WebAssembly.Memory;
    readonly reach: (a: number, b: bigint, c: bigint, d: bigint, e: bigint, f: bigint) => bigint;
    readonly __wbg_collection_free: (a: number, b: number) => void;
    readonly __wbg_loader_free: (a: number, b: number) => void;
    readonly __wbg_memoryprogram_free: (a: number, b: number) => void;
    readonly __wbg_memoryresult_free: (a: number, b: number) => void;
    readonly __wbg_runresult_free: (a: number, b: number) => void;
    readonly collection_bucket: (a: number, b: number, c: number, d: number, e: number) => [number, number, number];
    readonly collection_check: (a: number, b: number, c: number) => [number, number, number, number];
    readonly collection_clear: (a: number, b: number, c: number) => [number, number];
    readonly collection_createInner: (a: number, b: number, c: number, d: number, e: number) => [number, number, number, number];
    readonly collection_delete: (a: number, b: number, c: number, d: number, e: number) => [number, number, number];
    readonly collection_disassemble: (a: number, b: number, c: number) => [number, number, number, number];
    readonly collection_entries: (a: number, b: number, c: number, d: number, e: number) => [number, number, number, number];
    readonly collection_info: (a: number, b: number, c: number) => [number, number, number, number];
    readonly collection_lookup: (a: number, b: number, c: number, d: number, e: number) => [number, number, number, number];
    readonly collection_reseed: (a: number, b: number) => void;
    readonly collection_run: (a: number, b: number, c: number, d: number, e: number, f: number, g: number, h: number, i: bigint, j: number) => [number, number, number];
    readonly collection_setCompiler: (a: number, b: number, c: number) => void;
    readonly collection_setCounts: (a: number, b: number) => void;
    readonly collection_setFuel: (a: number, b: number) => void;
    readonly collection_spec: (a: number) => [number, number];
    readonly collection_takeRecords: (a: number, b: number, c: number) => [number, number, number, number];
    readonly collection_update: (a: number, b: number, c: number, d: number, e: number, f: number, g: number) => [number, number, number];
    readonly collection_updateAllCpus: (a: number, b: number, c: number, d: number, e: number, f: number, g: number) => [number, number, number];
    readonly functionTable: () => any;
    readonly inspect: (a: number, b: number) => [number, number, number, number];
    readonly loader_load: (a: number) => [number, number, number];
    readonly loader_new: (a: number, b: number, c: number, d: number) => number;
    readonly loader_setConstant: (a: number, b: number, c: number, d: number, e: number) => void;
    readonly loader_setMaxEntries: (a: number, b: number, c: number, d: number) => void;
    readonly locate: (a: number, b: number, c: number) => bigint;
    readonly loader_withoutReaders: (a: number) => void;
    readonly memoryprogram_instructions: (a: number) => number;
    readonly memoryprogram_new: (a: number, b: number, c: number, d: number, e: number, f: number) => [number, number, number];
    readonly memoryprogram_run: (a: number, b: number) => [bigint, number, number];
    readonly memoryresult_instructions: (a: number) => number;
    readonly memoryresult_memory: (a: number) => [number, number];
    readonly memoryresult_r0: (a: number) => bigint;
    readonly runMemory: (a: number, b: number, c: number, d: number, e: number, f: number) => [number, number, number];
    readonly runRaw: (a: number, b: number, c: number, d: number, e: number) => [bigint, number, number];
    readonly runresult_accesses: (a: number) => [number, number];
    readonly runresult_data: (a: number) => [number, number];
    readonly runresult_helperCalls: (a: number) => [number, number];
    readonly runresult_instructions: (a: number) => number;
    readonly runresult_mark: (a: number) => number;
    readonly runresult_printed: (a: number) => [number, number];
    readonly runresult_redirectBy: (a: number) => [number, number];
    readonly runresult_redirectIfindex: (a: number) => number;
    readonly runresult_stepInstructions: (a: number) => [number, number];
    readonly runresult_stepPrograms: (a: number) => [number, number];
    readonly runresult_stepRegisters: (a: number) => [number, number];
    readonly runresult_value: (a: number) => bigint;
    readonly __wbindgen_export: WebAssembly.Table;
    readonly __wbindgen_externrefs: WebAssembly.Table;
    readonly __wbindgen_malloc: (a: number, b: number) => number;
    readonly __wbindgen_realloc: (a: number, b: number, c: number, d: number) => number;
    readonly __wbindgen_free: (a: number, b: number, c: number) => void;
    readonly __externref_table_dealloc: (a: number) => void;
    readonly __externref_table_alloc: () => number;
    readonly __externref_drop_slice: (a: number, b: number) => void;
    readonly __wbindgen_start: () => void;
}

export type SyncInitInput = BufferSource | WebAssembly.Module;

/**
 * Instantiates the given `module`, which can either be bytes or
 * a precompiled `WebAssembly.Module`.
 *
 * @param {{ module: SyncInitInput }} module - Passing `SyncInitInput` directly is deprecated.
 *
 * @returns {InitOutput}
 */
export function initSync(module: { module: SyncInitInput } | SyncInitInput): InitOutput;

/**
 * If `module_or_path` is {RequestInfo} or {URL}, makes a request and
 * for everything else, calls `WebAssembly.instantiate` directly.
 *
 * @param {{ module_or_path: InitInput | Promise<InitInput> }} module_or_path - Passing `InitInput` directly is deprecated.
 *
 * @returns {Promise<InitOutput>}
 */
export default function __wbg_init (module_or_path?: { module_or_path: InitInput | Promise<InitInput> } | InitInput | Promise<InitInput>): Promise<InitOutput>;
