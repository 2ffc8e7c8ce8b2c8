// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(m, BPF_MAP_TYPE_ARRAY, __u32, __s64, 32);
static __always_inline void put(__u32 k, __s64 v) {
    bpf_map_update_elem(&m, &k, &v, 0);
}
SEC("tc") int answers(struct __sk_buff *s) {
    struct bpf_fib_lookup route = {.family = 2, .ifindex = 1};
    put(0, bpf_fib_lookup(s, &route, sizeof(route), 0));
    put(1, bpf_fib_lookup(s, &route, 8, 0));
    put(2, bpf_fib_lookup(s, &route, sizeof(route), 1 << 15));
    route.ifindex = 7777;
    put(3, bpf_fib_lookup(s, &route, sizeof(route), 0));
    route.family = 99;
    put(4, bpf_fib_lookup(s, &route, sizeof(route), 0));
    put(5, bpf_skb_ancestor_cgroup_id(s, 1));
    put(6, bpf_get_hash_recalc(s) != 0);
    return 0;
}
SEC("tc") int tunnel_options(struct __sk_buff *s) {
    struct bpf_tunnel_key key = {.tunnel_id = 7, .remote_ipv4 = 0x0a000001};
    __u8 in[8] = {1, 2, 3, 1, 5, 6, 7, 8}, out[12] = {9};
    put(10, bpf_skb_get_tunnel_opt(s, out, 12));
    put(11, bpf_skb_set_tunnel_opt(s, in, 8));
    put(12, bpf_skb_set_tunnel_key(s, &key, sizeof(key), 0));
    put(13, bpf_skb_get_tunnel_opt(s, out, 12));
    put(14, bpf_skb_set_tunnel_opt(s, in, 8));
    put(15, bpf_skb_set_tunnel_opt(s, in, 6));
    put(16, bpf_skb_get_tunnel_opt(s, out, 12));
    put(17, *(__u64 *)out);
    put(18, bpf_skb_get_tunnel_opt(s, out, 4));
    put(19, *(__u64 *)out);
    put(20, bpf_skb_set_tunnel_key(s, &key, sizeof(key), 0));
    put(21, bpf_skb_get_tunnel_opt(s, out, 12));
    return 0;
}
SEC("cgroup_skb/ingress") int addresses(struct __sk_buff *s) {
    put(22, s->family);
    put(23, s->remote_ip4);
    put(24, s->local_ip4);
    put(25, s->remote_ip6[0]);
    put(26, s->remote_ip6[3]);
    put(27, s->local_ip6[0]);
    put(28, s->local_ip6[3]);
    put(29, s->remote_port);
    put(30, s->local_port);
    return 1;
}
/* An Ethernet header alone leaves nothing for a socket's filter, and that is no error. */
SEC("socket") int nothing(struct __sk_buff *s) {
    __u16 first = 7;
    put(31, bpf_skb_load_bytes(s, 0, &first, 2));
    return s->len + first;
}
SEC("xdp") int xdp_bytes(struct xdp_md *ctx) {
    __u64 bytes = 0x0909090909090909;
    put(0, bpf_xdp_load_bytes(ctx, 10, &bytes, 8));
    put(1, bytes);
    put(2, bpf_xdp_load_bytes(ctx, 60000, &bytes, 8));
    put(3, bytes);
    put(4, bpf_xdp_load_bytes(ctx, 70000, &bytes, 8));
    put(5, bpf_xdp_store_bytes(ctx, 14, &bytes, 4));
    put(6, bpf_xdp_store_bytes(ctx, 70000, &bytes, 4));
    return XDP_PASS;
}
LICENSE;
