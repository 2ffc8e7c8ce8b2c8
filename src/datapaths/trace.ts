/**
 * What a comparison in a rule ended with. `matched`: the rule's target ran. The others name the first thing that did
 * not fit, in the order in which ip_tables compares (net/ipv4/netfilter/ip_tables.c, ip_packet_match, then matches).
 */
export const RULE_OUTCOMES = ['matched', 'source', 'destination', 'in-interface', 'out-interface', 'protocol', 'match'] as const;
export type RuleOutcome = (typeof RULE_OUTCOMES)[number];

/** Every rule that was evaluated, in order. Flat arrays: they are transferred between threads, never cloned. */
export interface ChainTrace {
  readonly kind: 'chain';
  /** Index of the rule within its chain, from 0; its chain and table are its stage's. */
  readonly rule: Int32Array;
  /** Index into `RULE_OUTCOMES`. */
  readonly outcome: Uint8Array;
  /** For outcome `match`: which match of the rule failed, from 0 in written order; else 255. */
  readonly failedMatch: Uint8Array;
}

/** Every instruction that was run, in order. */
export interface ProgramTrace {
  readonly kind: 'program';
  /** Index of the instruction in the program as clang made it (8-byte slots from the section's start). */
  readonly instruction: Int32Array;
  /** r0 to r10 before each instruction: 11 values a step. */
  readonly registers: BigUint64Array;
  readonly accesses: readonly MapAccess[];
}

/** One access of a program to a map. */
export interface MapAccess {
  readonly step: number;
  /** Index of its stage in the report. */
  readonly stage: number;
  readonly map: string;
  readonly operation: 'lookup' | 'update' | 'delete';
  readonly found: boolean;
  /** Hash maps: the bucket that the key's hash chose, of `buckets`; arrays: the index. */
  readonly bucket: number;
  readonly buckets: number;
  /** Keys compared within the bucket. */
  readonly elementsCompared: number;
  readonly key: Uint8Array;
  /** The value found or written; `null` where there was none. */
  readonly value: Uint8Array | null;
  readonly keyText: string;
  readonly valueText: string;
}

export type Trace = ChainTrace | ProgramTrace;
