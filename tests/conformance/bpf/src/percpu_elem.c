// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(pa, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u32, 4);
MAP(ph, BPF_MAP_TYPE_PERCPU_HASH, __u32, __u32, 8);
SEC("tc") int pc(struct __sk_buff *s) {
    __u32 k = s->len & 7;
    int sum = 0;
    for (int i = 0; i < 2; i++) {
        __u32 *v = bpf_map_lookup_percpu_elem(&pa, &k, i);
        if (v) {
            *v += 1;
            sum += *v;
        }
        v = bpf_map_lookup_percpu_elem(&ph, &k, i);
        if (v) sum += *v * 100;
    }
    if (bpf_map_lookup_percpu_elem(&pa, &k, 5000)) return -1;
    return sum;
}
LICENSE;
