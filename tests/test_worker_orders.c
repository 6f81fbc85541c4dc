/* SPDX-License-Identifier: GPL-3.0-or-later */
/* worker at its header: orders while a job runs, idle work, many jobs at random. */
#include "worker_harness.h"
#include <stdatomic.h>

#include "clock.h"
#include "random.h"

/* --- orders --- */

static void worker__knobs__act_from_the_token_that_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("knobs", 100);
    static int32_t greedy[100];
    memcpy(greedy, run_job(fixture, &job)->ids[0], sizeof greedy);

    /* Held before token 20, so that the turn comes at a token that is known. */
    clear_outcome(&fixture->outcome);
    job.starts_paused = true;
    job.seed = 3;
    uint64_t number = cf_worker_submit(fixture->worker, &job);
    for (int k = 0; k < 20; k++) {
        cf_worker_step(fixture->worker, number, -1);
    }
    wait_for_pause(fixture, number, 20);
    assert_int_equal(fixture->outcome.paused_id, greedy[20]);
    struct cf_sampling hot = job.sampling;
    hot.temperature = 1.5;
    uint32_t version = cf_worker_turn(fixture->worker, number, &hot);
    cf_worker_resume(fixture->worker, number);
    const struct outcome *outcome = finish(fixture, number);
    assert_int_equal(outcome->n_knobs, 1);
    assert_int_equal(outcome->knobs_index, 20);
    assert_int_equal(outcome->knobs_version, version);
    assert_int_equal(outcome->n_ids[0], 100);
    assert_memory_equal(outcome->ids[0], greedy, 20 * sizeof greedy[0]);
    assert_memory_not_equal(outcome->ids[0] + 20, greedy + 20, 80 * sizeof greedy[0]);

    /* The same by a schedule: a replay. */
    static int32_t turned[100];
    memcpy(turned, outcome->ids[0], sizeof turned);
    const struct cf_sampling_run schedule[] = {{0, job.sampling}, {20, hot}};
    job.schedule = schedule;
    job.n_schedule = 2;
    job.starts_paused = false;
    outcome = run_job(fixture, &job);
    assert_memory_equal(outcome->ids[0], turned, sizeof turned);
    cf_ids_release(&job.ids);
}

static void worker__knobs__hold_for_the_waves_that_follow(void **state)
{
    enum { LAST = CF_WORKER_BATCH_MAX };
    struct fixture *fixture = *state;
    struct cf_job job = job_of("wave", 12);
    job.n_alternatives = LAST + 1;
    job.starts_paused = true;
    clear_outcome(&fixture->outcome);
    uint64_t number = cf_worker_submit(fixture->worker, &job);
    cf_worker_step(fixture->worker, number, -1);
    wait_for_pause(fixture, number, 1);
    struct cf_sampling hot = job.sampling;
    hot.temperature = 1.5;
    (void)cf_worker_turn(fixture->worker, number, &hot);
    cf_worker_resume(fixture->worker, number);
    const struct outcome *outcome = finish(fixture, number);
    assert_int_equal(outcome->n_knobs, 2);
    assert_int_equal(outcome->knobs_index, 0);
    int32_t last[12];
    assert_int_equal(outcome->n_ids[LAST], 12);
    memcpy(last, outcome->ids[LAST], sizeof last);
    struct cf_job single = job_of("wave", 12);
    single.stream = LAST;
    single.sampling = hot;
    assert_memory_equal(run_job(fixture, &single)->ids[0], last, sizeof last);
    cf_ids_release(&single.ids);
    cf_ids_release(&job.ids);
}

