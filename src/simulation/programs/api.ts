import type { CheckResult, CollectionSpec, ObjectConstant, RunOutput } from '../../datapaths/ebpf/index.ts';
import type { InstructionRow, MapInfo, MapRow } from '../../datapaths/view.ts';

/** Where an object comes from. */
export type ObjectSource = (
  /** One of the project's own, by base name: `from_container`. */
  | { readonly kind: 'sample'; readonly name: string }
  /** A person's own, or one that was assembled. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
) & {
  /** Global constants that are rewritten before it is loaded: bytes of their size, by name. */
  readonly constants?: Readonly<Record<string, Uint8Array>>;
};

/** What is wrong with an object, a program, a run or an entry, and where: a sentence of the VM's own. */
export interface BpfFault {
  readonly message: string;
  readonly program: string | null;
  /** 8-byte slot in the program. */
  readonly instruction: number | null;
}

export type Outcome<T> = { readonly value: T } | { readonly fault: BpfFault };

/** An object as it was read. */
export interface OpenedObject {
  readonly spec: CollectionSpec;
  /** Why it can be read but not loaded; null: it is loaded. */
  readonly fault: BpfFault | null;
  readonly maps: readonly MapInfo[];
  /** Its global constants, as the object has them. */
  readonly constants: readonly ObjectConstant[];
  /** Maps that hold what the agent writes for the shop's Services. */
  readonly filled: readonly string[];
}

export interface OpenedProgram {
  readonly rows: readonly InstructionRow[];
  /** What the checker says; null where `fault` says why it cannot be asked. */
  readonly check: CheckResult | null;
  readonly fault: BpfFault | null;
  /** What the program is run on, to start with. */
  readonly example: ProgramInput;
}

/** What a program is run on. */
export interface ProgramInput {
  /** An Ethernet frame; for programs that see no packet, their context's bytes. */
  readonly data: Uint8Array;
  readonly ifindex: number;
  readonly ingressIfindex: number;
  readonly mark: number;
}

/** A map access with its key and value in the field's words. */
export type ProgramAccess = RunOutput['accesses'][number] & { readonly keyText: string; readonly valueText: string };

export interface ProgramRun extends Omit<RunOutput, 'steps' | 'accesses'> {
  readonly input: ProgramInput;
  /** Each instruction that was run, with r0 to r10 before it (11 values a step). */
  readonly steps: NonNullable<RunOutput['steps']>;
  /** The instructions of each program that ran: tail calls go on in others. */
  readonly listings: Readonly<Record<string, readonly InstructionRow[]>>;
  readonly accesses: readonly ProgramAccess[];
  /** What the program handed to user space, in the order of the maps. */
  readonly records: readonly { readonly map: string; readonly bytes: Uint8Array }[];
}

export interface MapWindow {
  readonly map: MapInfo;
  readonly rows: readonly MapRow[];
}

/** The VM with one object in it, as the mode Programs works on it. */
export interface ProgramsApi {
  /** The project's own objects, by base name. */
  samples(): Promise<readonly string[]>;
  /** Reads and loads an object in the place of the one before. The maps begin as the object, and then the agent, fill them. */
  open(source: ObjectSource): Promise<Outcome<OpenedObject>>;
  program(name: string): Promise<Outcome<OpenedProgram>>;
  /** Runs once over the maps as they are, every step recorded. What the checker refuses is not run. */
  run(program: string, input: ProgramInput): Promise<Outcome<ProgramRun>>;
  maps(): Promise<readonly MapInfo[]>;
  /** Entries in bucket order, at most 1,000. */
  map(name: string, from: number, count: number): Promise<Outcome<MapWindow>>;
  /** Where an entry stands in that order; null: it is not there. */
  find(map: string, key: Uint8Array): Promise<number | null>;
  /** A variable section's bytes, for a text of the program. */
  bytesOf(map: string): Promise<Uint8Array | null>;
  /** Creates or replaces an entry; a value of one CPU's size goes to every CPU of a per-CPU map. */
  put(map: string, key: Uint8Array, value: Uint8Array): Promise<Outcome<boolean>>;
  remove(map: string, key: Uint8Array): Promise<Outcome<boolean>>;
  clear(map: string): Promise<Outcome<null>>;
  /** The maps, the clock and the random numbers as they were after `open`. */
  reset(): Promise<Outcome<OpenedObject>>;
}
