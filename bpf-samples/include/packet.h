/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Reading a packet's headers into what the steps go by: the same for tc, where the packet is an skb, and XDP. */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "helpers.h"
#include "reasons.h"

#define L3_OFF sizeof(struct ethhdr)
#define L4_OFF (L3_OFF + sizeof(struct iphdr))
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define IP_FRAGMENTED 0x3fff

/* linux/icmp.h asks for the C library's headers. */
enum { ICMP_ECHOREPLY = 0, ICMP_ECHO = 8 };

struct icmp_echo {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be16 id;
	__be16 sequence;
};

enum { TUPLE_F_OUT = 0, TUPLE_F_IN = 1, TUPLE_F_SERVICE = 4 };

struct ipv4_ct_tuple {
	__be32 daddr;
	__be32 saddr;
	__be16 dport;
	__be16 sport;
	__u8 nexthdr;
	__u8 flags;
} __attribute__((packed));

/* What the steps know of a packet: first what it says itself, then what the maps say of it. */
struct packet {
	struct ipv4_ct_tuple tuple;
	__u32 length;
	__u8 ttl;
	__u8 tcp_flags;
	__u8 ct_state;
	__be32 orig_addr; /* its source before translation */
	__u32 src_label;  /* identities, where policy or events ask for them */
	__u32 dst_label;
	__u16 lxc_id; /* the pod that the program works for */
};

/*
 * 1: read. 0: nothing for us (no IPv4: ARP and so on). Negative: IPv4 that these steps can't follow. The kernel would put
 * fragments together first and read past options; here both are left to it.
 */
static __always_inline int parse(void *data, void *data_end, struct packet *packet)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = data + L3_OFF;
	struct udphdr *ports = data + L4_OFF; /* TCP, UDP and SCTP begin with both ports */
	struct icmp_echo *icmp = data + L4_OFF;

	if (data + L4_OFF + sizeof(*ports) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return 0;
	if (ip->ihl != 5)
		return DROP_INVALID;
	if (ip->frag_off & bpf_htons(IP_FRAGMENTED))
		return DROP_FRAG_NOSUPPORT;
	packet->tuple.saddr = ip->saddr;
	packet->tuple.daddr = ip->daddr;
	packet->tuple.nexthdr = ip->protocol;
	packet->tuple.flags = TUPLE_F_OUT;
	packet->orig_addr = ip->saddr;
	packet->ttl = ip->ttl;
	packet->tcp_flags = 0;
	switch (ip->protocol) {
	case IPPROTO_TCP:
		if (data + L4_OFF + sizeof(struct tcphdr) > data_end)
			return DROP_INVALID;
		packet->tcp_flags = ((__u8 *)data)[L4_OFF + 13];
		break;
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		break;
	case IPPROTO_ICMP:
		/* Its identifier takes the client's port, as in conntrack: a ping and its answer are one connection. */
		packet->tuple.sport = icmp->type == ICMP_ECHO ? icmp->id : 0;
		packet->tuple.dport = icmp->type == ICMP_ECHOREPLY ? icmp->id : 0;
		return 1;
	default:
		return DROP_CT_UNKNOWN_PROTO;
	}
	packet->tuple.sport = ports->source;
	packet->tuple.dport = ports->dest;
	return 1;
}

/* Where a protocol keeps its checksum, from its header's start. */
static __always_inline __u32 checksum_offset(__u8 proto)
{
	return proto == IPPROTO_TCP ? __builtin_offsetof(struct tcphdr, check) : __builtin_offsetof(struct udphdr, check);
}
