import type { MapSpec } from '../vm.ts';
import type { Unlike } from './attachment.ts';

/** Maps with elements that only their own collection can have: programs' numbers. */
const OF_PROGRAMS: ReadonlySet<string> = new Set(['prog_array']);

/**
 * What keeps a map from being the pinned one of its name, as libbpf compares them before it uses a pinned map again
 * (libbpf.c, map_is_reuse_compat); null: nothing. How many entries it may have is taken over from the pinned one, as
 * Cilium's loader does.
 */
export function unlike(own: MapSpec, pinned: MapSpec): Unlike | null {
  if (own.type !== pinned.type) return 'type';
  if (OF_PROGRAMS.has(own.type)) return 'programs';
  if (own.keySize !== pinned.keySize) return 'key';
  if (own.valueSize !== pinned.valueSize) return 'value';
  return own.flags === pinned.flags ? null : 'flags';
}
