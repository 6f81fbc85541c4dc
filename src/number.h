/* SPDX-License-Identifier: GPL-3.0-or-later */
/* number: reads and writes numbers the same way whatever the locale says: digits 0 to 9, a point,
 * no grouping, nothing before or behind. */
#ifndef CF_NUMBER_H
#define CF_NUMBER_H

#include "base.h"
#include "buf.h"

/* [+-]digits[.digits][e[+-]digits]: neither hexadecimal nor infinite nor NaN.  False, and value
 * unchanged, for everything else and for what is too large for a double. */
bool cf_number_real(double *value, const char *text);
/* [+-]digits, from LEAST to GREATEST; is_number (may be NULL) tells a number that is out of range
 * from what is no whole number. */
bool cf_number_int(int64_t *value, const char *text, int64_t least, int64_t greatest,
                   bool *is_number);
/* Digits alone, up to 2^64 - 1. */
bool cf_number_uint64(uint64_t *value, const char *text);

/* Appends the shortest text that reads back as VALUE, without exponent where that is usual: "0.8",
 * "256", "1e-07". */
void cf_number_format(double value, struct cf_buf *text);

#endif
