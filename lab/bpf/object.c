// SPDX-License-Identifier: MIT
//
// An object in the kernel, with its maps: the lines of standard input that fill and read them. See object.h.
#define _GNU_SOURCE
#include "object.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_INNER 65536
struct bpf_object *object;
static int inner_fd[MOST_INNER];
static char log_text[4096];

void fail(const char *what, const char *name, int error) {
    fprintf(stderr, "%s %s: %s\n%s", what, name, strerror(error < 0 ? -error : error), log_text);
    exit(1);
}

/* The last of what libbpf has to say. */
static int keep_log(enum libbpf_print_level level, const char *format, va_list arguments) {
    if (level <= LIBBPF_WARN) vsnprintf(log_text, sizeof log_text, format, arguments);
    return 0;
}

size_t bytes(const char *text, unsigned char *out) {
    size_t count = 0;
    if (*text == '-') return 0;
    for (; text[0] && text[1]; text += 2) {
        unsigned value;
        if (sscanf(text, "%2x", &value) != 1) break;
        out[count++] = value;
    }
    return count;
}

void put_bytes(const unsigned char *from, size_t count) {
    if (!count) putchar('-');
    for (size_t at = 0; at < count; at++) printf("%02x", from[at]);
}

static struct bpf_map *map_of(const char *name) {
    struct bpf_map *map;
    bpf_object__for_each_map(map, object) {
        const char *own = bpf_map__name(map), *dot = strchr(own, '.');
        /* Sections of data are named after the object too. */
        if (!strcmp(own, name) || (name[0] == '.' && dot && !strcmp(dot, name))) return map;
    }
    fail("no map", name, ENOENT);
    return NULL;
}

static int is_per_cpu(enum bpf_map_type type) {
    return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static int has_bytes(enum bpf_map_type type) {
    return is_per_cpu(type) || type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LPM_TRIE;
}

static void dump_map(const struct bpf_map *map) {
    static unsigned char key[1024], next[1024], value[1 << 20];
    size_t key_size = bpf_map__key_size(map), value_size = bpf_map__value_size(map);
    int fd = bpf_map__fd(map), first = 1;
    const char *name = bpf_map__name(map), *dot = strchr(name, '.');
    if (is_per_cpu(bpf_map__type(map))) value_size = (value_size + 7) / 8 * 8 * libbpf_num_possible_cpus();
    if (!has_bytes(bpf_map__type(map)) || value_size > sizeof value || key_size > sizeof key) return;
    while (!bpf_map_get_next_key(fd, first ? NULL : key, next)) {
        first = 0;
        memcpy(key, next, key_size);
        if (bpf_map_lookup_elem(fd, key, value)) continue;
        printf("map %s ", dot ? dot : name);
        put_bytes(key, key_size);
        putchar(' ');
        put_bytes(value, value_size);
        putchar('\n');
    }
}

/* What outer maps declare their elements to be; libbpf forgets it when it loads. */
static struct inner {
    char outer[64];
    enum bpf_map_type type;
    unsigned key_size, value_size, max_entries, flags;
} declared[64];
static int declarations;

static void load(void) {
    struct bpf_map *map, *inner;
    bpf_object__for_each_map(map, object) {
        if (!(inner = bpf_map__inner_map(map)) || declarations == 64) continue;
        struct inner *known = &declared[declarations++];
        snprintf(known->outer, sizeof known->outer, "%s", bpf_map__name(map));
        known->type = bpf_map__type(inner);
        known->key_size = bpf_map__key_size(inner);
        known->value_size = bpf_map__value_size(inner);
        known->max_entries = bpf_map__max_entries(inner);
        known->flags = bpf_map__map_flags(inner);
    }
    int error = bpf_object__load(object);
    if (error) fail("load", "", error);
}

static void new_inner(const char *outer, int id) {
    for (int index = 0; index < declarations; index++) {
        const struct inner *known = &declared[index];
        if (strcmp(known->outer, outer)) continue;
        LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = known->flags);
        inner_fd[id] = bpf_map_create(known->type, NULL, known->key_size, known->value_size, known->max_entries, &options);
        if (inner_fd[id] < 0) fail("create an inner map of", outer, inner_fd[id]);
        return;
    }
    fail("no inner map declared", outer, EINVAL);
}

struct bpf_program *program_of(const char *name) {
    struct bpf_program *program = bpf_object__find_program_by_name(object, name);
    if (!program) fail("no program", name, ENOENT);
    return program;
}

void open_object(const char *file) {
    struct bpf_program *each;
    libbpf_set_print(keep_log);
    object = bpf_object__open_file(file, NULL);
    if (!object) fail("open", file, errno);
    bpf_object__for_each_program(each, object) bpf_program__set_autoload(each, false);
}

int object_line(const char *line) {
    static char word[8], name[256], key[4096], value[1 << 21];
    static unsigned char key_bytes[2048], value_bytes[1 << 20];
    int id;
    if (sscanf(line, "%7s", word) != 1) return 1;
    if (!strcmp(word, "type") && sscanf(line, "type %255s %d", name, &id) == 2) {
        bpf_program__set_type(program_of(name), id);
        bpf_program__set_autoload(program_of(name), true);
    } else if (!strcmp(word, "use") && sscanf(line, "use %255s", name) == 1) {
        bpf_program__set_autoload(program_of(name), true);
    } else if (!strcmp(word, "load")) {
        load();
    } else if (!strcmp(word, "inner") && sscanf(line, "inner %255s %d", name, &id) == 2 && id >= 0 && id < MOST_INNER) {
        new_inner(name, id);
    } else if (!strcmp(word, "put") && sscanf(line, "put %255s %4095s %2097151s", name, key, value) == 3) {
        int fd = name[0] == '#' ? inner_fd[atoi(name + 1)] : bpf_map__fd(map_of(name));
        int no_key = key[0] == '-';
        bytes(key, key_bytes);
        bytes(value, value_bytes);
        if (bpf_map_update_elem(fd, no_key ? NULL : key_bytes, value_bytes, 0)) fail("update", name, errno);
    } else if (!strcmp(word, "link") && sscanf(line, "link %255s %4095s %d", name, key, &id) == 3 && id >= 0 && id < MOST_INNER) {
        bytes(key, key_bytes);
        if (bpf_map_update_elem(bpf_map__fd(map_of(name)), key_bytes, &inner_fd[id], 0)) fail("link", name, errno);
    } else if (!strcmp(word, "dump")) {
        struct bpf_map *map;
        bpf_object__for_each_map(map, object) dump_map(map);
        puts("end");
    } else {
        return 0;
    }
    return 1;
}
