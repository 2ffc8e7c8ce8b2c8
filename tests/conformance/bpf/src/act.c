// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
SEC("action") int act(struct __sk_buff *s) {
    return s->tc_classid ? 1 : (int)s->len - 100;
}
SEC("tcx/ingress") int tx(struct __sk_buff *s) {
    return -1;
}
SEC("netkit/peer") int nk(struct __sk_buff *s) {
    return 0;
}
SEC("?tc") int optional(struct __sk_buff *s) {
    return 3;
}
LICENSE;
