/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * A client outside becomes the node itself, so that the backend's answer comes back here. In iptables: the MASQUERADE
 * target of KUBE-POSTROUTING, for packets that carry KUBE-MARK-MASQ's mark; nf_nat looks for a free port the same way.
 */
#pragma once

#include "packet.h"

/* The address that the node writes: its own. */
const volatile __be32 nat_ipv4_masquerade = 0;

/* NodePorts end below; a client's own port is kept where it lies above and nobody has it. */
#define NODEPORT_PORT_MIN_NAT 32768
#define NODEPORT_PORT_MAX_NAT 65535
#define SNAT_COLLISION_RETRIES 16

struct ipv4_nat_entry {
	__u64 created;
	__u64 needs_ct;
	__u64 pad1;
	__u64 pad2;
	__be32 to_addr; /* outwards: the new source; inwards: the destination as it was */
	__be16 to_port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct ipv4_ct_tuple);
	__type(value, struct ipv4_nat_entry);
	__uint(max_entries, 65536);
} cilium_snat_v4_external SEC(".maps");

/* A flow's new source: the one it has, or a port that no other flow to the same backend has. */
static __always_inline int snat(struct ipv4_ct_tuple *tuple)
{
	struct ipv4_nat_entry *known = map_lookup_elem(&cilium_snat_v4_external, tuple);
	struct ipv4_nat_entry outwards = { .to_addr = nat_ipv4_masquerade };
	struct ipv4_nat_entry inwards = { .to_addr = tuple->saddr, .to_port = tuple->sport };
	struct ipv4_ct_tuple reply = { .daddr = nat_ipv4_masquerade, .saddr = tuple->daddr, .sport = tuple->dport, .nexthdr = tuple->nexthdr, .flags = TUPLE_F_IN };
	__u32 port = bpf_ntohs(tuple->sport);

	if (known) {
		tuple->saddr = known->to_addr;
		tuple->sport = known->to_port;
		return 0;
	}
	outwards.created = inwards.created = ktime_get_ns();
	if (port < NODEPORT_PORT_MIN_NAT)
		port = NODEPORT_PORT_MIN_NAT + (get_prandom_u32() & (NODEPORT_PORT_MAX_NAT - NODEPORT_PORT_MIN_NAT));
	for (int attempt = 0; attempt < SNAT_COLLISION_RETRIES; attempt++) {
		reply.dport = bpf_htons((__u16)port);
		if (!map_update_elem(&cilium_snat_v4_external, &reply, &inwards, BPF_NOEXIST)) {
			outwards.to_port = reply.dport;
			map_update_elem(&cilium_snat_v4_external, tuple, &outwards, BPF_ANY);
			tuple->saddr = outwards.to_addr;
			tuple->sport = outwards.to_port;
			return 0;
		}
		port = NODEPORT_PORT_MIN_NAT + (get_prandom_u32() & (NODEPORT_PORT_MAX_NAT - NODEPORT_PORT_MIN_NAT));
	}
	return DROP_NAT_NO_MAPPING;
}

/* A backend's answer to the node: to the client again. Ends with 0 where no flow went out so. */
static __always_inline int snat_reverse(struct ipv4_ct_tuple *tuple)
{
	struct ipv4_ct_tuple key = *tuple;
	struct ipv4_nat_entry *known;

	key.flags = TUPLE_F_IN;
	known = map_lookup_elem(&cilium_snat_v4_external, &key);
	if (!known)
		return 0;
	tuple->daddr = known->to_addr;
	tuple->dport = known->to_port;
	return 1;
}
