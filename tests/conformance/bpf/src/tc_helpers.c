// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(m, BPF_MAP_TYPE_ARRAY, __u32, __s64, 40);
static __always_inline void put(__u32 k, __s64 v) {
    bpf_map_update_elem(&m, &k, &v, 0);
}
SEC("tc") int helpers(struct __sk_buff *s) {
    struct bpf_tunnel_key t = {};
    t.tunnel_id = 5;
    t.remote_ipv4 = 0x01020304;
    put(0, bpf_skb_get_tunnel_key(s, &t, sizeof t, 0));
    put(1, bpf_skb_set_tunnel_key(s, &t, sizeof t, 0));
    put(2, bpf_skb_get_tunnel_key(s, &t, sizeof t, 0));
    put(3, t.tunnel_id);
    put(4, t.remote_ipv4);
    struct bpf_fib_lookup f = {.family = 2, .ifindex = s->ifindex, .ipv4_dst = bpf_htonl(0x7f000001)};
    put(5, bpf_fib_lookup(s, &f, sizeof f, 0));
    put(6, bpf_skb_under_cgroup ? 0 : 1);
    bpf_set_hash(s, 77);
    put(7, s->hash);
    put(8, bpf_get_hash_recalc(s));
    bpf_set_hash_invalid(s);
    put(9, s->hash);
    put(10, bpf_skb_ecn_set_ce(s));
    char n[] = "-0x1f rest";
    long l = 0;
    put(11, bpf_strncmp("abc", 4, "abd"));
    put(12, bpf_get_socket_cookie(s) > 0);
    put(13, bpf_get_socket_uid(s));
    put(14, bpf_get_netns_cookie(s) > 0);
    __u32 mtu = 0;
    put(15, bpf_check_mtu(s, 0, &mtu, 0, 0));
    put(16, mtu);
    put(17, bpf_check_mtu(s, 0, &mtu, 2000, 0));
    put(18, bpf_skb_set_tstamp(s, 5, BPF_SKB_TSTAMP_DELIVERY_MONO));
    put(19, s->tstamp);
    put(20, bpf_skb_get_xfrm_state ? 0 : 0);
    put(21, bpf_get_numa_node_id());
    struct bpf_sock_tuple tp = {};
    struct bpf_sock *k = bpf_sk_lookup_tcp(s, &tp, sizeof tp.ipv4, BPF_F_CURRENT_NETNS, 0);
    put(22, k != 0);
    if (k) bpf_sk_release(k);
    char fmt[] = "%d %x";
    put(23, bpf_trace_printk(fmt, sizeof fmt, 5, 6));
    put(24, bpf_clone_redirect(s, 999999, 0));
    put(25, bpf_redirect(5, 0));
    put(26, bpf_redirect(5, 1));
    put(27, bpf_redirect(5, 2));
    put(28, bpf_redirect_peer(5, 0));
    put(29, bpf_redirect_peer(5, 1));
    put(30, bpf_redirect_neigh(5, 0, 0, 0));
    put(31, bpf_jiffies64() > 0);
    put(32, bpf_skb_cgroup_id(s) > 0);
    return 0;
}
SEC("tc/sock") int sock(struct __sk_buff *s) {
    struct bpf_sock *k = s->sk;
    if (!k) return 1;
    k = bpf_sk_fullsock(k);
    if (!k) return 2;
    return k->family * 1000 + k->type * 100 + k->protocol + k->src_ip4;
}
LICENSE;