static void worker__knobs__wait_with_the_job_they_are_for(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job first = job_of("first", 12);
    struct cf_job second = job_of("second", 12);
    first.starts_paused = true;
    clear_outcome(&fixture->outcome);
    uint64_t number = cf_worker_submit(fixture->worker, &first);
    uint64_t next = cf_worker_submit(fixture->worker, &second);
    wait_for_pause(fixture, number, 0);
    struct cf_sampling hot = second.sampling;
    hot.temperature = 1.5;
    (void)cf_worker_turn(fixture->worker, next, &hot);
    cf_worker_resume(fixture->worker, number);
    clear_outcome(&fixture->outcome);
    const struct outcome *outcome = finish(fixture, next);
    assert_int_equal(outcome->n_knobs, 1);
    assert_int_equal(outcome->knobs_index, 0);
    cf_ids_release(&first.ids);
    cf_ids_release(&second.ids);
}

/* Freed while a step is being made it goes on without waiting again, and is told all the same. */
static void worker__resume__is_told_in_the_middle_of_a_step(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("freed", 3);
    job.starts_paused = true;
    for (int round = 0; round < 300; round++) {
        clear_outcome(&fixture->outcome);
        uint64_t number = cf_worker_submit(fixture->worker, &job);
        wait_for_pause(fixture, number, 0);
        cf_worker_step(fixture->worker, number, -1);
        while (fixture->outcome.n_ids[0] == 0) {
            assert_false(take_some(fixture, number));
        }
        cf_worker_resume(fixture->worker, number);
        assert_int_equal(finish(fixture, number)->n_resumed, 1);
    }
    cf_ids_release(&job.ids);
}

/* At this pace the second token is due in a quarter of an hour: what comes at once, came by order.
 */
static void worker__pace__keeps_no_order_waiting(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("pace", 50);
    static int32_t greedy[50];
    memcpy(greedy, run_job(fixture, &job)->ids[0], sizeof greedy);
    cf_worker_set_pace(fixture->worker, 1e-3);

    /* A knob holds for the very next token. */
    clear_outcome(&fixture->outcome);
    job.seed = 3;
    uint64_t number = cf_worker_submit(fixture->worker, &job);
    wait_for_tokens(fixture, number, 1);
    struct cf_sampling hot = job.sampling;
    hot.temperature = 1.5;
    (void)cf_worker_turn(fixture->worker, number, &hot);
    cf_worker_set_pace(fixture->worker, 0);
    const struct outcome *outcome = finish(fixture, number);
    assert_int_equal(outcome->n_knobs, 1);
    assert_int_equal(outcome->knobs_index, 1);
    assert_int_equal(outcome->n_ids[0], 50);
    assert_int_equal(outcome->ids[0][0], greedy[0]);

    /* Holding and steps. */
    cf_worker_set_pace(fixture->worker, 1e-3);
    clear_outcome(&fixture->outcome);
    number = cf_worker_submit(fixture->worker, &job);
    wait_for_tokens(fixture, number, 1);
    cf_worker_pause(fixture->worker, number);
    wait_for_pause(fixture, number, 1);
    cf_worker_step(fixture->worker, number, -1);
    wait_for_pause(fixture, number, 2);
    cf_worker_resume(fixture->worker, number);

    /* The end. */
    cf_worker_cancel(fixture->worker, number);
    outcome = finish(fixture, number);
    assert_int_equal(outcome->reason, CF_END_CANCELLED);
    assert_memory_equal(outcome->ids[0], greedy, (size_t)outcome->n_ids[0] * sizeof greedy[0]);
    cf_ids_release(&job.ids);
}

/* A pace changes when tokens come, not which. */
static void worker__pace__changes_no_token(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("pace", 20);
    job.sampling.temperature = 1;
    static int32_t free_run[20];
    memcpy(free_run, run_job(fixture, &job)->ids[0], sizeof free_run);
    cf_worker_set_pace(fixture->worker, 1000);
    const struct outcome *outcome = run_job(fixture, &job);
    assert_int_equal(outcome->n_ids[0], 20);
    assert_memory_equal(outcome->ids[0], free_run, sizeof free_run);
    cf_ids_release(&job.ids);
}

