/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks for NaN and infinity among weights, in the types' own bits: all ones in the exponent.  A
 * block type is spoilt through its scales only. */
#include <string.h>

#include "model_parts.h"

/* Where a block type keeps its float16 scales. */
static size_t scales_of(enum cf_dtype dtype, size_t offsets[2])
{
    switch (dtype) {
    case CF_Q4_0:
    case CF_Q5_0:
    case CF_Q8_0:
        offsets[0] = 0;
        return 1;
    case CF_Q4_1:
    case CF_Q5_1:
    case CF_Q4_K:
    case CF_Q5_K:
        offsets[0] = 0;
        offsets[1] = 2;
        return 2;
    case CF_Q6_K:
        offsets[0] = 208;
        return 1;
    case CF_F32:
    case CF_F16:
    case CF_BF16:
        break;
    }
    return 0;
}

static bool is_finite_32(const void *data, size_t n)
{
    const uint32_t *bits = data;
    uint32_t found = 0;
    for (size_t i = 0; i < n; i++) {
        found |= (bits[i] & 0x7F800000U) == 0x7F800000U;
    }
    return found == 0;
}

static bool is_finite_16(const void *data, size_t n, unsigned exponent)
{
    const uint16_t *bits = data;
    unsigned found = 0;
    for (size_t i = 0; i < n; i++) {
        found |= (bits[i] & exponent) == exponent;
    }
    return found == 0;
}

static bool is_finite_blocks(enum cf_dtype dtype, const unsigned char *data, size_t n)
{
    size_t offsets[2];
    size_t n_scales = scales_of(dtype, offsets);
    size_t block_size = cf_dtype_block_size(dtype);
    size_t n_blocks = n / cf_dtype_n_block(dtype);
    for (size_t i = 0; i < n_blocks; i++) {
        for (size_t k = 0; k < n_scales; k++) {
            uint16_t scale;
            memcpy(&scale, data + i * block_size + offsets[k], sizeof scale);
            if ((scale & 0x7C00) == 0x7C00) {
                return false;
            }
        }
    }
    return true;
}

bool cf_model_is_finite(enum cf_dtype dtype, const void *data, int64_t n)
{
    switch (dtype) {
    case CF_F32:
        return is_finite_32(data, (size_t)n);
    case CF_F16:
        return is_finite_16(data, (size_t)n, 0x7C00);
    case CF_BF16:
        return is_finite_16(data, (size_t)n, 0x7F80);
    case CF_Q4_0:
    case CF_Q4_1:
    case CF_Q5_0:
    case CF_Q5_1:
    case CF_Q8_0:
    case CF_Q4_K:
    case CF_Q5_K:
    case CF_Q6_K:
        break;
    }
    return is_finite_blocks(dtype, data, (size_t)n);
}

enum cf_code cf_model_check_finite(const struct cf_model *model, struct cf_err *err)
{
    for (size_t i = 0; i < model->files->n_weights; i++) {
        const struct model_weight *weight = &model->files->weights[i];
        if (!cf_model_is_finite(weight->dtype, weight->data, weight->n)) {
            return cf_err_set(err, CF_ERR_CORRUPT,
                              "%s: tensor '%s' holds NaN or infinity where weights should be",
                              weight->path, weight->name);
        }
    }
    return CF_OK;
}

int64_t cf_model_size(const struct cf_model *model)
{
    int64_t size = 0;
    for (size_t i = 0; i < model->files->n_weights; i++) {
        const struct model_weight *weight = &model->files->weights[i];
        size += (int64_t)cf_dtype_row_size(weight->dtype, (size_t)weight->n);
    }
    return size;
}
