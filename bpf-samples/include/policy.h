/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Whether two identities may talk. As rules, every policy of a pod is a chain that a new connection walks; here the
 * answer is two look-ups at most, however many policies there are.
 */
#pragma once

#include "endpoints.h"
#include "events.h"
#include "ipcache.h"

#ifndef POLICY_UNLESS_TOLD
#define POLICY_UNLESS_TOLD 0
#endif

/* Whether policies are held to; without, a packet's identities are not even looked for. */
const volatile __u8 enable_policy = POLICY_UNLESS_TOLD;

/* Bits of a policy_key behind its length, and those of protocol and port among them. */
#define POLICY_FULL_PREFIX 64
#define LPM_PROTO_PREFIX_BITS 8
#define LPM_FULL_PREFIX_BITS 24

struct policy_key {
	struct bpf_lpm_trie_key lpm_key;
	__u32 sec_label;
	__u8 egress;
	__u8 protocol;
	__be16 dport;
};

struct policy_entry {
	__be16 proxy_port;
	__u8 deny : 1, reserved : 2, lpm_prefix_length : 5;
	__u8 auth_type;
	__u8 proxy_port_priority;
	__u8 pad1;
	__u16 pad2;
	__u32 cookie;
};

/* One pod's policies: an entry for each identity, protocol and port (or prefix of ports) that is allowed or denied. */
struct cilium_policy_v2 {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(key_size, sizeof(struct policy_key));
	__uint(value_size, sizeof(struct policy_entry));
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
};

/*
 * Which pod has which. Cilium loads its programs once a pod, each with the pod's own cilium_policy_v2 built in; this one
 * serves every pod of the node, and finds the pod's first. A pod that no policy selects is not in it: all is allowed.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__type(key, struct endpoint_key);
	__uint(max_entries, 65535);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__array(values, struct cilium_policy_v2);
} cilium_ep_to_policy SEC(".maps");

/* What passed by which entry, for each pod. */
struct policy_stats_key {
	__u16 endpoint_id;
	__u8 pad1;
	__u8 prefix_len;
	__u32 sec_label;
	__u8 egress;
	__u8 protocol;
	__be16 dport;
};

struct policy_stats_value {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__type(key, struct policy_stats_key);
	__type(value, struct policy_stats_value);
	__uint(max_entries, 65534);
} cilium_policystats SEC(".maps");

/* Counts the packet under the entry that decided: the key as the entry has it, with what it leaves open as 0. */
static __noinline void policy_account(const struct packet *packet, const struct policy_key *looked_up, __u32 sec_label, __u8 prefix_length)
{
	struct policy_stats_key key = { .endpoint_id = packet->lxc_id, .prefix_len = prefix_length, .sec_label = sec_label, .egress = looked_up->egress };
	struct policy_stats_value first = { .packets = 1, .bytes = packet->length };
	struct policy_stats_value *value;

	if (prefix_length >= LPM_PROTO_PREFIX_BITS)
		key.protocol = looked_up->protocol;
	if (prefix_length > LPM_PROTO_PREFIX_BITS && prefix_length <= LPM_FULL_PREFIX_BITS)
		key.dport = looked_up->dport & bpf_htons((__u16)(0xffff << (LPM_FULL_PREFIX_BITS - prefix_length)));
	value = map_lookup_elem(&cilium_policystats, &key);
	if (value) {
		value->packets += 1;
		value->bytes += packet->length;
	} else {
		map_update_elem(&cilium_policystats, &key, &first, BPF_NOEXIST);
	}
}

/*
 * The pod at `address` and the identity `remote`. First what is said of this very identity, then what is said of all (0):
 * a deny wins, then the entry that says more of protocol and port, then the one that names the identity.
 */
static __always_inline int policy_verdict(const struct packet *packet, __be32 address, __u32 remote, __u8 egress)
{
	struct endpoint_key pod = { .ip4 = address, .family = ENDPOINT_KEY_IPV4 };
	struct policy_key key = {
		.lpm_key.prefixlen = POLICY_FULL_PREFIX,
		.sec_label = remote,
		.egress = egress,
		.protocol = packet->tuple.nexthdr,
		.dport = packet->tuple.dport,
	};
	void *policies = map_lookup_elem(&cilium_ep_to_policy, &pod);
	struct policy_entry *entry, *of_all;

	if (!policies)
		return 0;
	entry = map_lookup_elem(policies, &key);
	if (!entry || !entry->deny) {
		key.sec_label = 0;
		of_all = map_lookup_elem(policies, &key);
		if (of_all && (!entry || of_all->deny || of_all->lpm_prefix_length > entry->lpm_prefix_length)) {
			entry = of_all;
			remote = 0;
		}
	}
	if (!entry)
		return DROP_POLICY;
	if (enable_events)
		policy_account(packet, &key, remote, entry->lpm_prefix_length);
	return entry->deny ? DROP_POLICY_DENY : 0;
}