/* What a reply was held is no part of its times, also where it ends while it is held. */
static void worker__times__leave_out_what_was_held(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("times", 100);
    job.starts_paused = true;
    clear_outcome(&fixture->outcome);
    double from = cf_clock_s();
    uint64_t number = cf_worker_submit(fixture->worker, &job);
    for (int i = 0; i < 3; i++) {
        wait_for_pause(fixture, number, i);
        cf_worker_step(fixture->worker, number, -1);
    }
    wait_for_pause(fixture, number, 3);
    double paused_at = cf_clock_s();
    struct pollfd none = {.fd = -1};
    (void)poll(&none, 1, 50);
    double held = cf_clock_s() - paused_at;
    cf_worker_cancel(fixture->worker, number);
    const struct outcome *outcome = finish(fixture, number);
    const struct cf_times *times = &outcome->times[0];
    assert_true(times->all <= cf_clock_s() - from - held);
    assert_true(times->to_first > 0 && times->to_first <= times->all);
    assert_true(times->tokens_per_second >= 2 / times->all);
    assert_true(outcome->tokens_per_second >= 2 / times->all);
    cf_ids_release(&job.ids);
}

static void worker__pause__turns_recut_and_steps_take_what_is_chosen(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("pause", 30);
    job.starts_paused = true;
    clear_outcome(&fixture->outcome);
    uint64_t number = cf_worker_submit(fixture->worker, &job);
    wait_for_pause(fixture, number, 0);
    int32_t greedy = fixture->outcome.paused_id;
    /* Turned many times, nothing taken meanwhile: the events don't pile up. */
    struct cf_sampling sampling = job.sampling;
    sampling.temperature = 5;
    for (int i = 0; i < 1000; i++) {
        sampling.repeat_penalty = 1 + i * 1e-3;
        cf_worker_turn(fixture->worker, number, &sampling);
    }
    sampling = job.sampling;
    uint32_t last = cf_worker_turn(fixture->worker, number, &sampling);
    while (fixture->outcome.knobs_version != last) {
        assert_false(take_some(fixture, number));
        if (fixture->outcome.knobs_version != last) {
            wait_for_news(fixture);
        }
    }
    cf_worker_step(fixture->worker, number, 'q');
    wait_for_pause(fixture, number, 1);
    assert_int_equal(fixture->outcome.ids[0][0], 'q');
    cf_worker_step(fixture->worker, number, TINY_N_VOCAB + 5);
    wait_for_pause(fixture, number, 2);
    assert_int_equal(fixture->outcome.n_ids[0], 2);
    cf_worker_cancel(fixture->worker, number);
    const struct outcome *outcome = finish(fixture, number);
    assert_int_equal(outcome->reason, CF_END_CANCELLED);
    assert_int_equal(outcome->n_ids[0], 2);
    (void)greedy;
    cf_ids_release(&job.ids);
}

static void worker__cancel__keeps_what_there_is(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job job = job_of("cancel", 100000);
    job.starts_paused = true;
    clear_outcome(&fixture->outcome);
    uint64_t number = cf_worker_submit(fixture->worker, &job);
    cf_worker_step(fixture->worker, number, -1);
    cf_worker_step(fixture->worker, number, -1);
    wait_for_tokens(fixture, number, 2);
    struct cf_job later = job_of("later", 3);
    cf_worker_cancel(fixture->worker, number);
    uint64_t second = cf_worker_submit(fixture->worker, &later);
    const struct outcome *outcome = finish(fixture, number);
    assert_int_equal(outcome->reason, CF_END_CANCELLED);
    assert_int_equal(outcome->n_finished, 1);
    assert_int_equal(outcome->reasons[0], CF_END_CANCELLED);
    assert_int_equal(outcome->n_ids[0], 2);
    /* The cancel hits no job submitted after it. */
    assert_int_equal(reason_of(fixture, second), CF_END_LENGTH);
    cf_ids_release(&job.ids);
    cf_ids_release(&later.ids);
}

