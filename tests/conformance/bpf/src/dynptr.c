// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} rb SEC(".maps");
MAP(m, BPF_MAP_TYPE_ARRAY, __u32, __u8[32], 1);
SEC("tc") int dp(struct __sk_buff *s) {
    struct bpf_dynptr p;
    __u32 k = 0;
    char b[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    __u8 *v = bpf_map_lookup_elem(&m, &k);
    if (!v) return 0;
    int r = bpf_dynptr_from_mem(v, 32, 0, &p);
    int q = bpf_dynptr_write(&p, s->len & 31, b, 8, 0);
    int t = bpf_dynptr_read(b, 8, &p, 3, 0);
    __u8 *x = bpf_dynptr_data(&p, 4, 4);
    int z = x ? x[0] : -9;
    struct bpf_dynptr d;
    int u = bpf_ringbuf_reserve_dynptr(&rb, 16, 0, &d);
    bpf_dynptr_write(&d, 0, b, 8, 0);
    bpf_ringbuf_submit_dynptr(&d, 0);
    return r + q * 10 + t * 100 + z * 7 + u * 1000 + b[2];
}
LICENSE;
