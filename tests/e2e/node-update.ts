// The same update in Node: a scene's link in, what the page has to show out, as one line of JSON.
import process from 'node:process';
import { findProfile } from '../../src/cost/profiles.ts';
import { ClusterSource } from '../../src/simulation/cluster.ts';
import { decodeScene } from '../../src/simulation/link.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import { Simulation } from '../../src/simulation/simulation.ts';

const decoded = decodeScene(process.argv[2] ?? '');
if (!('scene' in decoded)) throw new Error(decoded.error.message);
const simulation = new Simulation({ assets: readAssets(), profiles: { find: findProfile }, clusters: new ClusterSource() });
simulation.open(decoded.scene);
const { change, lanes } = simulation.update(decoded.scene);
const [chain, map] = [lanes.iptables, lanes.ebpf];
console.log(
  JSON.stringify({
    change,
    chain: { kind: chain.report.kind, total: chain.timeline.total, work: chain.report.work, rulesAfter: chain.report.rules?.rulesAfter ?? 0, removed: chain.report.rules?.removed ?? 0 },
    map: { total: map.timeline.total, work: map.report.work },
  }),
);
