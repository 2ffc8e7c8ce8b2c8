/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Connections. The kernel's own nf_conntrack would find the connection of every packet in a hash table of its own, check
 * TCP's windows and drop what is out of them; this is one map that the program asks and writes itself.
 */
#pragma once

#include "packet.h"

#define CT_LIFETIME_TCP 21600
#define CT_LIFETIME_SYN 60
#define CT_LIFETIME_OTHER 60
#define CT_LIFETIME_CLOSING 10

/* What a look-up says of a packet; the same numbers are a trace's reasons. */
enum { CT_NEW = 0, CT_ESTABLISHED = 1, CT_REPLY = 2 };

struct ct_entry {
	__u64 reserved0;
	__u64 backend_id; /* of a Service's entry */
	__u64 packets;
	__u64 bytes;
	__u32 lifetime; /* seconds of the monotonic clock */
	__u16 rx_closing : 1, tx_closing : 1, reserved1 : 1, lb_loopback : 1, seen_non_syn : 1, node_port : 1, reserved2 : 10;
	__u16 rev_nat_index;
	__be16 nat_port;
	__u8 tx_flags_seen;
	__u8 rx_flags_seen;
	__u32 src_sec_id;
	__u32 last_tx_report;
	__u32 last_rx_report;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct ipv4_ct_tuple);
	__type(value, struct ct_entry);
	__uint(max_entries, 65536);
} cilium_ct4_global SEC(".maps");

static __always_inline __u32 now_seconds(void)
{
	return ktime_get_ns() / 1000000000ULL;
}

static __always_inline __u32 lifetime(const struct packet *packet, __u32 now)
{
	if (packet->tuple.nexthdr != IPPROTO_TCP)
		return now + CT_LIFETIME_OTHER;
	return now + (packet->tcp_flags & TCP_SYN ? CT_LIFETIME_SYN : CT_LIFETIME_TCP);
}

/* The same connection as its other end writes it. */
static __always_inline struct ipv4_ct_tuple reversed(const struct ipv4_ct_tuple *tuple, __u8 flags)
{
	return (struct ipv4_ct_tuple){
		.daddr = tuple->saddr,
		.saddr = tuple->daddr,
		.dport = tuple->sport,
		.sport = tuple->dport,
		.nexthdr = tuple->nexthdr,
		.flags = flags,
	};
}

/* Both ends said FIN, or one said RST: over in a moment, and its ports may come again. */
static __always_inline int is_closing(const struct ct_entry *entry)
{
	return entry->rx_closing && entry->tx_closing;
}

/* A connection's entry, if it has one that still lives; counts the packet in it. `reply`: the packet goes against it. */
static __always_inline struct ct_entry *ct_lookup(const struct ipv4_ct_tuple *tuple, const struct packet *packet, int reply)
{
	struct ct_entry *entry = map_lookup_elem(&cilium_ct4_global, tuple);
	__u32 now;

	if (!entry)
		return 0;
	now = now_seconds();
	if (entry->lifetime < now)
		return 0;
	if (packet->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) {
		if (packet->tcp_flags & TCP_SYN && is_closing(entry))
			return 0;
		if (packet->tcp_flags & TCP_RST)
			entry->rx_closing = entry->tx_closing = 1;
		else if (packet->tcp_flags & TCP_FIN && reply)
			entry->rx_closing = 1;
		else if (packet->tcp_flags & TCP_FIN)
			entry->tx_closing = 1;
	}
	entry->lifetime = is_closing(entry) ? now + CT_LIFETIME_CLOSING : lifetime(packet, now);
	entry->packets += 1;
	entry->bytes += packet->length;
	return entry;
}

/* What is to be remembered of a new connection. */
struct ct_state {
	__u32 backend_id;
	__u16 rev_nat_index;
	__u8 loopback;
	__u8 node_port;
};

static __always_inline void ct_create(const struct ipv4_ct_tuple *tuple, const struct packet *packet, const struct ct_state *state)
{
	struct ct_entry entry = {
		.backend_id = state->backend_id,
		.packets = 1,
		.bytes = packet->length,
		.lifetime = lifetime(packet, now_seconds()),
		.lb_loopback = state->loopback,
		.node_port = state->node_port,
		.rev_nat_index = state->rev_nat_index,
		.src_sec_id = packet->src_label,
	};

	map_update_elem(&cilium_ct4_global, tuple, &entry, BPF_ANY);
}
