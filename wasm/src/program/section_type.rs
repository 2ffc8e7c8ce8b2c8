//! Which program type a section's name stands for (libbpf's `section_defs`), named as bpftool prints types.

/// How a section's name is held against a pattern.
enum Match {
    /// The name begins with it.
    Prefix(&'static str),
    /// The name is it, or goes on with a slash.
    Part(&'static str),
}
use Match::{Part, Prefix};

/// In the order in which they are tried.
const TYPES: &[(Match, &str)] = &[
    (Prefix("socket"), "socket_filter"),
    (Prefix("sk_reuseport"), "sk_reuseport"),
    (Part("kprobe"), "kprobe"),
    (Part("uprobe"), "kprobe"),
    (Part("uprobe.s"), "kprobe"),
    (Part("kretprobe"), "kprobe"),
    (Part("uretprobe"), "kprobe"),
    (Part("uretprobe.s"), "kprobe"),
    (Part("kprobe.multi"), "kprobe"),
    (Part("kretprobe.multi"), "kprobe"),
    (Part("kprobe.session"), "kprobe"),
    (Part("uprobe.multi"), "kprobe"),
    (Part("uretprobe.multi"), "kprobe"),
    (Part("uprobe.session"), "kprobe"),
    (Part("uprobe.multi.s"), "kprobe"),
    (Part("uretprobe.multi.s"), "kprobe"),
    (Part("uprobe.session.s"), "kprobe"),
    (Part("ksyscall"), "kprobe"),
    (Part("kretsyscall"), "kprobe"),
    (Part("usdt"), "kprobe"),
    (Part("usdt.s"), "kprobe"),
    (Prefix("tc/ingress"), "sched_cls"),
    (Prefix("tc/egress"), "sched_cls"),
    (Prefix("tcx/ingress"), "sched_cls"),
    (Prefix("tcx/egress"), "sched_cls"),
    (Prefix("tc"), "sched_cls"),
    (Prefix("classifier"), "sched_cls"),
    (Prefix("action"), "sched_act"),
    (Prefix("netkit/"), "sched_cls"),
    (Part("tracepoint"), "tracepoint"),
    (Part("tp"), "tracepoint"),
    (Part("raw_tracepoint"), "raw_tracepoint"),
    (Part("raw_tp"), "raw_tracepoint"),
    (Part("raw_tracepoint.w"), "raw_tracepoint_writable"),
    (Part("raw_tp.w"), "raw_tracepoint_writable"),
    (Part("tp_btf"), "tracing"),
    (Part("fentry"), "tracing"),
    (Part("fmod_ret"), "tracing"),
    (Part("fexit"), "tracing"),
    (Part("fsession"), "tracing"),
    (Part("fentry.s"), "tracing"),
    (Part("fmod_ret.s"), "tracing"),
    (Part("fexit.s"), "tracing"),
    (Part("fsession.s"), "tracing"),
    (Part("freplace"), "ext"),
    (Part("lsm"), "lsm"),
    (Part("lsm.s"), "lsm"),
    (Part("lsm_cgroup"), "lsm"),
    (Part("iter"), "tracing"),
    (Part("iter.s"), "tracing"),
    (Prefix("syscall"), "syscall"),
    (Prefix("xdp"), "xdp"),
    (Prefix("perf_event"), "perf_event"),
    (Prefix("lwt_in"), "lwt_in"),
    (Prefix("lwt_out"), "lwt_out"),
    (Prefix("lwt_xmit"), "lwt_xmit"),
    (Prefix("lwt_seg6local"), "lwt_seg6local"),
    (Prefix("sockops"), "sock_ops"),
    (Prefix("sk_skb"), "sk_skb"),
    (Prefix("sk_msg"), "sk_msg"),
    (Prefix("lirc_mode2"), "lirc_mode2"),
    (Prefix("flow_dissector"), "flow_dissector"),
    (Prefix("cgroup_skb/"), "cgroup_skb"),
    (Prefix("cgroup/skb"), "cgroup_skb"),
    (Prefix("cgroup/sock_create"), "cgroup_sock"),
    (Prefix("cgroup/sock_release"), "cgroup_sock"),
    (Prefix("cgroup/post_bind"), "cgroup_sock"),
    (Prefix("cgroup/bind"), "cgroup_sock_addr"),
    (Prefix("cgroup/connect"), "cgroup_sock_addr"),
    (Prefix("cgroup/sendmsg"), "cgroup_sock_addr"),
    (Prefix("cgroup/recvmsg"), "cgroup_sock_addr"),
    (Prefix("cgroup/getpeername"), "cgroup_sock_addr"),
    (Prefix("cgroup/getsockname"), "cgroup_sock_addr"),
    (Prefix("cgroup/getsockopt"), "cgroup_sockopt"),
    (Prefix("cgroup/setsockopt"), "cgroup_sockopt"),
    (Prefix("cgroup/sysctl"), "cgroup_sysctl"),
    (Prefix("cgroup/sock"), "cgroup_sock"),
    (Prefix("cgroup/dev"), "cgroup_device"),
    (Part("struct_ops"), "struct_ops"),
    (Part("struct_ops.s"), "struct_ops"),
    (Prefix("sk_lookup"), "sk_lookup"),
    (Prefix("netfilter"), "netfilter"),
];

/// `unspec` where no pattern fits. A leading `?` (not loaded by default) says nothing about the type.
pub fn program_type(section: &str) -> &'static str {
    let name = section.strip_prefix('?').unwrap_or(section);
    let first_part = name.split('/').next().unwrap_or(name);
    let fits = |pattern: &Match| match pattern {
        Prefix(start) => name.starts_with(start),
        Part(whole) => first_part == *whole,
    };
    TYPES.iter().find(|(pattern, _)| fits(pattern)).map_or("unspec", |(_, kind)| kind)
}
