import { cpus } from 'node:os';
import { standingRules } from '../src/datapaths/iptables/kube-proxy/index.ts';
import type { PresetName } from '../src/kubernetes/presets.ts';
import { CONNTRACK_ONLY } from './conntrack-only.ts';
import { labCluster, newProxier, type LabCluster, type LabTarget } from './lab-cluster.ts';
import type { Machine } from './machine.ts';
import { LabError, shell } from './shell.ts';
import type { Workshop } from './workshop.ts';
import { World } from './world.ts';

export type Backend = 'legacy' | 'nft';

/**
 * What stands on the node: `none`: nothing; `conntrack`: one rule that makes the kernel track connections, in a chain
 * that the packet does not pass; `standing`: kube-proxy's rules of a cluster without Services; `services`: with all of
 * them; `program`: cil_from_container with its maps. Sent to: the pod's own address in the first three.
 */
export type SetUp = 'none' | 'conntrack' | 'standing' | 'services' | 'program';

/** p50 of `sendto`, in ns, a block each. */
export interface PacketTiming {
  readonly setUp: SetUp;
  readonly backend: Backend | null;
  readonly services: number;
  readonly position: number;
  readonly connection: 'new' | 'established';
  readonly rounds: readonly number[];
}

/** The parts of the way through a node where nothing stands, by the clocks of tc programs; p50 of each block, ns. */
export interface WaySplit {
  readonly in: readonly number[];
  readonly middle: readonly number[];
  readonly out: readonly number[];
}

export interface PacketTimings {
  readonly timings: readonly PacketTiming[];
  /** null: no BPF on this machine. */
  readonly split: WaySplit | null;
  /** What reading the clock twice takes: in every figure. */
  readonly clockNs: number;
  /** Packets that were not in the server's queue as `sendto` came back, of `sent`: in no figure. */
  readonly missed: number;
  readonly sent: number;
}

export interface PacketPlan {
  readonly rounds: number;
  readonly samples: number;
  /** Sizes beside the main one, and the largest that iptables-nft is given. */
  readonly sizes: readonly PresetName[];
  readonly mainSize: PresetName;
  readonly positions: readonly number[];
  readonly largestNft: number;
}

interface Variant {
  readonly setUp: SetUp;
  readonly backend: Backend | null;
  readonly services: number;
  readonly world: World;
  readonly target: LabTarget;
  readonly split: boolean;
}

/** Builds every set-up at once and sends through them in turn, block by block, so that what the machine does meanwhile meets all alike. */
export function timePackets(workshop: Workshop, machine: Machine, plan: PacketPlan, say: (line: string) => void): PacketTimings {
  const variants = buildVariants(workshop, machine, plan, say);
  const worlds = [...new Set(variants.map(({ world }) => world))];
  const lines = [`cpu ${cpus().length - 1}`];
  worlds.forEach((world, index) => {
    lines.push(`world ${index} ${world.client.netns} ${world.client.address}`);
    for (const server of world.servers) lines.push(`server ${index} ${server.netns} ${server.address} 8080`);
    if (world.stamps) lines.push(`stamps ${index} ${world.stamps}`);
  });
  variants.forEach(({ world, target }, index) => lines.push(`target ${index} ${worlds.indexOf(world)} ${target.address} ${target.port}`));
  // The first block of each warms what it uses, and is not counted.
  for (let round = 0; round <= plan.rounds; round++) {
    for (let step = 0; step < variants.length; step++) {
      // Each round begins elsewhere, so that none always comes after the same one.
      const index = (step + round * 7) % variants.length;
      for (const connection of ['new', 'established']) lines.push(`block ${index} ${connection} ${plan.samples}`);
    }
  }
  say(`Sending ${(plan.rounds + 1) * variants.length * 2} blocks of ${plan.samples} packets through ${variants.length} set-ups.`);
  const output = shell(workshop.probe, ['packets'], { input: `${lines.join('\n')}\n`, timeoutMs: 300_000 });
  return readTimings(output, variants);
}

