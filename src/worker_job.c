/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A job from its prompt to its end. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "worker_private.h"

static struct cf_event end_event(const struct cf_job *job, enum cf_end_reason reason,
                                 const struct cf_err *err)
{
    struct cf_event event = {.kind = CF_EVENT_END, .job = job->number, .reason = reason};
    event.code = reason == CF_END_ERROR ? err->code : CF_OK;
    return event;
}

/* The job is no longer the worker's once this has returned. */
static void emit_end(struct cf_worker *worker, const struct cf_event *event,
                     const struct cf_err *err)
{
    const char *sentence = event->reason == CF_END_ERROR ? err->text : "";
    size_t size = strlen(sentence);
    cf_worker_reserve(worker, (struct cf_batch_bound){.n_events = 1, .text_size = size});
    cf_worker_emit(worker, event, sentence, size);
}

void cf_worker_end_unbegun(struct cf_worker *worker, const struct cf_job *job,
                           enum cf_end_reason reason, const struct cf_err *err)
{
    struct cf_event event = end_event(job, reason, err);
    emit_end(worker, &event, err);
}

static enum cf_code build(struct cf_worker *worker, struct cf_job *job, struct cf_err *err)
{
    if (job->build != NULL) {
        const struct cf_worker_engine engine = {
            .model = worker->model,
            .tokenizer = worker->tokenizer,
            .n_ctx = worker->n_ctx,
            .kv_type = worker->kv_type,
            .session = worker->session,
            .branch = CF_WORKER_BATCH_MAX - 1,
            .sampler = worker->sampler,
            .interrupt = {.fn = cf_worker_is_interrupted, .arg = worker}};
        enum cf_code code = job->build(job->arg, &engine, &job->ids, err);
        if (code != CF_OK || job->kind == CF_JOB_CALL) {
            return code;
        }
        const struct cf_event event = {.kind = CF_EVENT_BUILT, .job = job->number};
        cf_worker_reserve(worker, (struct cf_batch_bound){.n_events = 1});
        cf_worker_emit(worker, &event, "", 0);
    }
    if (job->ids.n == 0) {
        return cf_err_set(err, CF_ERR_RANGE, "the prompt is empty");
    }
    if (job->ids.n > (size_t)worker->n_ctx) {
        return cf_err_set(err, CF_ERR_CONTEXT,
                          "the prompt has %zu tokens, the context of %s only %d", job->ids.n,
                          worker->model->name, (int)worker->n_ctx);
    }
    assert(job->n_own <= job->n_prefix && (size_t)job->n_own <= job->ids.n);
    return CF_OK;
}

/* The branch that holds most of what is asked for comes first, the others follow. */
static void order_branches(struct cf_worker *worker, const struct cf_ids *ids,
                           int branches[CF_WORKER_BATCH_MAX])
{
    int best = 0;
    size_t most = 0;
    for (int branch = 0; branch < CF_WORKER_BATCH_MAX; branch++) {
        int32_t n = 0;
        const int32_t *held = cf_session_ids(worker->session, branch, &n);
        size_t common = cf_ids_common_prefix(held, (size_t)n, ids->data, ids->n);
        if (common > most) {
            most = common;
            best = branch;
        }
    }
    branches[0] = best;
    for (int i = 1, branch = 0; branch < CF_WORKER_BATCH_MAX; branch++) {
        if (branch != best) {
            branches[i++] = branch;
        }
    }
}

/* Makes branch hold exactly ids.  *n_reused receives how many of them it held already. */
static enum cf_code evaluate(struct cf_worker *worker, const struct cf_job *job, int branch,
                             int32_t *n_reused, struct cf_err *err)
{
    const struct cf_ids *ids = &job->ids;
    const struct cf_interrupt interrupt = {.fn = cf_worker_is_interrupted, .arg = worker};
    if (job->n_runs > 0) {
        return cf_session_sync_runs(worker->session, branch, ids->data, (int32_t)ids->n, job->runs,
                                    job->n_runs, &interrupt, err);
    }
    return cf_session_sync(worker->session, branch, ids->data, (int32_t)ids->n, &interrupt,
                           n_reused, err);
}

static int32_t n_evaluated(const struct cf_worker *worker, const struct cf_progress *progress)
{
    return (int32_t)(cf_session_counts(worker->session).n_evaluated - progress->n_evaluated_before);
}

static void emit_started(struct cf_worker *worker, const struct cf_job *job, int branch,
                         const struct cf_progress *progress)
{
    struct cf_event event = {.kind = CF_EVENT_STARTED, .job = job->number};
    event.u.started.n_prompt = progress->n_prompt;
    event.u.started.n_reused = progress->n_reused;
    event.u.started.n_evaluated = n_evaluated(worker, progress);
    event.u.started.seconds = cf_clock_s() - progress->began;
    size_t n_runs = 0;
    const struct cf_eval_run *runs = cf_session_runs(worker->session, branch, &n_runs);
    const struct cf_buf no_text = CF_BUF_INIT;
    cf_worker_reserve(worker, (struct cf_batch_bound){.n_events = 1, .n_runs = n_runs});
    cf_worker_emit_with_runs(worker, &event, &no_text, runs, n_runs);
}

static enum cf_code generate(struct cf_worker *worker, const struct cf_job *job,
                             int branches[CF_WORKER_BATCH_MAX], struct cf_progress *progress,
                             struct cf_err *err)
{
    int32_t n = job->n_alternatives > 0 ? job->n_alternatives : 1;
    assert(n <= CF_WORKER_ALTERNATIVES_MAX && job->max_tokens > 0);
    emit_started(worker, job, branches[0], progress);
    enum cf_code code = CF_OK;
    for (int32_t first = 0; first < n && code == CF_OK; first += CF_WORKER_BATCH_MAX) {
        int32_t rest = n - first;
        int32_t n_wave = rest < CF_WORKER_BATCH_MAX ? rest : CF_WORKER_BATCH_MAX;
        if (first > 0) {
            int32_t n_reused = 0;
            code = evaluate(worker, job, branches[0], &n_reused, err);
        }
        if (code == CF_OK) {
            code = cf_worker_wave(worker, job, first, n_wave, branches, progress, err);
        }
    }
    return code;
}

void cf_worker_do(struct cf_worker *worker, struct cf_job *job)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_progress progress = {.began = cf_clock_s()};
    progress.n_evaluated_before = cf_session_counts(worker->session).n_evaluated;
    int branches[CF_WORKER_BATCH_MAX];
    enum cf_code code = build(worker, job, &err);
    if (code == CF_OK && job->kind != CF_JOB_CALL) {
        progress.n_prompt = (int32_t)job->ids.n - job->n_own;
        order_branches(worker, &job->ids, branches);
        code = evaluate(worker, job, branches[0], &progress.n_reused, &err);
    }
    if (code == CF_OK && job->kind == CF_JOB_GENERATE) {
        code = generate(worker, job, branches, &progress, &err);
    }

    enum cf_end_reason reason = job->kind == CF_JOB_GENERATE ? progress.reason : CF_END_DONE;
    if (code != CF_OK) {
        reason = code == CF_ERR_CANCELLED ? CF_END_CANCELLED : CF_END_ERROR;
    }
    struct cf_event event = end_event(job, reason, &err);
    event.u.end.n_tokens = progress.n_tokens;
    event.u.end.n_evaluated = n_evaluated(worker, &progress);
    event.u.end.n_reused = progress.n_reused;
    event.u.end.times =
        cf_worker_times(&progress, progress.first, progress.n_tokens - progress.n_firsts);
    emit_end(worker, &event, &err);
}
