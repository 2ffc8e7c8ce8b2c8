/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What a packet meets as it comes to the node, in the driver, before there is an skb (XDP): attached to the node's own
 * device. In the order of Cilium's cil_xdp_entry:
 *
 *   prefilter → parse → Service for the outside? → may this client? → backend → here: DNAT, to the stack
 *                                 │                                      └→ elsewhere: DNAT, SNAT, out again
 *                                 └ no → a backend's answer? → reverse SNAT and NAT, out again
 *
 * The kernel would make an skb, take it through raw, mangle and nat of PREROUTING, route it, take it through FORWARD and
 * POSTROUTING, and make a frame of it again.
 */
#include "include/balance.h"
#include "include/endpoints.h"
#include "include/events.h"
#include "include/license.h"
#include "include/neighbours.h"
#include "include/prefilter.h"
#include "include/reverse_nat.h"
#include "include/rewrite_xdp.h"
#include "include/snat.h"
#include "include/source_range.h"

/* Where a packet goes, once it is rewritten. */
enum way { TO_STACK, TO_NEXT_HOP, TO_CLIENT };

/* For a NodePort, a load balancer's address or an external IP. A way, or a reason to drop. */
static __always_inline int nodeport(struct xdp_md *context, struct packet *packet, const struct lb4_key *key, const struct lb4_service *service)
{
	struct ct_state state = { .rev_nat_index = service->rev_nat_index, .node_port = 1 };
	struct lb4_backend *backend;
	int error;

	/* A ClusterIP is an address inside the cluster only. */
	if (!(service->flags & SVC_FLAG_ROUTABLE))
		return DROP_IS_CLUSTER_IP;
	if (service->flags & SVC_FLAG_SOURCE_RANGE && !is_in_source_range(packet->tuple.saddr, service->rev_nat_index))
		return DROP_NOT_IN_SRC_RANGE;
	backend = choose_backend(packet, key, service);
	if (!backend)
		return DROP_NO_SERVICE;
	packet->tuple.daddr = backend->address;
	packet->tuple.dport = backend->port;
	/* So that the answer becomes the Service's again, here or in cil_from_container. */
	if (!ct_lookup(&packet->tuple, packet, 0))
		ct_create(&packet->tuple, packet, &state);
	/* A pod of this node: the stack routes it there. Else a client's packet goes on to another node, and back by this one. */
	if (lookup_endpoint(backend->address))
		return TO_STACK;
	learn_neighbour(context, packet->tuple.saddr);
	error = snat(&packet->tuple);
	return error ? error : TO_NEXT_HOP;
}

/* A backend of another node answers the node: to the client, as the Service. */
static __always_inline int nodeport_answer(struct packet *packet)
{
	struct ipv4_ct_tuple connection;
	struct ct_entry *entry;

	if (!snat_reverse(&packet->tuple))
		return TO_STACK;
	connection = reversed(&packet->tuple, TUPLE_F_OUT);
	entry = ct_lookup(&connection, packet, 1);
	if (entry && entry->rev_nat_index)
		reverse_nat(&packet->tuple, entry->rev_nat_index);
	return TO_CLIENT;
}

/* A verdict, or a reason to drop. */
static __always_inline int xdp_entry(struct xdp_md *context, struct packet *packet)
{
	void *data = (void *)(long)context->data;
	void *data_end = (void *)(long)context->data_end;
	struct iphdr *ip = data + L3_OFF;
	struct lb4_service *service;
	struct ipv4_ct_tuple before;
	struct lb4_key key = {};
	int way, error;

	if (data + L4_OFF > data_end || ((struct ethhdr *)data)->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (is_unwanted(ip->saddr))
		return DROP_POLICY_DENY;
	if (parse(data, data_end, packet) <= 0 || packet->tuple.nexthdr == IPPROTO_ICMP)
		return XDP_PASS;
	before = packet->tuple;
	key.address = before.daddr;
	key.dport = before.dport;
	key.proto = before.nexthdr;
	service = lookup_service(&key, 0);
	way = service ? nodeport(context, packet, &key, service) : nodeport_answer(packet);
	if (way < 0)
		return way;
	error = xdp_translate(context, &before, &packet->tuple);
	if (error || way == TO_STACK)
		return error ? error : XDP_PASS;
	return transmit(context, way == TO_CLIENT ? map_lookup_elem(&cilium_nodeport_neigh4, &packet->tuple.daddr) : next_hop(packet->tuple.daddr));
}

SEC("xdp")
int cil_xdp_entry(struct xdp_md *context)
{
	struct packet packet = { .length = xdp_get_buff_len(context) };
	int verdict = xdp_entry(context, &packet);

	if (verdict < 0) {
		update_metrics(packet.length, METRIC_INGRESS, -verdict);
		if (enable_events)
			send_drop_notify(context, &packet, verdict, context->ingress_ifindex);
		return XDP_DROP;
	}
	if (enable_events && verdict != XDP_PASS) {
		update_metrics(packet.length, METRIC_EGRESS, REASON_FORWARDED);
		send_trace_notify(context, &packet, TRACE_TO_NETWORK, direct_routing_dev_ifindex);
	}
	return verdict;
}
