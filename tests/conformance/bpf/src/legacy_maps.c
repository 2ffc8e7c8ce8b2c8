// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct bpf_map_def {
    unsigned type, key_size, value_size, max_entries, map_flags;
};
struct bpf_map_def SEC("maps") cnt = {.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 4};
struct bpf_map_def SEC("maps") hsh = {
    .type = BPF_MAP_TYPE_HASH, .key_size = 6, .value_size = 4, .max_entries = 16, .map_flags = 1};
SEC("classifier") int legacy(struct __sk_buff *s) {
    void *d = DATA(s);
    if (d + 14 > END(s)) return 2;
    __u32 k = s->len & 3, *h;
    __u64 *v = bpf_map_lookup_elem(&cnt, &k);
    if (v) ++*v;
    h = bpf_map_lookup_elem(&hsh, d + 6);
    if (h) return *h;
    __u32 n = s->len;
    bpf_map_update_elem(&hsh, d + 6, &n, 0);
    return 0;
}
LICENSE;
