/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* The Services' maps, which the agent fills: names and layouts are those of Cilium 1.20 (bpf/lib/lb.h). */
#pragma once

#include "helpers.h"

/* Slots of a Maglev table: a prime, the same for every Service. */
#define LB_MAGLEV_LUT_SIZE 16381

enum { LB_SELECTION_RANDOM = 1, LB_SELECTION_MAGLEV = 2 };

/* Of lb4_key.scope: externalTrafficPolicy: Local gives the outside other backends than the cluster itself. */
enum { LB_LOOKUP_SCOPE_EXT = 0, LB_LOOKUP_SCOPE_INT = 1 };

/* Of lb4_service.flags. */
enum {
	SVC_FLAG_EXTERNAL_IP = 1 << 0,
	SVC_FLAG_NODEPORT = 1 << 1,
	SVC_FLAG_EXT_LOCAL_SCOPE = 1 << 2,
	SVC_FLAG_AFFINITY = 1 << 4,
	SVC_FLAG_LOADBALANCER = 1 << 5,
	SVC_FLAG_ROUTABLE = 1 << 6, /* not a ClusterIP: the outside may use it */
	SVC_FLAG_SOURCE_RANGE = 1 << 7,
};

/* Of lb4_service.flags2. */
enum {
	SVC_FLAG_INT_LOCAL_SCOPE = 1 << 4,
	SVC_FLAG_TWO_SCOPES = 1 << 5,
};

/* A Service port: slot 0 says how many backends there are, slots 1 to count name them. */
struct lb4_key {
	__be32 address;
	__be16 dport;
	__u16 backend_slot;
	__u8 proto;
	__u8 scope;
	__u8 pad[2];
};

struct lb4_service {
	union {
		__u32 backend_id;       /* slots 1 to count */
		__u32 affinity_timeout; /* slot 0: seconds in the lower 24 bits, the way to choose in the upper 8 (0: the node's) */
	};
	__u16 count; /* slot 0 */
	__u16 rev_nat_index;
	__u8 flags;
	__u8 flags2;
	__u16 qcount;
};

struct lb4_backend {
	__be32 address;
	__be16 port;
	__u8 proto;
	__u8 flags;
	__u16 cluster_id;
	__u8 zone;
	__u8 pad;
};

/* Who comes back to the backend that it had: an address, or for sockets a network namespace. */
struct lb4_affinity_key {
	union {
		__u32 client_ip;
		__u64 client_cookie;
	} __attribute__((packed)) client_id;
	__u16 rev_nat_id;
	__u8 netns_cookie;
	__u8 pad1;
	__u32 pad2;
} __attribute__((packed));

struct lb_affinity_val {
	__u64 last_used;
	__u32 backend_id;
	__u32 pad;
};

/* Here while the backend still is one of the Service's. */
struct lb_affinity_match {
	__u32 backend_id;
	__u16 rev_nat_id;
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct lb4_key);
	__type(value, struct lb4_service);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb4_services_v2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct lb4_backend);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb4_backends_v3 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct lb4_affinity_key);
	__type(value, struct lb_affinity_val);
	__uint(max_entries, 65536);
} cilium_lb4_affinity SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct lb_affinity_match);
	__type(value, __u8);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_lb_affinity_match SEC(".maps");
