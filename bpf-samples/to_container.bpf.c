/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What a packet meets before it comes to a pod: attached to the node's end of every pod's veth (tc, egress), where packets
 * come to from the node's stack, and from cil_from_container of another pod when policies are on. In the order of
 * Cilium's cil_to_container:
 *
 *   parse → who sent it → an answer to this pod's connection? → reverse NAT ──────────→ delivered, counted, told
 *                                  └ no → connection entry → policy of the pod ───┘
 */
#ifndef POLICY_UNLESS_TOLD
#define POLICY_UNLESS_TOLD 1
#define EVENTS_UNLESS_TOLD 1
#endif

#include <linux/pkt_cls.h>

#include "include/conntrack.h"
#include "include/drop.h"
#include "include/identity_mark.h"
#include "include/license.h"
#include "include/policy.h"
#include "include/reverse_nat.h"
#include "include/rewrite_skb.h"

/* The sender's program wrote into the mark who it is; for packets from elsewhere the address says it. */
static __always_inline void identify_sender(struct __sk_buff *skb, struct packet *packet, const struct endpoint_info *pod)
{
	if ((skb->mark & MARK_MAGIC_MASK) == MARK_MAGIC_IDENTITY)
		packet->src_label = marked_identity(skb->mark);
	else
		packet->src_label = identity_of(packet->tuple.saddr);
	packet->dst_label = pod->sec_id;
	packet->lxc_id = pod->lxc_id;
}

/* An answer to a connection that the pod began: the Service it asked answers, not the backend; no policy asks again. */
static __always_inline int answer_for_pod(struct packet *packet)
{
	struct ipv4_ct_tuple tuple = reversed(&packet->tuple, TUPLE_F_OUT);
	struct ct_entry *entry = ct_lookup(&tuple, packet, 1);

	if (!entry)
		return 0;
	if (entry->rev_nat_index)
		reverse_nat(&packet->tuple, entry->rev_nat_index);
	return 1;
}

/*
 * A connection to the pod. One that came in by a NodePort was translated on this node before (cil_xdp_entry), and its
 * answers must be translated back: the entry says so.
 */
static __always_inline void remember_incoming(struct packet *packet, const struct ipv4_ct_tuple *tuple)
{
	struct ipv4_ct_tuple outgoing = packet->tuple;
	struct ct_state state = {};
	struct ct_entry *nodeport = map_lookup_elem(&cilium_ct4_global, &outgoing);

	if (nodeport && nodeport->node_port) {
		state.node_port = 1;
		state.rev_nat_index = nodeport->rev_nat_index;
	}
	ct_create(tuple, packet, &state);
}

/* 0: on to the pod. Else a reason to drop. */
static __always_inline int to_container(struct __sk_buff *skb, struct packet *packet)
{
	struct ipv4_ct_tuple before, tuple;
	struct endpoint_info *pod;
	struct ct_entry *known;
	int error = parse((void *)(long)skb->data, (void *)(long)skb->data_end, packet);

	if (error < 0)
		return enable_policy ? error : 0;
	/* ARP, and addresses that are no pod's. */
	pod = error == 0 ? 0 : lookup_endpoint(packet->tuple.daddr);
	if (!pod)
		return 0;
	identify_sender(skb, packet, pod);

	error = 0;
	before = packet->tuple;
	if (answer_for_pod(packet)) {
		packet->ct_state = CT_REPLY;
		error = translate(skb, &before, &packet->tuple);
	} else {
		tuple = before;
		tuple.flags = TUPLE_F_IN;
		known = ct_lookup(&tuple, packet, 0);
		packet->ct_state = known ? CT_ESTABLISHED : CT_NEW;
		if (enable_policy)
			error = policy_verdict(packet, before.daddr, packet->src_label, 0);
		if (!error && !known)
			remember_incoming(packet, &tuple);
	}
	if (error || !enable_events)
		return error;
	update_metrics(packet->length, METRIC_INGRESS, REASON_FORWARDED);
	send_trace_notify(skb, packet, TRACE_TO_LXC, skb->ifindex);
	return 0;
}

SEC("tc")
int cil_to_container(struct __sk_buff *skb)
{
	struct packet packet = { .length = skb->len };
	int error = to_container(skb, &packet);

	return error ? drop(skb, &packet, error, METRIC_INGRESS) : TC_ACT_OK;
}
