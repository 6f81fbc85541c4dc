/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/table.h"

#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/target.h"

#include "kernels/simd_generic.h"

#include "kernels/body.h"

const struct cf_kernels cf_kernels_generic = CF_TABLE("generic");
