import { findProfile, PROFILES } from '../../cost/profiles.ts';
import { readAssets } from '../../simulation/node-assets.ts';
import type { PresetId, Scene } from '../../simulation/scene.ts';
import { Simulation } from '../../simulation/simulation.ts';

/*
 * Runs in a process of its own, as the page's worker does: opens a preset, races its first packet through both lanes and
 * reads the first window of rules. Prints how long each took, in ms, and how much memory the process had at most, in MB,
 * as a line of JSON.
 */
const [preset = ''] = process.argv.slice(2);
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
const assets = readAssets();
const start = performance.now();
const simulation = new Simulation({ assets, profiles: { find: findProfile } });
const { rules, entries } = simulation.open(scene);
const opened = performance.now();
simulation.race(scene);
const raced = performance.now();
simulation.inspect('iptables', { kind: 'rules', table: 'nat', chain: 'KUBE-SERVICES', from: 0, count: 100 });
const end = performance.now();
// maxRSS is in kB.
const peakMB = (process.resourceUsage().maxRSS * 1024) / 1e6;
process.stdout.write(`${JSON.stringify({ rules, entries, ms: end - start, openMs: opened - start, raceMs: raced - opened, windowMs: end - raced, peakMB })}\n`);
