import { programKind } from '../../simulation/programs/program-kind.ts';

// linux/pkt_cls.h; −1 is TC_ACT_UNSPEC.
const TC: Readonly<Record<number, string>> = { [-1]: 'TC_ACT_UNSPEC', 0: 'TC_ACT_OK', 1: 'TC_ACT_RECLASSIFY', 2: 'TC_ACT_SHOT', 3: 'TC_ACT_PIPE', 4: 'TC_ACT_STOLEN', 5: 'TC_ACT_QUEUED', 6: 'TC_ACT_REPEAT', 7: 'TC_ACT_REDIRECT', 8: 'TC_ACT_TRAP' };
// linux/bpf.h, enum xdp_action.
const XDP: Readonly<Record<number, string>> = { 0: 'XDP_ABORTED', 1: 'XDP_DROP', 2: 'XDP_PASS', 3: 'XDP_TX', 4: 'XDP_REDIRECT' };
// linux/bpf.h, enum bpf_ret_code, which lwt programs answer with.
const LWT: Readonly<Record<number, string>> = { 0: 'BPF_OK', 2: 'BPF_DROP', 7: 'BPF_REDIRECT', 128: 'BPF_LWT_REROUTE' };
// enum sk_action.
const SK: Readonly<Record<number, string>> = { 0: 'SK_DROP', 1: 'SK_PASS' };

export interface Verdict {
  /** The kernel's own name; null: the value has none for this type. */
  readonly name: string | null;
  readonly means: 'passes' | 'drops' | 'redirects' | 'answers' | 'allows' | 'refuses' | 'nothing';
}

/** What a return value says at the hook that a program type is for. */
export function verdictName(type: string, value: number): Verdict {
  switch (type) {
    case 'sched_cls':
    case 'sched_act':
      return { name: TC[value] ?? null, means: value === 2 ? 'drops' : value === 7 ? 'redirects' : value === 4 || value === 5 || value === 8 ? 'answers' : TC[value] === undefined ? 'nothing' : 'passes' };
    case 'xdp':
      return { name: XDP[value] ?? null, means: value === 2 ? 'passes' : value === 4 ? 'redirects' : value === 3 ? 'answers' : value === 0 || value === 1 ? 'drops' : 'nothing' };
    case 'socket_filter':
      return { name: null, means: value === 0 ? 'drops' : 'passes' };
    case 'cgroup_skb':
      return { name: null, means: (value & 1) === 1 ? 'allows' : 'drops' };
    case 'sk_skb':
    case 'sk_msg':
    case 'sk_lookup':
    case 'sk_reuseport':
      return { name: SK[value] ?? null, means: value === 0 ? 'drops' : value === 1 ? 'passes' : 'nothing' };
    default:
      if (type.startsWith('lwt_')) return { name: LWT[value] ?? null, means: value === 2 ? 'drops' : value === 7 ? 'redirects' : value === 0 ? 'passes' : 'nothing' };
      if (type.startsWith('cgroup_')) return { name: null, means: value === 1 ? 'allows' : value === 0 ? 'refuses' : 'nothing' };
      return { name: null, means: 'nothing' };
  }
}

/** Whether what a program leaves behind is a packet. */
export function seesPacket(type: string): boolean {
  const kind = programKind(type);
  return kind === 'skb' || kind === 'xdp';
}
