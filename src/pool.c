/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "mem.h"
#include "thread.h"

/* How a loop is shared.  The ticket holds the loop's number above and the next piece below; a piece
 * is taken by compare-and-exchange on the whole ticket.  The caller writes the loop's fields only
 * while the ticket is closed, and closes it when all pieces are done.  So a thread whose exchange
 * succeeds has read the fields of the very loop that the piece belongs to (fields are released and
 * acquired: who has seen a field of the next loop also sees that the ticket was closed), and a
 * thread that sleeps or is not scheduled holds up nobody: the loop is over when its pieces are, not
 * when every thread has reported. */
enum { INDEX_BITS = 24, PIECES_PER_THREAD = 8 };
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)
#define TICKET_CLOSED INDEX_MASK

/* Waiting: first watch (a decoding step's gaps are a few microseconds), then let others run, then
 * sleep. */
enum { N_SPINS = 1000, N_YIELDS = 8 };

typedef void range_fn(void *ctx, int64_t begin, int64_t end, int thread);

struct worker {
    struct cf_pool *pool;
    pthread_t id;
    int thread;
};

struct cf_pool {
    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) _Atomic int64_t n_done; /* pieces of the current loop */
    /* The loop; changed only while the ticket is closed. */
    _Alignas(64) _Atomic(range_fn *) fn;
    _Atomic(void *) ctx;
    _Atomic int64_t n;
    _Atomic int64_t piece;
    _Atomic int64_t n_pieces;
    /* Sleeping. */
    _Alignas(64) _Atomic int n_sleepers;
    _Atomic bool is_caller_asleep;
    _Atomic bool is_ending;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    pthread_cond_t done;
    int n_threads;
    int n_started; /* workers that run, n_threads - 1 once the pool stands */
    struct worker *workers;
};

static void spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void piece_run(range_fn *fn, void *ctx, int64_t i, int64_t piece, int64_t n, int thread)
{
    int64_t begin = i * piece;
    fn(ctx, begin, n - begin < piece ? n : begin + piece, thread);
}

/* Takes pieces until none is left; true when there was one. */
static bool pool_work(struct cf_pool *pool, int thread)
{
    bool has_worked = false;
    uint64_t ticket = atomic_load(&pool->ticket);
    while ((ticket & INDEX_MASK) != TICKET_CLOSED) {
        range_fn *fn = atomic_load_explicit(&pool->fn, memory_order_acquire);
        void *ctx = atomic_load_explicit(&pool->ctx, memory_order_acquire);
        int64_t n = atomic_load_explicit(&pool->n, memory_order_acquire);
        int64_t piece = atomic_load_explicit(&pool->piece, memory_order_acquire);
        int64_t n_pieces = atomic_load_explicit(&pool->n_pieces, memory_order_acquire);
        int64_t i = (int64_t)(ticket & INDEX_MASK);
        if (i >= n_pieces) {
            break;
        }
        if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + 1)) {
            continue;
        }
        piece_run(fn, ctx, i, piece, n, thread);
        has_worked = true;
        if (atomic_fetch_add(&pool->n_done, 1) + 1 == n_pieces &&
            atomic_load(&pool->is_caller_asleep)) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->mutex);
        }
        ticket = atomic_load(&pool->ticket);
    }
    return has_worked;
}

/* Whether a worker that has just found nothing should look again. */
static bool pool_has_news(struct cf_pool *pool, uint64_t seen)
{
    return (atomic_load(&pool->ticket) >> INDEX_BITS) != seen || atomic_load(&pool->is_ending);
}

