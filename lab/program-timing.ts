import { cpus } from 'node:os';
import { join } from 'node:path';
import { PRESET_NODE } from '../src/kubernetes/node.ts';
import { parseIpv4, type Ipv4 } from '../src/packet/address.ts';
import { encodeFrame } from '../src/packet/frame.ts';
import { labCluster } from './lab-cluster.ts';
import { readWords } from './packet-timing.ts';
import { shell } from './shell.ts';
import type { Workshop } from './workshop.ts';
import { macOf, World } from './world.ts';

/** Things that `prices.bpf.c` does, with how often one run does each. */
const PRICED = { instructions: 8 * 32, map_lookup: 32, ktime: 32, prandom: 32, store_bytes: 32, l3_csum: 32, l4_csum: 32 } as const;
export type PricedThing = keyof typeof PRICED;

/** ns a time, one value a round. */
export type ProgramPrices = Readonly<Record<PricedThing, readonly number[]>>;

/** Prices of what programs do, by BPF_PROG_TEST_RUN, less what a run of nothing costs; the maps are as full as at 5,000 Services. */
export function timePrograms(workshop: Workshop, rounds: number, repeat: number, say: (line: string) => void): ProgramPrices {
  say('Timing what the program does, thing by thing.');
  const cluster = labCluster('5000', [2500]);
  const [target] = cluster.targets;
  const world = new World(workshop, 'prices', cluster.servers.map(({ address }) => address));
  const maps = world.attachProgram();
  shell(workshop.probe, ['maps', maps], { input: world.mapEntries(cluster) });
  const folder = workshop.loadBpf(workshop.compileBpf('prices'), 'prices-programs', { cilium_lb4_services_v2: join(maps, 'cilium_lb4_services_v2') });
  const client = parseIpv4(PRESET_NODE.client.address) ?? (0 as Ipv4);
  const frame = encodeFrame(
    { protocol: 'UDP', source: client, destination: parseIpv4(target?.address ?? '') ?? (0 as Ipv4), ttl: 64, length: 60, sourcePort: 40000, destinationPort: target?.port ?? 0 },
    { source: macOf(client, 0), destination: macOf(client, 1) },
  );
  const run = (program: string) => {
    const output = shell(workshop.probe, ['testrun', String(cpus().length - 1), join(folder, 'programs', program), String(repeat), '5'], { input: `${Buffer.from(frame).toString('hex')}\n` });
    return readWords(output).run_p50 ?? 0;
  };
  const prices: Record<PricedThing, number[]> = { instructions: [], map_lookup: [], ktime: [], prandom: [], store_bytes: [], l3_csum: [], l4_csum: [] };
  for (let round = 0; round < rounds; round++) {
    const nothing = run('nothing');
    for (const [thing, times] of Object.entries(PRICED) as [PricedThing, number][]) prices[thing].push(Math.max(0, (run(thing) - nothing) / times));
  }
  return prices;
}
