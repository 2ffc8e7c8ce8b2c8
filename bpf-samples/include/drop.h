/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* The end of a packet that is not let through: in netfilter a DROP that only its rule's counter tells of. */
#pragma once

#include <linux/pkt_cls.h>

#include "events.h"

/* Counted under its reason, where an agent reads it; told, where somebody listens; then the packet is gone. */
static __always_inline int drop(struct __sk_buff *skb, const struct packet *packet, int reason, __u8 direction)
{
	update_metrics(packet->length, direction, -reason);
	if (enable_events)
		send_drop_notify(skb, packet, reason, skb->ifindex);
	return TC_ACT_SHOT;
}
