/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Reading the packet's headers, and rewriting one end of it with its checksums. */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "maps.h"

#define L3_OFF sizeof(struct ethhdr)
#define L4_OFF (L3_OFF + sizeof(struct iphdr))
#define TCP_SYN 0x02
#define TCP_ACK 0x10

/* Drop reasons, negative as Cilium prints them. */
enum {
	DROP_INVALID = -134,
	DROP_CSUM_L4 = -154,
	DROP_NO_SERVICE = -158,
	DROP_TTL_EXCEEDED = -196,
};

struct packet {
	struct ipv4_ct_tuple tuple;
	__u8 ttl;
	__u8 tcp_flags;
};

/* Ends with 0 where there is nothing for us: no IPv4, options, a fragment, another protocol. */
static __always_inline int parse(struct __sk_buff *skb, struct packet *packet)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + L3_OFF;
	struct udphdr *ports = data + L4_OFF; /* TCP, UDP and SCTP begin with both ports */

	if (data + L4_OFF + sizeof(*ports) > data_end)
		return 0;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 || (ip->frag_off & bpf_htons(0x3fff)))
		return 0;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_SCTP)
		return 0;
	packet->tuple.saddr = ip->saddr;
	packet->tuple.daddr = ip->daddr;
	packet->tuple.sport = ports->source;
	packet->tuple.dport = ports->dest;
	packet->tuple.nexthdr = ip->protocol;
	packet->tuple.flags = TUPLE_F_OUT;
	packet->ttl = ip->ttl;
	packet->tcp_flags = 0;
	if (ip->protocol == IPPROTO_TCP) {
		if (data + L4_OFF + sizeof(struct tcphdr) > data_end)
			return 0;
		packet->tcp_flags = ((__u8 *)data)[L4_OFF + 13];
	}
	return 1;
}

/* Puts a new address and port at one end (offsets within their headers) and mends both checksums. */
static __always_inline int rewrite(struct __sk_buff *skb, __u8 proto, __u32 addr_off, __u32 port_off, __be32 from, __be32 to, __be16 from_port,
				   __be16 to_port)
{
	__u32 csum_off = L4_OFF + (proto == IPPROTO_TCP ? __builtin_offsetof(struct tcphdr, check) : __builtin_offsetof(struct udphdr, check));
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

#define rewrite_destination(skb, proto, from, to, from_port, to_port) \
	rewrite(skb, proto, __builtin_offsetof(struct iphdr, daddr), __builtin_offsetof(struct udphdr, dest), from, to, from_port, to_port)
#define rewrite_source(skb, proto, from, to, from_port, to_port) \
	rewrite(skb, proto, __builtin_offsetof(struct iphdr, saddr), __builtin_offsetof(struct udphdr, source), from, to, from_port, to_port)

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
