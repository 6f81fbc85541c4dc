/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pool at its header. */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "pool.h"

enum { N_MAX = 1000, N_THREADS_MAX = 4 };

struct cover {
    int64_t n;
    int64_t grain;
    int n_threads;
    int hits[N_MAX];                       /* not atomic: two visits at once are a data race */
    _Atomic bool is_inside[N_THREADS_MAX]; /* by thread number */
    _Atomic bool has_failed;
};

static void cover_visit(void *ctx, int64_t begin, int64_t end, int thread)
{
    struct cover *cover = ctx;
    bool is_sane = begin >= 0 && begin < end && end <= cover->n && begin % cover->grain == 0 &&
                   (end % cover->grain == 0 || end == cover->n) && thread >= 0 &&
                   thread < cover->n_threads;
    if (!is_sane || atomic_exchange(&cover->is_inside[thread], true)) {
        atomic_store(&cover->has_failed, true);
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        cover->hits[i]++;
    }
    atomic_store(&cover->is_inside[thread], false);
}

static void pool__run__covers_the_range_once(void **state)
{
    (void)state;
    static struct cover cover;
    static const int64_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 500, N_MAX};
    static const int64_t grains[] = {1, 3, 8, 64, 2000};
    for (int n_threads = 1; n_threads <= N_THREADS_MAX; n_threads++) {
        struct cf_pool *pool = NULL;
        assert_int_equal(cf_pool_new(&pool, n_threads, NULL), CF_OK);
        assert_int_equal(cf_pool_n_threads(pool), n_threads);
        for (size_t s = 0; s < CF_ARRAY_SIZE(sizes); s++) {
            for (size_t g = 0; g < CF_ARRAY_SIZE(grains); g++) {
                memset(&cover, 0, sizeof cover);
                cover.n = sizes[s];
                cover.grain = grains[g];
                cover.n_threads = n_threads;
                cf_pool_run(pool, cover_visit, &cover, cover.n, cover.grain);
                assert_false(cover.has_failed);
                for (int64_t i = 0; i < N_MAX; i++) {
                    assert_int_equal(cover.hits[i], i < cover.n ? 1 : 0);
                }
            }
        }
        cf_pool_free(pool);
    }
}

/* A chain of short loops, each reading what the one before wrote: what one loop writes is seen by
 * all threads of the next. */
struct chain {
    int64_t *from;
    int64_t *to;
};

static void chain_visit(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    struct chain *chain = ctx;
    for (int64_t i = begin; i < end; i++) {
        chain->to[i] = chain->from[(i + 7) % 64] + 1;
    }
}

static void pool__run__orders_loops(void **state)
{
    (void)state;
    for (int n_threads = 1; n_threads <= N_THREADS_MAX; n_threads++) {
        struct cf_pool *pool = NULL;
        assert_int_equal(cf_pool_new(&pool, n_threads, NULL), CF_OK);
        int64_t a[64] = {0};
        int64_t b[64] = {0};
        struct chain there = {.from = a, .to = b};
        struct chain back = {.from = b, .to = a};
        for (int round = 1; round <= 1000; round++) {
            cf_pool_run(pool, chain_visit, &there, 64, 1);
            cf_pool_run(pool, chain_visit, &back, 64, 1);
            if (round % 250 == 0) { /* long enough for the others to fall asleep */
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            }
        }
        for (int i = 0; i < 64; i++) {
            assert_int_equal(a[i], 2000);
        }
        cf_pool_free(pool);
    }
}

static void mask_visit(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)begin;
    (void)end;
    _Atomic int *n_open = ctx;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (thread != 0 && (!sigismember(&mask, SIGINT) || !sigismember(&mask, SIGTERM) ||
                        !sigismember(&mask, SIGWINCH))) {
        atomic_fetch_add(n_open, 1);
    }
}

static void pool__new__blocks_signals_in_its_threads_only(void **state)
{
    (void)state;
    struct cf_pool *pool = NULL;
    assert_int_equal(cf_pool_new(&pool, 4, NULL), CF_OK);
    _Atomic int n_open = 0;
    for (int i = 0; i < 200; i++) {
        cf_pool_run(pool, mask_visit, &n_open, 64, 1);
    }
    assert_int_equal(n_open, 0);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_false(sigismember(&mask, SIGINT));
    cf_pool_free(pool);
}

static void pool__free__ends_pools_that_never_ran(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct cf_pool *pool = NULL;
        assert_int_equal(cf_pool_new(&pool, 1 + i % N_THREADS_MAX, NULL), CF_OK);
        cf_pool_free(pool);
    }
    cf_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool__run__covers_the_range_once),
        cmocka_unit_test(pool__run__orders_loops),
        cmocka_unit_test(pool__new__blocks_signals_in_its_threads_only),
        cmocka_unit_test(pool__free__ends_pools_that_never_ran),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
