// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(h, BPF_MAP_TYPE_HASH, __u32, __u64, 32);
MAP(a, BPF_MAP_TYPE_ARRAY, __u32, __u64, 8);
MAP(pa, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 8);
struct c {
    __u64 sum;
    __u32 n;
};
static int cb(__u32 i, struct c *c) {
    c->sum += i * i;
    if (i >= c->n) return 1;
    return 0;
}
static long each(void *m, __u32 *k, __u64 *v, struct c *c) {
    c->sum += *k + *v;
    if (*k < 3) *v += 1;
    return 0;
}
static int nested(__u32 i, struct c *c) {
    struct c d = {0, 5};
    bpf_loop(i & 7, cb, &d, 0);
    c->sum += d.sum;
    return 0;
}
SEC("tc") int loop(struct __sk_buff *s) {
    struct c c = {0, s->len & 31};
    long n = bpf_loop(s->len, cb, &c, 0);
    n += bpf_loop(3, nested, &c, 0) * 1000;
    return c.sum + n * 65536;
}
SEC("tc/each") int foreach (struct __sk_buff *s) {
    struct c c = {s->len, 0};
    long n = bpf_for_each_map_elem(&h, each, &c, 0);
    n = n * 100 + bpf_for_each_map_elem(&a, each, &c, 0);
    n = n * 100 + bpf_for_each_map_elem(&pa, each, &c, 0);
    __u32 k = s->len;
    __u64 v = 1;
    bpf_map_update_elem(&h, &k, &v, 0);
    return c.sum + n;
}
SEC("tc/flags") int flags(struct __sk_buff *s) {
    struct c c = {};
    return bpf_loop(1 << 24, cb, &c, 0) + bpf_loop(1, cb, &c, 5) * 100;
}
LICENSE;
