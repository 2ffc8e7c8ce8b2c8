import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_CONFIG, Proxier, standingRules } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import { PRESET_NODE } from '../../src/kubernetes/node.ts';
import { preset } from '../../src/kubernetes/presets.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { PresetId, Scene } from '../../src/simulation/scene.ts';
import { Simulation } from '../../src/simulation/simulation.ts';
import { savedRules } from './saved-rules.ts';
import { TEST_PROFILES } from './simulation-profile.ts';

const assets = readAssets();
/** A simulation without any cluster yet. */
export const start = () => new Simulation({ assets, profiles: TEST_PROFILES });
const dump = (name: string) => readFileSync(join(import.meta.dirname, 'dumps', `${name}.rules`), 'utf8');
/** A node's own rules, as iptables-save printed them. */
export const DOCKER = dump('docker-flannel-libvirt-ufw');
export const CALICO = dump('calico-firewalld');

/** A scene of a node's own rules. */
export function scene(text: string, change: Partial<Scene> = {}): Scene {
  return { version: 1, mode: 'rules', cluster: { kind: 'rules', text }, seed: 7, target: { servicePort: null, position: null }, connection: 'new', packet: 0, profile: 'legacy', added: [], ...change };
}
export const presetScene = (name: PresetId, change: Partial<Scene> = {}): Scene => scene('', { cluster: { kind: 'preset', preset: name }, ...change });

/** What iptables-save would give on the preset's node: kube-proxy's rules as the preset's own lane has them. */
export function saved(name: PresetId, seed = 7): string {
  const proxier = new Proxier({ ...DEFAULT_CONFIG, node: PRESET_NODE.name, clusterCIDR: PRESET_NODE.clusterCIDR }, seed);
  return savedRules(standingRules(), proxier.sync(preset(name, seed).map((object) => ({ op: 'add', object })))?.text ?? '');
}
