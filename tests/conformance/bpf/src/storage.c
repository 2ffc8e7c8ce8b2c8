// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct {
    __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
    __type(key, struct bpf_cgroup_storage_key);
    __type(value, __u64);
} cs SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, __u32);
} ss SEC(".maps");
SEC("cgroup_skb/ingress") int st(struct __sk_buff *s) {
    __u64 *v = bpf_get_local_storage(&cs, 0);
    (*v)++;
    return *v & 1;
}
SEC("tc") int sk(struct __sk_buff *s) {
    struct bpf_sock *k = s->sk;
    if (!k) return 5;
    k = bpf_sk_fullsock(k);
    if (!k) return 6;
    __u32 *v = bpf_sk_storage_get(&ss, k, 0, BPF_SK_STORAGE_GET_F_CREATE);
    if (!v) return 7;
    return ++*v;
}
LICENSE;
