// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "c.h"
#include <bpf/bpf_core_read.h>
/* A helper's number is the same in every kernel: asking for it needs none. */
SEC("xdp") int helper_exists(struct xdp_md *ctx) {
    return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_xdp_load_bytes) ? bpf_core_enum_value(enum bpf_func_id, BPF_FUNC_xdp_load_bytes) : 0;
}
LICENSE;
