// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAPF(ro, BPF_MAP_TYPE_ARRAY, __u32, __u32, 4, BPF_F_RDONLY_PROG);
MAPF(wo, BPF_MAP_TYPE_HASH, __u32, __u32, 4, BPF_F_WRONLY_PROG);
MAPF(np, BPF_MAP_TYPE_HASH, __u32, __u32, 4, BPF_F_NO_PREALLOC);
const volatile struct {
    __u32 ports[4];
    __u8 on;
} conf = {{80, 443, 8080, 0}, 1};
SEC("tc") int ro_prog(struct __sk_buff *s) {
    __u32 k = s->len & 7, *v = bpf_map_lookup_elem(&ro, &k);
    __u32 x = s->len;
    bpf_map_update_elem(&wo, &k, &x, 0);
    bpf_map_update_elem(&np, &k, &x, BPF_EXIST);
    return v ? (int)*v : (conf.on ? (int)conf.ports[k & 3] : -1);
}
LICENSE;
