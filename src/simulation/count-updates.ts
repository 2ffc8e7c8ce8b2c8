import type { DatapathAssets } from '../datapaths/assets.ts';
import type { UpdateReport } from '../datapaths/report.ts';
import { PRESET_NODE } from '../kubernetes/node.ts';
import { preset } from '../kubernetes/presets.ts';
import type { CountedUpdates, UpdateShape } from './api.ts';
import { Lanes } from './lanes.ts';
import type { SceneStep } from './scene-steps.ts';

const SEED = 1;
/** Sizes of the clusters that are counted, in Services: small ones take milliseconds. */
const SIZES = [1, 50, 200] as const;

/**
 * Makes the same change in a few small clusters of the presets' kind and counts what kube-proxy and the kernel did: what
 * the line of a chart over cluster sizes is drawn from.
 */
export function countUpdates(shape: UpdateShape, assets: DatapathAssets): CountedUpdates {
  const all = preset('500', SEED);
  const count = (backend: 'legacy' | 'nft') =>
    SIZES.map((services) => {
      // A preset's Service is two objects: itself and its slice.
      const cluster = { objects: all.slice(0, 2 * services), node: PRESET_NODE, ignored: {}, faults: [] };
      const lanes = new Lanes({ cluster, seed: SEED, backend, datapaths: ['iptables'], assets });
      const report = stepsTo(shape).reduce<UpdateReport | null>((_, step) => lanes.step(step, null).reports.iptables ?? null, null);
      if (!report) throw new Error('The chain lane counted nothing.');
      return { services, report: { ...report, rules: null, writes: [] } };
    });
  return { legacy: count('legacy'), nft: count('nft') };
}

/** The change last, and before it what it takes: the Service that it changes, and a roll-out's updates before. */
function stepsTo({ kind, before, endpoints, writes, update }: UpdateShape): readonly SceneStep[] {
  const service = 'shop/added-1';
  const added = (count: number): SceneStep => ({ kind: 'add', endpoints: count, writes: 'changed' });
  switch (kind) {
    case 'add':
      return [{ kind, endpoints, writes }];
    case 'scale':
      return [added(before), { kind, service, endpoints, writes }];
    case 'delete':
      return [added(before), { kind, service, writes }];
    case 'rollout':
      return [added(before), ...Array.from({ length: update }, (_, index): SceneStep => ({ kind, service, update: index + 1, writes }))];
  }
}
