// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(counts, BPF_MAP_TYPE_ARRAY, __u32, __u64, 256);
MAP(pcounts, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 256);
SEC("xdp") int count(struct xdp_md *ctx) {
    void *d = DATA(ctx), *e = END(ctx);
    struct ethhdr *h = d;
    if ((void *)(h + 1) > e) return XDP_ABORTED;
    if (h->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
    struct iphdr *ip = (void *)(h + 1);
    if ((void *)(ip + 1) > e) return XDP_DROP;
    __u32 k = ip->protocol;
    __u64 *v = bpf_map_lookup_elem(&counts, &k);
    if (v) __sync_fetch_and_add(v, 1);
    v = bpf_map_lookup_elem(&pcounts, &k);
    if (v) *v += e - d;
    return ip->ttl < 5 ? XDP_DROP : XDP_PASS;
}
LICENSE;