/* --- idle work --- */

static void worker__evaluate__leaves_only_what_is_new(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job idle = job_of("a conversation and a draft", 1);
    idle.kind = CF_JOB_EVALUATE;
    assert_int_equal(run_job(fixture, &idle)->reason, CF_END_DONE);
    struct cf_job job = job_of("a conversation and a draft!", 4);
    const struct outcome *outcome = run_job(fixture, &job);
    assert_int_equal(outcome->n_reused, 26);
    assert_int_equal(outcome->n_evaluated, 1);
    cf_ids_release(&idle.ids);
    cf_ids_release(&job.ids);
}

struct blocker {
    atomic_bool is_in, may_go;
    bool was_interrupted;
};

static enum cf_code block(void *arg, const struct cf_worker_engine *engine, struct cf_ids *ids,
                          struct cf_err *err)
{
    struct blocker *blocker = arg;
    atomic_store(&blocker->is_in, true);
    while (!atomic_load(&blocker->may_go)) {
        if (engine->interrupt.fn(engine->interrupt.arg)) {
            blocker->was_interrupted = true;
            return cf_err_set(err, CF_ERR_CANCELLED, "cancelled");
        }
    }
    cf_ids_add(ids, 'x');
    return CF_OK;
}

static void worker__evaluate__gives_way_to_anything_newer(void **state)
{
    struct fixture *fixture = *state;
    struct blocker blocker = {.was_interrupted = false};
    struct cf_job idle = {.kind = CF_JOB_EVALUATE, .build = block, .arg = &blocker};
    uint64_t first = cf_worker_submit(fixture->worker, &idle);
    while (!atomic_load(&blocker.is_in)) {
    }
    struct cf_job job = job_of("urgent", 2);
    uint64_t second = cf_worker_submit(fixture->worker, &job);
    clear_outcome(&fixture->outcome);
    assert_int_equal(finish(fixture, first)->reason, CF_END_CANCELLED);
    assert_true(blocker.was_interrupted);
    assert_int_equal(fixture->outcome.n_built, 0);
    assert_int_equal(reason_of(fixture, second), CF_END_LENGTH);
    cf_ids_release(&job.ids);
    cf_ids_release(&idle.ids);
}

static void worker__free__while_a_job_runs_and_others_wait(void **state)
{
    struct fixture *fixture = *state;
    struct cf_job jobs[3] = {job_of("one", 100000), job_of("two", 100000), job_of("three", 1)};
    jobs[0].starts_paused = true;
    for (int i = 0; i < 3; i++) {
        cf_worker_submit(fixture->worker, &jobs[i]);
    }
    wait_for_news(fixture);
    cf_worker_free(fixture->worker);
    fixture->worker = NULL;
    for (int i = 0; i < 3; i++) {
        cf_ids_release(&jobs[i].ids);
    }
}

/* --- many --- */

enum { N_JOBS = 2000, N_AT_ONCE = 8 };

