import type { ClusterChange } from '../kubernetes/change.ts';
import type { Packet } from '../packet/packet.ts';
import type { DatapathId } from './registry-id.ts';
import type { PacketReport, TraceDetail, UpdateReport } from './report.ts';
import type { Snapshot, View } from './view.ts';

/**
 * A way for packets through a node. Engines know neither the DOM nor workers, and are deterministic: all randomness
 * comes from the seed they were made with, all time from the simulated clock.
 */
export interface Datapath {
  readonly id: DatapathId;

  /**
   * The agent hears of a change and brings the kernel in line with it. The first call is the agent's start.
   * `progress` is told how much of the work is done, from 0 to 1, and may throw to stop it.
   */
  sync(change: ClusterChange, progress?: (done: number) => void): UpdateReport;

  /** Sends one packet; its source address says which pod (or the node, or outside) it comes from. */
  send(packet: Packet, detail: TraceDetail): PacketReport;

  /** A window of rules, map entries, connections or instructions. */
  inspect(view: View): Snapshot;

  /** Moves the simulated clock forward: connections expire by it. */
  advance(milliseconds: number): void;

  /** Forgets every connection and starts the random generator anew, so that a send can be repeated exactly. */
  reset(seed: number): void;
}

/** What every datapath is made with. */
export interface DatapathOptions {
  readonly seed: number;
  readonly node: NodeContext;
}

/** The node that the packets are sent on. */
export interface NodeContext {
  readonly name: string;
  /** The node's own address, dotted decimal. */
  readonly address: string;
  /** `--cluster-cidr`: the addresses of all pods. */
  readonly clusterCIDR: string;
  /** Pods on this node beside those that EndpointSlices place here: the client. Addresses dotted decimal. */
  readonly pods: readonly { readonly name: string; readonly address: string }[];
}
