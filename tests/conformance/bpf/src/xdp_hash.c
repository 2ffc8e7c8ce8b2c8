// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct key {
    __u32 saddr;
    __u16 port;
    __u8 proto;
    __u8 pad;
};
struct val {
    __u64 packets, bytes;
    __u32 last;
};
MAP(flows, BPF_MAP_TYPE_HASH, struct key, struct val, 64);
MAP(pflows, BPF_MAP_TYPE_PERCPU_HASH, __u32, __u64, 64);
MAP(lflows, BPF_MAP_TYPE_LRU_HASH, __u32, __u32, 1024);
SEC("xdp") int flow(struct xdp_md *ctx) {
    void *d = DATA(ctx), *e = END(ctx);
    struct ethhdr *h = d;
    if ((void *)(h + 1) > e) return XDP_ABORTED;
    if (h->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
    struct iphdr *ip = (void *)(h + 1);
    if ((void *)(ip + 1) > e) return XDP_DROP;
    struct key k = {.saddr = ip->saddr, .proto = ip->protocol};
    if (ip->ihl == 5 && ip->protocol == 6) {
        struct tcphdr *t = (void *)(ip + 1);
        if ((void *)(t + 1) > e) return XDP_DROP;
        k.port = t->dest;
    }
    struct val *v = bpf_map_lookup_elem(&flows, &k);
    int r = XDP_PASS;
    if (v) {
        v->packets++;
        v->bytes += e - d;
        v->last = ip->daddr;
        r = XDP_TX;
        if (v->packets > 3) bpf_map_delete_elem(&flows, &k);
    } else {
        struct val n;
        memset(&n, 0, sizeof n);
        n.packets = 1;
        n.bytes = e - d;
        n.last = ip->daddr;
        if (bpf_map_update_elem(&flows, &k, &n, BPF_NOEXIST) < 0) r = XDP_DROP;
    }
    __u32 a = ip->saddr;
    __u64 *p = bpf_map_lookup_elem(&pflows, &a);
    if (p)
        *p += 1;
    else {
        __u64 one = 1;
        bpf_map_update_elem(&pflows, &a, &one, BPF_ANY);
    }
    __u32 x = ip->id;
    bpf_map_update_elem(&lflows, &a, &x, BPF_ANY);
    return r;
}
LICENSE;
