// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
SEC("tc") int store(struct __sk_buff *s) {
    struct iphdr ip;
    if (bpf_skb_load_bytes(s, 14, &ip, 20) < 0) return TC_ACT_SHOT;
    __u32 o = ip.daddr, n = bpf_htonl(0x0a0a0a0a);
    int r = 0;
    r |= bpf_l3_csum_replace(s, 14 + 10, o, n, 4) < 0 ? 1 : 0;
    r |= bpf_l3_csum_replace(s, 14 + 10, ip.tos, ip.tos + 256, 2) < 0 ? 2 : 0;
    if (ip.protocol == 6) {
        r |= bpf_l4_csum_replace(s, 14 + 20 + 16, o, n, BPF_F_PSEUDO_HDR | 4) < 0 ? 4 : 0;
        r |= bpf_l4_csum_replace(s, 14 + 20 + 16, 1, 2, 2) < 0 ? 8 : 0;
    }
    if (ip.protocol == 17) {
        r |= bpf_l4_csum_replace(s, 14 + 20 + 6, o, n, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | 4) < 0 ? 16 : 0;
        __u32 a = o, b = n;
        __s64 d = bpf_csum_diff(&a, 4, &b, 4, 0);
        r |= bpf_l4_csum_replace(s, 14 + 20 + 6, 0, d, BPF_F_MARK_MANGLED_0 | (ip.ttl & 1 ? BPF_F_MARK_ENFORCE : 0)) < 0
                 ? 32
                 : 0;
        r |= bpf_l3_csum_replace(s, 14 + 10, 0, d, 0) < 0 ? 64 : 0;
    }
    r |= bpf_skb_store_bytes(s, 14 + 16, &n, 4, ip.id & 7) < 0 ? 128 : 0;
    r |= bpf_skb_store_bytes(s, s->len - 2, &n, ip.ttl & 7 ? 2 : 4, BPF_F_RECOMPUTE_CSUM) < 0 ? 256 : 0;
    return r;
}
SEC("classifier/csum") int csum(struct __sk_buff *s) {
    __u32 b[16] = {};
    __u32 n = 20;
    if (bpf_skb_load_bytes(s, 14, b, 20) < 0) return -2;
    n = s->len & 0x3c;
    if (n < 4) n = 4;
    __u32 q = s->len & 0x1c;
    return bpf_csum_diff(0, 0, b, n, s->len) + 3 * bpf_csum_diff(b, n, 0, 0, 7) +
           5 * bpf_csum_diff(b, q ? q : 4, b + 8, q ? q : 4, 0x12345678) + 7 * bpf_csum_diff(b, 8, b + 2, 24, 0) +
           bpf_csum_diff(b, 24, b + 2, 8, 0xffffffff);
}
LICENSE;
