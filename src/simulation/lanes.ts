import type { DatapathAssets } from '../datapaths/assets.ts';
import type { Datapath, NodeContext } from '../datapaths/datapath.ts';
import { createDatapath, type Implementation, type LaneOptions } from '../datapaths/registry.ts';
import type { DatapathId } from '../datapaths/registry-id.ts';
import type { UpdateReport } from '../datapaths/report.ts';
import type { ClusterChange, ClusterObject } from '../kubernetes/change.ts';
import { addedService } from '../kubernetes/presets.ts';
import type { Progress } from './api.ts';
import { addressesOf, type Cluster } from './cluster.ts';
import { SimulationError } from './simulation-error.ts';
import { findTarget, targetsOf, type PlacedTarget } from './target.ts';

/** What lanes are built from. */
export interface LanesOptions {
  readonly cluster: Cluster;
  readonly seed: number;
  readonly backend: LaneOptions['backend'];
  readonly datapaths: readonly DatapathId[];
  readonly assets: DatapathAssets;
}

export interface Added {
  readonly name: string;
  readonly address: string;
  readonly endpoints: number;
  readonly reports: Readonly<Partial<Record<DatapathId, UpdateReport>>>;
}

/** Where a scene wants its target: `servicePort` null is the one that stands last, `position` null is where the seed put it. */
export interface Wanted {
  readonly servicePort: string | null;
  readonly position: number | null;
}

/**
 * One cluster in every lane, with the Services that were added to it.
 *
 * Its state is a function of cluster, seed, added Services and target alone, whatever came before: a target is moved
 * within the chain by a swap, which is undone before the next one. Services that are added in between take drawn places,
 * and a draw does not depend on who stands where.
 */
export class Lanes {
  readonly cluster: Cluster;
  readonly seed: number;
  readonly backend: LaneOptions['backend'];
  readonly iptables: Implementation<'iptables'> | null;
  readonly ebpf: Implementation<'ebpf'> | null;
  /** The agents' first syncs. */
  readonly updates: Readonly<Partial<Record<DatapathId, UpdateReport>>>;
  readonly added: number[] = [];
  readonly #node: NodeContext;
  /** The two Service ports that changed places, named as in `IptablesDatapath.positions`. */
  #swapped: { readonly target: string; readonly other: string } | null = null;
  /** What was last arranged, and is so now. */
  #arranged: { readonly wanted: Wanted; readonly target: PlacedTarget | null } | null = null;
  #taken: Set<string> | null = null;
  #targets: readonly PlacedTarget[] | null = null;
  #positions: readonly string[] | null = null;

  constructor({ cluster, seed, backend, datapaths, assets }: LanesOptions, progress?: (progress: Progress) => void) {
    this.cluster = cluster;
    this.seed = seed;
    this.backend = backend;
    const { name, address, clusterCIDR, client } = cluster.node;
    this.#node = { name, address, clusterCIDR, pods: [client] };
    const options = { seed, node: this.#node, backend };
    const change: ClusterChange = cluster.objects.map((object) => ({ op: 'add', object }));
    const updates: Partial<Record<DatapathId, UpdateReport>> = {};
    const start = <Id extends DatapathId>(id: Id): Implementation<Id> | null => {
      if (!datapaths.includes(id)) return null;
      progress?.({ task: id, done: 0 });
      const lane = createDatapath(id, options, assets);
      updates[id] = lane.sync(change, (done) => progress?.({ task: id, done }));
      progress?.({ task: id, done: 1 });
      return lane;
    };
    this.iptables = start('iptables');
    this.ebpf = start('ebpf');
    this.updates = updates;
  }

  *all(): Iterable<Datapath> {
    if (this.iptables) yield this.iptables;
    if (this.ebpf) yield this.ebpf;
  }

  find(id: DatapathId): Datapath | null {
    return this[id];
  }

  /** Every Service port that has an address, in the chain's order; last those that have no rule there. */
  get targets(): readonly PlacedTarget[] {
    this.#targets ??= this.iptables ? targetsOf(this.iptables, this.positions) : [];
    return this.#targets;
  }

  /** For each rule of KUBE-SERVICES that belongs to a Service port, which one: `namespace/name:port/protocol`. */
  get positions(): readonly string[] {
    this.#positions ??= this.iptables?.positions() ?? [];
    return this.#positions;
  }

  /** Moves the target where it is wanted, from where the seed put every Service. Returns it. */
  arrange(wanted: Wanted): PlacedTarget {
    const target = this.#arrange(wanted);
    if (target) return target;
    if (wanted.servicePort !== null && this.targets.length > 0) throw new SimulationError('simulation_target', { target: wanted.servicePort });
    throw new SimulationError('simulation_no_services');
  }

  /** Adds the next Service to every lane, to the chain as it is arranged for `wanted`, or just as it stands. */
  add(endpoints: number, wanted: Wanted | null): Added {
    // The target may be the very Service that is added here: then nothing is arranged yet.
    if (wanted) this.#arrange(wanted);
    this.#taken ??= addressesOf(this.cluster);
    const taken = this.#taken;
    const { name, address, objects } = addedService(this.added.length, endpoints, (candidate) => taken.has(candidate));
    const change: ClusterChange = objects.map((object) => ({ op: 'add', object: this.#placed(object) }));
    for (const used of addressesOf({ ...this.cluster, objects })) taken.add(used);
    this.#moved();
    this.#arranged = null;
    const reports: Partial<Record<DatapathId, UpdateReport>> = {};
    for (const lane of this.all()) reports[lane.id] = lane.sync(change);
    this.added.push(endpoints);
    return { name, address, endpoints, reports };
  }

  /** Frees what a lane holds outside the garbage collector's reach. */
  free(): void {
    this.ebpf?.free();
  }

  /** null: there is no such Service port yet. */
  #arrange(wanted: Wanted): PlacedTarget | null {
    const done = this.#arranged;
    if (done && done.wanted.servicePort === wanted.servicePort && done.wanted.position === wanted.position) return done.target;
    if (this.#swapped) {
      const { target, other } = this.#swapped;
      this.#swapped = null;
      this.#place(target, this.positions.indexOf(other));
    }
    let target = findTarget(this.targets, wanted.servicePort);
    if (target && target.position !== null && wanted.position !== null) target = this.#move(target, wanted.position);
    this.#arranged = { wanted, target };
    return target;
  }

  #move(target: PlacedTarget, position: number): PlacedTarget {
    const names = this.positions;
    const rule = Math.min(Math.max(0, position), names.length - 1);
    const other = names[rule];
    if (other === undefined || other === target.id) return target;
    this.#place(target.id, rule);
    this.#swapped = { target: target.id, other };
    return findTarget(this.targets, target.servicePort) ?? target;
  }

  /** `place` counts Service ports, of which one may have several rules in the chain. */
  #place(id: string, rule: number): void {
    const before = new Set(this.positions.slice(0, rule));
    before.delete(this.positions[rule] ?? '');
    this.iptables?.place(id, before.size);
    this.#moved();
  }

  #moved(): void {
    this.#targets = null;
    this.#positions = null;
  }

  /** The presets' Services have their pods on the presets' node: here they come to the node that is looked at. */
  #placed(object: ClusterObject): ClusterObject {
    if (object.kind !== 'EndpointSlice') return object;
    return { ...object, endpoints: object.endpoints.map((endpoint) => ({ ...endpoint, nodeName: this.#node.name })) };
  }
}
