import { PROFILES } from '../../cost/profiles.ts';
import { Engines } from '../../simulation/engines.ts';
import { lanesApart } from '../../simulation/lanes-apart.ts';
import type { PresetId, Scene } from '../../simulation/scene.ts';
import { NodeThread } from './node-thread.ts';

/*
 * Runs, bundled and in a process of its own, what a page runs: opens a preset, races its first packet through both lanes and reads the
 * first window of either, in the threads that a page has for it; with `one` as second word, in one thread. The threads
 * stand before the clock starts, with nothing in them. Prints how long each step took, in ms, and how much memory the
 * whole process had at most, in MB, as a line of JSON.
 */
const [preset = '', threads = ''] = process.argv.slice(2);
const scene: Scene = {
  version: 1,
  mode: 'race',
  cluster: { kind: 'preset', preset: preset as PresetId },
  seed: 1,
  target: { servicePort: null, position: null },
  connection: 'new',
  packet: 0,
  profile: PROFILES[0]?.id ?? '',
  added: [],
};
const first = new NodeThread();
const second = threads === 'one' ? null : new NodeThread();
const engines = new Engines({
  start: () => first,
  startSecond: () => second,
  onstop: (error) => {
    throw error;
  },
});
await Promise.all([first.ready, second?.ready]);

const start = performance.now();
const { rules, entries } = await engines.open(scene, () => undefined);
const opened = performance.now();
const { lanes } = await engines.race(scene);
const raced = performance.now();
const windows = [
  await engines.inspect(scene, 'iptables', { kind: 'rules', table: 'nat', chain: 'KUBE-SERVICES', from: 0, count: 100 }),
  await engines.inspect(scene, 'ebpf', { kind: 'map', name: 'cilium_lb4_services_v2', from: 0, count: 100 }),
];
const end = performance.now();
// maxRSS is in kB.
const peakMB = (process.resourceUsage().maxRSS * 1024) / 1e6;
const shown = windows.map((window) => ('rows' in window ? window.rows.length : 0));
process.stdout.write(`${JSON.stringify({ rules, entries, ms: end - start, openMs: opened - start, raceMs: raced - opened, windowMs: end - raced, peakMB, threads: second && lanesApart(scene) ? 2 : 1, verdicts: Object.values(lanes).map(({ report }) => report.verdict.kind), shown })}\n`);
engines.end();
// A small cluster had no use for it.
second?.terminate();
