/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Who an address is: pods by their labels, everything else by the longest prefix that is known. Rules in iptables name
 * addresses, one set or one rule for each; here policy knows identities only.
 */
#pragma once

#include "endpoints.h"

/* Identities that every cluster has. */
enum { HOST_ID = 1, WORLD_ID = 2 };

/* Bits of the key before the address. */
#define IPCACHE_STATIC_PREFIX 32

struct ipcache_key {
	struct bpf_lpm_trie_key lpm_key;
	__u16 cluster_id;
	__u8 pad1;
	__u8 family;
	__be32 ip4;
	__u32 pad4;
	__u32 pad5;
	__u32 pad6;
};

struct remote_endpoint_info {
	__u32 sec_identity;
	__be32 tunnel_endpoint; /* the node that a pod is on; 0: this one */
	__u32 pad1;
	__u32 pad2;
	__u32 pad3;
	__u16 pad;
	__u8 key;
	__u8 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct ipcache_key);
	__type(value, struct remote_endpoint_info);
	__uint(max_entries, 512000);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_ipcache_v2 SEC(".maps");

static __always_inline struct remote_endpoint_info *ipcache_lookup(__be32 address)
{
	struct ipcache_key key = { .lpm_key.prefixlen = IPCACHE_STATIC_PREFIX + 32, .family = ENDPOINT_KEY_IPV4, .ip4 = address };

	return map_lookup_elem(&cilium_ipcache_v2, &key);
}

static __always_inline __u32 identity_of(__be32 address)
{
	struct remote_endpoint_info *info = ipcache_lookup(address);

	return info ? info->sec_identity : WORLD_ID;
}
