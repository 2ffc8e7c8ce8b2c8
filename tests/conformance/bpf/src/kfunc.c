// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
extern int bpf_dynptr_from_skb(struct __sk_buff *, __u64, struct bpf_dynptr *) __ksym;
extern void weakk(void) __ksym __attribute__((weak));
extern unsigned LINUX_KERNEL_VERSION __kconfig;
SEC("tc") int kf(struct __sk_buff *s) {
    struct bpf_dynptr p;
    return bpf_dynptr_from_skb(s, 0, &p);
}
SEC("tc/b") int kc(struct __sk_buff *s) {
    return LINUX_KERNEL_VERSION > 0;
}
SEC("tc/c") int fine(struct __sk_buff *s) {
    if (weakk) return 5;
    return 4;
}
LICENSE;
