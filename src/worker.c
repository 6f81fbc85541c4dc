/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread, its queue and its orders.  Batches: worker_batch.c; jobs: worker_job.c; the decoding
 * of a reply: worker_reply.c. */
#include "worker.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem.h"
#include "thread.h"
#include "worker_private.h"

static enum cf_dtype kv_type_of(const struct cf_worker *worker)
{
    if (worker->params.has_kv_type) {
        return worker->params.kv_type;
    }
    return worker->model->dtype == CF_F32 ? CF_F32 : CF_F16;
}

static enum cf_code open_files(struct cf_worker *worker, struct cf_err *err)
{
    if (worker->model_path == NULL) {
        worker->model = worker->params.model;
        worker->tokenizer = worker->params.tokenizer;
        return CF_OK;
    }
    enum cf_code code =
        worker->params.has_dtype
            ? cf_model_open_as(&worker->owned_model, worker->model_path, worker->params.dtype, err)
            : cf_model_open(&worker->owned_model, worker->model_path, err);
    if (code == CF_OK) {
        code = cf_tokenizer_open(&worker->owned_tokenizer, worker->model_path, err);
    }
    worker->model = worker->owned_model;
    worker->tokenizer = worker->owned_tokenizer;
    return code;
}

static enum cf_code load(struct cf_worker *worker, struct cf_err *err)
{
    enum cf_code code = open_files(worker, err);
    if (code != CF_OK) {
        return code;
    }
    int32_t n_vocab = cf_tokenizer_n_vocab(worker->tokenizer);
    code = cf_tokenizer_check_model(worker->tokenizer, worker->model->n_vocab, worker->model->name,
                                    err);
    if (code != CF_OK) {
        return code;
    }
    for (int32_t id = 0; id < n_vocab; id++) {
        size_t size = 0;
        (void)cf_tokenizer_piece(worker->tokenizer, id, &size);
        worker->piece_size_max = size > worker->piece_size_max ? size : worker->piece_size_max;
    }
    code = cf_pool_new(&worker->pool, worker->params.n_threads, err);
    if (code != CF_OK) {
        return code;
    }
    worker->kv_type = kv_type_of(worker);
    const struct cf_session_params params = {.n_ctx = worker->params.n_ctx,
                                             .kv_type = worker->kv_type,
                                             .n_branches = CF_WORKER_BATCH_MAX};
    code = cf_session_new(&worker->session, worker->model, worker->pool, &params, err);
    if (code != CF_OK) {
        return code;
    }
    worker->n_ctx = cf_session_n_ctx(worker->session);
    worker->sampler = cf_sampler_new(worker->model->n_vocab);
    return CF_OK;
}

static void unload(struct cf_worker *worker)
{
    cf_sampler_free(worker->sampler);
    cf_session_free(worker->session);
    cf_pool_free(worker->pool);
    cf_tokenizer_free(worker->owned_tokenizer);
    cf_model_free(worker->owned_model);
}

/* The next job, waiting for it; NULL when the worker is to quit. */
static struct cf_job *next_job(struct cf_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    while (worker->first == NULL && !atomic_load(&worker->quits)) {
        pthread_cond_wait(&worker->changed, &worker->mutex);
    }
    struct cf_job *job = atomic_load(&worker->quits) ? NULL : worker->first;
    if (job != NULL) {
        worker->first = job->next;
        if (worker->first == NULL) {
            worker->last = &worker->first;
        }
    }
    pthread_mutex_unlock(&worker->mutex);
    return job;
}

static void *run(void *arg)
{
    struct cf_worker *worker = arg;
    struct cf_err err = CF_ERR_INIT;
    struct cf_event event = {.kind = CF_EVENT_LOADED};
    event.code = load(worker, &err);
    if (event.code != CF_OK) {
        event.kind = CF_EVENT_LOAD_FAILED;
        worker->load_err = err;
    }
    size_t text_size = strlen(err.text);
    cf_worker_reserve(worker, (struct cf_batch_bound){.n_events = 1, .text_size = text_size});
    cf_worker_emit(worker, &event, err.text, text_size);
    struct cf_job *job;
    while ((job = next_job(worker)) != NULL) {
        worker->running = job;
        if (worker->load_err.code != CF_OK) {
            cf_worker_end_unbegun(worker, job, CF_END_ERROR, &worker->load_err);
        } else if (cf_worker_is_interrupted(worker)) {
            cf_worker_end_unbegun(worker, job, CF_END_CANCELLED, NULL);
        } else {
            cf_worker_do(worker, job);
        }
    }
    unload(worker);
    return NULL;
}