function buildVariants(workshop: Workshop, machine: Machine, plan: PacketPlan, say: (line: string) => void): Variant[] {
  const variants: Variant[] = [];
  const main = labCluster(plan.mainSize, plan.positions);
  const servers = main.servers.map(({ address }) => address);
  const direct: LabTarget = { position: 0, address: servers[0] ?? '', port: 8080 };
  const world = (name: string, pods: readonly string[] = servers) => new World(workshop, name, pods);
  const backends = (['legacy', 'nft'] as const).filter((backend) => machine[backend]);
  say('Building the set-ups.');
  variants.push({ setUp: 'none', backend: null, services: 0, world: world('none'), target: direct, split: false });
  if (machine.bpf) {
    const stamped = world('split');
    stamped.attachStamps(workshop.compileBpf('stamp'));
    variants.push({ setUp: 'none', backend: null, services: 0, world: stamped, target: direct, split: true });
  }
  for (const backend of backends) {
    const tracked = world(`ct-${backend}`);
    tracked.restore(backend, CONNTRACK_ONLY);
    variants.push({ setUp: 'conntrack', backend, services: 0, world: tracked, target: direct, split: false });
    const standing = world(`st-${backend}`);
    standing.restore(backend, standingRules());
    standing.restore(backend, newProxier(main.seed).sync([])?.text ?? '');
    variants.push({ setUp: 'standing', backend, services: 0, world: standing, target: direct, split: false });
  }
  const clusters: LabCluster[] = [main, ...plan.sizes.filter((size) => size !== plan.mainSize).map((size) => labCluster(size, [...new Set([0, Number(size) - 1])]))];
  for (const cluster of clusters) {
    const pods = cluster.servers.map(({ address }) => address);
    for (const backend of backends) {
      if (backend === 'nft' && cluster.services > plan.largestNft) continue;
      say(`Loading the rules of ${cluster.services} Services by iptables-${backend}.`);
      const place = world(`${backend}-${cluster.services}`, pods);
      place.restore(backend, standingRules());
      place.restore(backend, newProxier(cluster.seed).sync(cluster.change)?.text ?? '');
      for (const target of cluster.targets) variants.push({ setUp: 'services', backend, services: cluster.services, world: place, target, split: false });
    }
    if (!machine.bpf) continue;
    const place = world(`bpf-${cluster.services}`, pods);
    shell(workshop.probe, ['maps', place.attachProgram()], { input: place.mapEntries(cluster) });
    for (const target of cluster.targets) variants.push({ setUp: 'program', backend: null, services: cluster.services, world: place, target, split: false });
  }
  return variants;
}

/** Reads a result line of `probe`: words of `key value`. */
export function readWords(line: string): Readonly<Record<string, number>> {
  const words = line.trim().split(/\s+/);
  const values: Record<string, number> = {};
  for (let i = words.length % 2; i + 1 < words.length; i += 2) values[words[i] ?? ''] = Number(words[i + 1]);
  return values;
}

function readTimings(output: string, variants: readonly Variant[]): PacketTimings {
  const timings = new Map<string, { timing: Omit<PacketTiming, 'rounds'>; rounds: number[] }>();
  const split = { in: [] as number[], middle: [] as number[], out: [] as number[] };
  const seen = new Set<string>();
  let [missed, sent, clockNs] = [0, 0, 0];
  for (const line of output.split('\n')) {
    const words = readWords(line);
    if (line.startsWith('clock')) clockNs = words.pair_p50 ?? 0;
    if (!line.startsWith('block')) continue;
    const variant = variants[words.block ?? -1];
    if (!variant) throw new LabError(`The stopwatch wrote of a block that was not asked for: ${line}`);
    missed += words.missed ?? 0;
    sent += (words.taken ?? 0) + (words.missed ?? 0);
    const connection = words.established ? 'established' : 'new';
    const key = `${words.block ?? ''} ${connection}`;
    if (!seen.has(key)) {
      seen.add(key);
      continue;
    }
    if (!words.taken) throw new LabError('No packet of a block arrived within sendto: the kernel works off softirqs elsewhere, so the way cannot be timed like this.');
    if (variant.split) {
      split.in.push(words.in_p50 ?? 0);
      split.middle.push(words.middle_p50 ?? 0);
      split.out.push(words.out_p50 ?? 0);
      continue;
    }
    const { setUp, backend, services, target } = variant;
    const entry = timings.get(key) ?? { timing: { setUp, backend, services, position: target.position, connection }, rounds: [] };
    entry.rounds.push(words.whole_p50 ?? 0);
    timings.set(key, entry);
  }
  return {
    timings: [...timings.values()].map(({ timing, rounds }) => ({ ...timing, rounds })),
    split: split.in.length > 0 ? split : null,
    clockNs,
    missed,
    sent,
  };
}
