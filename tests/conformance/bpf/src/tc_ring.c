// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} rb SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, 4);
    __uint(value_size, 4);
} pe SEC(".maps");
struct ev {
    __u32 len;
    __u32 p;
    char x[24];
};
SEC("tc") int ring(struct __sk_buff *s) {
    struct ev *e = bpf_ringbuf_reserve(&rb, sizeof *e, 0);
    if (!e) return 99;
    e->len = s->len;
    e->p = s->protocol;
    if (s->len & 1)
        bpf_ringbuf_discard(e, 0);
    else
        bpf_ringbuf_submit(e, 0);
    struct ev f = {};
    int r = bpf_ringbuf_output(&rb, &f, 20, 0);
    return bpf_ringbuf_query(&rb, BPF_RB_AVAIL_DATA) * 16 + bpf_ringbuf_query(&rb, BPF_RB_RING_SIZE) +
           bpf_ringbuf_query(&rb, BPF_RB_PROD_POS) - r;
}
SEC("tc/perf") int perf(struct __sk_buff *s) {
    struct ev f = {};
    return bpf_perf_event_output(s, &pe, BPF_F_CURRENT_CPU | ((__u64)s->len << 32), &f, sizeof f);
}
LICENSE;
