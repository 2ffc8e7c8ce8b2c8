import type { Timeline } from '../cost/model.ts';
import type { AttachedProgram } from '../datapaths/ebpf/attached/attachment.ts';
import type { PoliciesHeld } from '../datapaths/ebpf/index.ts';
import type { DatapathId } from '../datapaths/registry-id.ts';
import type { PacketReport, UpdateReport, UpdateStage } from '../datapaths/report.ts';
import type { Stage } from '../datapaths/stage.ts';
import type { Snapshot, View } from '../datapaths/view.ts';
import type { Fault } from '../kubernetes/fault.ts';
import type { Packet, PortedPacket } from '../packet/packet.ts';
import type { RolloutPhase } from './churn.ts';
import type { RulesApi, RulesReading } from './rules/api.ts';
import type { Scene, SceneChange, SceneCluster } from './scene.ts';

export interface Lane {
  readonly report: PacketReport;
  readonly timeline: Timeline<Stage>;
}

/** A Service port that packets can be sent to. */
export interface Target {
  /** `namespace/name:port`. */
  readonly servicePort: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly endpoints: number;
  /** In KUBE-SERVICES of nat, from 0; null: it has no rule there (no endpoints). */
  readonly position: number | null;
}

/** Of kube-proxy's first sync only this: what it handed over would have to be counted, and of a large cluster 150,000 chains named. */
export type FirstSync = Pick<UpdateReport, 'datapath' | 'kind'>;

/** What a cluster became in both lanes. */
export interface Opened {
  readonly services: number;
  readonly endpoints: number;
  /** Rules in all tables; map entries in all maps. */
  readonly rules: number;
  readonly entries: number;
  /** Places in nat KUBE-SERVICES where a target can stand: its rules without the last, the jump to KUBE-NODEPORTS. */
  readonly positions: number;
  readonly client: { readonly name: string; readonly address: string };
  /** Where a node's own rules hold no Service: one with an empty name and address. */
  readonly target: Target;
  /** Objects of kinds that no datapath reads, by kind. */
  readonly ignored: Readonly<Record<string, number>>;
  readonly faults: readonly Fault[];
  /** The agents' first syncs. */
  readonly updates: { readonly iptables: FirstSync; readonly ebpf: UpdateReport };
  /** Only of a cluster with NetworkPolicies, which lane B holds to; lane A never does. */
  readonly policies?: PoliciesHeld;
  /** Only where the scene attaches programs to lane B: what came of each. */
  readonly attached?: readonly AttachedProgram[];
  /** Only for a node's own rules: what reading them says. `rules` are those taken, `services` those that they show. */
  readonly ownRules?: RulesReading;
  /** What the page itself took to build both lanes, in ms: shown apart, as such. */
  readonly builtMs: number;
}

export interface Race {
  readonly packet: Packet;
  readonly lanes: Readonly<Record<DatapathId, Lane>>;
  /** For an established connection: its first packet, sent before. Without traces. */
  readonly first: Readonly<Record<DatapathId, Lane>> | null;
}

/** A scene's own race: its packets have ports. */
export interface PortedRace extends Race {
  readonly packet: PortedPacket;
}

/** A change of the cluster that both lanes were brought in line with. */
export interface UpdateChange {
  readonly kind: SceneChange['kind'];
  /** `namespace/name`. */
  readonly service: string;
  /** Its cluster IP; '' where it has none. */
  readonly address: string;
  /** Ready endpoints before and after. */
  readonly before: number;
  readonly endpoints: number;
  readonly writes: SceneChange['writes'];
  /** Which of a roll-out's updates it is, from 1, of how many; and which pod, from 0, it is about. */
  readonly rollout: { readonly update: number; readonly updates: number; readonly pod: number; readonly phase: RolloutPhase } | null;
}

export interface Update {
  readonly change: UpdateChange;
  readonly lanes: Readonly<Record<DatapathId, { readonly report: UpdateReport; readonly timeline: Timeline<UpdateStage> }>>;
}

/** A change of that kind, in whichever cluster; `update`: which one of a roll-out, from 1. */
export interface UpdateShape {
  readonly kind: SceneChange['kind'];
  /** Ready endpoints before and after; before a roll-out, as it began. */
  readonly before: number;
  readonly endpoints: number;
  readonly writes: SceneChange['writes'];
  readonly update: number;
}

/** An update of the chain lane that was carried out and counted, in a cluster of that many Services. */
export interface CountedUpdate {
  readonly services: number;
  readonly report: UpdateReport;
}

/** By the kernel's tables, the smallest cluster first. */
export type CountedUpdates = Readonly<Record<'legacy' | 'nft', readonly CountedUpdate[]>>;

/** What the text of a cluster holds, read without building any lane: for the Open sheet. */
export interface Reading {
  readonly lines: number;
  readonly services: readonly { readonly name: string; readonly address: string; readonly endpoints: number; readonly line: number }[];
  readonly endpoints: number;
  readonly ignored: Readonly<Record<string, number>>;
  readonly faults: readonly Fault[];
  /** NetworkPolicies; left out: none. */
  readonly policies?: number;
  /** What the Services become: rules in all tables, and entries in all maps; null: more than an agent can name. */
  readonly becomes: { readonly rules: number; readonly entries: number } | null;
  /** Only for a node's own rules; their Services have line 0. */
  readonly rules?: RulesReading;
}

export interface Progress {
  readonly task: 'cluster' | 'iptables' | 'ebpf' | 'changes';
  /** 0 to 1. */
  readonly done: number;
}

/**
 * The engines, in a worker. Long calls report progress; `cancel` (which the caller does by ending the worker) leaves the
 * page as it was. Faults in a person's text are values in the result, never thrown.
 */
export interface SimulationApi {
  /** Builds both lanes for the scene's cluster, target and added Services, unless they are the ones already built. */
  open(scene: Scene, progress: (progress: Progress) => void): Promise<Opened>;
  /** Sends the scene's packet through both lanes, with every rule and instruction traced. */
  race(scene: Scene): Promise<Race>;
  /** Applies the last change of the scene to the lanes as they were before it. */
  update(scene: Scene): Promise<Update>;
  /** The same kind of change in small clusters, counted: for a line over cluster sizes. Needs no scene. */
  countUpdates(shape: UpdateShape): Promise<CountedUpdates>;
  inspect(datapath: DatapathId, view: View): Promise<Snapshot>;
  /** Service ports whose name or address holds the text, at most 50, in the chain's order. */
  targets(text: string): Promise<readonly Target[]>;
  read(cluster: SceneCluster, progress?: (progress: Progress) => void): Promise<Reading>;
  /** The left lane's rules, chain by chain, and any packet through them. */
  readonly rules: RulesApi;
}
