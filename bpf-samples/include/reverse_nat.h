/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* A reply's source becomes the Service's address again: a Service port's number says which one. */
#pragma once

#include "packet.h"

struct lb4_reverse_nat {
	__be32 address;
	__be16 port;
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u16);
	__type(value, struct lb4_reverse_nat);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb4_reverse_nat SEC(".maps");

static __always_inline void reverse_nat(struct ipv4_ct_tuple *tuple, __u16 rev_nat_index)
{
	struct lb4_reverse_nat *nat = map_lookup_elem(&cilium_lb4_reverse_nat, &rev_nat_index);

	if (!nat)
		return;
	tuple->saddr = nat->address;
	tuple->sport = nat->port;
}
