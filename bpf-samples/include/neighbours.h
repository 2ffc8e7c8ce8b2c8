/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Out of the node again without its stack, which would look for a route and a neighbour for every packet. The next hop of
 * a pod is the node it is on; that of a client is whoever handed its packet to us.
 */
#pragma once

#include "ipcache.h"
#include "rewrite_xdp.h"

/* The device to the other nodes. */
const volatile __u32 direct_routing_dev_ifindex = 0;

struct macaddr {
	__u8 addr[ETH_ALEN];
	__u8 pad[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, __be32);
	__type(value, struct macaddr);
	__uint(max_entries, 65536);
} cilium_nodeport_neigh4 SEC(".maps");

/* Whose frame brought this client's packet: its answers go back there. */
static __always_inline void learn_neighbour(struct xdp_md *context, __be32 client)
{
	void *data = (void *)(long)context->data;
	void *data_end = (void *)(long)context->data_end;
	struct ethhdr *eth = data;
	struct macaddr mac = {};

	if (data + sizeof(*eth) > data_end)
		return;
	__builtin_memcpy(mac.addr, eth->h_source, ETH_ALEN);
	map_update_elem(&cilium_nodeport_neigh4, &client, &mac, BPF_ANY);
}

static __always_inline struct macaddr *next_hop(__be32 address)
{
	struct remote_endpoint_info *info = ipcache_lookup(address);
	__be32 hop = info && info->tunnel_endpoint ? info->tunnel_endpoint : address;

	return map_lookup_elem(&cilium_nodeport_neigh4, &hop);
}

/* Straight out again, as a router would hand it on. Where no next hop is known, the stack finds it. */
static __always_inline int transmit(struct xdp_md *context, const struct macaddr *hop)
{
	void *data = (void *)(long)context->data;
	void *data_end = (void *)(long)context->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + L3_OFF;
	int error;

	if (!hop || (void *)(ip + 1) > data_end)
		return XDP_PASS;
	error = xdp_decrement_ttl(ip);
	if (error)
		return error;
	/* The frame came to this card's address, and leaves with it. */
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, hop->addr, ETH_ALEN);
	if (direct_routing_dev_ifindex == 0 || context->ingress_ifindex == direct_routing_dev_ifindex)
		return XDP_TX;
	return redirect(direct_routing_dev_ifindex, 0);
}
