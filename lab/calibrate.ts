import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Point, Profile, UpdatePoint } from '../src/cost/profile.ts';
import { countConntrack, countStanding, CountedLab, type LaneName } from './counted.ts';
import { round } from './figure.ts';
import { fitChain, fitProgram, type Pair } from './fit-packets.ts';
import { fitEntries, fitLegacy, fitNft, type CountedRestore } from './fit-updates.ts';
import { labCluster, type LabCluster } from './lab-cluster.ts';
import { median } from './least-squares.ts';
import type { Machine } from './machine.ts';
import { timePackets, type Backend, type PacketPlan, type PacketTiming, type PacketTimings, type SetUp } from './packet-timing.ts';
import { timePrograms, type ProgramPrices } from './program-timing.ts';
import { PUBLISHED_POINTS, PUBLISHED_UPDATES } from './published.ts';
import { LabError } from './shell.ts';
import { timeUpdates, type UpdatePlan, type UpdateTimings } from './update-timing.ts';
import { ROOT, type Workshop } from './workshop.ts';

/** Everything that was timed: kept beside the profiles, so that they can be fitted again. */
export interface Raw {
  readonly machine: Pick<Machine, 'kernel' | 'processor'>;
  readonly date: string;
  /** SHA-256 of the bpf-samples/from_container.bpf.o that was timed; what was timed before this was noted has none. */
  readonly object?: string;
  readonly plan: { readonly packets: PacketPlan; readonly updates: UpdatePlan };
  readonly packets: PacketTimings;
  readonly prices: ProgramPrices;
  readonly updates: UpdateTimings;
}

