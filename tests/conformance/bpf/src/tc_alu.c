// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(m, BPF_MAP_TYPE_ARRAY, __u32, __u64, 32);
static __always_inline void put(__u32 k, __u64 v) {
    bpf_map_update_elem(&m, &k, &v, 0);
}
SEC("tc") int alu(struct __sk_buff *s) {
    __u8 b[16];
    if (bpf_skb_load_bytes(s, 14, b, 16)) return -1;
    __u64 x = *(__u64 *)b, y = *(__u64 *)(b + 8);
    __u32 p = x, q = y;
    __s32 i = p;
    __s64 j = x;
    put(0, x / (y | 1));
    put(1, x % (y | 1));
    put(2, p / (q | 1));
    put(3, p % (q | 1));
    put(4, x / y);
    put(5, x % y);
    put(6, p / q);
    put(7, p % q);
    put(8, j >> (y & 63));
    put(9, i >> (q & 31));
    put(10, x << (y & 63));
    put(11, p << (q & 31));
    put(12, x * y);
    put(13, p * q);
    put(14, __builtin_bswap64(x));
    put(15, __builtin_bswap32(p));
    put(16, __builtin_bswap16(p));
    put(17, (__s8)p);
    put(18, (__s16)p);
    put(19, i < (__s32)q);
    put(20, x < y);
    put(21, j < (__s64)y);
    put(22, p > -5u);
    put(23, x > (__u64)-5);
    put(24, j > -5);
    put(25, -x);
    put(26, ~p);
    put(27, -p);
    put(28, i == -1 || x == (__u64)-1);
    return x & y;
}
SEC("tc/div") int sdiv(struct __sk_buff *s) {
    __u8 b[16];
    if (bpf_skb_load_bytes(s, 14, b, 16)) return -1;
    __u32 x = *(__u32 *)b;
    switch (x % 29) {
        case 0:
            return 3;
        case 1:
            return 17;
        case 2:
            return 99;
        case 5:
            return x;
        case 7:
            return x * 3;
        case 9:
            return x / 7;
        case 11:
            return x >> 3;
        case 12:
            return x ^ 5;
        case 13:
            return 8;
        case 20:
            return 4;
        case 21:
            return 31;
        case 22:
            return x + 1;
        case 23:
            return 66;
        case 24:
            return 1;
        case 25:
            return 2;
        case 26:
            return 12;
    }
    return x / 13;
}
LICENSE;
