// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(m, BPF_MAP_TYPE_ARRAY, __u32, __u64, 8);
SEC("tc") int atomic(struct __sk_buff *s) {
    __u32 k = 0;
    __u64 *v = bpf_map_lookup_elem(&m, &k);
    if (!v) return 0;
    __u64 n = s->len;
    __u64 a = __sync_fetch_and_add(v, n);
    __u64 b = __sync_fetch_and_or(v, n << 3);
    __u64 c = __sync_fetch_and_and(v, ~(n << 1));
    __u64 d = __sync_fetch_and_xor(v, 0x55);
    __u64 e = __sync_lock_test_and_set(v, n);
    __u64 f = __sync_val_compare_and_swap(v, n, n + 1);
    __u32 *w = (__u32 *)v;
    __u32 g = __sync_fetch_and_add(w, 0xffffffff);
    __u32 h = __sync_val_compare_and_swap(w, 5, 6);
    __u32 i = __sync_fetch_and_xor(w, 3);
    return a + b * 3 + c * 5 + d * 7 + e * 11 + f * 13 + g * 17 + h * 19 + i;
}
LICENSE;
