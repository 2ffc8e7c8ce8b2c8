import type { MapAccess } from '../../datapaths/trace.ts';
import type { Lane } from '../../simulation/api.ts';

/** A lane's map accesses in order; none where it left no trace. */
export function accessesOf({ report }: Pick<Lane, 'report'>): readonly MapAccess[] {
  return report.trace?.kind === 'program' ? report.trace.accesses : [];
}

/** When an access begins, ns. */
export function accessStart({ timeline }: Pick<Lane, 'timeline'>, access: MapAccess): number {
  return timeline.stages[access.stage]?.start ?? 0;
}

/**
 * Where lens B stays once the lane has left its own part: the first look-up; for a known connection the look-up that
 * found it. −1: the program asked no map.
 */
export function heldAccess(accesses: readonly MapAccess[], established: boolean): number {
  const lookup = accesses.findIndex(({ operation }) => operation === 'lookup');
  if (!established) return lookup;
  const known = accesses.findIndex(({ operation, found, map }) => operation === 'lookup' && found && map.includes('_ct'));
  return known < 0 ? lookup : known;
}
