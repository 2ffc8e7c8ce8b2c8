import type { Lane } from '../../simulation/api.ts';

/** Where a packet's way ends. */
type End = 'pod' | 'node' | 'left' | 'none';

function endOf({ report: { verdict } }: Lane): End {
  switch (verdict.kind) {
    case 'delivered': return verdict.device === 'lo' ? 'node' : 'pod';
    case 'forwarded': return 'left';
    case 'rejected':
    case 'dropped': return 'none';
  }
}

/**
 * Whether two lanes' times are of the same span: from the client pod's send to a server pod's socket queue. Otherwise why
 * not: `ended`, one was refused or dropped; `one-left`, one reached a pod here and the other left the node; `left`, neither
 * has a pod here; `node`, an endpoint is on the node itself; `stack`, the map's packet came to its pod by the kernel's
 * stack, whose hooks are not walked there, and so not priced.
 */
export function ratioSpan(chain: Lane, map: Lane): 'same' | 'ended' | 'one-left' | 'left' | 'node' | 'stack' {
  const ends = new Set([endOf(chain), endOf(map)]);
  if (ends.has('none')) return 'ended';
  if (ends.has('node')) return 'node';
  if (!ends.has('left')) return map.report.stages.some(({ kind }) => kind === 'route') ? 'stack' : 'same';
  return ends.has('pod') ? 'one-left' : 'left';
}
