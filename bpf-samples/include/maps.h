/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* The maps that a packet from pod to pod is looked up in. */
#pragma once

#include "conntrack.h"
#include "endpoints.h"
#include "metrics.h"
#include "reverse_nat.h"
#include "service_maps.h"
