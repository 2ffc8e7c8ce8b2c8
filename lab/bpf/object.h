// SPDX-License-Identifier: MIT
//
// An object in the kernel, with its maps. Lines that `object_line` understands:
//
//   type PROGRAM NUMBER     before `load`: its enum bpf_prog_type; programs that are not named are left out
//   use PROGRAM             before `load`: of the type that its section says
//   load
//   inner OUTER ID          a new map as OUTER declares its elements
//   put MAP KEY VALUE       hexadecimal, `-` for no key; a per-CPU map takes all CPUs' values, one behind the other
//   put #ID KEY VALUE       into an inner map
//   link OUTER KEY ID       an inner map as an element
//   dump                    → `map NAME KEY VALUE` for every entry of every map whose values are bytes, then `end`
#pragma once
#include <bpf/libbpf.h>
#include <stddef.h>

#define ROOM 70000
extern struct bpf_object *object;

/* A sentence on standard error; exit status 1. */
void fail(const char *what, const char *name, int error);
/* Hexadecimal to bytes; returns how many. */
size_t bytes(const char *text, unsigned char *out);
void put_bytes(const unsigned char *from, size_t count);
void open_object(const char *file);
struct bpf_program *program_of(const char *name);
/* 0: not a line of the object's. */
int object_line(const char *line);
