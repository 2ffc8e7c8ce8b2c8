/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * From a Service's address to one of its backends. In iptables: KUBE-SERVICES from its first rule to the Service's, then
 * the Service's own chain, a throw of the dice a rule; here a look-up for the Service and one for the slot.
 */
#pragma once

#include "service_maps.h"

/* 24 bits of lb4_service.affinity_timeout are seconds. */
#define AFFINITY_TIMEOUT_MASK 0xffffff
#define NS_PER_SECOND 1000000000ULL

/* Slot 0 of a Service port; `key` is left as it was found by. */
static __always_inline struct lb4_service *lookup_service(struct lb4_key *key, int from_cluster)
{
	struct lb4_service *service = map_lookup_elem(&cilium_lb4_services_v2, key);

	if (service && from_cluster && service->flags2 & SVC_FLAG_TWO_SCOPES) {
		key->scope = LB_LOOKUP_SCOPE_INT;
		service = map_lookup_elem(&cilium_lb4_services_v2, key);
	}
	return service;
}

/* Any backend of the Service: one more look-up, however many there are. */
static __always_inline __u32 select_random(const struct lb4_key *service_key, const struct lb4_service *service)
{
	struct lb4_key key = *service_key;
	struct lb4_service *slot;

	key.backend_slot = get_prandom_u32() % service->count + 1;
	slot = map_lookup_elem(&cilium_lb4_services_v2, &key);
	return slot ? slot->backend_id : 0;
}

static __always_inline struct lb4_backend *lookup_backend(__u32 backend_id)
{
	return map_lookup_elem(&cilium_lb4_backends_v3, &backend_id);
}

/*
 * sessionAffinity: ClientIP. The backend that this client had, unless that was too long ago or the backend has gone.
 * kube-proxy's rules ask a list of the xt_recent module for each backend, one after the other.
 */
static __always_inline __u32 affinity_backend(const struct lb4_affinity_key *client, const struct lb4_service *service)
{
	struct lb_affinity_val *last = map_lookup_elem(&cilium_lb4_affinity, client);
	struct lb_affinity_match match = { .rev_nat_id = client->rev_nat_id };

	if (!last)
		return 0;
	match.backend_id = last->backend_id;
	if (last->last_used + (service->affinity_timeout & AFFINITY_TIMEOUT_MASK) * NS_PER_SECOND <= ktime_get_ns() ||
	    !map_lookup_elem(&cilium_lb_affinity_match, &match)) {
		map_delete_elem(&cilium_lb4_affinity, client);
		return 0;
	}
	return match.backend_id;
}

static __always_inline void affinity_remember(const struct lb4_affinity_key *client, __u32 backend_id)
{
	struct lb_affinity_val value = { .last_used = ktime_get_ns(), .backend_id = backend_id };

	map_update_elem(&cilium_lb4_affinity, client, &value, BPF_ANY);
}
