/** What a program of a type is handed: a packet's frame, a socket address, or bytes of its own. */
export type ProgramKind = 'skb' | 'xdp' | 'sock_addr' | 'bytes';

const SKB: ReadonlySet<string> = new Set(['socket_filter', 'sched_cls', 'sched_act', 'cgroup_skb', 'lwt_in', 'lwt_out', 'lwt_xmit', 'lwt_seg6local', 'sk_skb']);

/** By the program's type as bpftool prints it; the VM's own division (machine/context.rs). */
export function programKind(type: string): ProgramKind {
  if (SKB.has(type)) return 'skb';
  if (type === 'xdp') return 'xdp';
  return type === 'cgroup_sock_addr' ? 'sock_addr' : 'bytes';
}

/** Whether the program's data begins at the Ethernet header, or behind it. */
export function seesEthernet(type: string): boolean {
  return type === 'xdp' || type === 'sched_cls' || type === 'sched_act' || type === 'lwt_xmit';
}
