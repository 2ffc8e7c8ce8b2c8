// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
SEC("tc/push") int push(struct __sk_buff *s) {
    __u8 b[2] = {};
    bpf_skb_load_bytes(s, 16, b, 2);
    int r = bpf_skb_vlan_push(s, b[0] & 1 ? bpf_htons(ETH_P_8021AD) : bpf_htons(ETH_P_8021Q), b[1]);
    int v = s->vlan_tci + s->vlan_present * 65536;
    if (b[0] & 2) r |= bpf_skb_vlan_push(s, 0, 100);
    if (b[0] & 4) r |= bpf_skb_vlan_push(s, 0, 101);
    if (b[0] & 8) r |= bpf_skb_vlan_pop(s);
    return r ? -r : v + s->protocol * 7 + s->vlan_proto + s->len + s->vlan_tci * 3;
}
SEC("tc/pop") int pop(struct __sk_buff *s) {
    int r = bpf_skb_vlan_pop(s);
    int q = bpf_skb_vlan_pop(s);
    return r * 1000 + q * 100 + s->protocol + s->vlan_tci * 7 + s->vlan_present * 3 + s->len;
}
LICENSE;
