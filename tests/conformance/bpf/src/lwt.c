// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
SEC("lwt_xmit") int lx(struct __sk_buff *s) {
    void *d = DATA(s);
    if (d + 20 > END(s)) return 5;
    struct iphdr *ip = d;
    return ip->protocol + s->len * 256;
}
SEC("lwt_in") int li(struct __sk_buff *s) {
    void *d = DATA(s);
    if (d + 20 > END(s)) return 5;
    struct iphdr *ip = d;
    return ip->version;
}
SEC("lwt_out") int lo(struct __sk_buff *s) {
    s->mark = 4;
    return s->protocol;
}
SEC("lwt_xmit/h") int lh(struct __sk_buff *s) {
    int r = bpf_skb_change_head(s, 14, 0);
    return r ? 1000 - r : s->len;
}
LICENSE;
