// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
SEC("tc/tail") int tail(struct __sk_buff *s) {
    __u8 b[4] = {};
    bpf_skb_load_bytes(s, 16, b, 4);
    int r = bpf_skb_change_tail(s, b[0] * (b[3] & 1 ? 1 : 100), b[1] > 250);
    if (r) return -r;
    return s->len;
}
SEC("tc/head") int head(struct __sk_buff *s) {
    __u8 b[4] = {};
    bpf_skb_load_bytes(s, 16, b, 4);
    int r = bpf_skb_change_head(s, b[0] * (b[3] & 1 ? 1 : 100), b[1] > 250);
    if (r) return -r;
    return s->len * 65536 + s->protocol;
}
SEC("tc/proto") int proto(struct __sk_buff *s) {
    int r;
    if (s->protocol == bpf_htons(ETH_P_IP))
        r = bpf_skb_change_proto(s, bpf_htons(ETH_P_IPV6), 0);
    else
        r = bpf_skb_change_proto(s, bpf_htons(ETH_P_IP), 0);
    return r ? -r : s->protocol;
}
SEC("tc/type") int type(struct __sk_buff *s) {
    __u8 b = 0;
    bpf_skb_load_bytes(s, 16, &b, 1);
    int r = bpf_skb_change_type(s, b & 7);
    return r * 16 + s->pkt_type;
}
SEC("tc/pull") int pull(struct __sk_buff *s) {
    int r = bpf_skb_pull_data(s, 0);
    int q = bpf_skb_pull_data(s, s->len);
    int t = bpf_skb_pull_data(s, s->len + 1);
    return r + q * 100 - t;
}
SEC("tc/csum") int cs(struct __sk_buff *s) {
    return bpf_csum_update(s, 5) + 3 * bpf_csum_level(s, BPF_CSUM_LEVEL_QUERY) +
           7 * bpf_csum_level(s, BPF_CSUM_LEVEL_INC) + 11 * bpf_csum_level(s, 9);
}
LICENSE;
