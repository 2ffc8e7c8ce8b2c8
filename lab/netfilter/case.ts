import type { ReplayCase, ReplayPacket } from '../../src/datapaths/iptables/netfilter/replay.ts';

type Recorded = ReplayCase['topology.json'];

export interface Topology extends Recorded {
  /** `connected`: the kernel has it from an address. */
  readonly routes: readonly (Recorded['routes'][number] & { readonly connected?: boolean })[];
}

/** A packet of a case, in the format of the recordings. */
export interface CasePacket extends ReplayPacket {
  readonly ttl: number;
  readonly length: number;
  readonly sport?: number;
  readonly dport?: number;
  readonly flags?: string;
  readonly seq?: number;
  readonly ack?: number;
  readonly icmp_type?: number;
  readonly icmp_code?: number;
  readonly icmp_id?: number;
  readonly inner?: Readonly<Record<string, unknown>>;
  readonly chunk?: string;
  readonly vtag?: number;
  readonly init_tag?: number;
}

/** A packet as it came out of the kernel's router. */
export interface Out {
  /** The interface that it left by, or `in` where it reached the router's own stack. */
  readonly where: string;
  readonly mark: number;
  readonly proto: string;
  readonly src: string;
  readonly dst: string;
  readonly ttl: number;
  readonly length: number;
  readonly sport?: number;
  readonly dport?: number;
  readonly flags?: string;
  readonly seq?: number;
  readonly ack?: number;
  readonly icmp_type?: number;
  readonly icmp_code?: number;
  readonly icmp_id?: number;
  readonly inner?: Inner;
}

/** What an ICMP error quotes: headers without a way. */
export type Inner = Omit<Out, 'where' | 'mark' | 'inner'>;

/** By table and chain. */
export type Counters = Readonly<Record<string, Readonly<Record<string, { readonly policy?: readonly number[]; readonly rules: readonly (readonly number[])[] }>>>>;

/** A case with what Linux did: a line of `found.jsonl`. */
export interface RecordedCase extends ReplayCase {
  readonly 'packets.json': readonly CasePacket[];
  readonly kernel: { readonly outs: readonly (readonly Out[])[]; readonly counters: Counters };
}

export type Backend = 'legacy' | 'nft';
