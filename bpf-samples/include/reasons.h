/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Why a packet is dropped: negative, as Cilium numbers and prints them (bpf/lib/drop_reasons.h). */
#pragma once

enum {
	DROP_INVALID_SIP = -132,
	DROP_POLICY = -133,
	DROP_INVALID = -134,
	DROP_CT_UNKNOWN_PROTO = -137,
	DROP_CSUM_L4 = -154,
	DROP_FRAG_NOSUPPORT = -157,
	DROP_NO_SERVICE = -158,
	DROP_NAT_NO_MAPPING = -167,
	DROP_IS_CLUSTER_IP = -174,
	DROP_NOT_IN_SRC_RANGE = -177,
	DROP_POLICY_DENY = -181,
	DROP_TTL_EXCEEDED = -196,
};
