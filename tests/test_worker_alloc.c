/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker at its header: while a reply is decoded, nothing is allocated.  Counts the calls of
 * malloc and its kin that the worker's threads make between two tokens. */
#include <stdatomic.h>
#include <stddef.h>

#include "worker_harness.h"

/* A sanitizer has an allocator of its own. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || !defined __GLIBC__
#define CAN_COUNT 0
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CAN_COUNT 0
#endif
#endif
#ifndef CAN_COUNT
#define CAN_COUNT 1
#endif

static atomic_bool is_counting;
static atomic_int n_allocations;
static _Thread_local bool is_front;

#if CAN_COUNT
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);

static void count(void)
{
    if (atomic_load(&is_counting) && !is_front) {
        atomic_fetch_add(&n_allocations, 1);
    }
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    count();
    return __libc_realloc(memory, size);
}
#endif

static void worker__decode__allocates_nothing(void **state)
{
    struct fixture *fixture = *state;
    is_front = true;
    restart_worker(fixture, 2);
    atomic_store(&n_allocations, 0);
    struct cf_texts stops = {0};
    cf_texts_add(&stops, "\n\nUser:");
    struct cf_job job = job_of("count", 110);
    job.n_alternatives = 3;
    job.sampling = CF_SAMPLING_INIT;
    job.sampling.top_p = 0.9;
    job.sampling.top_k = 40;
    job.sampling.typical_p = 0.95;
    job.sampling.repeat_penalty = 1.2;
    job.stops = &stops;
    job.starts_paused = true;
    clear_outcome(&fixture->outcome);
    uint64_t number = cf_worker_submit(fixture->worker, &job);
    wait_for_pause(fixture, number, 0);
    atomic_store(&is_counting, true);
    for (int k = 0; k < 50; k++) {
        cf_worker_step(fixture->worker, number, -1);
    }
    struct cf_sampling hot = job.sampling;
    hot.temperature = 1.4;
    cf_worker_turn(fixture->worker, number, &hot);
    wait_for_pause(fixture, number, 50);
    for (int k = 0; k < 50; k++) {
        cf_worker_step(fixture->worker, number, -1);
    }
    wait_for_pause(fixture, number, 100);
    atomic_store(&is_counting, false);
    cf_worker_resume(fixture->worker, number);
    const struct outcome *outcome = finish(fixture, number);
    assert_int_equal(outcome->n_ids[0], 110);
    assert_int_equal(atomic_load(&n_allocations), 0);
    cf_texts_release(&stops);
    cf_ids_release(&job.ids);
    if (!CAN_COUNT) {
        skip();
    }
}

#if CAN_COUNT
/* The counting counts. */
static enum cf_code allocate(void *arg, const struct cf_worker_engine *engine, struct cf_ids *ids,
                             struct cf_err *err)
{
    (void)engine;
    (void)err;
    atomic_store(&is_counting, true);
    *(char **)arg = cf_strdup("counted");
    atomic_store(&is_counting, false);
    cf_ids_add(ids, 'x');
    return CF_OK;
}

static void worker__decode__would_be_caught(void **state)
{
    struct fixture *fixture = *state;
    is_front = true;
    atomic_store(&n_allocations, 0);
    char *text = NULL;
    struct cf_job job = {.kind = CF_JOB_EVALUATE, .build = allocate, .arg = &text};
    assert_int_equal(run_job(fixture, &job)->reason, CF_END_DONE);
    assert_int_equal(atomic_load(&n_allocations), 1);
    free(text);
    cf_ids_release(&job.ids);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(worker__decode__allocates_nothing),
#if CAN_COUNT
        TEST(worker__decode__would_be_caught),
#endif
    };
    return cmocka_run_group_tests_name("worker alloc", tests, NULL, NULL);
}
