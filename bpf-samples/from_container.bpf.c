/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What a packet meets as it leaves a pod: attached to the node's end of every pod's veth (tc, ingress). In the order of
 * Cilium's cil_from_container:
 *
 *   parse → Service? → its backend (a known connection's own, else any) → connection entry → DNAT → redirect to the pod
 *                └ no → a reply to a Service's client? → reverse NAT ────────────────────────────┘
 */
#include <linux/pkt_cls.h>

#include "include/packet.h"

#define CT_LIFETIME_TCP 21600
#define CT_LIFETIME_SYN 60
#define CT_LIFETIME_OTHER 60
#define METRIC_EGRESS 2

/* Counted under its reason, where an agent reads it; then the packet is gone. */
static __always_inline int drop(struct __sk_buff *skb, int reason)
{
	struct metrics_key key = { .reason = -reason, .dir = METRIC_EGRESS };
	struct metrics_value *value = map_lookup_elem(&cilium_metrics, &key);
	struct metrics_value first = { .count = 1, .bytes = skb->len };

	if (value) {
		value->count += 1;
		value->bytes += skb->len;
	} else {
		map_update_elem(&cilium_metrics, &key, &first, BPF_ANY);
	}
	return TC_ACT_SHOT;
}

static __always_inline __u32 lifetime(const struct packet *packet)
{
	__u32 now = ktime_get_ns() / 1000000000ULL;

	if (packet->tuple.nexthdr != IPPROTO_TCP)
		return now + CT_LIFETIME_OTHER;
	return now + (packet->tcp_flags & TCP_SYN ? CT_LIFETIME_SYN : CT_LIFETIME_TCP);
}

/* A connection's entry, if it has one that still lives; counts the packet in it. */
static __always_inline struct ct_entry *ct_lookup(const struct ipv4_ct_tuple *tuple, const struct packet *packet, __u32 length)
{
	struct ct_entry *entry = map_lookup_elem(&cilium_ct4_global, tuple);

	if (!entry || entry->lifetime < (__u32)(ktime_get_ns() / 1000000000ULL))
		return 0;
	entry->lifetime = lifetime(packet);
	entry->packets += 1;
	entry->bytes += length;
	return entry;
}

static __always_inline void ct_create(const struct ipv4_ct_tuple *tuple, const struct packet *packet, __u32 length, __u32 backend_id, __u16 rev_nat_index)
{
	struct ct_entry entry = {
		.backend_id = backend_id,
		.packets = 1,
		.bytes = length,
		.lifetime = lifetime(packet),
		.rev_nat_index = rev_nat_index,
	};

	map_update_elem(&cilium_ct4_global, tuple, &entry, BPF_ANY);
}

static __always_inline struct lb4_service *lookup_service(const struct ipv4_ct_tuple *tuple)
{
	struct lb4_key key = { .address = tuple->daddr, .dport = tuple->dport, .proto = tuple->nexthdr };

	return map_lookup_elem(&cilium_lb4_services_v2, &key);
}

/* Any backend of the Service: one more look-up, however many there are. */
static __always_inline __u32 select_backend(const struct ipv4_ct_tuple *tuple, const struct lb4_service *service)
{
	struct lb4_key key = { .address = tuple->daddr, .dport = tuple->dport, .proto = tuple->nexthdr };
	struct lb4_service *slot;

	key.backend_slot = get_prandom_u32() % service->count + 1;
	slot = map_lookup_elem(&cilium_lb4_services_v2, &key);
	return slot ? slot->backend_id : 0;
}

/* Turns a Service's address into a backend's. */
static __always_inline int load_balance(struct __sk_buff *skb, struct packet *packet, const struct lb4_service *service)
{
	struct ipv4_ct_tuple key = packet->tuple;
	struct lb4_backend *backend = 0;
	struct ct_entry *entry;
	__u32 backend_id;
	int error;

	if (service->count == 0)
		return DROP_NO_SERVICE;
	key.flags = TUPLE_F_SERVICE;
	entry = ct_lookup(&key, packet, skb->len);
	if (entry) {
		backend_id = entry->backend_id;
		backend = map_lookup_elem(&cilium_lb4_backends_v3, &backend_id);
	}
	if (!backend) {
		backend_id = select_backend(&packet->tuple, service);
		backend = map_lookup_elem(&cilium_lb4_backends_v3, &backend_id);
		if (!backend)
			return DROP_NO_SERVICE;
		ct_create(&key, packet, skb->len, backend_id, service->rev_nat_index);
	}

	error = rewrite_destination(skb, key.nexthdr, key.daddr, backend->address, key.dport, backend->port);
	if (error)
		return error;
	packet->tuple.daddr = backend->address;
	packet->tuple.dport = backend->port;
	return 0;
}

/* A reply's source becomes the Service's address again. */
static __always_inline int reverse_nat(struct __sk_buff *skb, struct packet *packet, __u16 rev_nat_index)
{
	struct lb4_reverse_nat *nat = map_lookup_elem(&cilium_lb4_reverse_nat, &rev_nat_index);

	if (!nat)
		return 0;
	return rewrite_source(skb, packet->tuple.nexthdr, packet->tuple.saddr, nat->address, packet->tuple.sport, nat->port);
}

/* Into the pod's own end of its veth where it is on this node, past the node's stack; else to the stack, which routes it. */
static __always_inline int deliver(struct __sk_buff *skb, const struct packet *packet)
{
	struct endpoint_key key = { .ip4 = packet->tuple.daddr, .family = 1 };
	struct endpoint_info *pod = map_lookup_elem(&cilium_lxc, &key);
	__u64 mac, node_mac;
	int error;

	if (!pod)
		return TC_ACT_OK;
	error = decrement_ttl(skb, packet->ttl);
	if (error)
		return drop(skb, error);
	mac = pod->mac;
	node_mac = pod->node_mac;
	if (skb_store_bytes(skb, 0, &mac, ETH_ALEN, 0) < 0 || skb_store_bytes(skb, ETH_ALEN, &node_mac, ETH_ALEN, 0) < 0)
		return drop(skb, DROP_INVALID);
	return redirect_peer(pod->ifindex, 0);
}

SEC("tc")
int cil_from_container(struct __sk_buff *skb)
{
	struct packet packet = {};
	struct lb4_service *service;
	struct ipv4_ct_tuple reply;
	struct ct_entry *entry;
	__u16 rev_nat_index = 0;
	int error = 0;

	if (!parse(skb, &packet))
		return TC_ACT_OK;

	service = lookup_service(&packet.tuple);
	if (service) {
		rev_nat_index = service->rev_nat_index;
		error = load_balance(skb, &packet, service);
	} else {
		reply = (struct ipv4_ct_tuple){
			.daddr = packet.tuple.saddr,
			.saddr = packet.tuple.daddr,
			.dport = packet.tuple.sport,
			.sport = packet.tuple.dport,
			.nexthdr = packet.tuple.nexthdr,
			.flags = TUPLE_F_OUT,
		};
		entry = ct_lookup(&reply, &packet, skb->len);
		if (entry) {
			if (entry->rev_nat_index)
				error = reverse_nat(skb, &packet, entry->rev_nat_index);
			if (error)
				return drop(skb, error);
			return deliver(skb, &packet);
		}
	}
	if (error)
		return drop(skb, error);

	if (!ct_lookup(&packet.tuple, &packet, skb->len))
		ct_create(&packet.tuple, &packet, skb->len, 0, rev_nat_index);
	return deliver(skb, &packet);
}

char __license[] SEC("license") = "Dual MIT/GPL";
