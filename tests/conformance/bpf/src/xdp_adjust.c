// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
SEC("xdp") int adjust(struct xdp_md *ctx) {
    void *d = DATA(ctx), *e = END(ctx);
    struct ethhdr *h = d;
    if ((void *)(h + 1) > e) return 0;
    struct iphdr *ip = (void *)(h + 1);
    if ((void *)(ip + 1) > e) return XDP_DROP;
    int r;
    struct ethhdr o = *h;
    int id = bpf_ntohs(ip->id);
    if (ip->protocol == 6) {
        r = bpf_xdp_adjust_head(ctx, -20);
        if (r) return 100 - r;
        d = DATA(ctx);
        e = END(ctx);
        if (d + 34 > e) return 1;
        memcpy(d, &o, 14);
        struct iphdr *n = d + 14;
        memset(n, 0, 20);
        n->version = 4;
        n->ihl = 5;
        n->tot_len = bpf_htons(e - d - 14);
        return XDP_TX;
    }
    if (ip->protocol == 17) {
        r = bpf_xdp_adjust_head(ctx, (int)(ip->ttl & 0x3f) - 24);
        return r ? 200 - r : XDP_PASS;
    }
    if (ip->protocol == 1) {
        r = bpf_xdp_adjust_tail(ctx, (int)ip->tos - 100);
        return r ? 300 - r : XDP_PASS;
    }
    r = bpf_xdp_adjust_tail(ctx, id & 1 ? id : id & 63);
    return r ? 400 - r : id;
}
LICENSE;
