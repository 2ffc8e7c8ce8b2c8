// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct big {
    __u8 b[96];
    __u16 h[8];
    __u64 q[4];
};
MAP(m, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct big, 1);
MAP(r, BPF_MAP_TYPE_HASH, __u64, struct big, 8);
SEC("tc") int mem(struct __sk_buff *s) {
    __u32 k = 0;
    struct big *b = bpf_map_lookup_elem(&m, &k);
    if (!b) return 0;
    memset(b, 0x5a, 40);
    if (bpf_skb_load_bytes(s, 0, b->b, 34)) return 1;
    memcpy(b->h, b->b + 3, 16);
    struct big t = *b;
    int sum = 0;
#pragma unroll
    for (int i = 0; i < 8; i++) sum += t.h[i];
    for (int i = 0; i < 34; i++) sum = sum * 31 + t.b[i];
    t.q[sum & 3] = sum;
    __u64 key = sum & 3;
    bpf_map_update_elem(&r, &key, &t, 0);
    return t.b[0] == t.b[6] ? sum : -sum;
}
LICENSE;
