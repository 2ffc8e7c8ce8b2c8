// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
SEC("xdp") int meta(struct xdp_md *ctx) {
    __u8 *first = DATA(ctx);
    if ((void *)(first + 15) > END(ctx)) return 1;
    int a = first[14];
    int r = bpf_xdp_adjust_meta(ctx, -(a % 10) * 4 - (a >> 7));
    if (r < 0) return 100 - r;
    __u32 *m = (void *)(long)ctx->data_meta;
    void *d = DATA(ctx);
    if ((void *)(m + 1) <= d) {
        *m = 0xdeadbeef;
        r = bpf_xdp_adjust_head(ctx, a & 0x40 ? -8 : 8);
        if (r) return 50;
    }
    return XDP_PASS;
}
LICENSE;
