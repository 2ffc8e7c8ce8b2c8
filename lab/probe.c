/* SPDX-License-Identifier: MIT */
/*
 * The lab's stopwatch. Compiled by `npm run lab` where it is needed:
 *
 *   probe packets < PLAN                 first and later UDP packets of connections, from one namespace to another
 *   probe maps DIR < ENTRIES             map elements written one by one with bpf(BPF_MAP_UPDATE_ELEM)
 *   probe exec NETNS INPUT COMMAND…      one process from fork to exit, in a network namespace
 *   probe blob NETNS TABLE               how large the kernel says that a table of legacy ip_tables is
 *   probe testrun CPU PROGRAM REPEAT TIMES  BPF_PROG_TEST_RUN of a pinned program; frames in hex on standard input
 *
 * Results: one line each of `key value` words. Faults: a sentence on standard error, exit status 1.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *format, ...)
{
	va_list words;

	va_start(words, format);
	vfprintf(stderr, format, words);
	va_end(words);
	fputc('\n', stderr);
	exit(1);
}

/* CLOCK_MONOTONIC is the clock of bpf_ktime_get_ns. */
static inline uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t quantile(uint64_t *sorted, int count, double part)
{
	return count ? sorted[(int)(part * (count - 1))] : 0;
}

static void print_quantiles(const char *name, uint64_t *samples, int count)
{
	qsort(samples, count, sizeof(*samples), ascending);
	printf(" %s_p10 %lu %s_p50 %lu %s_p90 %lu", name, quantile(samples, count, 0.1), name, quantile(samples, count, 0.5), name,
	       quantile(samples, count, 0.9));
}

static void enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail("The namespace %s cannot be entered: %s.", netns, strerror(errno));
	close(fd);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("The process cannot be kept on CPU %d: %s.", cpu, strerror(errno));
	setpriority(PRIO_PROCESS, 0, -20);
}

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int pinned(const char *path)
{
	union bpf_attr attr = { .pathname = (uint64_t)path };
	int fd = bpf(BPF_OBJ_GET, &attr);

	if (fd < 0)
		fail("There is no pinned BPF object at %s: %s.", path, strerror(errno));
	return fd;
}

/* ---- packets ---- */

#define MAX_WORLDS 64
#define MAX_SERVERS 4
#define MAX_TARGETS 256
#define MAX_SAMPLES 100000

struct world {
	char client_ns[256];
	struct in_addr client;
	int servers;
	int server[MAX_SERVERS];
	/* What the tc programs of lab/stamp.bpf.c wrote: 0 as the packet came to the node, 1 as it came to the server pod. */
	volatile uint64_t *stamps;
	uint16_t port;
};

struct target {
	int world;
	struct sockaddr_in address;
};

static struct world worlds[MAX_WORLDS];
static struct target targets[MAX_TARGETS];
static char payload[32];

/* Which server's queue holds the packet now: sendto has only then covered the whole way. -1: none does. */
static int take(const struct world *world, struct sockaddr_in *from)
{
	char buffer[64];
	socklen_t length = sizeof(*from);

	for (int i = 0; i < world->servers; i++)
		if (recvfrom(world->server[i], buffer, sizeof(buffer), MSG_DONTWAIT, (struct sockaddr *)from, &length) > 0)
			return world->server[i];
	return -1;
}

/* Each with a source port that no connection of this world had before: a known one would skip nat. */
static int fresh_socket(struct world *world)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = world->client };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (world->port == 65535)
		fail("The source ports of %s are used up.", world->client_ns);
	own.sin_port = htons(world->port++);
	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)))
		fail("No socket at %s:%d: %s.", inet_ntoa(own.sin_addr), ntohs(own.sin_port), strerror(errno));
	return fd;
}

static uint64_t whole[MAX_SAMPLES], way_in[MAX_SAMPLES], middle[MAX_SAMPLES], way_out[MAX_SAMPLES];