/* Returns when there may be work in a loop later than number SEEN, or the pool ends. */
static void worker_wait(struct cf_pool *pool, uint64_t seen)
{
    for (int i = 0; i < N_SPINS; i++) {
        if (pool_has_news(pool, seen)) {
            return;
        }
        spin_pause();
    }
    for (int i = 0; i < N_YIELDS; i++) {
        if (pool_has_news(pool, seen)) {
            return;
        }
        sched_yield();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->n_sleepers, 1);
    while (!pool_has_news(pool, seen)) {
        pthread_cond_wait(&pool->work, &pool->mutex);
    }
    atomic_fetch_sub(&pool->n_sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct cf_pool *pool = worker->pool;
    while (!atomic_load(&pool->is_ending)) {
        uint64_t number = atomic_load(&pool->ticket) >> INDEX_BITS;
        if (!pool_work(pool, worker->thread)) {
            worker_wait(pool, number);
        }
    }
    return NULL;
}

static void caller_wait(struct cf_pool *pool, int64_t n_pieces)
{
    for (int i = 0; i < N_SPINS; i++) {
        if (atomic_load(&pool->n_done) == n_pieces) {
            return;
        }
        spin_pause();
    }
    for (int i = 0; i < N_YIELDS; i++) {
        if (atomic_load(&pool->n_done) == n_pieces) {
            return;
        }
        sched_yield();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->is_caller_asleep, true);
    while (atomic_load(&pool->n_done) != n_pieces) {
        pthread_cond_wait(&pool->done, &pool->mutex);
    }
    atomic_store(&pool->is_caller_asleep, false);
    pthread_mutex_unlock(&pool->mutex);
}

void cf_pool_run(struct cf_pool *pool, range_fn *fn, void *ctx, int64_t n, int64_t grain)
{
    assert(grain >= 1);
    if (n <= 0) {
        return;
    }
    if (pool->n_threads == 1 || n <= grain) {
        fn(ctx, 0, n, 0);
        return;
    }
    int64_t n_grains = (n - 1) / grain + 1;
    int64_t n_wanted = (int64_t)pool->n_threads * PIECES_PER_THREAD;
    int64_t piece = ((n_grains - 1) / n_wanted + 1) * grain;
    int64_t n_pieces = (n - 1) / piece + 1;
    atomic_store_explicit(&pool->fn, fn, memory_order_release);
    atomic_store_explicit(&pool->ctx, ctx, memory_order_release);
    atomic_store_explicit(&pool->n, n, memory_order_release);
    atomic_store_explicit(&pool->piece, piece, memory_order_release);
    atomic_store_explicit(&pool->n_pieces, n_pieces, memory_order_release);
    atomic_store_explicit(&pool->n_done, 0, memory_order_relaxed);
    uint64_t number = (atomic_load(&pool->ticket) >> INDEX_BITS) + 1;
    atomic_store(&pool->ticket, number << INDEX_BITS);
    if (atomic_load(&pool->n_sleepers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->work);
        pthread_mutex_unlock(&pool->mutex);
    }
    pool_work(pool, 0);
    caller_wait(pool, n_pieces);
    atomic_store(&pool->ticket, number << INDEX_BITS | TICKET_CLOSED);
}

int cf_pool_n_threads(const struct cf_pool *pool)
{
    return pool->n_threads;
}

/* Starts the workers; 0 or an errno. */
static int workers_start(struct cf_pool *pool)
{
    int error = 0;
    for (int i = 0; i < pool->n_threads - 1 && error == 0; i++) {
        struct worker *worker = &pool->workers[i];
        *worker = (struct worker){.pool = pool, .thread = i + 1};
        error = cf_thread_start(&worker->id, worker_main, worker);
        pool->n_started += error == 0;
    }
    return error;
}

enum cf_code cf_pool_new(struct cf_pool **pool, int n_threads, struct cf_err *err)
{
    assert(n_threads >= 1);
    struct cf_pool *made = cf_aligned_alloc(sizeof *made);
    *made = (struct cf_pool){.ticket = TICKET_CLOSED, .n_threads = n_threads};
    made->workers = cf_calloc((size_t)n_threads, sizeof *made->workers);
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->work, NULL);
    pthread_cond_init(&made->done, NULL);
    int error = workers_start(made);
    if (error != 0) {
        cf_pool_free(made);
        return cf_err_set_errno(err, error, "cannot start %d threads", n_threads);
    }
    *pool = made;
    return CF_OK;
}

void cf_pool_free(struct cf_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->is_ending, true);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->n_started; i++) {
        pthread_join(pool->workers[i].id, NULL);
    }
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}
