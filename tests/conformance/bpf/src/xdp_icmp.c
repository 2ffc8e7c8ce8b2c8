// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"

// ICMP, as linux/icmp.h has it; that header would pull in the C library.
struct icmphdr {
    __u8 type, code;
    __sum16 checksum;
    __be16 id, sequence;
};

static __noinline __u16 csum(__u16 *p, void *e) {
    __u32 s = 0;
    for (int i = 0; i < 64; i++) {
        if ((void *)(p + 1) > e) break;
        s += *p++;
    }
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    return ~s;
}
static __always_inline int swap(struct ethhdr *h) {
    __u8 t[6];
    memcpy(t, h->h_source, 6);
    memcpy(h->h_source, h->h_dest, 6);
    memcpy(h->h_dest, t, 6);
    return 0;
}
SEC("xdp") int echo(struct xdp_md *c) {
    void *d = DATA(c), *e = END(c);
    struct ethhdr *h = d;
    struct iphdr *ip = (void *)(h + 1);
    struct icmphdr *i = (void *)(ip + 1);
    if ((void *)(i + 1) > e) return 2;
    if (ip->protocol != 1) return 2;
    __u32 a = ip->saddr;
    ip->saddr = ip->daddr;
    ip->daddr = a;
    i->type = 0;
    i->checksum = 0;
    i->checksum = csum((void *)i, e);
    swap(h);
    return XDP_TX;
}
LICENSE;
