// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
MAP(dev, BPF_MAP_TYPE_DEVMAP, __u32, __u32, 8);
MAP(devh, BPF_MAP_TYPE_DEVMAP_HASH, __u32, __u32, 8);
MAP(cpu, BPF_MAP_TYPE_CPUMAP, __u32, __u32, 2);
MAP(xsk, BPF_MAP_TYPE_XSKMAP, __u32, __u32, 8);
SEC("xdp") int redir(struct xdp_md *ctx) {
    __u8 *d = DATA(ctx);
    if ((void *)d + 40 > END(ctx)) return XDP_DROP;
    switch (d[20] & 7) {
        case 0:
            return bpf_redirect_map(&dev, d[21] & 15, XDP_PASS);
        case 1:
            return bpf_redirect_map(&devh, d[21] & 15, XDP_TX);
        case 2:
            return bpf_redirect_map(&cpu, d[21] & 3, XDP_DROP);
        case 3:
            return bpf_redirect_map(&xsk, d[21] & 15, 0);
        case 4:
            return bpf_redirect(d[21], 0);
        case 5:
            return bpf_redirect(d[21], 1);
        case 6:
            return bpf_redirect_map(&dev, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
    }
    return XDP_PASS;
}
LICENSE;
