/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Some helpers are for GPL programs only; one text an object, however many programs it holds. */
#pragma once

#include "helpers.h"

char __license[] SEC("license") = "Dual MIT/GPL";
