/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What a packet meets as it leaves a pod: attached to the node's end of every pod's veth (tc, ingress). In the order of
 * Cilium's cil_from_container:
 *
 *   parse → Service? → its backend (a known connection's own, else any) → connection entry → DNAT → policy → redirect to the pod
 *                └ no → a reply to a Service's client? → reverse NAT ──────────────────────────────────┘
 *
 * Policy and records are switched off unless a loader says otherwise (enable_policy, enable_events).
 */
#include <linux/pkt_cls.h>

#include "include/balance.h"
#include "include/deliver.h"
#include "include/license.h"
#include "include/policy.h"
#include "include/reverse_nat.h"

/* A Service's address becomes a backend's. In iptables: the DNAT target at the end of a KUBE-SEP chain. */
static __always_inline int load_balance(struct packet *packet, const struct lb4_key *key, const struct lb4_service *service, struct ct_state *state)
{
	struct lb4_backend *backend = choose_backend(packet, key, service);

	if (!backend)
		return DROP_NO_SERVICE;
	state->rev_nat_index = service->rev_nat_index;
	packet->tuple.daddr = backend->address;
	packet->tuple.dport = backend->port;
	/* The pod got itself. It would answer itself past this program: so it sees another client. kube-proxy masquerades. */
	if (packet->tuple.saddr == packet->tuple.daddr) {
		packet->tuple.saddr = service_loopback_ipv4;
		state->loopback = 1;
	}
	return 0;
}

/*
 * An answer to a connection that is known: its source becomes the Service's address again, and no policy asks again. The
 * kernel does the same by conntrack; netfilter's nat table never sees a connection's second packet. With policy on, the
 * answer to a pod of this node keeps its source until cil_to_container, which knows the connection of the pod that asked.
 */
static __always_inline int answer_of_pod(struct packet *packet)
{
	int hairpin = packet->tuple.daddr == service_loopback_ipv4;
	struct ipv4_ct_tuple tuple = reversed(&packet->tuple, enable_policy && !hairpin ? TUPLE_F_IN : TUPLE_F_OUT);
	struct ct_entry *entry = ct_lookup(&tuple, packet, 1);

	if (!entry)
		return 0;
	if (entry->lb_loopback)
		packet->tuple.daddr = packet->orig_addr;
	if (entry->rev_nat_index)
		reverse_nat(&packet->tuple, entry->rev_nat_index);
	return 1;
}

/* Who the packet is from: the pod's own number and identity. Cilium has both built into each pod's program. */
static __always_inline int identify_source(struct packet *packet)
{
	struct endpoint_info *pod = lookup_endpoint(packet->tuple.saddr);

	/* A pod may use no address but its own: the kernel's rp_filter. */
	if (!pod)
		return enable_policy ? DROP_INVALID_SIP : 0;
	packet->lxc_id = pod->lxc_id;
	packet->src_label = pod->sec_id;
	return 0;
}

/* A verdict, or a reason to drop. */
static __always_inline int from_container(struct __sk_buff *skb, struct packet *packet)
{
	struct ipv4_ct_tuple before;
	struct lb4_key key = {};
	struct ct_state state = {};
	struct lb4_service *service;
	struct ct_entry *known;
	int is_answer = 0;
	int error;

	error = parse((void *)(long)skb->data, (void *)(long)skb->data_end, packet);
	/* ICMP has no ports that a Service could be found by: without policies it is the stack's. */
	if (error == 0 || (!enable_policy && (error < 0 || packet->tuple.nexthdr == IPPROTO_ICMP)))
		return TC_ACT_OK;
	if (error < 0)
		return error;
	if (enable_policy || enable_events) {
		error = identify_source(packet);
		if (error)
			return error;
	}

	before = packet->tuple;
	key.address = before.daddr;
	key.dport = before.dport;
	key.proto = before.nexthdr;
	service = lookup_service(&key, 1);
	if (service) {
		error = load_balance(packet, &key, service, &state);
		if (error)
			return error;
	} else {
		is_answer = answer_of_pod(packet);
	}
	error = translate(skb, &before, &packet->tuple);
	if (error)
		return error;
	if (enable_policy || enable_events)
		packet->dst_label = identity_of(packet->tuple.daddr);
	if (is_answer) {
		packet->ct_state = CT_REPLY;
		return deliver(skb, packet, enable_policy && packet->tuple.daddr != packet->orig_addr);
	}

	known = ct_lookup(&packet->tuple, packet, 0);
	if (enable_policy && !state.loopback) {
		error = policy_verdict(packet, packet->tuple.saddr, packet->dst_label, 1);
		if (error)
			return error;
	}
	packet->ct_state = known ? CT_ESTABLISHED : CT_NEW;
	if (!known)
		ct_create(&packet->tuple, packet, &state);
	return deliver(skb, packet, enable_policy && !state.loopback);
}

SEC("tc")
int cil_from_container(struct __sk_buff *skb)
{
	struct packet packet = { .length = skb->len };
	int verdict = from_container(skb, &packet);

	return verdict < 0 ? drop(skb, &packet, verdict, METRIC_EGRESS) : verdict;
}
