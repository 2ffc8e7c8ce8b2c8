// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 4);
    __uint(key_size, 4);
    __uint(value_size, 4);
    __array(values, int(struct __sk_buff *));
} jt SEC(".maps");
MAP(c, BPF_MAP_TYPE_ARRAY, __u32, __u32, 4);
static __always_inline void inc(__u32 k) {
    __u32 *v = bpf_map_lookup_elem(&c, &k);
    if (v) ++*v;
}
SEC("tc/t1") int t1(struct __sk_buff *s) {
    inc(1);
    s->cb[0]++;
    bpf_tail_call(s, &jt, 1);
    return 100 + s->cb[0];
}
SEC("tc/t2") int t2(struct __sk_buff *s) {
    inc(2);
    __u8 b = 0;
    bpf_skb_store_bytes(s, 0, &b, 1, 0);
    if (s->len & 1) bpf_tail_call(s, &jt, 0);
    return 5;
}
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 5);
    __uint(key_size, 4);
    __array(values, int(struct __sk_buff *));
} jt2 SEC(".maps") = {.values = {[0] = (void *)&t1, [1] = (void *)&t2, [3] = (void *)&t1}};
SEC("tc") int entry(struct __sk_buff *s) {
    inc(0);
    bpf_tail_call(s, &jt2, s->len & 7);
    bpf_tail_call(s, &jt, 9);
    return 42;
}
SEC("tc/loop") int loop(struct __sk_buff *s) {
    inc(3);
    bpf_tail_call_static(s, &jt2, 4);
    return s->len;
}
LICENSE;
