// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(m, BPF_MAP_TYPE_ARRAY, __u32, __s64, 64);
static __always_inline void put(__u32 k, __s64 v) {
    bpf_map_update_elem(&m, &k, &v, 0);
}
#define NUMBER(at, text, base)                              \
    {                                                       \
        char copy[] = text;                                 \
        long number = -99;                                  \
        unsigned long natural = 99;                         \
        put(at, bpf_strtol(copy, sizeof(copy) - 1, base, &number)); \
        put(at + 1, number);                                \
        put(at + 2, bpf_strtoul(copy, sizeof(copy) - 1, base, &natural)); \
        put(at + 3, natural);                               \
    }
SEC("tc") int numbers(struct __sk_buff *s) {
    NUMBER(0, "-45xyz", 10);
    NUMBER(4, "0x1fg", 0);
    NUMBER(8, "\v 077", 0);
    NUMBER(12, "0x", 16);
    NUMBER(16, "0xg", 0);
    NUMBER(20, "99999999999999999999999", 10);
    NUMBER(24, "-9223372036854775808", 0);
    NUMBER(28, "9223372036854775808", 10);
    NUMBER(32, "0X1F", 16);
    NUMBER(36, "08", 0);
    NUMBER(40, "-0", 0);
    NUMBER(44, "- 5", 0);
    NUMBER(48, "-9223372036854775809", 0);
    NUMBER(52, "5", 7);
    NUMBER(56, "+5", 0);
    return 0;
}
LICENSE;
