import type { Ipv4 } from '../packet/address.ts';
import type { Packet } from '../packet/packet.ts';
import type { DatapathId } from './registry-id.ts';
import type { Stage } from './stage.ts';
import type { Work } from './work.ts';
import type { Trace } from './trace.ts';

/** What became of a packet. */
export type Verdict =
  /** Put into the socket queue of a pod or of the node itself. */
  | { readonly kind: 'delivered'; readonly address: Ipv4; readonly port: number; readonly device: string }
  /** Left the node through its uplink, towards another node or the outside. */
  | { readonly kind: 'forwarded'; readonly address: Ipv4; readonly port: number; readonly device: string }
  /** Refused with an answer to the sender. */
  | { readonly kind: 'rejected'; readonly by: string; readonly answer: Packet }
  /** Gone without an answer. `by`: rule, policy, drop reason or kernel check that ended it. */
  | { readonly kind: 'dropped'; readonly by: string };

/** How connection tracking saw the packet. */
export type ConnectionState = 'new' | 'established' | 'reply' | 'related' | 'invalid' | 'untracked';

/** How much a datapath records while it works: totals only, stages too, or every rule and instruction too. */
export type TraceDetail = 'none' | 'stages' | 'steps';

export interface PacketReport {
  readonly datapath: DatapathId;
  readonly verdict: Verdict;
  readonly packetIn: Packet;
  /** The packet as it was delivered or left; `null` where it did not. */
  readonly packetOut: Packet | null;
  readonly connection: ConnectionState;
  /** In order of passing; empty for `none`. */
  readonly stages: readonly Stage[];
  /** The sum over all stages. */
  readonly work: Work;
  /** Only for `steps`. */
  readonly trace: Trace | null;
  /** Only where programs of a person's own stand at the datapath's hooks: what those did that the packet came to. */
  readonly attached?: readonly AttachedRun[];
}

/** What a person's own program did with a packet at one of the datapath's hooks. */
export interface AttachedRun {
  readonly hook: string;
  readonly program: string;
  /** What it returned, as the hook reads it; null: it was stopped before. */
  readonly returned: number | null;
  /** The kernel's own name of the value; null: it has none at that hook. */
  readonly action: string | null;
  /**
   * What the kernel does then. `next`: the next program at the hook is asked, and behind the last one the packet goes on;
   * `takes`: it is taken from here, and not freed; `allows` and `refuses`: connect(). `fault`: the machine stopped it.
   */
  readonly does: 'next' | 'passes' | 'drops' | 'redirects' | 'takes' | 'sends-back' | 'allows' | 'refuses' | 'fault';
  readonly redirect: { readonly ifindex: number; readonly by: string } | null;
  readonly instructions: number;
  /** Why it was stopped, and where. */
  readonly fault: { readonly message: string; readonly instruction: number | null } | null;
}

/** One element that an agent wrote to, or deleted from, a map; keys and values as the map's bytes. */
export interface MapWrite {
  readonly map: string;
  readonly operation: 'update' | 'delete';
  readonly key: Uint8Array;
  /** `null` for a delete. */
  readonly value: Uint8Array | null;
  /** The same in words of the field, as `cilium bpf lb list` prints them: `10.96.0.10:80/TCP slot 1`. */
  readonly keyText: string;
  readonly valueText: string;
  /** Whether the key was there before. */
  readonly existed: boolean;
  /** The bucket that the key belongs to; null: the map has no buckets. */
  readonly bucket: number | null;
}

/** What the agent did after a change of the cluster, and what the kernel was handed. */
export interface UpdateReport {
  readonly datapath: DatapathId;
  /** `none`: nothing had to be written. `full`/`partial`: kube-proxy's kinds of sync; `entries`: map writes. */
  readonly kind: 'none' | 'full' | 'partial' | 'entries';
  readonly stages: readonly UpdateStage[];
  readonly work: Work;
  /** iptables: what the change did to the tables. */
  readonly rules: RulesChange | null;
  /** eBPF: each write in order; capped at `writesShown` for a first load, with the count in `work`. */
  readonly writes: readonly MapWrite[];
}

/** Steps of an update, in order. */
export interface UpdateStage {
  readonly kind:
    | 'render' // the agent writes its text
    | 'parse' // iptables-restore reads it
    | 'fetch' // the table as it is, from the kernel
    | 'rebuild' // iptables-restore makes the new table
    | 'check' // the kernel checks every rule
    | 'replace' // the kernel swaps the table, counters are carried over
    | 'commit' // nft: the changed rules
    | 'write'; // map entries
  readonly name: string;
  readonly work: Work;
}

export interface RulesChange {
  /** Rules in all tables before and after. */
  readonly rulesBefore: number;
  readonly rulesAfter: number;
  readonly chainsAdded: readonly string[];
  readonly chainsRemoved: readonly string[];
  /** Rules that stand in the tables now and did not before, as text, at most 100. */
  readonly rulesAdded: readonly { readonly table: string; readonly chain: string; readonly index: number; readonly text: string }[];
  /** How many rules stand in the tables now that did not before, and how many are gone. */
  readonly added: number;
  readonly removed: number;
  /** Chains that were handed over and stand in the tables now, as `table chain`, at most 1,000. */
  readonly chainsWritten: readonly string[];
  /** How many rules were handed over again although nothing in them changed. */
  readonly unchangedHandedOver: number;
}
