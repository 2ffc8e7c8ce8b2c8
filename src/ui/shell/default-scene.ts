import { PROFILES } from '../../cost/profiles.ts';
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
  const sameCluster = a.cluster.kind === 'preset' ? b.cluster.kind === 'preset' && a.cluster.preset === b.cluster.preset : b.cluster.kind === 'text' && a.cluster.text === b.cluster.text;
  return sameCluster && a.seed === b.seed && a.profile === b.profile;
}
