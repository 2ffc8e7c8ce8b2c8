/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the checker must refuse, and what it must let pass. A program's name begins with `ok_` or `bad_`, and Linux 6.18's
 * verifier says the same of each; or with `strict_`: Linux refuses those only to loaders without CAP_PERFMON.
 * Assembler, where clang would make something safe of it.
 */
#include <linux/pkt_cls.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include "../../../bpf-samples/include/helpers.h"

struct value {
	__u64 count;
	__u32 bytes[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct value);
	__uint(max_entries, 16);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

static void *(*const ringbuf_reserve)(void *ringbuf, __u64 size, __u64 flags) = (void *)BPF_FUNC_ringbuf_reserve;
static void (*const ringbuf_submit)(void *data, __u64 flags) = (void *)BPF_FUNC_ringbuf_submit;
static long (*const skb_load_bytes)(const void *skb, __u32 offset, void *to, __u32 len) = (void *)BPF_FUNC_skb_load_bytes;
static long (*const skb_pull_data)(struct __sk_buff *skb, __u32 len) = (void *)BPF_FUNC_skb_pull_data;


#define DATA void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end
#define NAKED(name, text) \
	SEC("tc/" #name) __attribute__((naked)) int name(void) { asm volatile(text); }

/* Registers */
NAKED(bad_r0_unset, "exit")
NAKED(bad_r2_unset, "r0 = r2; exit")
NAKED(bad_r6_on_one_path, "r0 = 0; r2 = *(u32 *)(r1 + 0); if r2 == 0 goto +1; r6 = 1; r0 = r6; exit")
NAKED(ok_r6_on_both_paths, "r0 = 0; r6 = 2; r2 = *(u32 *)(r1 + 0); if r2 == 0 goto +1; r6 = 1; r0 = r6; exit")
NAKED(bad_clobbered_by_call, "r2 = 5; call 5; r0 = r2; exit")
NAKED(strict_address_given_away, "r0 = r1; exit")
NAKED(ok_half_an_address, "w0 = w10; exit")
NAKED(bad_multiplied_address, "r0 = 0; r1 *= 2; exit")

/* Stack */
NAKED(bad_stack_below, "*(u64 *)(r10 - 520) = r1; r0 = 0; exit")
NAKED(bad_stack_above, "r0 = 0; *(u32 *)(r10 + 0) = r0; exit")
NAKED(ok_stack_whole, "r0 = 0; *(u64 *)(r10 - 512) = r0; r0 = *(u64 *)(r10 - 512); exit")
NAKED(ok_kept_address, "*(u64 *)(r10 - 8) = r1; r2 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r2 + 0); exit")
NAKED(strict_key_not_written, "r1 = table ll; r2 = r10; r2 += -4; call 1; r0 = 0; exit")

/* Context */
NAKED(bad_context_beyond, "r0 = *(u32 *)(r1 + 192); exit")
NAKED(bad_context_written, "r0 = 0; *(u32 *)(r1 + 0) = r0; exit")
NAKED(ok_mark_written, "r0 = 0; *(u32 *)(r1 + 8) = r0; exit")

/* Loops and ends */
NAKED(bad_endless, "r0 = 0; goto -1; exit")
NAKED(bad_endless_with_condition, "r0 = 0; r1 = 1; if r1 != 0 goto -1; exit")
NAKED(ok_counted, "r0 = 0; r0 += 1; if r0 < 100 goto -2; exit")

SEC("tc/ok_packet") int ok_packet(struct __sk_buff *skb)
{
	DATA;
	struct iphdr *ip = data + ETH_HLEN;

	if (data + ETH_HLEN + sizeof(*ip) > data_end)
		return TC_ACT_OK;
	return ip->protocol;
}

SEC("tc/bad_packet_unchecked") int bad_packet_unchecked(struct __sk_buff *skb)
{
	DATA;
	struct iphdr *ip = data + ETH_HLEN;

	(void)data_end;
	return ip->protocol;
}

SEC("tc/bad_packet_checked_short") int bad_packet_checked_short(struct __sk_buff *skb)
{
	DATA;
	struct iphdr *ip = data + ETH_HLEN;

	if (data + ETH_HLEN + 4 > data_end)
		return TC_ACT_OK;
	return ip->protocol;
}

SEC("tc/bad_packet_after_pull") int bad_packet_after_pull(struct __sk_buff *skb)
{
	DATA;

	if (data + ETH_HLEN > data_end)
		return TC_ACT_OK;
	skb_pull_data(skb, 60);
	return *(volatile __u8 *)data;
}

SEC("tc/ok_packet_variable") int ok_packet_variable(struct __sk_buff *skb)
{
	DATA;
	__u8 *at = data;
	__u32 length;

	if (data + ETH_HLEN + sizeof(struct iphdr) > data_end)
		return TC_ACT_OK;
	length = (at[ETH_HLEN] & 0xf) * 4;
	at += ETH_HLEN + length;
	if ((void *)(at + 4) > data_end)
		return TC_ACT_OK;
	return at[3];
}

SEC("tc/bad_packet_variable") int bad_packet_variable(struct __sk_buff *skb)
{
	DATA;
	__u8 *at = data;
	__u32 length;

	if (data + ETH_HLEN + sizeof(struct iphdr) > data_end)
		return TC_ACT_OK;
	length = (at[ETH_HLEN] & 0xf) * 4;
	at += ETH_HLEN + length;
	return at[3];
}

SEC("tc/ok_value") int ok_value(struct __sk_buff *skb)
{
	__u32 key = skb->len;
	struct value *value = map_lookup_elem(&table, &key);

	if (!value)
		return 0;
	value->count += 1;
	return value->bytes[5];
}

SEC("tc/bad_value_unchecked") int bad_value_unchecked(struct __sk_buff *skb)
{
	__u32 key = skb->len;
	struct value *value = map_lookup_elem(&table, &key);

	return *(volatile __u32 *)&value->bytes[0];
}

SEC("tc/bad_value_beyond") int bad_value_beyond(struct __sk_buff *skb)
{
	__u32 key = skb->len;
	struct value *value = map_lookup_elem(&table, &key);

	if (!value)
		return 0;
	return ((volatile __u32 *)value)[8];
}

SEC("tc/ok_value_index") int ok_value_index(struct __sk_buff *skb)
{
	__u32 key = 0, index = skb->mark;
	struct value *value = map_lookup_elem(&table, &key);

	if (!value || index >= 6)
		return 0;
	return value->bytes[index];
}

SEC("tc/bad_value_index") int bad_value_index(struct __sk_buff *skb)
{
	__u32 key = 0, index = skb->mark;
	struct value *value = map_lookup_elem(&table, &key);

	if (!value || index >= 7)
		return 0;
	return ((volatile __u32 *)value->bytes)[index];
}

SEC("tc/ok_masked_index") int ok_masked_index(struct __sk_buff *skb)
{
	__u8 bytes[16] = {};

	bytes[skb->mark & 15] = 1;
	return bytes[skb->len & 15];
}

SEC("tc/ok_record") int ok_record(struct __sk_buff *skb)
{
	__u64 *record = ringbuf_reserve(&ring, 16, 0);

	if (!record)
		return 0;
	record[1] = skb->len;
	ringbuf_submit(record, 0);
	return 0;
}

SEC("tc/bad_record_kept") int bad_record_kept(struct __sk_buff *skb)
{
	__u64 *record = ringbuf_reserve(&ring, 16, 0);

	if (!record)
		return 0;
	record[1] = skb->len;
	return 0;
}

SEC("tc/bad_record_beyond") int bad_record_beyond(struct __sk_buff *skb)
{
	__u64 *record = ringbuf_reserve(&ring, 16, 0);

	if (!record)
		return 0;
	((volatile __u64 *)record)[2] = skb->len;
	ringbuf_submit(record, 0);
	return 0;
}

SEC("tc/ok_load_bytes") int ok_load_bytes(struct __sk_buff *skb)
{
	__u8 bytes[20];

	if (skb_load_bytes(skb, 0, bytes, sizeof(bytes)) < 0)
		return 0;
	return bytes[19];
}

SEC("tc/bad_load_bytes_size") int bad_load_bytes_size(struct __sk_buff *skb)
{
	__u8 bytes[20];

	if (skb_load_bytes(skb, 0, bytes, skb->len) < 0)
		return 0;
	return bytes[19];
}

static __attribute__((noinline)) int add(struct __sk_buff *skb, int by)
{
	return skb->len + by;
}

SEC("tc/ok_function") int ok_function(struct __sk_buff *skb)
{
	return add(skb, 3) + add(skb, 4);
}

char __license[] SEC("license") = "Dual MIT/GPL";
