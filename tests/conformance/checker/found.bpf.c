/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* What a comparison with Linux 6.18 found, named as in programs.bpf.c. */
#include "../bpf/src/c.h"

struct value {
	__u32 first;
	__u8 bytes[28];
	__u64 count;
};

struct locked {
	struct bpf_spin_lock lock;
	__u64 count;
};

MAP(values, BPF_MAP_TYPE_ARRAY, __u32, struct value, 8);
MAP(table, BPF_MAP_TYPE_HASH, __u32, struct value, 8);
MAP(locks, BPF_MAP_TYPE_HASH, __u32, struct locked, 8);
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} storage SEC(".maps");

const volatile __u32 limit = 10;

#define TC(name) SEC("tc/" #name) int name(struct __sk_buff *skb)
#define NAKED(name, text) SEC("tc/" #name) __attribute__((naked)) int name(void) { asm volatile(text); }

/* Safe */
TC(ok_text_without_numbers)
{
	bpf_printk("x");
	bpf_printk("len %d", skb->len);
	return 0;
}

NAKED(ok_length_in_half_registers, "r2 = *(u32 *)(r1 + 80); r1 = *(u32 *)(r1 + 76); w0 = w2; w0 -= w1; exit")

TC(ok_constant_decides)
{
	__u32 key = 0;
	struct value *value = bpf_map_lookup_elem(&values, &key);
	return limit > 5 ? skb->len : value->first;
}

NAKED(ok_sign_of_half_a_register, "r6 = r1; r1 = 0; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; r1 = values ll; call 1; if r0 == 0 goto +4; r1 = *(u32 *)(r6 + 0); if w1 s< 0 goto +2; if w1 s> 27 goto +1; r0 += r1; r0 = 0; exit")

NAKED(ok_number_kept_in_four_bytes, "r6 = r1; r1 = 0; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; r1 = table ll; call 1; r1 = 1; if r0 != 0 goto +1; r1 = 0; *(u32 *)(r10 - 16) = r1; r2 = *(u32 *)(r10 - 16); if r2 == 0 goto +1; r0 = *(u32 *)(r0 + 0); r0 = 0; exit")

NAKED(ok_sign_asked_twice, "r1 = 0; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; r1 = table ll; call 3; if w0 s< 0 goto +1; r7 = 5; if w0 s< 0 goto +1; r0 = r7; r0 = 0; exit")

TC(ok_address_kept_in_a_map)
{
	__u32 key = 0;
	struct value *value = bpf_map_lookup_elem(&values, &key);
	if (value) value->count = (long)skb;
	return 0;
}

SEC("cgroup_skb/ingress") int ok_local_storage(struct __sk_buff *skb)
{
	__u64 *count = bpf_get_local_storage(&storage, 0);
	*count += 1;
	return 1;
}

TC(ok_format)
{
	char text[16];
	__u64 numbers[1] = {skb->len};
	return bpf_snprintf(text, sizeof(text), "%d", numbers, sizeof(numbers));
}

TC(ok_socket_released)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket = bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);
	int family = 0;
	if (socket) {
		family = socket->family;
		bpf_sk_release(socket);
	}
	return family;
}

/* Not safe */
TC(bad_socket_kept)
{
	struct bpf_sock_tuple tuple = {};
	return bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), -1, 0) ? 1 : 0;
}

TC(bad_socket_unchecked)
{
	struct bpf_sock_tuple tuple = {};
	bpf_sk_release(bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), -1, 0));
	return 0;
}

TC(bad_socket_after_release)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket = bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), -1, 0);
	if (!socket) return 0;
	bpf_sk_release(socket);
	return socket->family;
}

TC(bad_lock_touched)
{
	__u32 key = 0;
	struct locked *value = bpf_map_lookup_elem(&locks, &key);
	if (value) *(volatile __u32 *)&value->lock = 0;
	return 0;
}

NAKED(bad_tail_call_into_a_hash, "r2 = table ll; r3 = 0; call 12; r0 = 0; exit")

static __attribute__((noinline)) __u8 *either(__u8 *a, __u8 *b, int first)
{
	return first ? a : b;
}

TC(bad_stack_address_returned)
{
	__u8 a[8] = {1}, b[8] = {2};
	return *either(a, b, skb->len & 1);
}

SEC("xdp") int bad_helper_of_another_context(struct xdp_md *ctx)
{
	char byte = 0;
	return bpf_skb_load_bytes(ctx, 0, &byte, 1);
}

SEC("socket") int bad_filter_that_writes(struct __sk_buff *skb)
{
	char byte = 0;
	return bpf_skb_store_bytes(skb, 0, &byte, 1, 0);
}

SEC("socket") int bad_filter_that_marks(struct __sk_buff *skb)
{
	skb->mark = 3;
	return 0;
}

SEC("cgroup_skb/egress") int bad_answer(struct __sk_buff *skb)
{
	return 77;
}

LICENSE;
