/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Rewriting a packet's two ends with its checksums, in XDP: there is no skb yet, and no helper for checksums; the bytes
 * are written where the card put them.
 */
#pragma once

#include "packet.h"

/* A checksum after 16 bits of what it covers changed (RFC 1624, equation 3). */
static __always_inline __u16 csum_replace2(__u16 check, __u16 from, __u16 to)
{
	__u32 sum = (__u32)(__u16)~check + (__u16)~from + to;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u16 csum_replace4(__u16 check, __be32 from, __be32 to)
{
	return csum_replace2(csum_replace2(check, from, to), from >> 16, to >> 16);
}

/* The packet becomes what the steps made of its tuple. */
static __always_inline int xdp_translate(struct xdp_md *context, const struct ipv4_ct_tuple *from, const struct ipv4_ct_tuple *to)
{
	void *data = (void *)(long)context->data;
	void *data_end = (void *)(long)context->data_end;
	struct iphdr *ip = data + L3_OFF;
	struct udphdr *ports = data + L4_OFF;
	__u32 csum_off = L4_OFF + checksum_offset(to->nexthdr);
	__u16 *place = data + csum_off;
	__u16 check;

	if (data + csum_off + sizeof(check) > data_end)
		return DROP_INVALID;
	check = *place;
	if (to->nexthdr == IPPROTO_SCTP) {
		/* Its CRC32c covers the ports, and cannot be mended from their change alone. */
		if (from->sport != to->sport || from->dport != to->dport)
			return DROP_CSUM_L4;
	} else if (check || to->nexthdr != IPPROTO_UDP) {
		/* A UDP checksum of 0 means none, and stays 0. */
		check = csum_replace4(check, from->saddr, to->saddr);
		check = csum_replace4(check, from->daddr, to->daddr);
		check = csum_replace2(check, from->sport, to->sport);
		check = csum_replace2(check, from->dport, to->dport);
		if (!check && to->nexthdr == IPPROTO_UDP)
			check = 0xffff;
		*place = check;
	}
	ports->source = to->sport;
	ports->dest = to->dport;

	check = csum_replace4(ip->check, from->saddr, to->saddr);
	ip->check = csum_replace4(check, from->daddr, to->daddr);
	ip->saddr = to->saddr;
	ip->daddr = to->daddr;
	return 0;
}

/* A hop less to live, as any router does. TTL is the low byte of its word in memory. */
static __always_inline int xdp_decrement_ttl(struct iphdr *ip)
{
	if (ip->ttl <= 1)
		return DROP_TTL_EXCEEDED;
	ip->check = csum_replace2(ip->check, ip->ttl, ip->ttl - 1);
	ip->ttl -= 1;
	return 0;
}
