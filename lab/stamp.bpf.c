/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Writes down when a packet passes: 0 as it comes to the node, 1 as it comes to the server pod; then lets it go on. */
#include <linux/pkt_cls.h>

#include "include/helpers.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
} stamps SEC(".maps");

static __always_inline int stamp(__u32 place)
{
	__u64 *time = map_lookup_elem(&stamps, &place);

	if (time)
		*time = ktime_get_ns();
	return TC_ACT_UNSPEC;
}

SEC("tc")
int at_node(struct __sk_buff *skb)
{
	return stamp(0);
}

SEC("tc")
int at_server(struct __sk_buff *skb)
{
	return stamp(1);
}

char __license[] SEC("license") = "Dual MIT/GPL";
