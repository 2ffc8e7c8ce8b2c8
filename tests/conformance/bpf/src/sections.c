// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
SEC(".data.cfg") __u32 c1 = 5;
SEC(".rodata.tab") const __u32 tab[4] = {1, 2, 3, 4};
SEC(".bss.x") __u32 bx;
__hidden __u32 hid = 8;
static __u32 stat[10];
SEC("tc") int sec(struct __sk_buff *s) {
    __u32 i = s->len;
    if (i > 9) i &= 7;
    if (i > 9) i = 0;
    volatile __u32 *q = stat;
    q[3]++;
    hid++;
    return c1++ + tab[i & 3] + (int)q[5] + hid;
}
LICENSE;
