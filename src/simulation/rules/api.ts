import type { DumpNote, LeftOut, RuleFaultCode } from '../../datapaths/iptables/index.ts';
import type { RuleRow } from '../../datapaths/view.ts';
import type { Lane, Progress } from '../api.ts';
import type { MadePacket } from '../made-packet.ts';
import type { Scene } from '../scene.ts';

export type { MadePacket } from '../made-packet.ts';

/** A chain, or a family of chains that differ only in the hash that ends their names. */
export interface ChainNode {
  /** The chain's name, or the family's: `KUBE-SVC-*`. */
  readonly name: string;
  /** 1 for a chain; how many chains a family stands for. */
  readonly chains: number;
  /** Rules in it, or in all of the family. */
  readonly rules: number;
  /** ACCEPT or DROP; null: not built in. */
  readonly policy: string | null;
  /** The Service port and, for an endpoint's chain, the endpoint that kube-proxy made the chain for; null: not known. */
  readonly service: string | null;
  readonly endpoint: string | null;
}

/** Rules of one node that lead to another. */
export interface ChainEdge {
  /** Indices in `ChainGraph.nodes`. */
  readonly from: number;
  readonly to: number;
  readonly rules: number;
  /** Whether any of them is a goto (`-g`). */
  readonly goes: boolean;
}

/** The chains of one table, small enough to be drawn: at most about 80 nodes, families in the place of their members. */
export interface ChainGraph {
  readonly table: string;
  readonly nodes: readonly ChainNode[];
  readonly edges: readonly ChainEdge[];
}

/** A chain in a list. */
export interface ListedChain {
  readonly table: string;
  readonly chain: string;
  readonly rules: number;
  readonly policy: string | null;
  readonly service: string | null;
  readonly endpoint: string | null;
}

/** What leads to a chain: the rule `index` (from 0) of `chain`. */
export interface Caller {
  readonly chain: string;
  readonly index: number;
}

/** Which chains of a table are listed: those that both hold for. */
export interface ChainsWanted {
  /** What a chain's name, Service or endpoint holds; '': anything. */
  readonly text: string;
  /** The name of a family's node in the graph (`ChainNode.name`, where `chains` is above 1); null: of any family, or none. */
  readonly family: string | null;
}

/** Chains `from`… of those that are wanted, at most 1,000 at once. */
export interface ChainList {
  readonly total: number;
  readonly chains: readonly ListedChain[];
}

export interface ChainView {
  readonly chain: ListedChain;
  /** The name it has in the graph: its own or its family's. */
  readonly node: string;
  readonly total: number;
  /** Rules `from`… in order. */
  readonly from: number;
  readonly rows: readonly RuleRow[];
  /** What its rules' targets stand for, by chain name. */
  readonly known: Readonly<Record<string, { readonly service: string; readonly endpoint: string | null }>>;
  /** At most 50, with how many there are. */
  readonly callers: readonly Caller[];
  readonly callersTotal: number;
}

/** A rule that was evaluated: `index` from 0 in its chain. In order of evaluation, with what it answered. */
export interface WalkedRule {
  readonly table: string;
  readonly chain: string;
  readonly index: number;
  readonly matched: boolean;
}

export interface Walk {
  readonly lane: Lane;
  readonly rules: readonly WalkedRule[];
  /** For each stage of the lane's report the graph's node that its chain stands in (`ChainNode.name`); '' beside chains. */
  readonly nodes: readonly string[];
  /** Connections known afterwards. */
  readonly connections: number;
}

export interface RuleTables {
  readonly tables: readonly { readonly table: string; readonly chains: number; readonly rules: number }[];
  /** Interfaces that the node has or that rules name, and sample addresses: what a packet's editor offers. */
  readonly interfaces: readonly string[];
  /** A packet to begin with: to the scene's target, or, where rules name no Service, one that the first tables accept. */
  readonly example: MadePacket;
}

/** The message of a fault of a text of rules. */
export type RuleFaultKey = `rule_fault_${RuleFaultCode}`;

/** What a text of rules holds beside its Services and faults (`Reading`; a fault's message is a `RuleFaultKey`). */
export interface RulesReading {
  readonly tables: RuleTables['tables'];
  /** Rules that are read, but cannot be honoured in full: at most 200, with how many there are. */
  readonly notes: readonly DumpNote[];
  readonly notesTotal: number;
  readonly leftOut: readonly LeftOut[];
}

/** Line of the text each rule of a person's own came from is not kept; rules are named by chain and index. */
export interface RulesApi {
  /** Builds the scene's lanes if they are not there. */
  tables(scene: Scene, progress?: (progress: Progress) => void): Promise<RuleTables>;
  graph(scene: Scene, table: string): Promise<ChainGraph>;
  /** In the table's order. */
  chains(scene: Scene, table: string, wanted: ChainsWanted, from: number, count: number): Promise<ChainList>;
  chain(scene: Scene, table: string, chain: string, from: number, count: number): Promise<ChainView | null>;
  send(scene: Scene, made: MadePacket): Promise<Walk>;
}
