// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct vh {
    __be16 tci, proto;
};
SEC("xdp") int strip(struct xdp_md *c) {
    void *d = DATA(c), *e = END(c);
    struct ethhdr *h = d;
    struct vh *v = (void *)(h + 1);
    if ((void *)(v + 1) > e) return 1;
    if (h->h_proto != bpf_htons(ETH_P_8021Q)) {
        struct ethhdr o = *h;
        if (bpf_xdp_adjust_head(c, -4)) return 0;
        d = DATA(c);
        e = END(c);
        h = d;
        v = (void *)(h + 1);
        if ((void *)(v + 1) > e) return 0;
        __be16 p = o.h_proto;
        *h = o;
        h->h_proto = bpf_htons(ETH_P_8021Q);
        v->tci = bpf_htons(7);
        v->proto = p;
        return XDP_TX;
    }
    struct ethhdr o = *h;
    o.h_proto = v->proto;
    if (bpf_xdp_adjust_head(c, 4)) return 0;
    d = DATA(c);
    e = END(c);
    if (d + 14 > e) return 0;
    memcpy(d, &o, 14);
    return XDP_PASS;
}
LICENSE;
