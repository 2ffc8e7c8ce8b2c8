import { PROFILES } from '../../cost/profiles.ts';
import { withMade } from '../../simulation/scene-made.ts';
import type { Scene } from '../../simulation/scene.ts';

/** What the page opens with: the target last of 5,000 Services, a new connection. */
export const DEFAULT_SCENE: Scene = {
  version: 1,
  mode: 'race',
  cluster: { kind: 'preset', preset: '5000' },
  seed: 1,
  target: { servicePort: null, position: null },
  connection: 'new',
  packet: 0,
  profile: PROFILES[0]?.id ?? '',
  added: [],
};

/** The same cluster, seed and profile: lanes need no building anew, only added Services and a target are arranged. */
export function sameLanes(a: Scene, b: Scene): boolean {
  const sameCluster = a.cluster.kind === 'preset' ? b.cluster.kind === 'preset' && a.cluster.preset === b.cluster.preset : b.cluster.kind === a.cluster.kind && a.cluster.text === b.cluster.text;
  return sameCluster && a.seed === b.seed && a.profile === b.profile;
}

/** The same scene in another cluster: what belonged to the old one is left behind. */
export function inCluster(scene: Scene, cluster: Scene['cluster']): Scene {
  return { ...withMade(scene, undefined), cluster, target: { servicePort: null, position: null }, added: [], changes: [] };
}

/** Whether there is a change that the update can show. */
export function hasChanges({ added, changes = [] }: Scene): boolean {
  return added.length > 0 || changes.length > 0;
}

/** One Service more, after everything that was changed. */
export function withAdded(scene: Scene, endpoints: number): Scene {
  const { added, changes = [] } = scene;
  return changes.length === 0 ? { ...scene, added: [...added, endpoints] } : { ...scene, changes: [...changes, { kind: 'add', endpoints, writes: 'changed' }] };
}
