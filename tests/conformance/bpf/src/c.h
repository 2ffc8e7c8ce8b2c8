// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#ifndef memcpy
#define memcpy __builtin_memcpy
#define memset __builtin_memset
#define memcmp __builtin_memcmp
#endif
#define DATA(ctx) ((void *)(long)(ctx)->data)
#define END(ctx) ((void *)(long)(ctx)->data_end)
#define MAP(n, t, k, v, m)      \
    struct {                    \
        __uint(type, t);        \
        __type(key, k);         \
        __type(value, v);       \
        __uint(max_entries, m); \
    } n SEC(".maps")
#define MAPF(n, t, k, v, m, f)  \
    struct {                    \
        __uint(type, t);        \
        __type(key, k);         \
        __type(value, v);       \
        __uint(max_entries, m); \
        __uint(map_flags, f);   \
    } n SEC(".maps")
#define LICENSE char _license[] SEC("license") = "Dual MIT/GPL"
