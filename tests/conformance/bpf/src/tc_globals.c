// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
__u64 total;
__u32 limit = 3;
static volatile __u32 st = 5;
const volatile __u32 factor = 7;
static const int table[8] = {3, 1, 4, 1, 5, 9, 2, 6};
__u8 buf[64];
struct {
    __u32 a;
    __u16 b;
} cfg = {1, 2};
const char msg[] = "hello";
SEC("tc") int g(struct __sk_buff *s) {
    total += s->len;
    st++;
    int i = s->len & 7;
    cfg.b += table[i];
    buf[s->len & 63]++;
    if (total > limit * 1000) return TC_ACT_SHOT;
    return factor * table[(i + 1) & 7] + st + msg[i & 3];
}
LICENSE;
