/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Addresses that nothing is taken from. As a rule in the raw table each would be compared with every packet. */
#pragma once

#include "packet.h"

struct lpm_v4_key {
	struct bpf_lpm_trie_key lpm;
	__u8 addr[4];
};

struct lpm_val {
	__u8 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct lpm_v4_key);
	__type(value, struct lpm_val);
	__uint(max_entries, 1048576);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_cidr_v4_dyn SEC(".maps");

static __always_inline int is_unwanted(__be32 source)
{
	struct lpm_v4_key key = { .lpm.prefixlen = 32 };

	__builtin_memcpy(key.addr, &source, sizeof(key.addr));
	return map_lookup_elem(&cilium_cidr_v4_dyn, &key) != 0;
}
