/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats: what the store counted (struct cf_store_stats), as a page of text with a small chart. */
#ifndef CF_STATS_H
#define CF_STATS_H

#include "buf.h"
#include "store.h"

enum { CF_STATS_MONTHS = 12, CF_STATS_MODELS = 8 };

/* Appends lines of at most WIDTH columns (40 at least), a newline behind each: the totals, the
 * models with most replies, and the last N_MONTHS months with bars of their messages; months and
 * models beyond are summed up.  Names of models are raw. */
void cf_stats_write(struct cf_buf *out, const struct cf_store_stats *stats, int width,
                    size_t n_months);

#endif
