/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Every program of a node in one object, sharing its maps: what Cilium reaches by pinning them. Policies are held to, and
 * records written, unless a loader says otherwise.
 */
#define POLICY_UNLESS_TOLD 1
#define EVENTS_UNLESS_TOLD 1

#include "from_container.bpf.c"
#include "to_container.bpf.c"
#include "connect4.bpf.c"
#include "xdp_node.bpf.c"
