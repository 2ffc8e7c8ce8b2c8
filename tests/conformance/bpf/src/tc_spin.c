// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
struct v {
    struct bpf_spin_lock l;
    __u32 n;
    __u64 b;
};
MAP(m, BPF_MAP_TYPE_ARRAY, __u32, struct v, 4);
MAP(hm, BPF_MAP_TYPE_HASH, __u32, struct v, 4);
SEC("tc") int spin(struct __sk_buff *s) {
    __u32 k = s->len & 7;
    struct v *v = bpf_map_lookup_elem(&m, &k);
    if (!v) return 1;
    bpf_spin_lock(&v->l);
    v->n++;
    v->b += s->len;
    bpf_spin_unlock(&v->l);
    struct v n = {};
    n.n = 5;
    long r = bpf_map_update_elem(&hm, &k, &n, 0);
    v = bpf_map_lookup_elem(&hm, &k);
    if (v) {
        bpf_spin_lock(&v->l);
        v->b += 3;
        bpf_spin_unlock(&v->l);
    }
    struct v x = {};
    x.b = s->len;
    r += bpf_map_update_elem(&hm, &k, &x, BPF_F_LOCK) * 10;
    return 2 - r;
}
LICENSE;
