// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __type(value, __u32);
    __uint(max_entries, 4);
} q SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_STACK);
    __type(value, __u64);
    __uint(max_entries, 4);
} st SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
    __type(value, __u32);
    __uint(max_entries, 64);
    __uint(map_extra, 3);
} bl SEC(".maps");
SEC("tc") int queue(struct __sk_buff *s) {
    __u32 v = s->len;
    __u64 w = s->len;
    int r = 0;
    if (v & 1)
        r = bpf_map_push_elem(&q, &v, v & 2 ? BPF_EXIST : 0);
    else
        r = bpf_map_pop_elem(&q, &v);
    if (w & 4)
        r = r * 100 + bpf_map_push_elem(&st, &w, 0);
    else
        r = r * 100 + bpf_map_peek_elem(&st, &w);
    if (w & 8) r = r * 100 + bpf_map_pop_elem(&st, &w);
    return r + v * 7 + w;
}
SEC("tc/bloom") int bloom(struct __sk_buff *s) {
    __u32 v = s->len;
    int r = bpf_map_peek_elem(&bl, &v);
    if (v & 1) r = r * 100 + bpf_map_push_elem(&bl, &v, 0);
    r = r * 100 + bpf_map_peek_elem(&bl, &v) * (v & 1);
    return v & 1 ? r & 0xff : 0;
}
LICENSE;