static void block(int id, int established, int count)
{
	struct target *target = &targets[id];
	struct world *world = &worlds[target->world];
	struct sockaddr_in from;
	int taken = 0, missed = 0, fd = -1;

	enter(world->client_ns);
	if (established) {
		struct sockaddr_in back;
		socklen_t length = sizeof(back);
		char buffer[64];
		int server;

		fd = fresh_socket(world);
		sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&target->address, sizeof(target->address));
		server = take(world, &from);
		if (server < 0)
			fail("The first packet to target %d did not arrive.", id);
		sendto(server, payload, sizeof(payload), 0, (struct sockaddr *)&from, sizeof(from));
		if (recvfrom(fd, buffer, sizeof(buffer), MSG_DONTWAIT, (struct sockaddr *)&back, &length) < 0)
			fail("The reply of target %d did not come back.", id);
		if (back.sin_addr.s_addr != target->address.sin_addr.s_addr || back.sin_port != target->address.sin_port)
			fail("The reply of target %d came from %s:%d, not from the address it was sent to.", id, inet_ntoa(back.sin_addr), ntohs(back.sin_port));
	}
	for (int i = 0; i < count; i++) {
		uint64_t start, end;

		if (!established)
			fd = fresh_socket(world);
		start = now();
		sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&target->address, sizeof(target->address));
		end = now();
		if (take(world, &from) < 0) {
			missed++;
		} else {
			whole[taken] = end - start;
			if (world->stamps) {
				way_in[taken] = world->stamps[0] - start;
				middle[taken] = world->stamps[1] - world->stamps[0];
				way_out[taken] = end - world->stamps[1];
			}
			taken++;
		}
		if (!established)
			close(fd);
	}
	if (established)
		close(fd);
	/* Late ones must not be taken for the next block's. */
	while (take(world, &from) >= 0)
		;
	printf("block %d established %d taken %d missed %d", id, established, taken, missed);
	print_quantiles("whole", whole, taken);
	if (world->stamps) {
		print_quantiles("in", way_in, taken);
		print_quantiles("middle", middle, taken);
		print_quantiles("out", way_out, taken);
	}
	putchar('\n');
	fflush(stdout);
}

static void packets(void)
{
	char line[1024], a[256], b[64];
	int x, y, port, cpu, samples;

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "cpu %d", &cpu) == 1) {
			uint64_t times[1001];

			pin(cpu);
			for (int i = 0; i < 1001; i++) {
				uint64_t start = now();
				times[i] = now() - start;
			}
			printf("clock");
			print_quantiles("pair", times, 1001);
			putchar('\n');
		} else if (sscanf(line, "world %d %255s %63s", &x, a, b) == 3 && x < MAX_WORLDS) {
			strcpy(worlds[x].client_ns, a);
			inet_aton(b, &worlds[x].client);
			worlds[x].port = 1024;
		} else if (sscanf(line, "server %d %255s %63s %d", &x, a, b, &port) == 4 && x < MAX_WORLDS && worlds[x].servers < MAX_SERVERS) {
			struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(port) };
			int fd;

			inet_aton(b, &own.sin_addr);
			enter(a);
			fd = socket(AF_INET, SOCK_DGRAM, 0);
			if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)))
				fail("No server at %s:%d: %s.", b, port, strerror(errno));
			worlds[x].server[worlds[x].servers++] = fd;
		} else if (sscanf(line, "stamps %d %255s", &x, a) == 2 && x < MAX_WORLDS) {
			worlds[x].stamps = mmap(0, 4096, PROT_READ, MAP_SHARED, pinned(a), 0);
			if (worlds[x].stamps == MAP_FAILED)
				fail("The stamps' map %s cannot be read: %s.", a, strerror(errno));
		} else if (sscanf(line, "target %d %d %63s %d", &x, &y, b, &port) == 4 && x < MAX_TARGETS) {
			targets[x].world = y;
			targets[x].address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
			inet_aton(b, &targets[x].address.sin_addr);
		} else if (sscanf(line, "block %d %63s %d", &x, b, &samples) == 3 && x < MAX_TARGETS && samples <= MAX_SAMPLES) {
			block(x, strcmp(b, "established") == 0, samples);
		} else {
			fail("The plan's line cannot be read: %s", line);
		}
	}
}

/* ---- maps ---- */

/* ENTRIES: for each, the map's name and `delete` or nothing, then key and value in hex. */
static int unhex(const char *text, unsigned char *bytes, int room)
{
	int length = 0;
	unsigned byte;

	for (; length < room && sscanf(text + 2 * length, "%2x", &byte) == 1; length++)
		bytes[length] = byte;
	return length;
}

