/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two batches: the worker fills one while the front reads the other. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "worker_private.h"

void cf_batch_release(struct cf_batch *batch)
{
    free(batch->events);
    cf_buf_release(&batch->text);
    free(batch->runs);
    *batch = (struct cf_batch){.text = CF_BUF_INIT};
}

static bool has_room(const struct cf_batch *batch, const struct cf_batch_bound *bound)
{
    return batch->events_capacity - batch->n_events >= bound->n_events &&
           batch->runs_capacity - batch->n_runs >= bound->n_runs &&
           batch->text.capacity > batch->text.size + bound->text_size;
}

/* An empty batch with room for what WITH holds and for BOUND more. */
static struct cf_batch batch_with_room(const struct cf_batch_bound *with,
                                       const struct cf_batch_bound *bound)
{
    struct cf_batch batch = {.text = CF_BUF_INIT};
    batch.events_capacity = with->n_events + bound->n_events;
    batch.events = cf_calloc(batch.events_capacity, sizeof batch.events[0]);
    batch.runs_capacity = with->n_runs + bound->n_runs;
    batch.runs = cf_calloc(batch.runs_capacity, sizeof batch.runs[0]);
    cf_buf_reserve(&batch.text, with->text_size + bound->text_size);
    return batch;
}

static struct cf_batch_bound contents(const struct cf_batch *batch)
{
    return (struct cf_batch_bound){
        .n_events = batch->n_events, .text_size = batch->text.size, .n_runs = batch->n_runs};
}

/* Moves what FROM holds behind what TO holds, which is nothing. */
static void copy_batch(struct cf_batch *to, const struct cf_batch *from)
{
    if (from->n_events > 0) {
        memcpy(to->events, from->events, from->n_events * sizeof from->events[0]);
    }
    if (from->n_runs > 0) {
        memcpy(to->runs, from->runs, from->n_runs * sizeof from->runs[0]);
    }
    to->n_events = from->n_events;
    to->n_runs = from->n_runs;
    cf_buf_add(&to->text, from->text.data, from->text.size);
}

void cf_worker_reserve(struct cf_worker *worker, struct cf_batch_bound bound)
{
    pthread_mutex_lock(&worker->mutex);
    worker->bound = bound;
    while (!has_room(worker->in, &bound)) {
        /* Memory is taken outside the mutex; meanwhile the front may have swapped. */
        struct cf_batch_bound with = contents(worker->in);
        pthread_mutex_unlock(&worker->mutex);
        struct cf_batch grown = batch_with_room(&with, &bound);
        pthread_mutex_lock(&worker->mutex);
        struct cf_batch_bound now = contents(worker->in);
        if (now.n_events <= with.n_events && !has_room(worker->in, &bound)) {
            copy_batch(&grown, worker->in);
            struct cf_batch old = *worker->in;
            *worker->in = grown;
            grown = old;
        }
        pthread_mutex_unlock(&worker->mutex);
        cf_batch_release(&grown);
        pthread_mutex_lock(&worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
}

/* Under the mutex. */
static struct cf_event *append(struct cf_batch *batch, const struct cf_event *event,
                               const void *text, size_t text_size)
{
    assert(batch->n_events < batch->events_capacity);
    assert(batch->text.capacity > batch->text.size + text_size);
    struct cf_event *added = &batch->events[batch->n_events++];
    *added = *event;
    added->text_offset = batch->text.size;
    added->text_size = text_size;
    cf_buf_add(&batch->text, text, text_size);
    return added;
}

void cf_worker_emit(struct cf_worker *worker, const struct cf_event *event, const void *text,
                    size_t text_size)
{
    pthread_mutex_lock(&worker->mutex);
    bool was_empty = worker->in->n_events == 0;
    append(worker->in, event, text, text_size);
    pthread_mutex_unlock(&worker->mutex);
    if (was_empty) {
        cf_wake_signal(worker->params.wake);
    }
}

void cf_worker_emit_with_runs(struct cf_worker *worker, const struct cf_event *event,
                              const struct cf_buf *text, const struct cf_eval_run *runs,
                              size_t n_runs)
{
    pthread_mutex_lock(&worker->mutex);
    struct cf_batch *batch = worker->in;
    bool was_empty = batch->n_events == 0;
    struct cf_event *added = append(batch, event, text->data, text->size);
    assert(batch->n_runs + n_runs <= batch->runs_capacity);
    added->runs_offset = batch->n_runs;
    added->n_runs = n_runs;
    if (n_runs > 0) {
        memcpy(batch->runs + batch->n_runs, runs, n_runs * sizeof runs[0]);
        batch->n_runs += n_runs;
    }
    pthread_mutex_unlock(&worker->mutex);
    if (was_empty) {
        cf_wake_signal(worker->params.wake);
    }
}

static bool is_of_a_pause(enum cf_event_kind kind)
{
    return kind == CF_EVENT_KNOBS || kind == CF_EVENT_PAUSED || kind == CF_EVENT_RESUMED;
}

void cf_worker_emit_replacing(struct cf_worker *worker, const struct cf_event *event)
{
    pthread_mutex_lock(&worker->mutex);
    struct cf_batch *batch = worker->in;
    bool was_empty = batch->n_events == 0;
    struct cf_event *older = NULL;
    for (size_t i = batch->n_events; i > 0 && older == NULL; i--) {
        struct cf_event *candidate = &batch->events[i - 1];
        if (candidate->job != event->job || !is_of_a_pause(candidate->kind)) {
            break;
        }
        if (candidate->kind == event->kind && candidate->alternative == event->alternative) {
            older = candidate;
        }
    }
    if (older != NULL) {
        *older = *event;
    } else {
        append(batch, event, "", 0);
    }
    pthread_mutex_unlock(&worker->mutex);
    if (was_empty) {
        cf_wake_signal(worker->params.wake);
    }
}

const struct cf_batch *cf_worker_take(struct cf_worker *worker)
{
    struct cf_batch *batch = worker->out;
    batch->n_events = 0;
    batch->n_runs = 0;
    cf_buf_clear(&batch->text);
    pthread_mutex_lock(&worker->mutex);
    while (!has_room(batch, &worker->bound)) {
        struct cf_batch_bound bound = worker->bound;
        pthread_mutex_unlock(&worker->mutex);
        cf_batch_release(batch);
        *batch = batch_with_room(&(struct cf_batch_bound){0}, &bound);
        pthread_mutex_lock(&worker->mutex);
    }
    worker->out = worker->in;
    worker->in = batch;
    pthread_mutex_unlock(&worker->mutex);
    for (size_t i = 0; i < worker->out->n_events; i++) {
        worker->is_loaded |= worker->out->events[i].kind == CF_EVENT_LOADED;
    }
    return worker->out;
}
