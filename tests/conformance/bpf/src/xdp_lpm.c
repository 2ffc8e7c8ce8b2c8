// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct lpm {
    __u32 len;
    __u32 addr;
};
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __type(key, struct lpm);
    __type(value, __u32);
    __uint(max_entries, 64);
    __uint(map_flags, BPF_F_NO_PREALLOC);
} trie SEC(".maps");
SEC("xdp") int lpm(struct xdp_md *ctx) {
    void *d = DATA(ctx), *e = END(ctx);
    struct ethhdr *h = d;
    if ((void *)(h + 1) > e) return 0;
    struct iphdr *ip = (void *)(h + 1);
    if ((void *)(ip + 1) > e) return XDP_DROP;
    struct lpm k = {32, ip->saddr};
    __u32 *v = bpf_map_lookup_elem(&trie, &k);
    if (v) {
        return *v % 5;
    }
    k.len = ip->tos % 33;
    k.addr = ip->daddr;
    __u32 n = ip->ttl;
    if (ip->protocol == 17)
        bpf_map_delete_elem(&trie, &k);
    else if (bpf_map_update_elem(&trie, &k, &n, 0))
        return XDP_ABORTED;
    return XDP_PASS;
}
LICENSE;
