/* SPDX-License-Identifier: MIT */
/*
 * A router in a network namespace of its own, which goes when this process does. Compiled by the lab when it runs.
 * Standard input says what to do, a line each:
 *
 *   far SIDE DEVICE       SIDE (0, 1) sends by this device, the far end of one of the router's veth pairs
 *   spy GROUP             listens to what nft rules log to this group: packets that leave, or reach the stack
 *   settle MICROSECONDS   how long to wait for a packet to come through; 300 unless told
 *   frame SIDE HEX        an Ethernet frame from that side
 *   raw HEX               an IP packet of the router's own
 *
 * Answers: `ready` at the start; to a line its results, then `done`. For a packet sent: `out MARK DEVICE PREFIX HEX` for
 * each that came through (`-` for no device), or `refused ERRNO`. Faults: a sentence on standard error, exit status 1.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM 70000

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "%s %s: %s.\n", what, name, strerror(errno));
	exit(1);
}

static void set(const char *name, const char *value)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fail("The setting cannot be made:", name);
	close(fd);
}

static int unhex(const char *text, unsigned char *bytes)
{
	int length = 0;
	unsigned byte;

	for (; length < ROOM && sscanf(text + 2 * length, "%2x", &byte) == 1; length++)
		bytes[length] = byte;
	return length;
}

/* ---- NFLOG ---- */

static int spy = -1;

/* One configuration message with one attribute, and its answer. */
static void configure(int family, int group, int type, const void *value, int length)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg general;
		struct nlattr attribute;
		unsigned char value[8];
	} message = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)) + NLA_HDRLEN + NLA_ALIGN(length), .nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.general = { .nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(group) },
		.attribute = { .nla_len = NLA_HDRLEN + length, .nla_type = type },
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer;

	memcpy(message.value, value, length);
	if (send(spy, &message, message.header.nlmsg_len, 0) < 0 || recv(spy, &answer, sizeof(answer), 0) < 0)
		fail("NFLOG cannot be set up:", "netlink");
	errno = -answer.error.error;
	/* Old binding commands may be refused: they change nothing. */
	if (errno && family == 0)
		fail("NFLOG cannot be set up:", "group");
}

static void listen_to(int group)
{
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(0xffff), .copy_mode = NFULNL_COPY_PACKET };
	struct nfulnl_msg_config_cmd bind_family = { NFULNL_CFG_CMD_PF_BIND }, bind_group = { NFULNL_CFG_CMD_BIND };
	unsigned one = htonl(1);

	spy = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	if (spy < 0)
		fail("No netlink socket for", "NFLOG");
	configure(AF_INET, 0, NFULA_CFG_CMD, &bind_family, sizeof(bind_family));
	configure(0, group, NFULA_CFG_CMD, &bind_group, sizeof(bind_group));
	configure(0, group, NFULA_CFG_MODE, &mode, sizeof(mode));
	configure(0, group, NFULA_CFG_QTHRESH, &one, sizeof(one));
	fcntl(spy, F_SETFL, O_NONBLOCK);
}

static void print_logged(const unsigned char *attributes, int length)
{
	const unsigned char *payload = NULL;
	char device[IF_NAMESIZE] = "-", prefix[64] = "-";
	unsigned mark = 0;
	int size = 0;

	for (int at = 0; at + NLA_HDRLEN <= length;) {
		const struct nlattr *one = (const void *)(attributes + at);
		const unsigned char *value = attributes + at + NLA_HDRLEN;
		int bytes = one->nla_len - NLA_HDRLEN;

		switch (one->nla_type & NLA_TYPE_MASK) {
		case NFULA_PAYLOAD:
			payload = value;
			size = bytes;
			break;
		case NFULA_MARK:
			mark = ntohl(*(const unsigned *)value);
			break;
		case NFULA_PREFIX:
			snprintf(prefix, sizeof(prefix), "%.*s", bytes, (const char *)value);
			break;
		case NFULA_IFINDEX_OUTDEV:
			if (!if_indextoname(ntohl(*(const unsigned *)value), device))
				strcpy(device, "-");
			break;
		}
		at += NLA_ALIGN(one->nla_len);
	}
	printf("out %u %s %s ", mark, device, prefix);
	for (int at = 0; at < size; at++)
		printf("%02x", payload[at]);
	putchar('\n');
}

static void print_all_logged(void)
{
	static unsigned char buffer[1 << 20];
	int length;

	while ((length = recv(spy, buffer, sizeof(buffer), 0)) > 0) {
		for (struct nlmsghdr *one = (void *)buffer; NLMSG_OK(one, length); one = NLMSG_NEXT(one, length))
			if (one->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
				print_logged((unsigned char *)NLMSG_DATA(one) + sizeof(struct nfgenmsg), one->nlmsg_len - NLMSG_LENGTH(sizeof(struct nfgenmsg)));
	}
}

/* ---- the router ---- */

int main(void)
{
	static char line[2 * ROOM + 64], hex[2 * ROOM + 1], device[IF_NAMESIZE];
	static unsigned char bytes[ROOM];
	int far[2] = { -1, -1 }, settle = 300, raw, side, number;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET))
		fail("No network namespace can be made:", "unshare");
	/* As the recordings were made: only the packets that are sent, and every answer. */
	set("ipv4/ip_forward", "1");
	set("ipv4/conf/all/rp_filter", "0");
	set("ipv4/conf/default/rp_filter", "0");
	set("ipv4/conf/all/send_redirects", "0");
	set("ipv4/conf/default/send_redirects", "0");
	set("ipv4/icmp_echo_ignore_all", "1");
	set("ipv4/icmp_ratemask", "0");
	if (access("/proc/sys/net/ipv6", F_OK) == 0) {
		set("ipv6/conf/all/disable_ipv6", "1");
		set("ipv6/conf/default/disable_ipv6", "1");
	}
	raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (raw < 0)
		fail("No socket for", "the router’s own packets");
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		int sent = -1, is_packet = 1;

		if (sscanf(line, "frame %d %140000s", &side, hex) == 2 && side >= 0 && side < 2) {
			sent = send(far[side], bytes, unhex(hex, bytes), 0);
		} else if (sscanf(line, "raw %140000s", hex) == 1) {
			struct sockaddr_in to = { .sin_family = AF_INET };
			int length = unhex(hex, bytes);

			memcpy(&to.sin_addr, bytes + 16, 4);
			sent = sendto(raw, bytes, length, 0, (struct sockaddr *)&to, sizeof(to));
		} else {
			is_packet = 0;
			if (sscanf(line, "far %d %15s", &side, device) == 2 && side >= 0 && side < 2) {
				struct sockaddr_ll own = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(device) };

				far[side] = socket(AF_PACKET, SOCK_RAW, 0);
				if (far[side] < 0 || bind(far[side], (struct sockaddr *)&own, sizeof(own)))
					fail("Nothing can be sent by", device);
			} else if (sscanf(line, "spy %d", &number) == 1) {
				listen_to(number);
			} else if (sscanf(line, "settle %d", &number) == 1) {
				settle = number;
			} else {
				errno = EINVAL;
				fail("This line is not understood:", line);
			}
		}
		if (is_packet && sent < 0)
			printf("refused %d\n", errno);
		if (is_packet) {
			usleep(settle);
			print_all_logged();
		}
		puts("done");
		fflush(stdout);
	}
	return 0;
}
