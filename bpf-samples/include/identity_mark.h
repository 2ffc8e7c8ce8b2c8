/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Who sent a packet, in the mark that it takes along through the node: 24 bits of identity around Cilium's sign for it. */
#pragma once

#include <linux/types.h>

#include "helpers.h"

#define MARK_MAGIC_IDENTITY 0x0f00
#define MARK_MAGIC_MASK 0x0f00

static __always_inline __u32 identity_mark(__u32 identity)
{
	return (identity & 0xffff) << 16 | MARK_MAGIC_IDENTITY | (identity >> 16 & 0xff);
}

static __always_inline __u32 marked_identity(__u32 mark)
{
	return (mark & 0xff) << 16 | mark >> 16;
}
