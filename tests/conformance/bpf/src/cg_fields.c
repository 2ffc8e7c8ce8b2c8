// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(seen, BPF_MAP_TYPE_ARRAY, __u32, __u32, 40);
static __always_inline void put(__u32 k, __u32 v) {
    bpf_map_update_elem(&seen, &k, &v, 0);
}
SEC("cgroup_skb/egress") int fields(struct __sk_buff *s) {
    put(0, s->len);
    put(1, s->pkt_type);
    put(2, s->mark);
    put(3, s->queue_mapping);
    put(4, s->protocol);
    put(5, s->vlan_present);
    put(8, s->priority);
    put(9, s->ingress_ifindex);
    put(10, s->ifindex);
    put(11, s->tc_index);
    put(12, s->cb[0]);
    put(14, s->hash);
    put(16, s->data_end - s->data);
    put(17, s->napi_id);
    put(19, s->tstamp);
    s->mark = 7;
    s->priority = 9;
    s->cb[1] = 3;
    put(25, s->mark);
    put(26, s->priority);
    void *d = DATA(s);
    if (d + 20 > END(s)) return 0;
    struct iphdr *ip = d;
    if (ip->version != 4) return 1;
    __u8 e[14];
    put(28, bpf_skb_load_bytes_relative(s, 0, e, 14, BPF_HDR_START_MAC));
    put(29, e[5]);
    put(30, bpf_skb_load_bytes_relative(s, 0, e, 4, BPF_HDR_START_NET));
    put(31, e[0]);
    return ip->protocol == 6 ? 1 : (ip->ttl & 3);
}
SEC("cgroup_skb/ingress") int ing(struct __sk_buff *s) {
    struct iphdr ip;
    if (bpf_skb_load_bytes(s, 0, &ip, 20)) return 0;
    return ip.saddr & bpf_htonl(1) ? 1 : 0;
}
LICENSE;
