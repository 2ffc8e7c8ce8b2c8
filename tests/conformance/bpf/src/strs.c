// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(m, BPF_MAP_TYPE_ARRAY, __u32, __s64, 16);
static __always_inline void put(__u32 k, __s64 v) {
    bpf_map_update_elem(&m, &k, &v, 0);
}
SEC("tc") int str(struct __sk_buff *s) {
    char buf[40] = {};
    __u64 a[3] = {s->len, 0xabcd, (__u64)-7};
    put(0, bpf_snprintf(buf, 40, "%d|%x|%lld!", a, 24));
    put(1, *(__u64 *)buf);
    put(2, *(__u64 *)(buf + 8));
    bpf_printk("len %d %s", s->len, "x");
    put(3, bpf_strncmp(buf, 4, "100|"));
    __u64 one = s->len;
    put(4, bpf_snprintf(buf, 5, "%u %u", a, 16));
    put(5, *(__u64 *)buf);
    struct {
        char c[16];
    } q = {"hi"};
    put(6, bpf_probe_read_kernel_str ? 1 : 0);
    return 0;
}
LICENSE;
