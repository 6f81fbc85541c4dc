/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sampler_math: exp, log and random numbers that are the same on every machine.
 *
 * Only additions, multiplications, divisions and bit patterns of IEEE doubles in round-to-nearest
 * are used, in a fixed order, so a result does not depend on the C library or its version. */
#ifndef CF_SAMPLER_MATH_H
#define CF_SAMPLER_MATH_H

#include "base.h"

/* From this distance on e^-distance is taken for 0. */
#define CF_EXP_END 708.0

/* weights[i] = e^-distances[i] for n distances >= 0: relative error below 3e-16.  The two arrays
 * don't overlap.  Method: a table of 2^(i/128) and a polynomial for the rest (Tang 1989). */
void cf_exp_down(const double *distances, double *weights, size_t n);
/* Sums in eight lanes, added up in a fixed order. */
double cf_sum(const double *values, size_t n);
double cf_dot(const double *a, const double *b, size_t n);
/* The natural logarithm of a normal x > 0: error below 3e-16 of the result. */
double cf_log(double x);

/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"):
 * four random words from a counter and a key. */
void cf_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]);
/* Draw INDEX of stream STREAM under SEED: uniform in [0, 1), a multiple of 2^-53.  Counter
 * {index, stream, 0, 0}, key {low, high word of seed}, the first two words low word first. */
double cf_uniform(uint64_t seed, uint32_t stream, uint32_t index);

#endif
