import type { AttachHook } from './attachment.ts';

/** Return values of a tc program by their names (linux/pkt_cls.h); −1 is TC_ACT_UNSPEC. */
export const TC_ACTION: Readonly<Record<number, string>> = { [-1]: 'TC_ACT_UNSPEC', 0: 'TC_ACT_OK', 1: 'TC_ACT_RECLASSIFY', 2: 'TC_ACT_SHOT', 3: 'TC_ACT_PIPE', 4: 'TC_ACT_STOLEN', 5: 'TC_ACT_QUEUED', 6: 'TC_ACT_REPEAT', 7: 'TC_ACT_REDIRECT', 8: 'TC_ACT_TRAP' };
/** Of an XDP program (linux/bpf.h, enum xdp_action). */
export const XDP_ACTION: Readonly<Record<number, string>> = { 0: 'XDP_ABORTED', 1: 'XDP_DROP', 2: 'XDP_PASS', 3: 'XDP_TX', 4: 'XDP_REDIRECT' };

/** What the kernel does after a program's return value. `next`: the next program at the hook is asked; behind the last one the packet goes on. */
export type Doing = 'next' | 'passes' | 'drops' | 'redirects' | 'takes' | 'sends-back' | 'allows' | 'refuses';

export interface Action {
  /** The kernel's own name of the value; null: it has none at that hook. */
  readonly name: string | null;
  readonly does: Doing;
}

/** As cls_bpf reads it with direct action (net/sched/cls_bpf.c, cls_bpf_exec_opcode): whatever is not named there is TC_ACT_UNSPEC. */
function tcAction(value: number): Action {
  const name = TC_ACTION[value] ?? null;
  switch (value) {
    case 0:
      return { name, does: 'passes' };
    case 2:
      return { name, does: 'drops' };
    case 4:
    case 8:
      return { name, does: 'takes' };
    case 7:
      return { name, does: 'redirects' };
    default:
      return { name, does: 'next' };
  }
}

/** An unknown value is dropped, with a warning in the kernel's log (net/core/filter.c, bpf_warn_invalid_xdp_action). */
function xdpAction(value: number): Action {
  const name = XDP_ACTION[value] ?? null;
  const does = ({ 2: 'passes', 3: 'sends-back', 4: 'redirects' } as const)[value] ?? 'drops';
  return { name, does };
}

/** 1 lets connect() go on; 0 ends it with an error. The kernel's verifier refuses others where it sees them; at run time they count as 1 (kernel/bpf/cgroup.c). */
function connectAction(value: number): Action {
  return { name: null, does: value === 0 ? 'refuses' : 'allows' };
}

export function actionOf(hook: AttachHook, value: number): Action {
  switch (hook) {
    case 'connect4':
      return connectAction(value);
    case 'xdp':
      return xdpAction(value);
    case 'from-container':
    case 'to-container':
      return tcAction(value);
  }
}
