// SPDX-License-Identifier: MIT
//
// Sockets of a process in a cgroup, whose calls the programs attached to it see. Lines that `socket_line` understands:
//
//   cgroup FOLDER PROGRAM          attaches it there, as its section says, and joins
//   listen tcp|udp ADDRESS PORT    a server; it answers what it gets
//   connect tcp|udp ADDRESS PORT   → `call ERRNO COOKIE NETNS SERVER PEER HEARD`: the server that got it, whom getpeername names,
//                                  who answered as recvmsg says it
//   datagram ADDRESS PORT          sendto on a socket without a connection: the same
//
// SERVER, PEER and HEARD are ADDRESS:PORT, or `-`.
#pragma once

/* 0: not a line of the sockets'. */
int socket_line(const char *line);
