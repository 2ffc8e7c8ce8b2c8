/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* The whole choice for a packet: its connection's own backend, the client's last one, or a new one. */
#pragma once

#include "conntrack.h"
#include "lb.h"
#include "maglev.h"

/* The upper 8 bits of slot 0's affinity_timeout: a Service's own way to choose; 0: the node's. */
#define LB_ALGORITHM_SHIFT 24

static __always_inline __u32 select_backend(const struct ipv4_ct_tuple *tuple, const struct lb4_key *key, const struct lb4_service *service)
{
	__u32 own = service->affinity_timeout >> LB_ALGORITHM_SHIFT;

	if ((own ? own : lb_selection) == LB_SELECTION_MAGLEV)
		return select_maglev(tuple, service->rev_nat_index, service->flags & SVC_FLAG_AFFINITY);
	return select_random(key, service);
}

static __always_inline struct lb4_affinity_key client_of(const struct packet *packet, const struct lb4_service *service)
{
	/* Through the wider member: half of the union would stay as it was on the stack, and be part of the key. */
	return (struct lb4_affinity_key){ .client_id.client_cookie = packet->tuple.saddr, .rev_nat_id = service->rev_nat_index };
}

/* One of the Service's backends, for a packet on its way to the Service. 0: it has none. */
static __always_inline struct lb4_backend *choose_backend(const struct packet *packet, const struct lb4_key *key, const struct lb4_service *service)
{
	int has_affinity = service->flags & SVC_FLAG_AFFINITY;
	struct lb4_affinity_key client;
	struct ipv4_ct_tuple tuple = packet->tuple;
	struct ct_state state = { .rev_nat_index = service->rev_nat_index };
	struct lb4_backend *backend = 0;
	struct ct_entry *entry;
	__u32 backend_id = 0;

	if (service->count == 0)
		return 0;
	/* The connection has its backend already, unless that has gone. */
	tuple.flags = TUPLE_F_SERVICE;
	entry = ct_lookup(&tuple, packet, 0);
	if (entry) {
		backend_id = entry->backend_id;
		backend = lookup_backend(backend_id);
	}
	if (!backend) {
		backend_id = 0;
		if (has_affinity) {
			client = client_of(packet, service);
			backend_id = affinity_backend(&client, service);
		}
		if (!backend_id)
			backend_id = select_backend(&packet->tuple, key, service);
		backend = lookup_backend(backend_id);
		if (!backend)
			return 0;
		state.backend_id = backend_id;
		ct_create(&tuple, packet, &state);
	}
	if (has_affinity) {
		client = client_of(packet, service);
		affinity_remember(&client, backend_id);
	}
	return backend;
}