bool cf_worker_is_interrupted(void *arg)
{
    const struct cf_worker *worker = arg;
    const struct cf_job *job = worker->running;
    return atomic_load_explicit(&worker->cancelled_to, memory_order_relaxed) >= job->number ||
           atomic_load_explicit(&worker->quits, memory_order_relaxed) ||
           (job->kind != CF_JOB_GENERATE &&
            atomic_load_explicit(&worker->newest, memory_order_relaxed) > job->number);
}

static void free_worker(struct cf_worker *worker)
{
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->changed);
    cf_batch_release(&worker->batches[0]);
    cf_batch_release(&worker->batches[1]);
    free(worker->model_path);
    free(worker);
}

enum cf_code cf_worker_new(struct cf_worker **worker, const struct cf_worker_params *params,
                           struct cf_err *err)
{
    struct cf_worker *made = cf_calloc(1, sizeof *made);
    made->params = *params;
    made->model_path = params->model_path != NULL ? cf_strdup(params->model_path) : NULL;
    made->last = &made->first;
    made->batches[0].text = CF_BUF_INIT;
    made->batches[1].text = CF_BUF_INIT;
    made->in = &made->batches[0];
    made->out = &made->batches[1];
    made->load_err = CF_ERR_INIT;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&made->changed, &clock);
    pthread_condattr_destroy(&clock);
    int failure = cf_thread_start(&made->thread, run, made);
    if (failure != 0) {
        free_worker(made);
        return cf_err_set_errno(err, failure, "cannot start the thread that runs the model");
    }
    *worker = made;
    return CF_OK;
}

/* Lets the thread look again at what has changed. */
static void tell(struct cf_worker *worker)
{
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

void cf_worker_free(struct cf_worker *worker)
{
    if (worker == NULL) {
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    atomic_store(&worker->quits, true);
    tell(worker);
    pthread_join(worker->thread, NULL);
    free_worker(worker);
}

uint64_t cf_worker_submit(struct cf_worker *worker, struct cf_job *job)
{
    job->number = ++worker->next_number;
    job->next = NULL;
    pthread_mutex_lock(&worker->mutex);
    *worker->last = job;
    worker->last = &job->next;
    atomic_store(&worker->newest, job->number);
    if (job->starts_paused) {
        worker->n_steps = 0;
        worker->resumes = false;
        atomic_store(&worker->held_job, job->number);
    }
    tell(worker);
    return worker->next_number;
}

void cf_worker_cancel(struct cf_worker *worker, uint64_t number)
{
    pthread_mutex_lock(&worker->mutex);
    if (atomic_load(&worker->cancelled_to) < number) {
        atomic_store(&worker->cancelled_to, number);
    }
    tell(worker);
}

uint32_t cf_worker_turn(struct cf_worker *worker, uint64_t number,
                        const struct cf_sampling *sampling)
{
    pthread_mutex_lock(&worker->mutex);
    worker->knobs_job = number;
    worker->knobs = *sampling;
    uint32_t version = atomic_load(&worker->knobs_version) + 1;
    atomic_store(&worker->knobs_version, version);
    tell(worker);
    return version;
}

void cf_worker_set_pace(struct cf_worker *worker, double tokens_per_second)
{
    pthread_mutex_lock(&worker->mutex);
    atomic_store(&worker->pace, tokens_per_second);
    tell(worker);
}

void cf_worker_pause(struct cf_worker *worker, uint64_t number)
{
    pthread_mutex_lock(&worker->mutex);
    worker->resumes = false;
    if (atomic_load(&worker->held_job) != number) {
        worker->n_steps = 0;
        atomic_store(&worker->held_job, number);
    }
    tell(worker);
}

void cf_worker_resume(struct cf_worker *worker, uint64_t number)
{
    pthread_mutex_lock(&worker->mutex);
    if (atomic_load(&worker->held_job) == number) {
        worker->resumes = worker->n_steps > 0;
        if (!worker->resumes) {
            atomic_store(&worker->held_job, 0);
        }
    }
    tell(worker);
}

void cf_worker_step(struct cf_worker *worker, uint64_t number, int32_t forced)
{
    pthread_mutex_lock(&worker->mutex);
    if (atomic_load(&worker->held_job) == number && worker->n_steps < CF_WORKER_STEPS_MAX) {
        worker->steps[worker->n_steps++] = forced;
    }
    tell(worker);
}

const struct cf_model *cf_worker_model(const struct cf_worker *worker)
{
    return worker->is_loaded ? worker->model : NULL;
}

const struct cf_tokenizer *cf_worker_tokenizer(const struct cf_worker *worker)
{
    return worker->is_loaded ? worker->tokenizer : NULL;
}

int32_t cf_worker_n_ctx(const struct cf_worker *worker)
{
    return worker->is_loaded ? worker->n_ctx : 0;
}

enum cf_dtype cf_worker_kv_type(const struct cf_worker *worker)
{
    return worker->is_loaded ? worker->kv_type : CF_F32;
}
