/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The pods on this node. The kernel would find the way by its routes and the pod's hardware address by its neighbour
 * table; here one look-up answers both.
 */
#pragma once

#include "helpers.h"

#define ENDPOINT_KEY_IPV4 1

struct endpoint_key {
	__be32 ip4;
	__u32 pad1;
	__u32 pad2;
	__u32 pad3;
	__u8 family;
	__u8 key;
	__u16 cluster_id;
};

struct endpoint_info {
	__u32 ifindex;
	__u16 unused;
	__u16 lxc_id;
	__u32 flags;
	__u32 pad;
	__u64 mac;
	__u64 node_mac;
	__u32 sec_id;
	__u32 parent_ifindex;
	__u32 pad2[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct endpoint_key);
	__type(value, struct endpoint_info);
	__uint(max_entries, 65535);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lxc SEC(".maps");

static __always_inline struct endpoint_info *lookup_endpoint(__be32 address)
{
	struct endpoint_key key = { .ip4 = address, .family = ENDPOINT_KEY_IPV4 };

	return map_lookup_elem(&cilium_lxc, &key);
}
