/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What became of a packet, told to user space: records that Hubble reads (Cilium's bpf/lib/trace.h and drop.h). Netfilter
 * would have a rule's counter, or a log line of a rule put there for it.
 */
#pragma once

#include "metrics.h"
#include "packet.h"

#ifndef EVENTS_UNLESS_TOLD
#define EVENTS_UNLESS_TOLD 0
#endif

/* Whether records are written and forwarded packets counted; drops are counted always. */
const volatile __u8 enable_events = EVENTS_UNLESS_TOLD;

/* Bytes of the packet that go along with a record, at most. */
#define TRACE_PAYLOAD_LEN 128ULL

enum { CILIUM_NOTIFY_DROP = 1, CILIUM_NOTIFY_TRACE = 4 };
enum { NOTIFY_TRACE_VER = 2, NOTIFY_DROP_VER = 3 };

/* Where a packet was seen. */
enum { TRACE_TO_LXC = 0, TRACE_TO_STACK = 3, TRACE_TO_NETWORK = 11 };

struct notify {
	__u8 type;
	__u8 subtype; /* of a drop: its reason; of a trace: where */
	__u16 source; /* the pod's number */
	__u32 hash;
	__u32 len_orig;
	__u16 len_cap;
	__u8 version;
	__u8 ext_version;
};

struct trace_notify {
	struct notify header;
	__u32 src_label;
	__u32 dst_label;
	__u16 dst_id;
	__u8 reason; /* CT_NEW, CT_ESTABLISHED, CT_REPLY */
	__u8 flags;
	__u32 ifindex;
	__be32 orig_ip4;
	__u32 orig_pad[3];
	__u64 ip_trace_id;
};

struct drop_notify {
	struct notify header;
	__u32 src_label;
	__u32 dst_label;
	__u32 dst_id;
	__u16 line;
	__u8 file;
	__s8 ext_error;
	__u32 ifindex;
	__u8 flags;
	__u8 pad[3];
	__u64 ip_trace_id;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} cilium_events SEC(".maps");

static __always_inline __u64 capture_length(__u64 length)
{
	return length < TRACE_PAYLOAD_LEN ? length : TRACE_PAYLOAD_LEN;
}

/* One packet goes on. `context`: the skb, or the xdp_md. */
static __noinline void send_trace_notify(void *context, const struct packet *packet, __u8 point, __u32 ifindex)
{
	__u64 captured = capture_length(packet->length);
	struct trace_notify message = {
		.header = { .type = CILIUM_NOTIFY_TRACE, .subtype = point, .source = packet->lxc_id, .len_orig = packet->length, .len_cap = captured, .version = NOTIFY_TRACE_VER },
		.src_label = packet->src_label,
		.dst_label = packet->dst_label,
		.reason = packet->ct_state,
		.ifindex = ifindex,
		.orig_ip4 = packet->orig_addr,
	};

	perf_event_output(context, &cilium_events, captured << 32 | BPF_F_CURRENT_CPU, &message, sizeof(message));
}

static __noinline void send_drop_notify(void *context, const struct packet *packet, int reason, __u32 ifindex)
{
	__u64 captured = capture_length(packet->length);
	struct drop_notify message = {
		.header = { .type = CILIUM_NOTIFY_DROP, .subtype = -reason, .source = packet->lxc_id, .len_orig = packet->length, .len_cap = captured, .version = NOTIFY_DROP_VER },
		.src_label = packet->src_label,
		.dst_label = packet->dst_label,
		.ifindex = ifindex,
	};

	perf_event_output(context, &cilium_events, captured << 32 | BPF_F_CURRENT_CPU, &message, sizeof(message));
}
