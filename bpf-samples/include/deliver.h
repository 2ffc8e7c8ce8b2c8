/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * To the pod that the packet is for. The kernel would route it (FIB, FORWARD chain, POSTROUTING chain), find the
 * neighbour, and put it on the pod's veth.
 */
#pragma once

#include "conntrack.h"
#include "drop.h"
#include "endpoints.h"
#include "identity_mark.h"
#include "rewrite_skb.h"

/* What a pod that talks to itself through a Service sees as its client: 169.254.42.1, as in Cilium. */
const volatile __be32 service_loopback_ipv4 = bpf_htonl(0xa9fe2a01);

/*
 * Into the pod's own end of its veth where it is on this node, past the node's stack; else to the stack, which routes it.
 * `ask_policy`: onto the node's end instead, where cil_to_container asks the pod's own policies. A verdict, or a reason to
 * drop.
 */
static __always_inline int deliver(struct __sk_buff *skb, struct packet *packet, int ask_policy)
{
	struct endpoint_info *pod = lookup_endpoint(packet->tuple.daddr);
	__u32 ifindex = 0;
	__u64 mac, node_mac;
	int error;

	if (pod) {
		ifindex = pod->ifindex;
		mac = pod->mac;
		node_mac = pod->node_mac;
		error = decrement_ttl(skb, packet->ttl);
		if (error)
			return error;
		if (skb_store_bytes(skb, 0, &mac, ETH_ALEN, 0) < 0 || skb_store_bytes(skb, ETH_ALEN, &node_mac, ETH_ALEN, 0) < 0)
			return DROP_INVALID;
		if (ask_policy) {
			skb->mark = identity_mark(packet->src_label);
			return redirect(ifindex, 0);
		}
	}
	if (enable_events) {
		update_metrics(packet->length, METRIC_EGRESS, REASON_FORWARDED);
		send_trace_notify(skb, packet, ifindex ? TRACE_TO_LXC : TRACE_TO_STACK, ifindex);
	}
	return ifindex ? redirect_peer(ifindex, 0) : TC_ACT_OK;
}
