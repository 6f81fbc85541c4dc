/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pool: a fixed set of threads that share one loop.
 *
 * The caller's thread is one of the n_threads: a pool of one starts no thread at all.  What a loop
 * computes must not depend on how its range is divided (DESIGN: numbers depend on nothing else). */
#ifndef CF_POOL_H
#define CF_POOL_H

#include "err.h"

struct cf_pool;

/* The new threads take no signals (src/thread).  n_threads >= 1. */
enum cf_code cf_pool_new(struct cf_pool **pool, int n_threads, struct cf_err *err);
void cf_pool_free(struct cf_pool *pool);
int cf_pool_n_threads(const struct cf_pool *pool);

/* Calls fn(ctx, begin, end, thread) for pieces that together cover [0, n) once, each piece but the
 * last a multiple of GRAIN long and aligned to it; thread is in [0, n_threads) and no two calls
 * with the same number run at a time (index scratch by it).  Returns when all of it is done.  Not
 * re-entrant; one caller at a time.  Allocates nothing. */
void cf_pool_run(struct cf_pool *pool,
                 void (*fn)(void *ctx, int64_t begin, int64_t end, int thread), void *ctx,
                 int64_t n, int64_t grain);

#endif
