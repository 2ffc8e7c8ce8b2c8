// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(m, BPF_MAP_TYPE_HASH, __u32, __u32, 16);
static __noinline int addone(int x) {
    return x + 1;
}
static __noinline int sq(struct __sk_buff *s, int a, int b, int c, int d) {
    volatile char pad[200];
    pad[0] = a;
    pad[199] = b;
    return addone(a * b + c - d) + pad[0] + pad[199] + s->len;
}
__noinline int glob(struct __sk_buff *s, int x) {
    __u32 k = x & 7;
    __u32 *v = bpf_map_lookup_elem(&m, &k);
    if (v) return *v;
    __u32 n = x;
    bpf_map_update_elem(&m, &k, &n, 0);
    return -1;
}
__attribute__((weak)) __noinline int weakf(int x) {
    return x * 3;
}
SEC("tc") int main_prog(struct __sk_buff *s) {
    return glob(s, s->len) + sq(s, 2, 3, s->len, 4) + weakf(s->len);
}
SEC("tc/b") int second(struct __sk_buff *s) {
    return sq(s, 1, s->protocol, 3, 4);
}
LICENSE;
