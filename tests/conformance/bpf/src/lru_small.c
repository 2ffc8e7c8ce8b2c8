// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(l, BPF_MAP_TYPE_LRU_HASH, __u32, __u32, 4);
MAPF(n, BPF_MAP_TYPE_LRU_HASH, __u32, __u32, 8, BPF_F_NO_COMMON_LRU);
SEC("tc") int lr(struct __sk_buff *s) {
    __u32 k = s->len;
    __u32 v = 1, *p;
    p = bpf_map_lookup_elem(&l, &k);
    if (p)
        ++*p;
    else
        bpf_map_update_elem(&l, &k, &v, 0);
    p = bpf_map_lookup_elem(&n, &k);
    if (p)
        ++*p;
    else
        bpf_map_update_elem(&n, &k, &v, 0);
    return 0;
}
LICENSE;
