import type { Stage } from '../../datapaths/stage.ts';
import type { Lane } from '../../simulation/api.ts';

export type RatioSpan = 'same' | 'ended' | 'one-left' | 'left' | 'node' | 'stack' | 'hop' | 'hop-policies' | 'policy';

/** DROP_POLICY and DROP_POLICY_DENY, whichever program counted it. */
const POLICY = /\bDROP_POLICY/;
/** The one redirect that the lab times. */
const TIMED = 'redirect_peer';

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
 * stack, whose hooks are not walked there, and so not priced; `hop`, it took bpf_redirect, which is priced as
 * bpf_redirect_peer is, and `hop-policies`, because policies are asked behind it; `policy`, only the map's lane asks any.
 */
export function ratioSpan(chain: Lane, map: Lane): RatioSpan {
  const { stages, verdict } = map.report;
  if (verdict.kind === 'dropped' && POLICY.test(verdict.by) && endOf(chain) !== 'none') return 'policy';
  const ends = new Set([endOf(chain), endOf(map)]);
  if (ends.has('none')) return 'ended';
  if (ends.has('node')) return 'node';
  if (!ends.has('left')) return samePods(stages);
  return ends.has('pod') ? 'one-left' : 'left';
}

/** Both came to a pod here: the lab has timed that way, or a part of it not. */
function samePods(stages: readonly Stage[]): 'same' | 'stack' | 'hop' | 'hop-policies' {
  if (stages.some(({ kind }) => kind === 'route')) return 'stack';
  if (!stages.some(({ kind, name }) => kind === 'redirect' && name !== TIMED)) return 'same';
  return stages.some(({ kind, name, part }) => kind === 'program' && name === 'cil_to_container' && part === '') ? 'hop-policies' : 'hop';
}
