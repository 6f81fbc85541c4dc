/* SPDX-License-Identifier: GPL-3.0-or-later */
/* formats: GGML's block formats, to float32 (widen) and from it (narrow), as its reference does it:
 * dequantize_row_* and quantize_row_*_ref of ggml-quants.c.  What the reference leaves to chance, a
 * block with a NaN or infinity, gets the scale NaN.  n is a multiple of the format's block. */
#ifndef CF_KERNELS_FORMATS_H
#define CF_KERNELS_FORMATS_H

#include "kernels/kernels.h"

#define CF_FORMATS_OF(name)                                                                        \
    void cf_##name##_widen(const struct cf_kernels *kernels, const void *from, size_t n,           \
                           float *to);                                                             \
    void cf_##name##_narrow(const struct cf_kernels *kernels, const float *from, size_t n,         \
                            void *to);
CF_FORMATS_OF(q8_0)
CF_FORMATS_OF(q4_0)
CF_FORMATS_OF(q4_1)
CF_FORMATS_OF(q5_0)
CF_FORMATS_OF(q5_1)
#undef CF_FORMATS_OF

void cf_q4_k_widen(const struct cf_kernels *kernels, const void *from, size_t n, float *to);
void cf_q5_k_widen(const struct cf_kernels *kernels, const void *from, size_t n, float *to);
void cf_q6_k_widen(const struct cf_kernels *kernels, const void *from, size_t n, float *to);

#endif
