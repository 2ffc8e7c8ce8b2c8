// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(seen, BPF_MAP_TYPE_ARRAY, __u32, __u32, 40);
static __always_inline void put(__u32 k, __u32 v) {
    bpf_map_update_elem(&seen, &k, &v, 0);
}
#define B asm volatile("" ::: "memory")
SEC("tc") int fields(struct __sk_buff *s) {
    put(0, s->len);
    put(1, s->pkt_type);
    put(2, s->mark);
    put(3, s->queue_mapping);
    put(4, s->protocol);
    put(5, s->vlan_present);
    put(6, s->vlan_tci);
    put(7, s->vlan_proto);
    put(8, s->priority);
    put(9, s->ingress_ifindex);
    put(10, s->ifindex);
    put(11, s->tc_index);
    put(12, s->cb[0]);
    put(13, s->cb[4]);
    put(14, s->hash);
    put(15, s->tc_classid);
    put(16, s->data_end - s->data);
    put(17, s->napi_id);
    put(18, s->data - s->data_meta);
    put(19, s->tstamp);
    put(20, s->wire_len);
    put(21, s->gso_segs);
    put(22, s->gso_size);
    put(23, s->tstamp_type);
    put(24, s->hwtstamp);
    s->mark = 7;
    B;
    s->priority = 9;
    B;
    s->cb[1] = 3;
    B;
    s->tc_index = 5;
    B;
    s->queue_mapping = 2;
    B;
    s->tc_classid = 11;
    B;
    s->tstamp = 77;
    B;
    put(25, s->mark);
    put(26, s->priority);
    put(27, s->cb[1]);
    put(28, s->tc_index);
    put(29, s->queue_mapping);
    put(30, s->tc_classid);
    put(31, s->tstamp);
    put(32, s->cb[2]);
    put(33, bpf_get_cgroup_classid(s));
    put(34, bpf_get_route_realm(s));
    put(35, bpf_skb_cgroup_classid(s));
    return TC_ACT_OK;
}
LICENSE;
