// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
int self(struct __sk_buff *s);
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __uint(key_size, 4);
    __array(values, int(struct __sk_buff *));
} jt SEC(".maps") = {.values = {[0] = (void *)&self}};
MAP(c, BPF_MAP_TYPE_ARRAY, __u32, __u32, 4);
SEC("tc") int self(struct __sk_buff *s) {
    __u32 k = 0, *v = bpf_map_lookup_elem(&c, &k);
    if (v) ++*v;
    bpf_tail_call(s, &jt, 0);
    return v ? *v : 0;
}
static __noinline int sub(struct __sk_buff *s) {
    __u32 k = 1, *v = bpf_map_lookup_elem(&c, &k);
    if (v) ++*v;
    bpf_tail_call(s, &jt, s->len & 1);
    return s->len;
}
SEC("tc/sub") int viasub(struct __sk_buff *s) {
    int r = sub(s);
    __u32 k = 2, *v = bpf_map_lookup_elem(&c, &k);
    if (v) *v += r;
    return r + 1000;
}
LICENSE;
