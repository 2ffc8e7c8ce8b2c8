import type { UpdatePoint } from '../../cost/profile.ts';

/** Published times to bring rules into effect. What exactly was added, their source does not say: no lane's line is theirs. */
export function publishedUpdates(points: readonly UpdatePoint[]): readonly UpdatePoint[] {
  return points.filter(({ mark }) => mark === 'published').toSorted((a, b) => a.services - b.services);
}

/** Measured times of one Service more: kube-proxy's partial syncs, and the map's few writes. */
export function measuredAdditions(points: readonly UpdatePoint[]): readonly UpdatePoint[] {
  return points.filter(({ mark, kind }) => mark === 'measured' && kind === 'partial');
}
