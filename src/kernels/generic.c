/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/table.h"

#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/target.h"

/* Without vector registers unrolled copies of 16 lanes win nothing, and cost minutes of compiling:
 * the loops stay loops. */
#undef CF_UNROLL
#define CF_UNROLL

#include "kernels/simd_generic.h"

#include "kernels/body.h"

const struct cf_kernels cf_kernels_generic = CF_TABLE("generic");
