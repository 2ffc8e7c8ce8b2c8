// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
#include <bpf/bpf_tracing.h>
MAP(m, BPF_MAP_TYPE_HASH, __u32, __u64, 64);
struct {
    __uint(type, BPF_MAP_TYPE_STACK_TRACE);
    __uint(key_size, 4);
    __uint(value_size, 1016);
    __uint(max_entries, 64);
} stk SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, __u64);
} ts SEC(".maps");
struct task_struct {
    int pid;
    int tgid;
} __attribute__((preserve_access_index));
SEC("kprobe/do_nanosleep") int kp(void *c) {
    __u32 k = bpf_get_current_pid_tgid() >> 32;
    __u64 v = bpf_ktime_get_ns();
    bpf_map_update_elem(&m, &k, &v, 0);
    return 0;
}
SEC("tracepoint/syscalls/sys_enter_openat") int tp(void *c) {
    return 0;
}
SEC("raw_tp/sched_switch") int rtp(void *c) {
    struct task_struct *t = (void *)bpf_get_current_task();
    int pid;
    bpf_probe_read_kernel(&pid, 4, __builtin_preserve_access_index(&t->pid));
    return pid;
}
SEC("fentry/tcp_connect") int fe(void *c) {
    return 0;
}
SEC("lsm/file_open") int lsm(void *c) {
    return 0;
}
SEC("iter/task") int it(void *c) {
    return 0;
}
SEC("uprobe") int up(void *c) {
    return 0;
}
SEC("perf_event") int pe(void *c) {
    return 0;
}
SEC("struct_ops/foo") int so(void *c) {
    return 0;
}
SEC("sockops") int sops(struct bpf_sock_ops *c) {
    return 1;
}
SEC("sk_msg") int msg(struct sk_msg_md *c) {
    return 1;
}
SEC("sk_skb/stream_parser") int par(struct __sk_buff *c) {
    return c->len;
}
SEC("cgroup/connect4") int c4(struct bpf_sock_addr *c) {
    c->user_ip4 = 1;
    return 1;
}
SEC("cgroup/sysctl") int sy(void *c) {
    return 1;
}
SEC("cgroup/dev") int dv(void *c) {
    return 1;
}
SEC("sk_lookup") int skl(void *c) {
    return 1;
}
SEC("flow_dissector") int fd(struct __sk_buff *c) {
    return 0;
}
SEC("syscall") int sc(void *c) {
    return 0;
}
SEC("netfilter") int nf(void *c) {
    return 1;
}
SEC("sk_reuseport") int rp(void *c) {
    return 1;
}
SEC("cgroup/getsockopt") int go(void *c) {
    return 1;
}
SEC("cgroup/sock_create") int cs(void *c) {
    return 1;
}
SEC("unknown/thing") int un(void *c) {
    return 1;
}
LICENSE;
