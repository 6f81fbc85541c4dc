/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker with a tiny model, and what came of a job. */
#ifndef WORKER_HARNESS_H
#define WORKER_HARNESS_H

#include "tiny_model.h"

#include <poll.h>
#include <stdio.h>

#include "mem.h"
#include "texts.h"
#include "worker.h"

enum { EVENTS_MAX = 4096, REPLIES_MAX = 16 };

/* What came of a job. */
struct outcome {
    int32_t ids[REPLIES_MAX][EVENTS_MAX];
    int32_t n_ids[REPLIES_MAX];
    struct cf_buf text[REPLIES_MAX];
    enum cf_end_reason reasons[REPLIES_MAX];
    int32_t n_text_tokens[REPLIES_MAX];
    size_t n_runs;
    struct cf_eval_run runs[64]; /* of alternative 0 */
    int n_ends, n_finished, n_started, n_built, n_knobs, n_paused, n_resumed;
    int32_t knobs_index;
    uint32_t knobs_version;
    int32_t paused_index;
    int32_t paused_id;
    enum cf_end_reason reason;
    struct cf_err err;
    int32_t n_reused, n_evaluated;
    double tokens_per_second;
    struct cf_times times[REPLIES_MAX];
};

struct fixture {
    char *folder;
    struct cf_model *model;
    struct cf_tokenizer *tokenizer;
    struct cf_wake wake;
    struct cf_worker *worker;
    bool is_plain; /* the next worker started makes no guesses */
    struct outcome outcome;
    enum cf_end_reason reasons[64]; /* of every job, by its number */
};

static inline struct cf_model *open_model(const char *folder)
{
    struct cf_model *model = NULL;
    struct cf_err err = CF_ERR_INIT;
    if (cf_model_open(&model, folder, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    return model;
}

static inline void start_worker(struct fixture *fixture, int n_threads)
{
    const struct cf_worker_params params = {.model = fixture->model,
                                            .tokenizer = fixture->tokenizer,
                                            .guesses = !fixture->is_plain,
                                            .n_threads = n_threads,
                                            .wake = &fixture->wake};
    assert_int_equal(cf_worker_new(&fixture->worker, &params, NULL), CF_OK);
}

static inline void restart_worker(struct fixture *fixture, int n_threads)
{
    cf_worker_free(fixture->worker);
    start_worker(fixture, n_threads);
}

static inline int set_up(void **state)
{
    struct fixture *fixture = cf_calloc(1, sizeof *fixture);
    const struct tiny_spec spec = {.seed = 11};
    fixture->folder = tiny_model_write(&spec);
    fixture->model = open_model(fixture->folder);
    assert_int_equal(cf_tokenizer_open(&fixture->tokenizer, fixture->folder, NULL), CF_OK);
    assert_int_equal(cf_wake_open(&fixture->wake, NULL), CF_OK);
    start_worker(fixture, 1);
    *state = fixture;
    return 0;
}

static inline void clear_outcome(struct outcome *outcome)
{
    for (int i = 0; i < REPLIES_MAX; i++) {
        cf_buf_release(&outcome->text[i]);
    }
    memset(outcome, 0, sizeof *outcome);
    for (int i = 0; i < REPLIES_MAX; i++) {
        outcome->text[i] = CF_BUF_INIT;
    }
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    cf_worker_free(fixture->worker);
    cf_wake_close(&fixture->wake);
    cf_tokenizer_free(fixture->tokenizer);
    cf_model_free(fixture->model);
    tiny_model_remove(fixture->folder);
    clear_outcome(&fixture->outcome);
    free(fixture);
    return 0;
}

static inline void add_ids(struct cf_ids *ids, const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        cf_ids_add(ids, (unsigned char)text[i]);
    }
}

static inline void wait_for_news(struct fixture *fixture)
{
    struct pollfd fd = {.fd = cf_wake_fd(&fixture->wake), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 20000), 1);
    (void)cf_wake_clear(&fixture->wake);
}

