// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct vip {
    __u32 a;
    __u16 p;
    __u16 proto;
};
struct be {
    __u32 a;
    __u16 p;
    __u16 x;
};
struct svc {
    __u32 n;
    __u32 base;
};
MAP(vips, BPF_MAP_TYPE_HASH, struct vip, struct svc, 32);
MAP(backs, BPF_MAP_TYPE_ARRAY, __u32, struct be, 32);
MAP(ct, BPF_MAP_TYPE_LRU_HASH, struct vip, __u32, 256);
static __always_inline __u16 fold(__u64 c) {
    c = (c & 0xffff) + (c >> 16);
    c = (c & 0xffff) + (c >> 16);
    return ~c;
}
SEC("tc") int lb(struct __sk_buff *s) {
    void *d = DATA(s), *e = END(s);
    struct iphdr *ip = d + 14;
    if ((void *)(ip + 1) > e) return 0;
    if (s->protocol != bpf_htons(ETH_P_IP) || ip->ihl != 5) return 0;
    __u16 *ports = (void *)(ip + 1);
    if ((void *)(ports + 4) > e) return 0;
    struct vip k = {ip->daddr, ports[1], ip->protocol};
    struct svc *v = bpf_map_lookup_elem(&vips, &k);
    __u32 i = ip->saddr * 2654435761u ^ ports[0];
    struct vip ck = {ip->saddr, ports[0], ip->protocol};
    __u32 *old = bpf_map_lookup_elem(&ct, &ck);
    if (old)
        i = *old;
    else {
        i = v && v->n ? i % v->n + v->base : (i & 15);
        bpf_map_update_elem(&ct, &ck, &i, 0);
    }
    struct be *b = bpf_map_lookup_elem(&backs, &i);
    if (!b) return 2;
    __u32 o = ip->daddr, n = b->a;
    ip->daddr = n;
    __u64 c = bpf_csum_diff(&o, 4, &n, 4, ~ip->check & 0xffff);
    ip->check = fold(c);
    ports[1] = b->p;
    ip->ttl--;
    return i;
}
LICENSE;
