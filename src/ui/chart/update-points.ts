import type { UpdatePoint } from '../../cost/profile.ts';

/** Published times to bring rules into effect. What exactly was added, their source does not say: no lane's line is theirs. */
export function publishedUpdates(points: readonly UpdatePoint[]): readonly UpdatePoint[] {
  return points.filter(({ mark }) => mark === 'published').toSorted((a, b) => a.services - b.services);
}

/**
 * Measured times of one Service more: kube-proxy's partial syncs, and of the map's writes at each size the fewest (the
 * others are first loads of the whole map).
 */
export function measuredAdditions(points: readonly UpdatePoint[]): readonly UpdatePoint[] {
  const measured = points.filter(({ mark }) => mark === 'measured');
  const entries = measured.filter(({ kind }) => kind === 'entries');
  return [
    ...measured.filter(({ kind }) => kind === 'partial'),
    ...entries.filter((point) => entries.every((other) => other.services !== point.services || other.ns >= point.ns)),
  ];
}
