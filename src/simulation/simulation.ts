import { timePacket, timeUpdate } from '../cost/model.ts';
import type { Profile } from '../cost/profile.ts';
import type { DatapathAssets } from '../datapaths/assets.ts';
import type { AttachedProgram } from '../datapaths/ebpf/index.ts';
import { DATAPATH_IDS } from '../datapaths/registry.ts';
import type { DatapathId } from '../datapaths/registry-id.ts';
import type { PacketReport, TraceDetail, UpdateReport } from '../datapaths/report.ts';
import type { Snapshot, View } from '../datapaths/view.ts';
import { parseIpv4, type Ipv4 } from '../packet/address.ts';
import type { CountedUpdates, FirstSync, Lane, Opened, PortedRace, Progress, Race, Reading, Target, Update, UpdateShape } from './api.ts';
import { attachmentsOf } from './attachments.ts';
import { addressOfSender, ClusterSource } from './cluster.ts';
import { countUpdates } from './count-updates.ts';
import { arrived, dataPacket, draw, finishHandshake, firstPacket, sendFirst, type Elsewhere, type Parties } from './exchange.ts';
import { Lanes, type Stepped, type Wanted } from './lanes.ts';
import type { ProfileSource } from './profile-source.ts';
import { ChainNames } from './rules/chain-names.ts';
import { RuleBrowser } from './rules/rule-browser.ts';
import type { Scene } from './scene.ts';
import { sameStep, stepsOf, type SceneStep } from './scene-steps.ts';
import { SimulationError } from './simulation-error.ts';
import { NO_TARGET, publicTarget, type PlacedTarget } from './target.ts';

const TARGETS_LISTED = 50;

export interface SimulationOptions {
  readonly assets: DatapathAssets;
  readonly profiles: ProfileSource;
  /** Lanes to build; all of them unless told. A scene's results name only these. */
  readonly datapaths?: readonly DatapathId[];
  /** Where it shares what it reads with others. */
  readonly clusters?: ClusterSource;
}

interface Built {
  readonly lanes: Lanes;
  readonly scene: Scene;
  readonly builtMs: number;
  /** The last step, as it was taken in the chain that `wanted` arranged. */
  readonly last: { readonly stepped: Stepped; readonly wanted: Wanted } | null;
}

/**
 * The engine room: what `SimulationApi` promises, in one thread. Lanes are kept from call to call and rebuilt only where
 * a scene needs other ones; results depend on the scene alone. Throws `SimulationError`.
 */
