/** Those whose test run takes a packet (`bpf_prog_test_run_skb`, `bpf_prog_test_run_xdp`), as far as the VM runs them. */
const TAKE_PACKETS: ReadonlySet<string> = new Set(['socket_filter', 'sched_cls', 'sched_act', 'xdp', 'cgroup_skb', 'lwt_in', 'lwt_out', 'lwt_xmit']);

/** Why a program of this type, named as bpftool names it, cannot be run on a packet; null: it can. */
export function whyNoPacket(type: string, section: string): string | null {
  if (TAKE_PACKETS.has(type)) return null;
  if (type === 'unspec') return `Its section, ${section}, says no program type: there is nothing to run it as. Sections begin with tc, xdp, socket, cgroup_skb and the like.`;
  return `It is a program of type ${type}: it can be read, not run on a packet. Those that can are ${[...TAKE_PACKETS].join(', ')}.`;
}
