import type { Scene, SceneChange, ServiceChange } from '../../simulation/scene.ts';
import { changesOf, withChange, withChanges } from '../../simulation/scene-steps.ts';

/** The scene in the mode Update with one change more. A target that goes with its Service is let go. */
export function changedScene(scene: Scene, change: ServiceChange, writes: SceneChange['writes']): Scene {
  const next = withChange({ ...scene, mode: 'update' }, { ...change, writes });
  const lost = change.kind === 'delete' && next.target.servicePort?.startsWith(`${change.service}:`);
  return lost ? { ...next, target: { servicePort: null, position: null } } : next;
}

/** The last change done again in the other way. */
export function rewrittenScene(scene: Scene, writes: SceneChange['writes']): Scene {
  const all = changesOf(scene);
  const last = all.at(-1);
  return last ? withChanges(scene, [...all.slice(0, -1), { ...last, writes }]) : scene;
}

/** The scene's roll-out, which must be its last change, at another of its updates (from 1). */
export function rolloutScene(scene: Scene, updates: number): Scene {
  const all = changesOf(scene);
  const last = all.at(-1);
  return last?.kind === 'rollout' ? withChanges(scene, [...all.slice(0, -1), { ...last, updates }]) : scene;
}
