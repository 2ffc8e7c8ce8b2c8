// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
SEC("xdp.frags") int fr(struct xdp_md *c) {
    return bpf_xdp_get_buff_len(c) > 100 ? XDP_DROP : XDP_PASS;
}
SEC("xdp/devmap") int dmp(struct xdp_md *c) {
    return c->egress_ifindex;
}
LICENSE;
