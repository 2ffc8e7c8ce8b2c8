import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_CONFIG, Proxier, type ProxyConfig, type SyncPayload } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import type { ClusterChange, ClusterObject } from '../../src/kubernetes/change.ts';
import { PRESET_NODE } from '../../src/kubernetes/node.ts';
import { preset, type PresetName } from '../../src/kubernetes/presets.ts';
import { LiveCluster } from '../../src/simulation/live-cluster.ts';
import type { SceneStep } from '../../src/simulation/scene-steps.ts';
import { drawCase } from '../../tests/conformance/kube-proxy/draw-case.ts';

const GOLDEN = join(import.meta.dirname, '..', '..', 'tests', 'conformance', 'golden');

/** One sync of a sequence. */
export interface Sync {
  readonly name: string;
  readonly change: ClusterChange;
  /** Everything is written anew, as at the start. */
  readonly everything: boolean;
}

/** Changes that kube-proxy hears one after the other, from its start on. */
export interface Sequence {
  readonly name: string;
  readonly config: ProxyConfig;
  readonly syncs: readonly Sync[];
}

const PRESET_SEQUENCES: readonly PresetName[] = ['shop', '1', '50', '500', '5000'];
const GOLDEN_SEQUENCES: readonly string[] = readdirSync(GOLDEN).filter((name) => name.startsWith('case-'));

/** Clusters of 8 Services; the 9th of 60, the 59th of 600, in large-cluster mode. */
const RANDOM_SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 59];

const SERVICE = 'shop/added-1';
/** What a person does in Update, and everything once more at its end. */
const STEPS: readonly SceneStep[] = [
  { kind: 'add', endpoints: 3, writes: 'changed' },
  { kind: 'add', endpoints: 2, writes: 'changed' },
  { kind: 'scale', service: SERVICE, endpoints: 12, writes: 'changed' },
  { kind: 'scale', service: SERVICE, endpoints: 2, writes: 'changed' },
  ...Array.from({ length: 6 }, (_, index): SceneStep => ({ kind: 'rollout', service: SERVICE, update: index + 1, writes: 'changed' })),
  { kind: 'scale', service: SERVICE, endpoints: 0, writes: 'changed' },
  { kind: 'delete', service: 'shop/added-2', writes: 'changed' },
  { kind: 'delete', service: SERVICE, writes: 'everything' },
];
/** iptables-nft-restore takes a quarter of a minute for the first payload of so many Services. */
const LARGE = 5000;

/** A preset's start and what a person does to it. */
export function presetSequence(size: PresetName): Sequence {
  const objects = preset(size, 1);
  const live = new LiveCluster({ objects, node: PRESET_NODE, ignored: {}, faults: [] });
  const steps = Number(size) >= LARGE ? STEPS.slice(0, 1) : STEPS;
  return {
    name: size === 'shop' ? size : `services-${size}`,
    config: { ...DEFAULT_CONFIG, node: PRESET_NODE.name, clusterCIDR: PRESET_NODE.clusterCIDR },
    syncs: [{ name: 'start', change: added(objects), everything: false }, ...steps.map((step): Sync => ({ name: words(step), change: live.take(step).change, everything: step.writes === 'everything' }))],
  };
}

function words(step: SceneStep): string {
  switch (step.kind) {
    case 'add':
      return `add ${step.endpoints}`;
    case 'scale':
      return `scale to ${step.endpoints}`;
    case 'rollout':
      return `roll-out, update ${step.update}`;
    case 'delete':
      return `delete${step.writes === 'everything' ? ', everything' : ''}`;
  }
}

/** A golden case with its steps, and everything once more. */
export function goldenSequence(name: string): Sequence {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(GOLDEN, name, file), 'utf8'));
  const { config } = read('meta.json') as { config: ProxyConfig };
  const { items } = read('cluster.json') as { items: ClusterObject[] };
  const steps = read('steps.json') as ClusterChange[];
  return {
    name,
    config,
    syncs: [
      { name: 'start', change: added(items), everything: false },
      ...steps.map((change, index) => ({ name: `step ${index + 1}`, change, everything: false })),
      { name: 'everything', change: [], everything: true },
    ],
  };
}

function added(objects: readonly ClusterObject[]): ClusterChange {
  return objects.map((object) => ({ op: 'add', object }));
}

/** A random cluster with its changes and settings. */
export function randomSequence(seed: number): Sequence {
  const { config, items, steps } = drawCase(seed);
  return {
    name: `random-${seed}`,
    config: { ...DEFAULT_CONFIG, ...config },
    syncs: [
      { name: 'start', change: added(items as unknown as readonly ClusterObject[]), everything: false },
      ...steps.map((change, index) => ({ name: `step ${index + 1}`, change: change as unknown as ClusterChange, everything: false })),
      { name: 'everything', change: [], everything: true },
    ],
  };
}

/** All recorded sequences. */
export function recordedSequences(): Sequence[] {
  return [...PRESET_SEQUENCES.map(presetSequence), ...GOLDEN_SEQUENCES.map(goldenSequence), ...RANDOM_SEEDS.map(randomSequence)];
}

/** The payloads that kube-proxy hands over, without the syncs for which it writes none. */
export function* payloadsOf({ config, syncs }: Sequence): Iterable<{ readonly name: string; readonly payload: SyncPayload }> {
  const proxier = new Proxier(config, 1);
  for (const { name, change, everything } of syncs) {
    if (everything) proxier.forceFullSync();
    const payload = proxier.sync(change);
    if (payload) yield { name, payload };
  }
}
