/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Rewriting one end of a packet with its checksums, in tc. The kernel's NAT does the same to the same bytes
 * (nf_nat_proto.c); what it saves here is the way to it.
 */
#pragma once

#include "packet.h"

/* Puts a new address and port at one end (offsets within their headers) and mends both checksums. */
static __always_inline int rewrite(struct __sk_buff *skb, __u8 proto, __u32 addr_off, __u32 port_off, __be32 from, __be32 to, __be16 from_port,
				   __be16 to_port)
{
	__u32 csum_off = L4_OFF + checksum_offset(proto);
	/* A UDP checksum of 0 means none, and stays 0. */
	__u64 flags = proto == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;

	if (proto == IPPROTO_SCTP) {
		/* Its CRC32c covers the ports, not the addresses; no helper mends it. Cilium does not rewrite SCTP ports either. */
		if (from_port != to_port)
			return DROP_CSUM_L4;
	} else {
		if (l4_csum_replace(skb, csum_off, from, to, BPF_F_PSEUDO_HDR | flags | sizeof(to)) < 0)
			return DROP_CSUM_L4;
		if (from_port != to_port && l4_csum_replace(skb, csum_off, from_port, to_port, flags | sizeof(to_port)) < 0)
			return DROP_CSUM_L4;
		if (from_port != to_port && skb_store_bytes(skb, L4_OFF + port_off, &to_port, sizeof(to_port), 0) < 0)
			return DROP_INVALID;
	}
	if (l3_csum_replace(skb, L3_OFF + __builtin_offsetof(struct iphdr, check), from, to, sizeof(to)) < 0)
		return DROP_INVALID;
	if (skb_store_bytes(skb, L3_OFF + addr_off, &to, sizeof(to), 0) < 0)
		return DROP_INVALID;
	return 0;
}

/* The packet becomes what the steps made of its tuple. */
static __always_inline int translate(struct __sk_buff *skb, const struct ipv4_ct_tuple *from, const struct ipv4_ct_tuple *to)
{
	int error = 0;

	if (from->daddr != to->daddr || from->dport != to->dport)
		error = rewrite(skb, to->nexthdr, __builtin_offsetof(struct iphdr, daddr), __builtin_offsetof(struct udphdr, dest), from->daddr, to->daddr, from->dport, to->dport);
	if (!error && (from->saddr != to->saddr || from->sport != to->sport))
		error = rewrite(skb, to->nexthdr, __builtin_offsetof(struct iphdr, saddr), __builtin_offsetof(struct udphdr, source), from->saddr, to->saddr, from->sport, to->sport);
	return error;
}

/* A hop less to live, as any router does. */
static __always_inline int decrement_ttl(struct __sk_buff *skb, __u8 ttl)
{
	__u8 next = ttl - 1;

	if (ttl <= 1)
		return DROP_TTL_EXCEEDED;
	/* The checksum is over 16-bit words: TTL is the low byte of its word in memory. */
	if (l3_csum_replace(skb, L3_OFF + __builtin_offsetof(struct iphdr, check), ttl, next, 2) < 0)
		return DROP_INVALID;
	if (skb_store_bytes(skb, L3_OFF + __builtin_offsetof(struct iphdr, ttl), &next, 1, 0) < 0)
		return DROP_INVALID;
	return 0;
}
