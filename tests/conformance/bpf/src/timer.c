// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct v {
    struct bpf_timer t;
    __u32 n;
};
MAP(m, BPF_MAP_TYPE_ARRAY, __u32, struct v, 1);
static int fire(void *mm, int *k, struct v *v) {
    v->n++;
    return 0;
}
SEC("tc") int timer(struct __sk_buff *s) {
    __u32 k = 0;
    struct v *v = bpf_map_lookup_elem(&m, &k);
    if (!v) return 1;
    bpf_timer_init(&v->t, &m, 1);
    bpf_timer_set_callback(&v->t, fire);
    bpf_timer_start(&v->t, 1000000000, 0);
    return 2;
}
LICENSE;
