/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Packets and bytes by what became of them and their direction, a value for each CPU: no counter is ever shared. */
#pragma once

#include "helpers.h"

enum { METRIC_INGRESS = 1, METRIC_EGRESS = 2 };
enum { REASON_FORWARDED = 0 };

struct metrics_key {
	__u8 reason; /* 0: forwarded; else a drop reason, its sign gone */
	__u8 dir;
	__u16 line; /* of Cilium's sources: left 0 here */
	__u8 file;
	__u8 reserved[3];
};

struct metrics_value {
	__u64 count;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__type(key, struct metrics_key);
	__type(value, struct metrics_value);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cilium_metrics SEC(".maps");

static __always_inline void update_metrics(__u64 bytes, __u8 direction, __u8 reason)
{
	struct metrics_key key = { .reason = reason, .dir = direction };
	struct metrics_value *value = map_lookup_elem(&cilium_metrics, &key);
	struct metrics_value first = { .count = 1, .bytes = bytes };

	if (value) {
		value->count += 1;
		value->bytes += bytes;
	} else {
		map_update_elem(&cilium_metrics, &key, &first, BPF_ANY);
	}
}
