import type { Scene, SceneChange } from './scene.ts';

/** One thing that both lanes are synced with: a change, or one of a roll-out's updates (`update`, from 1). */
export type SceneStep = Exclude<SceneChange, { kind: 'rollout' }> | { readonly kind: 'rollout'; readonly service: string; readonly update: number; readonly writes: SceneChange['writes'] };

/** Everything that was changed in a scene's cluster, step by step. */
export function stepsOf({ added, changes = [] }: Pick<Scene, 'added' | 'changes'>): readonly SceneStep[] {
  return [
    ...added.map((endpoints): SceneStep => ({ kind: 'add', endpoints, writes: 'changed' })),
    ...changes.flatMap((change): SceneStep[] => {
      if (change.kind !== 'rollout') return [change];
      const { kind, service, writes, updates } = change;
      return Array.from({ length: updates }, (_, index) => ({ kind, service, writes, update: index + 1 }));
    }),
  ];
}

export function sameStep(a: SceneStep, b: SceneStep): boolean {
  if (a.kind !== b.kind || a.writes !== b.writes) return false;
  const detail = (step: SceneStep) => (step.kind === 'rollout' ? step.update : step.kind === 'delete' ? 0 : step.endpoints);
  const service = (step: SceneStep) => (step.kind === 'add' ? '' : step.service);
  return detail(a) === detail(b) && service(a) === service(b);
}

/** All changes of a scene, added Services too. */
export function changesOf({ added, changes = [] }: Scene): readonly SceneChange[] {
  return [...added.map((endpoints): SceneChange => ({ kind: 'add', endpoints, writes: 'changed' })), ...changes];
}

/**
 * The scene with those changes instead of its own: the Services that are added first, and written as changed, stand in
 * `added`, where every version of the page finds them.
 */
export function withChanges(scene: Scene, all: readonly SceneChange[]): Scene {
  const plain = all.findIndex(({ kind, writes }) => kind !== 'add' || writes !== 'changed');
  const added = plain < 0 ? all : all.slice(0, plain);
  const changes = plain < 0 ? [] : all.slice(plain);
  const next = { ...scene, added: added.flatMap((change) => (change.kind === 'add' ? [change.endpoints] : [])) };
  // One form for each scene: without changes there is no list of them.
  if (changes.length > 0) return { ...next, changes };
  delete next.changes;
  return next;
}

/** The scene with one change more. */
export function withChange(scene: Scene, change: SceneChange): Scene {
  return withChanges(scene, [...changesOf(scene), change]);
}

/** The scene without any change. */
export function withoutChanges(scene: Scene): Scene {
  return withChanges(scene, []);
}
