#!/bin/sh
# Rebuilds objects/ from src/, each with one of several compilers and instruction sets.
# Debian: apt-get install clang-14 clang-16 clang-19 clang-22 llvm-14 libbpf-dev bpftool
set -e
cd "$(dirname "$0")"
rm -rf objects && mkdir objects
include="-I src -I /usr/include/$(uname -m)-linux-gnu"
number=0
for source in src/*.c; do
  name=$(basename "$source" .c)
  case $name in
    legacy_maps) variants="clang14-v2" ;;
    tc_atomic) variants="clang14-v3 clang22-v4" ;;
    section_names | text_numbers | map_flags | skb_more | core_enum) variants="clang19-v3" ;;
    tc_queue | tc_mem | xdp_redirect) variants="clang22-v4" ;;
    tc_alu | tc_loop | tc_subprog | lb | xdp_hash) variants="clang14-v1 clang22-v4" ;;
    *) variants=$(echo "clang14-v3 clang22-v4 clang16-v2 clang19-v4 clang14-v1" | cut -d' ' -f$((number % 5 + 1))) ; number=$((number + 1)) ;;
  esac
  for variant in $variants; do
    level=-O2 debug=-g
    [ "$variant" = clang14-v1 ] && level=-O1
    [ "$name" = legacy_maps ] && debug=
    compiler=clang-${variant#clang}
    "${compiler%-v*}" -target bpf $level $debug -mcpu="${variant#*-}" $include -c "$source" -o "objects/$name.$variant.o"
    [ "$name" = lb ] || llvm-strip-14 -g "objects/$name.$variant.o"
  done
done
bpftool gen object objects/linked.o objects/lb.clang14-v1.o objects/xdp_count.*.o objects/tc_subprog.clang14-v1.o
