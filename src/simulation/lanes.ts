import type { DatapathAssets } from '../datapaths/assets.ts';
import type { Datapath, NodeContext } from '../datapaths/datapath.ts';
import { createDatapath, type Implementation, type LaneOptions } from '../datapaths/registry.ts';
import type { DatapathId } from '../datapaths/registry-id.ts';
import type { UpdateReport } from '../datapaths/report.ts';
import type { ClusterChange } from '../kubernetes/change.ts';
import type { Progress, UpdateChange } from './api.ts';
import type { Cluster } from './cluster.ts';
import { LiveCluster } from './live-cluster.ts';
import type { SceneStep } from './scene-steps.ts';
import { SimulationError } from './simulation-error.ts';
import { Targets, type PlacedTarget } from './target.ts';

/** What lanes are built from. */
export interface LanesOptions {
  readonly cluster: Cluster;
  readonly seed: number;
  readonly backend: LaneOptions['backend'];
  readonly datapaths: readonly DatapathId[];
  readonly assets: DatapathAssets;
}

/** What a step was, and what it made of the lanes. */
export interface Stepped {
  readonly change: UpdateChange;
  readonly reports: Readonly<Partial<Record<DatapathId, UpdateReport>>>;
}

/** Where a scene wants its target: `servicePort` null is the last one that leads to pods, `position` null is where the seed put it. */
export interface Wanted {
  readonly servicePort: string | null;
  readonly position: number | null;
}

/**
 * One cluster in every lane, with the changes that were made to it.
 *
 * Its state is a function of cluster, seed, steps and target alone, whatever came before: a target is moved within the
 * chain by a swap, which is undone before the next one, and before anything but an addition: a Service may lose its place
 * then. Services that are added in between take drawn places, and a draw does not depend on who stands where.
 */
export class Lanes {
  readonly cluster: Cluster;
  readonly seed: number;
  readonly backend: LaneOptions['backend'];
  readonly datapaths: readonly DatapathId[];
  readonly iptables: Implementation<'iptables'> | null;
  readonly ebpf: Implementation<'ebpf'> | null;
  /** The agents' first syncs. */
  readonly updates: Readonly<Partial<Record<DatapathId, UpdateReport>>>;
  readonly steps: SceneStep[] = [];
  /** What of a scene's own programs stands in lane B, as text. */
  attachedAs = '[]';
  readonly #node: NodeContext;
  /** The two Service ports that changed places, named as in `IptablesDatapath.positions`. */
  #swapped: { readonly target: string; readonly other: string } | null = null;
  /** What was last arranged, and is so now. */
  #arranged: { readonly wanted: Wanted; readonly target: PlacedTarget | null } | null = null;
  readonly #live: LiveCluster;
  #targets: Targets | null = null;
  #positions: readonly string[] | null = null;

  constructor({ cluster, seed, backend, datapaths, assets }: LanesOptions, progress?: (progress: Progress) => void) {
    this.cluster = cluster;
    this.#live = new LiveCluster(cluster);
    this.seed = seed;
    this.backend = backend;
    this.datapaths = datapaths;
    const { name, address, clusterCIDR, client } = cluster.node;
    this.#node = { name, address, clusterCIDR, pods: [client] };
    const { rules } = cluster;
    const options = { seed, node: this.#node, backend, ...(rules ? { rules: rules.dump } : {}) };
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

  /** Every Service port that has an address; none without the chain's lane. */
  get targets(): Targets {
    this.#targets ??= new Targets(this.iptables ? (this.cluster.rules?.ports ?? this.iptables.servicePorts()) : [], this.positions, this.cluster.objects);
    return this.#targets;
  }

  /** For each rule of KUBE-SERVICES the Service port that it belongs to: `namespace/name:port/protocol`; '' for a rule of a person's own that belongs to none. */
  get positions(): readonly string[] {
    this.#positions ??= (this.iptables ? (this.cluster.rules?.positions ?? this.iptables.positions()) : null) ?? [];
    return this.#positions;
  }

  /** Moves the target where it is wanted, from where the seed put every Service. Returns it. */
  arrange(wanted: Wanted): PlacedTarget {
    const target = this.#arrange(wanted);
    if (target) return target;
    if (wanted.servicePort !== null && this.targets.size > 0) throw new SimulationError('simulation_target', { target: wanted.servicePort });
    throw new SimulationError(this.cluster.rules ? 'simulation_rules_no_services' : 'simulation_no_services');
  }

  /** Endpoints of IPv4 EndpointSlices, ready or not. */
  get endpoints(): number {
    return this.#live.endpoints;
  }

  /**
   * Takes one step of the scene in every lane. A Service is added to the chain as it is arranged for `wanted` (null: just
   * as it stands); every other step is taken where the seed put every Service. `heard` is told what the agents hear.
   */
  step(step: SceneStep, wanted: Wanted | null, heard?: (change: ClusterChange) => void): Stepped {
    // kube-proxy's memory, which its next text would come from, is not in a text of rules.
    if (this.cluster.rules) throw new SimulationError('simulation_rules_update');
    // The target may be the very Service that is added here: then nothing is arranged yet.
    if (step.kind !== 'add') this.disarrange();
    else if (wanted) this.#arrange(wanted);
    const { change, done } = this.#live.take(step);
    heard?.(change);
    this.#moved();
    this.#arranged = null;
    if (step.writes === 'everything') this.iptables?.forceFullSync();
    const reports: Partial<Record<DatapathId, UpdateReport>> = {};
    for (const lane of this.all()) reports[lane.id] = lane.sync(change);
    this.steps.push(step);
    return { change: done, reports };
  }

  /** Puts every Service back where the seed put it. */
  disarrange(): void {
    this.#arranged = null;
    if (!this.#swapped) return;
    const { target, other } = this.#swapped;
    this.#swapped = null;
    this.#place(target, this.positions.indexOf(other));
  }

  /** Frees what a lane holds outside the garbage collector's reach. */
  free(): void {
    this.ebpf?.free();
  }

  /** null: there is no such Service port yet. */
  #arrange(wanted: Wanted): PlacedTarget | null {
    const done = this.#arranged;
    if (done && done.wanted.servicePort === wanted.servicePort && done.wanted.position === wanted.position) return done.target;
    this.disarrange();
    let target = this.targets.find(wanted.servicePort);
    if (this.cluster.rules && target && wanted.position !== null && wanted.position !== target.position) throw new SimulationError('simulation_rules_place');
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
    return this.targets.find(target.servicePort) ?? target;
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
}
