// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
#include <stddef.h>
unsigned long long load_byte(void *, unsigned long long) asm("llvm.bpf.load.byte");
unsigned long long load_half(void *, unsigned long long) asm("llvm.bpf.load.half");
unsigned long long load_word(void *, unsigned long long) asm("llvm.bpf.load.word");
MAP(m, BPF_MAP_TYPE_ARRAY, __u32, __u64, 256);
SEC("socket") int abs(struct __sk_buff *s) {
    __u32 p = load_byte(s, 9);
    __u64 *v = bpf_map_lookup_elem(&m, &p);
    if (v) __sync_fetch_and_add(v, s->len);
    if (load_half(s, 6) & 0x1fff) return 0;
    __u32 hl = (load_byte(s, 0) & 15) << 2;
    return load_word(s, hl) & 0xffff;
}
SEC("socket/neg") int neg(struct __sk_buff *s) {
    return load_byte(s, -0x200000 + 12) * 256 + load_byte(s, -0x100000);
}
SEC("socket/cb") int cb(struct __sk_buff *s) {
    s->cb[0] = s->len;
    s->cb[3] = 1;
    __u8 b[4] = {};
    int r = bpf_skb_load_bytes(s, s->len - 4, b, 4);
    return r ? r : b[0] + s->cb[0] + s->pkt_type + s->protocol;
}
LICENSE;
