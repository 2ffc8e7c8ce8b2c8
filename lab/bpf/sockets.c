// SPDX-License-Identifier: MIT
//
// See sockets.h.
#define _GNU_SOURCE
#include "sockets.h"

#include "object.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_SERVERS 512
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static struct server {
    int fd, type;
    char name[32];
} servers[MOST_SERVERS];
static int server_count;

static const char *text(const struct sockaddr_in *address, char *out) {
    sprintf(out, "%s:%d", inet_ntoa(address->sin_addr), ntohs(address->sin_port));
    return out;
}

static struct sockaddr_in address_of(const char *address, int port) {
    struct sockaddr_in result = { .sin_family = AF_INET, .sin_port = htons(port) };
    if (!inet_aton(address, &result.sin_addr)) fail("no address", address, EINVAL);
    return result;
}

static int type_of(const char *name) {
    return strcmp(name, "tcp") ? SOCK_DGRAM : SOCK_STREAM;
}

static void listen_on(const char *type, const char *address, int port) {
    struct sockaddr_in own = address_of(address, port);
    int one = 1;
    if (server_count == MOST_SERVERS) fail("too many servers", address, ENOSPC);
    struct server *server = &servers[server_count++];
    server->type = type_of(type);
    server->fd = socket(AF_INET, server->type | SOCK_NONBLOCK, 0);
    setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (server->fd < 0 || bind(server->fd, (struct sockaddr *)&own, sizeof own)) fail("no server at", address, errno);
    if (server->type == SOCK_STREAM && listen(server->fd, 16)) fail("no server at", address, errno);
    text(&own, server->name);
}

/* Which server got something, and answers it. */
static const char *serve(int type) {
    char byte[16];
    for (int index = 0; index < server_count; index++) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        if (servers[index].type != type) continue;
        if (type == SOCK_DGRAM) {
            if (recvfrom(servers[index].fd, byte, sizeof byte, MSG_DONTWAIT, (struct sockaddr *)&from, &length) < 0) continue;
            if (sendto(servers[index].fd, "y", 1, 0, (struct sockaddr *)&from, length) < 0) fail("answer", servers[index].name, errno);
            return servers[index].name;
        }
        int fd = accept4(servers[index].fd, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) continue;
        if (write(fd, "y", 1) < 0) fail("answer", servers[index].name, errno);
        close(fd);
        return servers[index].name;
    }
    return "-";
}

/* One system call of a client, and what it and the servers see of it. Everything stays on lo: it is there at once. */
static void call(int type, const char *address, int port, int connected) {
    struct sockaddr_in to = address_of(address, port), peer, from;
    socklen_t length = sizeof peer;
    unsigned long cookie = 0, netns = 0;
    socklen_t size = sizeof cookie;
    char peer_text[32] = "-", from_text[32] = "-", byte[16];
    const char *server = "-";
    int error = 0, fd = socket(AF_INET, type, 0);
    if (fd < 0) fail("no socket", "", errno);
    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size);
    size = sizeof netns;
    getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &netns, &size);
    if (connected && connect(fd, (struct sockaddr *)&to, sizeof to)) error = errno;
    if (!error && connected && !getpeername(fd, (struct sockaddr *)&peer, &length)) text(&peer, peer_text);
    if (!error && type == SOCK_DGRAM && (connected ? send(fd, "x", 1, 0) : sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to)) < 0) error = errno;
    if (!error) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        server = serve(type);
        length = sizeof from;
        memset(&from, 0, sizeof from);
        if (strcmp(server, "-") && poll(&ready, 1, 500) == 1 && recvfrom(fd, byte, sizeof byte, 0, (struct sockaddr *)&from, &length) > 0 && type == SOCK_DGRAM) text(&from, from_text);
    }
    close(fd);
    printf("call %d %lu %lu %s %s %s\n", error, cookie, netns, server, peer_text, from_text);
}

static void join(const char *folder, const char *name) {
    char path[4096];
    int fd = open(folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0) fail("cgroup", folder, errno);
    /* The link holds the program there for as long as this process lives. */
    if (!bpf_program__attach_cgroup(program_of(name), fd)) fail("cgroup hook", name, errno);
    close(fd);
    snprintf(path, sizeof path, "%s/cgroup.procs", folder);
    fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) != 1) fail("join", folder, errno);
    close(fd);
}

int socket_line(const char *line) {
    static char folder[4000], name[256], type[8], address[64];
    int port;
    if (sscanf(line, "cgroup %3999s %255s", folder, name) == 2) join(folder, name);
    else if (sscanf(line, "listen %7s %63s %d", type, address, &port) == 3) listen_on(type, address, port);
    else if (sscanf(line, "connect %7s %63s %d", type, address, &port) == 3) call(type_of(type), address, port, 1);
    else if (sscanf(line, "datagram %63s %d", address, &port) == 2) call(SOCK_DGRAM, address, port, 0);
    else return 0;
    return 1;
}
