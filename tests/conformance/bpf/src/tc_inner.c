// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct inner {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u32);
} in1 SEC(".maps"), in2 SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 4);
    __uint(key_size, 4);
    __array(values, struct inner);
} outer SEC(".maps") = {.values = {&in1, 0, &in2}};
struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, __u32);
    __array(values, struct inner);
} houter SEC(".maps") = {.values = {[1] = &in2}};
SEC("tc") int nest(struct __sk_buff *s) {
    __u32 k = s->len & 7;
    void *i = bpf_map_lookup_elem(&outer, &k);
    if (!i) i = bpf_map_lookup_elem(&houter, &k);
    if (!i) return 77;
    __u32 q = (s->len >> 3) & 7;
    __u32 *v = bpf_map_lookup_elem(i, &q);
    if (!v) return 78;
    *v += s->len;
    return *v;
}
LICENSE;