static inline void take_event(struct outcome *outcome, const struct cf_batch *batch,
                              const struct cf_event *event)
{
    int32_t j = event->alternative;
    cf_buf_add(&outcome->text[j], batch->text.data + event->text_offset,
               event->kind == CF_EVENT_END ? 0 : event->text_size);
    switch (event->kind) {
    case CF_EVENT_LOADED:
    case CF_EVENT_LOAD_FAILED:
    case CF_EVENT_PREFIX:
        break;
    case CF_EVENT_BUILT:
        outcome->n_built++;
        break;
    case CF_EVENT_STARTED:
        outcome->n_started++;
        outcome->n_reused = event->u.started.n_reused;
        outcome->n_evaluated = event->u.started.n_evaluated;
        break;
    case CF_EVENT_TOKEN:
        assert_true(outcome->n_ids[j] < EVENTS_MAX);
        outcome->ids[j][outcome->n_ids[j]++] = event->u.choice.id;
        break;
    case CF_EVENT_KNOBS:
        outcome->n_knobs++;
        outcome->knobs_index = event->index;
        outcome->knobs_version = event->u.knobs.version;
        break;
    case CF_EVENT_PAUSED:
        outcome->n_paused++;
        outcome->paused_index = event->index;
        outcome->paused_id = event->u.choice.id;
        break;
    case CF_EVENT_RESUMED:
        outcome->n_resumed++;
        break;
    case CF_EVENT_FINISHED:
        outcome->n_finished++;
        outcome->reasons[j] = event->reason;
        outcome->times[j] = event->u.finished.times;
        outcome->n_text_tokens[j] = event->u.finished.n_text_tokens;
        if (j == 0) {
            outcome->n_runs = event->n_runs;
            assert_true(outcome->n_runs <= CF_ARRAY_SIZE(outcome->runs));
            memcpy(outcome->runs, batch->runs + event->runs_offset,
                   outcome->n_runs * sizeof outcome->runs[0]);
        }
        break;
    case CF_EVENT_END:
        outcome->n_ends++;
        outcome->reason = event->reason;
        outcome->tokens_per_second = event->u.end.times.tokens_per_second;
        if (event->reason == CF_END_ERROR) {
            cf_err_set(&outcome->err, event->code, "%.*s", (int)event->text_size,
                       batch->text.data + event->text_offset);
        }
        break;
    }
}

/* Takes what there is; true once the job has ended. */
static inline bool take_some(struct fixture *fixture, uint64_t number)
{
    const struct cf_batch *batch = cf_worker_take(fixture->worker);
    for (size_t i = 0; i < batch->n_events; i++) {
        if (batch->events[i].kind == CF_EVENT_END) {
            fixture->reasons[batch->events[i].job % CF_ARRAY_SIZE(fixture->reasons)] =
                batch->events[i].reason;
        }
        if (batch->events[i].job == number) {
            assert_int_equal(fixture->outcome.n_ends, 0);
            take_event(&fixture->outcome, batch, &batch->events[i]);
        }
    }
    return fixture->outcome.n_ends > 0;
}

static inline struct outcome *finish(struct fixture *fixture, uint64_t number)
{
    while (!take_some(fixture, number)) {
        wait_for_news(fixture);
    }
    return &fixture->outcome;
}

/* Why job NUMBER ended, which no outcome is wanted of. */
static inline enum cf_end_reason reason_of(struct fixture *fixture, uint64_t number)
{
    while (fixture->reasons[number] == CF_END_NONE) {
        (void)take_some(fixture, 0);
        if (fixture->reasons[number] == CF_END_NONE) {
            wait_for_news(fixture);
        }
    }
    return fixture->reasons[number];
}

static inline struct outcome *run_job(struct fixture *fixture, struct cf_job *job)
{
    clear_outcome(&fixture->outcome);
    return finish(fixture, cf_worker_submit(fixture->worker, job));
}

/* Greedy, to be changed. */
static inline struct cf_job job_of(const char *prompt, int32_t max_tokens)
{
    struct cf_job job = {
        .kind = CF_JOB_GENERATE, .max_tokens = max_tokens, .sampling = CF_SAMPLING_INIT};
    job.sampling.temperature = 0;
    add_ids(&job.ids, prompt);
    return job;
}

/* Waits until the reply has N tokens or has ended. */
static inline void wait_for_tokens(struct fixture *fixture, uint64_t number, int32_t n)
{
    while (!take_some(fixture, number) && fixture->outcome.n_ids[0] < n) {
        wait_for_news(fixture);
    }
}

/* Waits until the reply holds before token INDEX. */
static inline void wait_for_pause(struct fixture *fixture, uint64_t number, int32_t index)
{
    while (fixture->outcome.n_paused == 0 || fixture->outcome.paused_index != index) {
        assert_false(take_some(fixture, number));
        if (fixture->outcome.n_paused == 0 || fixture->outcome.paused_index != index) {
            wait_for_news(fixture);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