static void maps(const char *directory)
{
	static uint64_t times[MAX_SAMPLES * 10];
	static char line[2048];
	char name[128], key_text[512], value_text[1024], path[512];
	unsigned char key[256], value[512];
	struct {
		char name[128];
		int fd;
	} open_maps[16];
	int opened = 0, count = 0;
	uint64_t total = 0;

	setpriority(PRIO_PROCESS, 0, -20);
	while (fgets(line, sizeof(line), stdin)) {
		union bpf_attr attr = {};
		uint64_t start;
		int i, deletes;
		long result;

		if (sscanf(line, "%127s %511s %1023s", name, key_text, value_text) != 3)
			fail("The entry cannot be read: %s", line);
		for (i = 0; i < opened && strcmp(open_maps[i].name, name); i++)
			;
		if (i == opened) {
			if (opened == 16)
				fail("More than 16 maps.");
			snprintf(path, sizeof(path), "%s/%s", directory, name);
			strcpy(open_maps[opened].name, name);
			open_maps[opened++].fd = pinned(path);
		}
		deletes = strcmp(value_text, "delete") == 0;
		unhex(key_text, key, sizeof(key));
		if (!deletes)
			unhex(value_text, value, sizeof(value));
		attr.map_fd = open_maps[i].fd;
		attr.key = (uint64_t)key;
		attr.value = deletes ? 0 : (uint64_t)value;
		start = now();
		result = bpf(deletes ? BPF_MAP_DELETE_ELEM : BPF_MAP_UPDATE_ELEM, &attr);
		if (count < MAX_SAMPLES * 10)
			times[count++] = now() - start;
		if (result)
			fail("%s %s: %s.", name, key_text, strerror(errno));
		total += times[count - 1];
	}
	printf("maps entries %d total %lu", count, total);
	print_quantiles("entry", times, count);
	putchar('\n');
}

/* ---- exec ---- */

static void run(const char *netns, const char *input, char **command)
{
	struct rusage usage;
	uint64_t start, end;
	int status;
	pid_t child;

	enter(netns);
	/* So that others on the machine do not lengthen it. */
	setpriority(PRIO_PROCESS, 0, -20);
	start = now();
	child = vfork();
	if (child == 0) {
		int fd = open(input, O_RDONLY);

		if (fd < 0)
			_exit(127);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, 0);
		execvp(command[0], command);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) < 0)
		fail("%s cannot be started: %s.", command[0], strerror(errno));
	end = now();
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail("%s ended with status %d.", command[0], WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	printf("exec wall %lu user %lu system %lu\n", end - start, usage.ru_utime.tv_sec * 1000000000UL + usage.ru_utime.tv_usec * 1000UL,
	       usage.ru_stime.tv_sec * 1000000000UL + usage.ru_stime.tv_usec * 1000UL);
}

/* ---- blob ---- */

static void blob(const char *netns, const char *table)
{
	struct ipt_getinfo info = {};
	socklen_t length = sizeof(info);
	int fd;

	enter(netns);
	snprintf(info.name, sizeof(info.name), "%s", table);
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0 || getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &length))
		fail("The kernel does not say how large the table %s is: %s.", table, strerror(errno));
	printf("blob entries %u bytes %u\n", info.num_entries, info.size);
}

/* ---- testrun ---- */

/* Each frame TIMES times; `duration` is the kernel's own average over REPEAT runs. */
static void testrun(int cpu, const char *path, int repeat, int times)
{
	static uint64_t durations[MAX_SAMPLES];
	static char line[8192];
	static unsigned char frame[4096], out[4096];
	int fd = pinned(path), count = 0;
	unsigned int returned = 0;

	pin(cpu);
	while (fgets(line, sizeof(line), stdin)) {
		int length = unhex(line, frame, sizeof(frame));

		for (int i = 0; i < times && count < MAX_SAMPLES; i++) {
			union bpf_attr attr = {};

			attr.test.prog_fd = fd;
			attr.test.repeat = repeat;
			attr.test.data_in = (uint64_t)frame;
			attr.test.data_size_in = length;
			attr.test.data_out = (uint64_t)out;
			attr.test.data_size_out = sizeof(out);
			if (bpf(BPF_PROG_TEST_RUN, &attr))
				fail("The program at %s cannot be run: %s.", path, strerror(errno));
			returned = attr.test.retval;
			durations[count++] = attr.test.duration;
		}
	}
	printf("testrun runs %d returned %u", count, returned);
	print_quantiles("run", durations, count);
	putchar('\n');
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "packets") == 0)
		packets();
	else if (argc == 3 && strcmp(argv[1], "maps") == 0)
		maps(argv[2]);
	else if (argc > 4 && strcmp(argv[1], "exec") == 0)
		run(argv[2], argv[3], argv + 4);
	else if (argc == 4 && strcmp(argv[1], "blob") == 0)
		blob(argv[2], argv[3]);
	else if (argc == 6 && strcmp(argv[1], "testrun") == 0)
		testrun(atoi(argv[2]), argv[3], atoi(argv[4]), atoi(argv[5]));
	else
		fail("Usage: probe packets | maps DIR | exec NETNS INPUT COMMAND… | blob NETNS TABLE | testrun CPU PROGRAM REPEAT TIMES");
	return 0;
}
