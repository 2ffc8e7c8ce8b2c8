// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(seen, BPF_MAP_TYPE_ARRAY, __u32, __u32, 8);
static __always_inline void put(__u32 k, __u32 v) {
    bpf_map_update_elem(&seen, &k, &v, 0);
}
SEC("xdp") int fields(struct xdp_md *ctx) {
    put(0, ctx->ingress_ifindex);
    put(1, ctx->rx_queue_index);
    put(2, ctx->data_end - ctx->data);
    put(3, ctx->data - ctx->data_meta);
    put(4, bpf_xdp_get_buff_len(ctx));
    __u8 b[8];
    int r = bpf_xdp_load_bytes(ctx, 10, b, 8);
    put(5, r);
    put(6, b[4]);
    r = bpf_xdp_store_bytes(ctx, 12, b, 8);
    put(7, r);
    return XDP_PASS;
}
LICENSE;
