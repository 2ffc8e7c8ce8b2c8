/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Maglev: which backend is a matter of the packet's own addresses and ports alone, so that every node chooses the same,
 * and few connections move when backends come or go. iptables has nothing like it.
 */
#pragma once

#include "packet.h"
#include "service_maps.h"

/* How the node chooses: the agent's setting loadBalancer.algorithm. */
const volatile __u8 lb_selection = LB_SELECTION_RANDOM;

/* The seed must be the same on every node. */
const volatile __u32 hash_init4_seed = 0xcafe;

/* One table: LB_MAGLEV_LUT_SIZE backend ids in one value. */
struct maglev_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32) * LB_MAGLEV_LUT_SIZE);
	__uint(max_entries, 1);
};

/* A table for each Service port, by its rev_nat_index. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__type(key, __u16);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__array(values, struct maglev_table);
} cilium_lb4_maglev SEC(".maps");

static __always_inline __u32 rotate_left(__u32 word, __u32 bits)
{
	return word << bits | word >> (32 - bits);
}

/* Bob Jenkins's lookup3 over three words, as the kernel's jhash_3words. */
static __always_inline __u32 jhash_3words(__u32 a, __u32 b, __u32 c, __u32 seed)
{
	seed += 0xdeadbeef + (3 << 2);
	a += seed;
	b += seed;
	c += seed;
	c = (c ^ b) - rotate_left(b, 14);
	a = (a ^ c) - rotate_left(c, 11);
	b = (b ^ a) - rotate_left(a, 25);
	c = (c ^ b) - rotate_left(b, 16);
	a = (a ^ c) - rotate_left(c, 4);
	b = (b ^ a) - rotate_left(a, 14);
	return (c ^ b) - rotate_left(b, 24);
}

/* `any_port`: a client with session affinity is one client, whatever port it comes from. */
static __always_inline __u32 hash_from_tuple(const struct ipv4_ct_tuple *tuple, int any_port)
{
	__u32 ports = (__u32)tuple->dport << 16 | (any_port ? 0 : tuple->sport);

	return jhash_3words(tuple->saddr, ports, tuple->nexthdr, hash_init4_seed);
}

static __always_inline __u32 select_maglev(const struct ipv4_ct_tuple *tuple, __u16 rev_nat_index, int any_port)
{
	__u32 index = hash_from_tuple(tuple, any_port) % LB_MAGLEV_LUT_SIZE;
	void *table = map_lookup_elem(&cilium_lb4_maglev, &rev_nat_index);
	__u32 zero = 0, *backends;

	if (!table)
		return 0;
	backends = map_lookup_elem(table, &zero);
	if (!backends)
		return 0;
	/* True by the modulo; the verifier wants it said. The barrier keeps the compiler from leaving it out. */
	asm volatile("" : "+r"(index));
	return index < LB_MAGLEV_LUT_SIZE ? backends[index] : 0;
}
