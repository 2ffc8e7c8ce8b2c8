/**
 * What a person looks at: always a window, so that a table of 160,000 rules costs no more than the rows on the screen.
 * `from` counts from 0, `count` is capped by the datapath at 1,000 rows.
 */
export type View =
  | { readonly kind: 'chains' }
  | { readonly kind: 'rules'; readonly table: string; readonly chain: string; readonly from: number; readonly count: number }
  | { readonly kind: 'connections'; readonly from: number; readonly count: number }
  /** `own`: the hook that a person's own program stands at; left out or '': a program of the datapath's. */
  | { readonly kind: 'program'; readonly name: string; readonly own?: string }
  | { readonly kind: 'maps' }
  | { readonly kind: 'map'; readonly name: string; readonly from: number; readonly count: number };

export interface ChainRow {
  readonly table: string;
  readonly chain: string;
  readonly rules: number;
  /** ACCEPT or DROP for a built-in chain, else null. */
  readonly policy: string | null;
}

export interface RuleRow {
  /** From 0 within the chain; a person reads `index + 1`, as iptables prints it. */
  readonly index: number;
  /** The rule as kube-proxy wrote it, without `-A CHAIN`. */
  readonly text: string;
  /** The same without its comment. */
  readonly bare: string;
  readonly source: string | null;
  readonly destination: string | null;
  readonly protocol: string | null;
  readonly destinationPort: string | null;
  /** What the rest of the matches say, comment left out: `statistic mode random probability 0.5`. */
  readonly rest: string;
  readonly comment: string | null;
  /** What the rule ends in, with its options: a chain, or a target of netfilter's. */
  readonly target: string | null;
  /** The chain that it jumps or goes to; null: its target is none. */
  readonly chain: string | null;
  readonly packets: number;
  readonly bytes: number;
}

export interface ConnectionRow {
  readonly original: string;
  readonly reply: string;
  readonly state: string;
  readonly expiresMs: number;
}

export interface InstructionRow {
  /** Index of its first 8-byte slot. */
  readonly index: number;
  readonly text: string;
  /** The C line it was made from, where BTF says; else null. */
  readonly file: string | null;
  readonly line: number | null;
  readonly source: string | null;
  /** The function that begins here. */
  readonly begins?: string;
}

export interface MapInfo {
  readonly name: string;
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly entries: number;
  /** Hash maps: how many buckets; else `maxEntries`. */
  readonly buckets: number;
  /** Values a key has: more than 1 for per-CPU maps. */
  readonly cpus: number;
}

export interface MapRow {
  readonly bucket: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly keyText: string;
  readonly valueText: string;
}

export type Snapshot =
  | { readonly kind: 'chains'; readonly chains: readonly ChainRow[] }
  | { readonly kind: 'rules'; readonly total: number; readonly rows: readonly RuleRow[] }
  | { readonly kind: 'connections'; readonly total: number; readonly rows: readonly ConnectionRow[] }
  | { readonly kind: 'program'; readonly rows: readonly InstructionRow[] }
  | { readonly kind: 'maps'; readonly maps: readonly MapInfo[] }
  | { readonly kind: 'map'; readonly map: MapInfo; readonly rows: readonly MapRow[] }
  /** This datapath has nothing of that kind. */
  | { readonly kind: 'nothing' };
