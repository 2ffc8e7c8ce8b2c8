/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What single things cost that cil_from_container does, for BPF_PROG_TEST_RUN: each program does one thing TIMES times
 * on the packet that it is given. `nothing` is what the run itself costs.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include "include/maps.h"

#define TIMES 32
#define UDP_CHECK (sizeof(struct ethhdr) + sizeof(struct iphdr) + __builtin_offsetof(struct udphdr, check))
#define IP_CHECK (sizeof(struct ethhdr) + __builtin_offsetof(struct iphdr, check))

SEC("tc")
int nothing(struct __sk_buff *skb)
{
	return TC_ACT_OK;
}

/* 8 × TIMES instructions that wait for one another no more than a program's own do. */
SEC("tc")
int instructions(struct __sk_buff *skb)
{
	__u64 a = skb->len, b = skb->mark;

#pragma unroll
	for (int i = 0; i < TIMES; i++)
		asm volatile("%[a] += %[b]\n%[b] ^= 7\n%[a] <<= 1\n%[b] += 3\n*(u64 *)(r10 - 8) = %[a]\n%[a] -= 9\n%[b] |= 1\n%[b] = *(u64 *)(r10 - 8)" : [a] "+r"(a), [b] "+r"(b) : : "memory");
	return a == b ? TC_ACT_SHOT : TC_ACT_OK;
}

/* The Service that the packet is for: found, in a table as full as the lane's. */
SEC("tc")
int map_lookup(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct udphdr *udp = (void *)(ip + 1);
	struct lb4_key key = {};

	if ((void *)(udp + 1) > data_end)
		return TC_ACT_SHOT;
	key.address = ip->daddr;
	key.dport = udp->dest;
	key.proto = ip->protocol;
	/* Once for its answer; a branch after each would be 2^TIMES ways for the verifier. */
	if (!map_lookup_elem(&cilium_lb4_services_v2, &key))
		return TC_ACT_SHOT;
#pragma unroll
	for (int i = 1; i < TIMES; i++)
		map_lookup_elem(&cilium_lb4_services_v2, &key);
	return TC_ACT_OK;
}

SEC("tc")
int ktime(struct __sk_buff *skb)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < TIMES; i++)
		sum += ktime_get_ns();
	return sum ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("tc")
int prandom(struct __sk_buff *skb)
{
	__u64 sum = 0;

#pragma unroll
	for (int i = 0; i < TIMES; i++)
		sum += get_prandom_u32();
	return sum ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("tc")
int store_bytes(struct __sk_buff *skb)
{
	__u32 address = 0x0a0000f4;
	int failed = 0;

#pragma unroll
	for (int i = 0; i < TIMES; i++)
		failed |= skb_store_bytes(skb, sizeof(struct ethhdr) + __builtin_offsetof(struct iphdr, daddr), &address, sizeof(address), 0) < 0;
	return failed ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int l3_csum(struct __sk_buff *skb)
{
	int failed = 0;

#pragma unroll
	for (int i = 0; i < TIMES; i++)
		failed |= l3_csum_replace(skb, IP_CHECK, 0x0a0000f4 + i, 0x0b0000f4, 4) < 0;
	return failed ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int l4_csum(struct __sk_buff *skb)
{
	int failed = 0;

#pragma unroll
	for (int i = 0; i < TIMES; i++)
		failed |= l4_csum_replace(skb, UDP_CHECK, 0x0a0000f4 + i, 0x0b0000f4, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0 | 4) < 0;
	return failed ? TC_ACT_SHOT : TC_ACT_OK;
}

char __license[] SEC("license") = "Dual MIT/GPL";
