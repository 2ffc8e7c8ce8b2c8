/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* loadBalancerSourceRanges: who may use a load balancer's address. In iptables: a rule a range in the KUBE-FW chain. */
#pragma once

#include "packet.h"

#define SRC_RANGE_STATIC_PREFIX 32

struct lb4_src_range_key {
	struct bpf_lpm_trie_key lpm_key;
	__u16 rev_nat_id;
	__u16 pad;
	__be32 addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct lb4_src_range_key);
	__type(value, __u8);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb4_source_range SEC(".maps");

static __always_inline int is_in_source_range(__be32 source, __u16 rev_nat_index)
{
	struct lb4_src_range_key key = { .lpm_key.prefixlen = SRC_RANGE_STATIC_PREFIX + 32, .rev_nat_id = rev_nat_index, .addr = source };

	return map_lookup_elem(&cilium_lb4_source_range, &key) != 0;
}
