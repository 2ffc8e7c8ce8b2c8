/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Load balancing at the socket: attached to a cgroup, it sees the address that a program in it hands to connect(),
 * sendmsg() and so on, and puts a backend's in its place. No packet to the Service is ever made, so no packet needs to be
 * rewritten: neither iptables nor tc has anything to do. Cilium's bpf_sock.c:
 *
 *   connect4, sendmsg4: Service? → affinity, else any slot → backend → remember what it was → new address
 *   recvmsg4, getpeername4: was it a backend's address that stands for a Service? → the Service's again
 */
#include <linux/in.h>

#include "include/lb.h"
#include "include/license.h"

#define EHOSTUNREACH 113

/* What the kernel makes of the system call. */
enum { SYS_REJECT = 0, SYS_PROCEED = 1 };

/* A socket and the backend that it was given. */
struct ipv4_revnat_tuple {
	__u64 cookie;
	__be32 address;
	__be16 port;
	__u16 pad;
};

/* What the program behind the socket had asked for. */
struct ipv4_revnat_entry {
	__be32 address;
	__be16 port;
	__u16 rev_nat_index;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct ipv4_revnat_tuple);
	__type(value, struct ipv4_revnat_entry);
	__uint(max_entries, 262144);
} cilium_lb4_reverse_sk SEC(".maps");

/* A backend for this socket. Never Maglev: a socket has no source port yet that a hash could take. 0: there is none. */
static __always_inline struct lb4_backend *choose_for_socket(struct bpf_sock_addr *context, const struct lb4_key *key, const struct lb4_service *service)
{
	struct lb4_affinity_key client = { .client_id.client_cookie = get_netns_cookie(context), .rev_nat_id = service->rev_nat_index, .netns_cookie = 1 };
	struct lb4_backend *backend = 0;
	__u32 backend_id = 0;

	if (service->flags & SVC_FLAG_AFFINITY) {
		backend_id = affinity_backend(&client, service);
		if (backend_id)
			backend = lookup_backend(backend_id);
	}
	if (!backend) {
		backend_id = select_random(key, service);
		backend = lookup_backend(backend_id);
	}
	if (backend && service->flags & SVC_FLAG_AFFINITY)
		affinity_remember(&client, backend_id);
	return backend;
}

/* So that the socket's owner may go on seeing the Service. */
static __always_inline void remember_socket(struct bpf_sock_addr *context, const struct lb4_backend *backend, const struct lb4_key *asked, __u16 rev_nat_index)
{
	struct ipv4_revnat_tuple key = { .cookie = get_socket_cookie(context), .address = backend->address, .port = backend->port };
	struct ipv4_revnat_entry value = { .address = asked->address, .port = asked->dport, .rev_nat_index = rev_nat_index };

	map_update_elem(&cilium_lb4_reverse_sk, &key, &value, BPF_ANY);
}

/* What the socket is to be connected to, or its datagram sent to. Without us the packet would go to the Service's address. */
static __always_inline int socket_forward(struct bpf_sock_addr *context)
{
	struct lb4_key key = { .address = context->user_ip4, .dport = context->user_port, .proto = context->protocol };
	struct lb4_service *service = lookup_service(&key, 1);
	struct lb4_backend *backend;

	if (!service)
		return 0;
	backend = service->count ? choose_for_socket(context, &key, service) : 0;
	if (!backend)
		return -EHOSTUNREACH;
	remember_socket(context, backend, &key, service->rev_nat_index);
	context->user_ip4 = backend->address;
	context->user_port = backend->port;
	return 0;
}

/* Whom the socket is told that it talks to. */
static __always_inline void socket_backward(struct bpf_sock_addr *context)
{
	struct ipv4_revnat_tuple key = { .cookie = get_socket_cookie(context), .address = context->user_ip4, .port = context->user_port };
	struct ipv4_revnat_entry *asked = map_lookup_elem(&cilium_lb4_reverse_sk, &key);

	if (!asked)
		return;
	context->user_ip4 = asked->address;
	context->user_port = asked->port;
}

/* A Service without backends: the caller's system call fails at once, where a packet would have been dropped or refused. */
static __always_inline int socket_verdict(int error)
{
	if (!error)
		return SYS_PROCEED;
	set_retval(error);
	return SYS_REJECT;
}

SEC("cgroup/connect4")
int cil_sock4_connect(struct bpf_sock_addr *context)
{
	return socket_verdict(socket_forward(context));
}

/* A UDP socket without a connection: every datagram may go elsewhere. */
SEC("cgroup/sendmsg4")
int cil_sock4_sendmsg(struct bpf_sock_addr *context)
{
	return socket_verdict(socket_forward(context));
}

SEC("cgroup/recvmsg4")
int cil_sock4_recvmsg(struct bpf_sock_addr *context)
{
	socket_backward(context);
	return SYS_PROCEED;
}

SEC("cgroup/getpeername4")
int cil_sock4_getpeername(struct bpf_sock_addr *context)
{
	socket_backward(context);
	return SYS_PROCEED;
}
