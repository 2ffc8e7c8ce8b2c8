// SPDX-License-Identifier: MIT
//
// An object's programs on real hooks: tc, XDP and cgroup, in two network namespaces and a cgroup of their own, which go
// when this process does (the cgroup's folder is the caller's). Standard input says what to do, a line each. Compiled by
// the lab when it runs: cc hooks.c sockets.c object.c -lbpf.
//
// The lines of object.h, those of sockets.h, and:
//
//   tc DEVICE ingress|egress PROGRAM   on the node's device
//   xdp DEVICE PROGRAM                 likewise, as generic XDP: before tc, with an skb made already
//   far DEVICE                         a device of the other namespace: frames are sent from it and seen on it
//   send DEVICE FRAME COUNT            → `seen DEVICE FRAME` for each frame that comes out anywhere; waits for COUNT of them
//   wait MICROSECONDS                  for frames beyond those; 200 unless told
//
// `ready NODE FAR` at the start: processes whose namespaces are the node's and the other. `done` after every line.
#define _GNU_SOURCE
#include "object.h"
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_DEVICES 32
static struct {
    char name[IF_NAMESIZE];
    int socket;
} far[MOST_DEVICES];
static int devices, settle = 200;
static int node_ns, far_ns;

static void set(const char *name, const char *value) {
    char path[256];
    int fd;
    snprintf(path, sizeof path, "/proc/sys/net/%s", name);
    fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, value, strlen(value)) < 0) fail("setting", name, errno);
    close(fd);
}

static void new_namespace(void) {
    if (unshare(CLONE_NEWNET)) fail("no network namespace:", "unshare", errno);
    /* Only the frames that are sent: neither neighbour discovery nor path filters. */
    if (!access("/proc/sys/net/ipv6", F_OK)) {
        set("ipv6/conf/all/disable_ipv6", "1");
        set("ipv6/conf/default/disable_ipv6", "1");
    }
    set("ipv4/conf/all/rp_filter", "0");
    set("ipv4/conf/default/rp_filter", "0");
    set("ipv4/conf/all/send_redirects", "0");
    set("ipv4/conf/default/send_redirects", "0");
}

static int namespace_of(int pid) {
    char path[64];
    int fd;
    snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail("namespace", path, errno);
    return fd;
}

/* The far namespace is held by a child. */
static int new_far_namespace(void) {
    int ready[2];
    char byte;
    if (pipe(ready)) fail("pipe", "", errno);
    int child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        new_namespace();
        if (write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    close(ready[1]);
    if (child < 0 || read(ready[0], &byte, 1) != 1) fail("no network namespace", "", errno);
    close(ready[0]);
    return child;
}

static void add_far(const char *name) {
    int one = 1;
    if (devices == MOST_DEVICES) fail("too many devices", name, ENOSPC);
    setns(far_ns, CLONE_NEWNET);
    struct sockaddr_ll own = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = if_nametoindex(name) };
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one)) fail("far", name, errno);
    setns(node_ns, CLONE_NEWNET);
    snprintf(far[devices].name, sizeof far[devices].name, "%s", name);
    far[devices++].socket = fd;
}

/* Prints what is there; returns how many. */
static int print_seen(void) {
    static unsigned char buffer[ROOM];
    int count = 0;
    for (int each = 0; each < devices; each++) {
        ssize_t got;
        while ((got = recv(far[each].socket, buffer, sizeof buffer, 0)) > 0) {
            printf("seen %s ", far[each].name);
            put_bytes(buffer, got);
            putchar('\n');
            count++;
        }
    }
    return count;
}

static void send_frame(const char *name, const char *frame, int expected) {
    static unsigned char buffer[ROOM];
    size_t length = bytes(frame, buffer);
    int index = 0, seen = 0;
    while (index < devices && strcmp(far[index].name, name)) index++;
    if (index == devices) fail("no such device", name, ENODEV);
    if (send(far[index].socket, buffer, length, 0) < 0) printf("refused %d\n", errno);
    /* A busy machine may take its time for what is to come; what is not to come gets a moment too. */
    for (int patience = 0; seen < expected && patience < 2000; patience++) {
        usleep(100);
        seen += print_seen();
    }
    usleep(settle);
    print_seen();
}

static void attach_tc(const char *device, const char *where, const char *name) {
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(device), .attach_point = strcmp(where, "egress") ? BPF_TC_INGRESS : BPF_TC_EGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = bpf_program__fd(program_of(name)));
    int error = bpf_tc_hook_create(&hook);
    if (error && error != -EEXIST) fail("tc clsact on", device, error);
    error = bpf_tc_attach(&hook, &options);
    if (error) fail("tc on", device, error);
}

static void attach_xdp(const char *device, const char *name) {
    int error = bpf_xdp_attach(if_nametoindex(device), bpf_program__fd(program_of(name)), XDP_FLAGS_SKB_MODE, NULL);
    if (error) fail("XDP on", device, error);
}

int main(int count, char **arguments) {
    static char line[1 << 21], device[IF_NAMESIZE], where[16], name[256], frame[2 * ROOM + 1];
    cpu_set_t first_cpu;
    int expected;
    if (count != 2) return 2;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* Per-CPU values and an LRU map's lists belong to the CPU that they were touched on; a frame stays on its sender's. */
    CPU_ZERO(&first_cpu);
    CPU_SET(0, &first_cpu);
    sched_setaffinity(0, sizeof first_cpu, &first_cpu);
    int child = new_far_namespace();
    far_ns = namespace_of(child);
    new_namespace();
    set("ipv4/ip_forward", "1");
    node_ns = namespace_of(getpid());
    setvbuf(stdout, NULL, _IOFBF, 1 << 20);
    open_object(arguments[1]);
    printf("ready %d %d\n", getpid(), child);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (object_line(line) || socket_line(line)) {
        } else if (sscanf(line, "tc %15s %15s %255s", device, where, name) == 3) {
            attach_tc(device, where, name);
        } else if (sscanf(line, "xdp %15s %255s", device, name) == 2) {
            attach_xdp(device, name);
        } else if (sscanf(line, "far %15s", device) == 1) {
            add_far(device);
        } else if (sscanf(line, "send %15s %140000s %d", device, frame, &expected) == 3) {
            send_frame(device, frame, expected);
        } else if (sscanf(line, "wait %d", &settle) != 1) {
            fail("not understood", line, EINVAL);
        }
        puts("done");
        fflush(stdout);
    }
    return 0;
}
