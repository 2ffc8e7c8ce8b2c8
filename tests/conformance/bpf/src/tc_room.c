// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
SEC("tc") int room(struct __sk_buff *s) {
    __u8 b[4];
    if (bpf_skb_load_bytes(s, 16, b, 4)) return -1;
    __u64 fl[] = {0,
                  BPF_F_ADJ_ROOM_ENCAP_L3_IPV4,
                  BPF_F_ADJ_ROOM_ENCAP_L3_IPV6,
                  BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP,
                  BPF_F_ADJ_ROOM_FIXED_GSO,
                  BPF_F_ADJ_ROOM_NO_CSUM_RESET,
                  BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_GRE | BPF_F_ADJ_ROOM_ENCAP_L2(14),
                  1ull << 40};
    int d = (int)(b[1]) - 40;
    int r = bpf_skb_adjust_room(s, d, b[0] & 1, fl[b[2] & 7]);
    if (r) return -r;
    r = s->protocol;
    __u8 q;
    if (bpf_skb_load_bytes_relative(s, 0, &q, 1, BPF_HDR_START_NET)) return r;
    return r * 256 + q;
}
SEC("tc/2") int twice(struct __sk_buff *s) {
    int r = bpf_skb_adjust_room(s, 20, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4);
    int q = bpf_skb_adjust_room(s, 20, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4);
    int t = bpf_skb_adjust_room(s, -20, BPF_ADJ_ROOM_MAC, 0);
    return (-r) * 1000000 + (-q) * 1000 - t;
}
LICENSE;
