// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct k6 {
    __u32 len;
    struct in6_addr a;
};
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __type(key, struct k6);
    __type(value, __u64);
    __uint(max_entries, 64);
    __uint(map_flags, BPF_F_NO_PREALLOC);
} t6 SEC(".maps");
MAP(lr, BPF_MAP_TYPE_LRU_PERCPU_HASH, struct in6_addr, __u64, 128);
SEC("xdp") int six(struct xdp_md *c) {
    void *d = DATA(c), *e = END(c);
    struct ethhdr *h = d;
    struct ipv6hdr *ip = (void *)(h + 1);
    if ((void *)(ip + 1) > e || h->h_proto != bpf_htons(ETH_P_IPV6)) return XDP_PASS;
    struct k6 k = {128, ip->daddr};
    __u64 *v = bpf_map_lookup_elem(&t6, &k);
    __u64 one = 1;
    __u64 *p = bpf_map_lookup_elem(&lr, &ip->saddr);
    if (p)
        *p += 1;
    else
        bpf_map_update_elem(&lr, &ip->saddr, &one, 0);
    if (v) return *v & 3;
    ip->hop_limit--;
    return XDP_TX;
}
LICENSE;
