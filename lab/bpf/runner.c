// SPDX-License-Identifier: MIT
//
// Loads an object into the kernel and runs its programs on packets (BPF_PROG_TEST_RUN), as standard input says, a line each;
// answers on standard output. Compiled by the lab when it runs: cc runner.c object.c -lbpf.
//
// The lines of object.h, and:
//
//   run PROGRAM PACKET      → `ret NUMBER PACKET`, or `refused ERRNO`
#define _GNU_SOURCE
#include "object.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>

static void run(const char *name, const char *packet) {
    static unsigned char in[ROOM], out[ROOM];
    struct bpf_program *program = program_of(name);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = in, .data_out = out, .data_size_out = sizeof out, .repeat = 1);
    options.data_size_in = bytes(packet, in);
    int error = bpf_prog_test_run_opts(bpf_program__fd(program), &options);
    if (error) {
        printf("refused %d\n", -error);
        return;
    }
    printf("ret %u ", options.retval);
    put_bytes(out, options.data_size_out);
    putchar('\n');
}

int main(int count, char **arguments) {
    static char line[1 << 21], name[256], value[1 << 21];
    cpu_set_t first_cpu;
    if (count != 2) return 2;
    /* Per-CPU values and an LRU map's lists belong to the CPU that they were touched on. */
    CPU_ZERO(&first_cpu);
    CPU_SET(0, &first_cpu);
    sched_setaffinity(0, sizeof first_cpu, &first_cpu);
    open_object(arguments[1]);
    while (fgets(line, sizeof line, stdin)) {
        if (object_line(line)) continue;
        if (sscanf(line, "run %255s %2097151s", name, value) != 2) fail("not understood", line, EINVAL);
        run(name, value);
    }
    return 0;
}