/* Thousands of short jobs; cancels, turns, pauses and steps at any time: one end each, in order. */
static void worker__many_jobs__one_end_each(void **state)
{
    struct fixture *fixture = *state;
    restart_worker(fixture, 2);
    struct test_random random = {.state = 5};
    static struct cf_job jobs[N_AT_ONCE];
    static int n_ends[N_JOBS + 1];
    static int32_t n_tokens[N_JOBS + 1];
    memset(n_ends, 0, sizeof n_ends);
    memset(n_tokens, 0, sizeof n_tokens);
    const int32_t eos = TINY_EOS;
    uint64_t n_done = 0;
    uint64_t n_submitted = 0;
    while (n_done < N_JOBS) {
        if (n_submitted < N_JOBS && n_submitted - n_done < N_AT_ONCE &&
            test_random_below(&random, 3) > 0) {
            struct cf_job *job = &jobs[n_submitted % N_AT_ONCE];
            cf_ids_release(&job->ids);
            *job = job_of("abcdefghijklmnop", 1 + (int32_t)test_random_below(&random, 6));
            cf_ids_truncate(&job->ids, 1 + test_random_below(&random, 16));
            job->sampling.temperature = 0.5 * (double)test_random_below(&random, 4);
            job->kind = test_random_below(&random, 4) == 0 ? CF_JOB_EVALUATE : CF_JOB_GENERATE;
            job->n_alternatives = 1 + (int32_t)test_random_below(&random, 3);
            job->seed = n_submitted;
            job->stop_ids = &eos;
            job->n_stop_ids = 1;
            assert_int_equal(cf_worker_submit(fixture->worker, job), ++n_submitted);
        }
        struct cf_sampling sampling = CF_SAMPLING_INIT;
        sampling.temperature = (double)test_random_below(&random, 3);
        switch (test_random_below(&random, 12)) {
        case 0:
            cf_worker_cancel(fixture->worker, n_done + test_random_below(&random, 3));
            break;
        case 1:
        case 2:
            cf_worker_turn(fixture->worker, n_done + 1, &sampling);
            break;
        case 3:
            cf_worker_pause(fixture->worker, n_done + 1);
            cf_worker_step(fixture->worker, n_done + 1, (int32_t)test_random_below(&random, 300));
            break;
        default:
            cf_worker_resume(fixture->worker, n_done + 1);
            break;
        }
        if (n_submitted - n_done == N_AT_ONCE) {
            struct pollfd fd = {.fd = cf_wake_fd(&fixture->wake), .events = POLLIN};
            (void)poll(&fd, 1, 1);
            (void)cf_wake_clear(&fixture->wake);
        }
        const struct cf_batch *batch = cf_worker_take(fixture->worker);
        for (size_t i = 0; i < batch->n_events; i++) {
            const struct cf_event *event = &batch->events[i];
            if (event->job == 0) {
                continue;
            }
            /* Nothing after the end, nothing before the end of the job before. */
            assert_int_equal(n_ends[event->job], 0);
            assert_int_equal(event->job, n_done + 1);
            n_tokens[event->job] += event->kind == CF_EVENT_TOKEN;
            if (event->kind == CF_EVENT_END) {
                n_ends[event->job]++;
                assert_int_equal(event->u.end.n_tokens, n_tokens[event->job]);
                assert_int_not_equal(event->reason, CF_END_NONE);
                assert_int_not_equal(event->reason, CF_END_ERROR);
                n_done++;
            }
        }
    }
    for (int i = 1; i <= N_JOBS; i++) {
        assert_int_equal(n_ends[i], 1);
    }
    for (int i = 0; i < N_AT_ONCE; i++) {
        cf_ids_release(&jobs[i].ids);
        jobs[i] = (struct cf_job){.kind = CF_JOB_GENERATE};
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(worker__knobs__act_from_the_token_that_is_told),
        TEST(worker__knobs__hold_for_the_waves_that_follow),
        TEST(worker__knobs__wait_with_the_job_they_are_for),
        TEST(worker__resume__is_told_in_the_middle_of_a_step),
        TEST(worker__pace__keeps_no_order_waiting),
        TEST(worker__pace__changes_no_token),
        TEST(worker__times__leave_out_what_was_held),
        TEST(worker__pause__turns_recut_and_steps_take_what_is_chosen),
        TEST(worker__cancel__keeps_what_there_is),
        TEST(worker__evaluate__leaves_only_what_is_new),
        TEST(worker__evaluate__gives_way_to_anything_newer),
        TEST(worker__free__while_a_job_runs_and_others_wait),
        TEST(worker__many_jobs__one_end_each),
    };
    return cmocka_run_group_tests_name("worker orders", tests, NULL, NULL);
}