export class Simulation {
  readonly #options: SimulationOptions;
  #datapaths: readonly DatapathId[];
  readonly #clusters: ClusterSource;
  #built: Built | null = null;
  /** What the chains of the lanes stand for, as far as it was asked for. */
  #browsed: { readonly lanes: Lanes; readonly steps: number; readonly names: ChainNames } | null = null;
  /** By shape: the scene has no part in it. */
  readonly #counted = new Map<string, CountedUpdates>();

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#datapaths = options.datapaths ?? DATAPATH_IDS;
    this.#clusters = options.clusters ?? new ClusterSource();
  }

  /** Other lanes from now on (null: all of them): those that stand are not used again, unless they are just these. */
  use(datapaths: readonly DatapathId[] | null): this {
    this.#datapaths = datapaths ?? DATAPATH_IDS;
    return this;
  }

  /** Builds the scene's lanes. `progress` may throw to stop; the next call then builds anew. */
  open(scene: Scene, progress?: (progress: Progress) => void): Opened {
    const { lanes, builtMs } = this.#prepare(scene, progress);
    const { node, ignored, faults, rules } = lanes.cluster;
    const target = !lanes.iptables || (rules && lanes.targets.size === 0) ? NO_TARGET : publicTarget(lanes.arrange(scene.target));
    return {
      services: lanes.targets.services,
      endpoints: lanes.endpoints,
      rules: lanes.iptables?.rules ?? 0,
      entries: lanes.ebpf?.entries ?? 0,
      positions: lanes.positions.length,
      client: node.client,
      target,
      ignored,
      faults,
      ...(rules ? { ownRules: rules.reading } : {}),
      ...(lanes.ebpf?.policies ? { policies: lanes.ebpf.policies } : {}),
      ...(scene.attached && lanes.ebpf ? { attached: lanes.ebpf.attached } : {}),
      updates: { ...lanes.updates, ...(lanes.updates.iptables ? { iptables: firstSync(lanes.updates.iptables) } : {}) } as Opened['updates'],
      builtMs,
    };
  }

  /** `elsewhere`: what lanes in another thread say of the same race; only the chain lane knows where it goes of itself. */
  race(scene: Scene, elsewhere: Elsewhere | null = null): PortedRace {
    const { lanes } = this.#prepare(scene);
    const target = lanes.iptables ? endOf(lanes.arrange(scene.target)) : null;
    const to = elsewhere?.to ?? target;
    if (!to) throw new SimulationError('simulation_no_services');
    return this.#send(scene, lanes, { from: addressOf(lanes.cluster.node.client.address), ...to }, 'steps', elsewhere?.connected);
  }

  /**
   * The same for any sender and destination: from a pod of this node by its name, or the node by its own. Lanes are
   * arranged as for the scene's target, wherever the packet goes.
   */
  raceBetween(scene: Scene, sender: string, to: Omit<Parties, 'from'>, detail: TraceDetail = 'steps'): Race {
    const { lanes } = this.#prepare(scene);
    if (lanes.targets.size > 0) lanes.arrange(scene.target);
    const address = addressOfSender(lanes.cluster, sender);
    if (address === null) throw new SimulationError('simulation_sender', { sender });
    return this.#send(scene, lanes, { from: addressOf(address), ...to }, detail);
  }

  /** What came of the programs that the scene attaches to lane B. */
  attached(scene: Scene): readonly AttachedProgram[] {
    return this.#prepare(scene).lanes.ebpf?.attached ?? [];
  }

  /** The scene's target that moves the Service port with this address to `position`, where there is one. */
  targetAt(scene: Scene, { to, port, protocol }: Omit<Parties, 'from'>, position: number | null): Scene['target'] {
    const { lanes } = this.#prepare(scene);
    const target = lanes.targets.all.find((one) => parseIpv4(one.address) === to && one.port === port && one.protocol === protocol);
    return target ? { servicePort: target.servicePort, position } : { servicePort: null, position: null };
  }

  update(scene: Scene): Update {
    if (stepsOf(scene).length === 0) throw new SimulationError('simulation_nothing_added');
    const profile = this.#profile(scene);
    const { lanes, last } = this.#prepare(scene, undefined, true);
    if (!last) throw new SimulationError('simulation_nothing_added');
    const { change, reports } = last.stepped;
    const timed = Object.entries(reports).map(([id, report]) => [id, { report, timeline: timeUpdate(report, profile) }] as const);
    // The tables are looked at as the step left them.
    if (change.kind !== 'add') lanes.disarrange();
    else if (lanes.iptables) lanes.arrange(scene.target);
    return { change, lanes: Object.fromEntries(timed) as Update['lanes'] };
  }

  countUpdates(shape: UpdateShape): CountedUpdates {
    const key = Object.values(shape).join();
    const counted = this.#counted.get(key) ?? countUpdates(shape, this.#options.assets);
    this.#counted.set(key, counted);
    return counted;
  }

  inspect(datapath: DatapathId, view: View): Snapshot {
    return this.#built?.lanes.find(datapath)?.inspect(view) ?? { kind: 'nothing' };
  }

  targets(text: string): readonly Target[] {
    const wanted = text.trim().toLowerCase();
    const found: Target[] = [];
    for (const target of this.#built?.lanes.targets.all ?? []) {
      if (!target.servicePort.includes(wanted) && !`${target.address}:${target.port}`.includes(wanted)) continue;
      found.push(publicTarget(target));
      if (found.length === TARGETS_LISTED) break;
    }
    return found;
  }

  read(cluster: Scene['cluster'], progress?: (done: number) => void): Reading {
    return this.#clusters.read(cluster, progress);
  }

  /** The left lane's rules as the scene has them, to be looked at and sent through. `progress` as of `open`. */
  rules(scene: Scene, progress?: (progress: Progress) => void): RuleBrowser {
    const { lanes } = this.#prepare(scene, progress);
    const { iptables, cluster } = lanes;
    if (!iptables) throw new SimulationError('simulation_engine', { reason: 'There is no lane of rules here.' });
    // Rules of a person's own stand as they are.
    const target = lanes.targets.size === 0 ? null : lanes.arrange(cluster.rules ? { ...scene.target, position: null } : scene.target);
    const steps = lanes.steps.length;
    if (this.#browsed?.lanes !== lanes || this.#browsed.steps !== steps) this.#browsed = { lanes, steps, names: new ChainNames(iptables) };
    return new RuleBrowser({ lane: iptables, names: this.#browsed.names, node: cluster.node, target, profile: this.#profile(scene), seed: scene.seed, packet: scene.packet });
  }

  #profile(scene: Scene): Profile {
    const profile = this.#options.profiles.find(scene.profile);
    if (!profile) throw new SimulationError('simulation_profile', { profile: scene.profile });
    return profile;
  }

  /** Lanes that hold the scene's cluster with its changes; for an update, the last one made to the scene's own chain. */
  #prepare(scene: Scene, progress?: (progress: Progress) => void, forUpdate = false): Built {
    const steps = stepsOf(scene);
    let built = this.#built;
    if (built && !(this.#serves(built, scene, steps) && (!forUpdate || wasTakenFor(built, scene, steps)))) built = null;
    built ??= this.#build(scene, progress);
    // Lanes that an error left half changed are not used again.
    this.#built = null;
    const from = built.lanes.steps.length;
    for (const step of steps.slice(from)) {
      const { target } = scene;
      const taken = built.lanes.steps.length;
      if (steps.length - from > 1) progress?.({ task: 'changes', done: (taken - from) / (steps.length - from) });
      // Only the last one is ever asked for: the others need no particular chain.
      const stepped = built.lanes.step(step, taken === steps.length - 1 ? target : null);
      built = { ...built, last: { stepped, wanted: target } };
    }
    this.#attach(built.lanes, scene);
    this.#built = built;
    return built;
  }

  /** Puts the scene's own programs at lane B's hooks, unless they stand there. */
  #attach(lanes: Lanes, { attached = [] }: Scene): void {
    const key = JSON.stringify(attached);
    if (!lanes.ebpf || lanes.attachedAs === key) return;
    lanes.ebpf.attach(attachmentsOf(attached, this.#options.assets.objects));
    lanes.attachedAs = key;
  }

  /** The lanes' cluster is the scene's, and their steps are the scene's first ones. */
  #serves({ scene: old, lanes }: Built, scene: Scene, steps: readonly SceneStep[]): boolean {
    return (
      sameIds(lanes.datapaths, this.#datapaths) &&
      lanes.backend === this.#profile(scene).backend &&
      old.seed === scene.seed &&
      sameCluster(old.cluster, scene.cluster) &&
      lanes.steps.length <= steps.length &&
      lanes.steps.every((step, index) => sameStep(step, steps[index] ?? step))
    );
  }

  #build(scene: Scene, progress?: (progress: Progress) => void): Built {
    const { backend } = this.#profile(scene);
    // The old ones go first: two clusters of 50,000 Services need not fit into memory.
    this.#built?.lanes.free();
    this.#built = null;
    this.#browsed = null;
    const start = performance.now();
    progress?.({ task: 'cluster', done: 0 });
    const cluster = this.#clusters.load(scene.cluster, scene.seed, (done) => progress?.({ task: 'cluster', done }));
    progress?.({ task: 'cluster', done: 1 });
    const lanes = new Lanes({ cluster, seed: scene.seed, backend, datapaths: this.#datapaths, assets: this.#options.assets }, progress);
    return { lanes, scene, builtMs: performance.now() - start, last: null };
  }

  #send(scene: Scene, lanes: Lanes, parties: Parties, detail: TraceDetail = 'steps', connected = false): PortedRace {
    const profile = this.#profile(scene);
    const drawn = draw(scene.seed, scene.packet);
    const opening = firstPacket(parties, drawn);
    const established = scene.connection === 'established';
    const timed = (report: PacketReport): Lane => ({ report, timeline: timePacket(report, profile) });

    const firsts = [...lanes.all()].map((lane) => ({ lane, report: sendFirst(lane, opening, drawn, established ? 'stages' : detail) }));
    const byLane = (all: readonly { readonly lane: { readonly id: DatapathId }; readonly report: PacketReport }[]) =>
      Object.fromEntries(all.map(({ lane, report }) => [lane.id, timed(report)])) as unknown as Race['lanes'];
    if (!established) return { packet: opening, lanes: byLane(firsts), first: null };
    // A connection that nobody takes never becomes one: its first packet is all there is.
    if (!connected && !firsts.some(({ report }) => arrived(report))) {
      return { packet: opening, lanes: byLane(firsts.map(({ lane }) => ({ lane, report: sendFirst(lane, opening, drawn, detail) }))), first: null };
    }
    const packet = dataPacket(opening, drawn);
    const measured = firsts.map(({ lane, report }) => {
      finishHandshake(lane, report, drawn);
      return { lane, report: lane.send(packet, detail) };
    });
    return { packet, lanes: byLane(measured), first: byLane(firsts) };
  }
}

function wasTakenFor({ last, lanes }: Built, scene: Scene, steps: readonly SceneStep[]): boolean {
  if (lanes.steps.length < steps.length) return true;
  if (!last) return false;
  // Only an addition is made to the chain as it is arranged.
  return last.stepped.change.kind !== 'add' || (last.wanted.servicePort === scene.target.servicePort && last.wanted.position === scene.target.position);
}

function firstSync({ datapath, kind }: UpdateReport): FirstSync {
  return { datapath, kind };
}

function sameIds(a: readonly DatapathId[], b: readonly DatapathId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

function sameCluster(a: Scene['cluster'], b: Scene['cluster']): boolean {
  if (a.kind === 'preset') return b.kind === 'preset' && a.preset === b.preset;
  return a.kind === b.kind && a.text === b.text;
}

function endOf({ address, port, protocol }: PlacedTarget): Omit<Parties, 'from'> {
  return { to: addressOf(address), port, protocol };
}

function addressOf(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === undefined) throw new SimulationError('simulation_engine', { reason: `${text} is no IPv4 address.` });
  return address;
}
