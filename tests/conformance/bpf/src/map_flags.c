// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct prefix {
    __u32 len;
    __u8 data[4];
};
MAPF(trie, BPF_MAP_TYPE_LPM_TRIE, struct prefix, __u32, 8, BPF_F_NO_PREALLOC);
MAP(lru, BPF_MAP_TYPE_LRU_PERCPU_HASH, __u32, __u64, 3);
MAP(array, BPF_MAP_TYPE_ARRAY, __u32, __u32, 4);
MAP(cpus, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u32, 4);
MAP(said, BPF_MAP_TYPE_ARRAY, __u32, __s64, 16);
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} ring SEC(".maps");
static __always_inline void put(__u32 k, __s64 v) {
    bpf_map_update_elem(&said, &k, &v, 0);
}
static int turn(__u32 index, __u32 *sum) {
    *sum += index;
    return index == 20;
}
/* What each answers to flags and keys that it does not take. */
SEC("tc") int flags(struct __sk_buff *s) {
    struct prefix long_one = {40, {10, 0, 0, 1}};
    __u32 k = s->len & 3, sum = 0;
    put(0, bpf_map_delete_elem(&trie, &long_one));
    put(1, bpf_map_update_elem(&array, &k, &k, 3));
    put(2, bpf_map_update_elem(&cpus, &k, &k, 3));
    put(3, bpf_map_update_elem(&array, &k, &k, BPF_F_LOCK));
    put(4, bpf_ringbuf_output(&ring, &k, 4, 8));
    put(5, bpf_ringbuf_output(&ring, &k, 4, BPF_RB_FORCE_WAKEUP));
    put(6, bpf_ringbuf_query(&ring, BPF_RB_PROD_POS));
    /* The kernel's own loop takes its place: a 32-bit answer. */
    put(7, bpf_loop(1 << 24, turn, &sum, 0));
    put(8, bpf_loop(30, turn, &sum, 0));
    put(9, sum);
    put(10, bpf_csum_diff(0, 0, 0, 0, 0x12345678));
    return 0;
}
/* An update takes a free element first, and evicts for it, whether it needs one or not; it is no use of the old one. */
SEC("tc") int percpu_lru(struct __sk_buff *s) {
    __u32 k = s->len & 7;
    __u64 len = s->len;
    long error = bpf_map_update_elem(&lru, &k, &len, (s->len >> 3) & 1);
    if (s->len & 16) bpf_map_lookup_elem(&lru, &k);
    return error;
}
LICENSE;