export interface CalibrateOptions {
  /** A short run that shows that the tool works: its figures are not worth keeping. */
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

const COMMAND = 'npm run lab -- calibrate';

function plans(quick: boolean): Raw['plan'] {
  return quick
    ? {
        packets: { rounds: 3, samples: 60, sizes: ['1', '50'], mainSize: '500', positions: [0, 250, 499], largestNft: 500 },
        updates: { fulls: 2, partials: 2, large: 1000, largeFulls: 1 },
      }
    : {
        packets: { rounds: 16, samples: 250, sizes: ['1', '50', '500', '20000'], mainSize: '5000', positions: [0, 500, 1000, 2500, 4999], largestNft: 5000 },
        updates: { fulls: 5, partials: 7, large: 5000, largeFulls: 3 },
      };
}

/** Times this machine's kernel. Throws `LabError` where it cannot be timed whole. */
export function measure(workshop: Workshop, machine: Machine, { quick, say }: CalibrateOptions): Raw {
  const plan = plans(quick);
  const prices = timePrograms(workshop, quick ? 3 : plan.packets.rounds, quick ? 20_000 : 100_000, say);
  const packets = timePackets(workshop, machine, plan.packets, say);
  const updates = timeUpdates(workshop, machine, clustersOf(plan.packets), plan.updates, say);
  return { machine: { kernel: machine.kernel, processor: machine.processor }, date: new Date().toISOString().slice(0, 10), object: objectHash(), plan, packets, prices, updates };
}

/** The profile of one backend, from what was timed and what the engines count for the same packets and updates. */
export function profileOf(raw: Raw, backend: Backend, lab: CountedLab): Profile {
  const { packets, updates } = raw;
  if (!packets.split) throw new LabError('Without tc programs the way cannot be split.');
  const pick = (setUp: SetUp, work: (connection: 'new' | 'established', timing: PacketTiming) => Pair['new']['work'], own: Backend | null): Pair[] => {
    const found = packets.timings.filter((timing) => timing.setUp === setUp && timing.backend === own);
    return found
      .filter(({ connection }) => connection === 'new')
      .map((first) => {
        const later = found.find(({ connection, services, position }) => connection === 'established' && services === first.services && position === first.position);
        if (!later) throw new LabError('A first packet was timed without a later one.');
        return { table: first.services, new: { work: work('new', first), rounds: first.rounds }, established: { work: work('established', later), rounds: later.rounds } };
      });
  };
  const one = (pairs: readonly Pair[]): Pair => {
    const [pair] = pairs;
    if (!pair) throw new LabError(`Not every set-up of iptables-${backend} was timed.`);
    return pair;
  };
  const conntrack = countConntrack(lab.server);
  const standing = countStanding(backend, lab.server);
  const counted = (lane: LaneName) => (connection: 'new' | 'established', { services, position }: PacketTiming) => lab.packets(lane, services, position)[connection].work;
  const none = one(pick('none', () => ({ routeLookups: 1 }), null));
  const chain = fitChain({
    none,
    split: packets.split,
    conntrack: one(pick('conntrack', (connection) => conntrack[connection], backend)),
    standing: one(pick('standing', (connection) => standing[connection].work, backend)),
    services: pick('services', counted(backend), backend),
  });
  const program = fitProgram({ none, program: pick('program', counted('ebpf'), null), prices: raw.prices }, chain.fixed);

  const restores: CountedRestore[] = updates.restores
    .filter((timing) => timing.backend === backend)
    .map((timing) => ({ timing, report: lab.update(backend, timing.services, timing.kind) }));
  const update = backend === 'legacy' ? fitLegacy(restores) : fitNft(restores);
  const entries = fitEntries(updates.entries);
  return {
    version: 1,
    id: backend,
    backend,
    kernel: raw.machine.kernel,
    processor: raw.machine.processor,
    date: raw.date,
    setup: setup(raw),
    command: COMMAND,
    units: { ...chain.units, ...program.units },
    fixed: { ...chain.fixed, ...program.fixed },
    update: { units: { ...update.units, ...entries.units }, fixed: { ...update.fixed, ...entries.fixed } },
    points: [...points(packets, backend), ...PUBLISHED_POINTS],
    updatePoints: [...updatePoints(updates, backend), ...PUBLISHED_UPDATES],
  };
}

/** Of the object as it is now. */
export function objectHash(): string {
  return createHash('sha256').update(readFileSync(join(ROOT, 'bpf-samples', 'from_container.bpf.o'))).digest('hex');
}

/** The clusters that packets were sent in, as they were. */
export function clustersOf(plan: PacketPlan): readonly LabCluster[] {
  return [labCluster(plan.mainSize, plan.positions), ...plan.sizes.filter((size) => size !== plan.mainSize).map((size) => labCluster(size, [...new Set([0, Number(size) - 1])]))];
}

function setup({ packets, plan }: Raw): string {
  return (
    `One node with its pods in network namespaces joined by veth pairs. sendto of a 32-byte UDP datagram in the client pod’s namespace, from call to return: the kernel works it off on the same CPU into the server pod’s socket queue, which is asked after each (${packets.missed} of ${packets.sent} were not there and are in no figure). ` +
    `First packets: a fresh socket and source port each. Later ones: of a connection that was replied to. Both lanes alike, ${plan.packets.rounds} rounds of blocks of ${plan.packets.samples}, one set-up after the other; a point is the median of its blocks’ p50, low and high their least and greatest. Two readings of the clock (${packets.clockNs} ns) are in each. ` +
    `Rules: kube-proxy’s payloads as this project renders them, its preset of UDP Services, 2 endpoints each. Map lane: bpf-samples/from_container.bpf.o on tc clsact ingress, the agent’s map entries.`
  );
}

function points({ timings }: PacketTimings, backend: Backend): Point[] {
  const datapaths = { none: 'none', services: 'iptables', program: 'ebpf' } as const;
  return timings.flatMap(({ setUp, backend: own, services, position, connection, rounds }): Point[] => {
    if (setUp === 'conntrack' || setUp === 'standing' || (own !== null && own !== backend)) return [];
    const to = setUp === 'none' ? 'to the pod’s own address, without rules' : 'to the Service';
    const source = `This lab: p50 of sendto ${to}, median of ${rounds.length} blocks`;
    return [{ datapath: datapaths[setUp], connection, services, position, ns: round(median(rounds)), low: round(Math.min(...rounds)), high: round(Math.max(...rounds)), mark: 'measured', source }];
  });
}

function updatePoints({ restores, entries }: UpdateTimings, backend: Backend): UpdatePoint[] {
  const range = (whole: readonly number[]) => ({ ns: round(median(whole)), low: round(Math.min(...whole)), high: round(Math.max(...whole)), mark: 'measured' as const });
  const runs = (whole: readonly number[]) => (whole.length === 1 ? 'one run' : `median of ${whole.length} runs`);
  return [
    ...restores
      .filter((timing) => timing.backend === backend)
      .map(({ kind, services, whole }): UpdatePoint => ({ datapath: 'iptables', kind, services, ...range(whole), source: `This lab: iptables-${backend}-restore from fork to exit, ${runs(whole)}; kube-proxy’s own work is not in it` })),
    ...entries
      .filter(({ kind }) => kind !== 'removal')
      .map(({ kind, services, entries: count, whole }): UpdatePoint => ({ datapath: 'ebpf', kind: kind === 'full' ? 'full' : 'partial', services, ...range(whole), source: `This lab: ${count} map entries (${kind === 'full' ? 'the first load' : 'one Service more'}) written one by one, ${runs(whole)}; an agent’s own work is not in it` })),
  ];
}

/** Fits both profiles to what was timed. */
export function fitProfiles(raw: Raw, lab: CountedLab): Profile[] {
  return (['legacy', 'nft'] as const).map((backend) => profileOf(raw, backend, lab));
}
