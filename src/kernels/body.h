/* SPDX-License-Identifier: GPL-3.0-or-later */
/* body: the kernels, written once in the words of a simd_*.h file that an instruction set's .c file
 * includes before; and their table. */
#ifndef CF_KERNELS_BODY_H
#define CF_KERNELS_BODY_H

#include "kernels/body_math.h"

#include "kernels/body_rows.h"

#include "kernels/body_attend.h"

#include "kernels/body_float.h"

#include "kernels/body_tiles.h"

typedef void linear_fn(const struct cf_linear_job *job, int64_t begin, int64_t end, void *scratch);

static void linear(const struct cf_linear_job *job, int64_t begin, int64_t end, void *scratch)
{
    static linear_fn *const fns[] = {
        [CF_F32] = linear_f32,  [CF_F16] = linear_f16,  [CF_BF16] = linear_bf16,
        [CF_Q8_0] = tiles_q8_0, [CF_Q4_0] = tiles_q4_0, [CF_Q4_1] = tiles_q4_1,
        [CF_Q5_0] = tiles_q5_0, [CF_Q5_1] = tiles_q5_1, [CF_Q4_K] = tiles_q4_k,
        [CF_Q5_K] = tiles_q5_k, [CF_Q6_K] = tiles_q6_k};
    fns[job->w->dtype](job, begin, end, scratch);
}

#define CF_TABLE(table_name)                                                                       \
    {                                                                                              \
        .name = table_name, .prepare = prepare_tiles, .linear = linear, .attend = attend,          \
        .layer_norm = layer_norm, .finish = finish, .f16_to_f32 = f16_to_f32,                      \
        .f32_to_f16 = f32_to_f16,                                                                  \
    }

#endif
