/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storage_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "thread.h"

/* ---- Events ---- */

static void event_release(struct cf_storage_event *event)
{
    free(event->ids);
    free(event->text);
    cf_conversations_release(&event->conversations);
    cf_messages_release(&event->messages);
    cf_hits_release(&event->hits);
    cf_store_stats_release(&event->stats);
    cf_import_report_release(&event->imported);
}

void cf_storage_events_release(struct cf_storage_events *events)
{
    for (size_t i = 0; i < events->n; i++) {
        event_release(&events->items[i]);
    }
    free(events->items);
    *events = (struct cf_storage_events){.n = 0};
}

static void events_reserve(struct cf_storage_events *events, size_t extra)
{
    events->items =
        cf_grow(events->items, events->n, &events->capacity, extra, sizeof *events->items);
}

void cf_storage_emit(struct cf_storage *storage, const struct cf_storage_event *event)
{
    bool was_empty = storage->events.n == 0;
    events_reserve(&storage->events, 1);
    storage->events.items[storage->events.n++] = *event;
    if (was_empty) {
        cf_wake_signal(storage->front);
    }
}

void cf_storage_take(struct cf_storage *storage, struct cf_storage_events *events)
{
    (void)pthread_mutex_lock(&storage->mutex);
    if (events->n == 0) {
        struct cf_storage_events swapped = *events;
        *events = storage->events;
        storage->events = swapped;
    } else {
        events_reserve(events, storage->events.n);
        if (storage->events.n > 0) {
            memcpy(events->items + events->n, storage->events.items,
                   storage->events.n * sizeof *events->items);
        }
        events->n += storage->events.n;
        storage->events.n = 0;
    }
    (void)pthread_mutex_unlock(&storage->mutex);
}

/* ---- Reserved ids ---- */

int64_t cf_storage_reserve(struct cf_storage *storage, size_t n)
{
    (void)pthread_mutex_lock(&storage->mutex);
    storage->made = cf_grow(storage->made, storage->n_reserved, &storage->reserved_capacity, n,
                            sizeof *storage->made);
    int64_t first = -(int64_t)storage->n_reserved - 1;
    for (size_t i = 0; i < n; i++) {
        storage->made[storage->n_reserved++] = 0;
    }
    (void)pthread_mutex_unlock(&storage->mutex);
    return first;
}

bool cf_storage_resolve_locked(const struct cf_storage *storage, int64_t *id)
{
    if (*id >= 0) {
        return true;
    }
    size_t index = (size_t)(-(*id + 1));
    assert(index < storage->n_reserved);
    int64_t made = storage->made[index];
    if (made <= 0) {
        return false;
    }
    *id = made;
    return true;
}

bool cf_storage_resolve(struct cf_storage *storage, int64_t *id)
{
    (void)pthread_mutex_lock(&storage->mutex);
    bool is_made = cf_storage_resolve_locked(storage, id);
    (void)pthread_mutex_unlock(&storage->mutex);
    return is_made;
}

void cf_storage_settle(struct cf_storage *storage, int64_t self, const int64_t *ids, size_t n)
{
    if (self >= 0) {
        return;
    }
    (void)pthread_mutex_lock(&storage->mutex);
    for (size_t i = 0; i < n; i++) {
        size_t index = (size_t)(-(self + 1)) + i;
        assert(index < storage->n_reserved);
        storage->made[index] = ids != NULL ? ids[i] : -1;
    }
    (void)pthread_mutex_unlock(&storage->mutex);
}

/* ---- Beginning and end ---- */

static enum cf_code start_threads(struct cf_storage *storage, struct cf_err *err)
{
    int failed = cf_thread_start(&storage->writer, cf_storage_write_loop, storage);
    if (failed == 0) {
        failed = cf_thread_start(&storage->reader, cf_storage_read_loop, storage);
        if (failed != 0) {
            (void)pthread_mutex_lock(&storage->mutex);
            storage->is_ending = true;
            (void)pthread_mutex_unlock(&storage->mutex);
            atomic_store(&storage->writer_cancel, true);
            cf_wake_signal(&storage->writer_wake);
            (void)pthread_join(storage->writer, NULL);
        }
    }
    return failed == 0 ? CF_OK : cf_err_set_errno(err, failed, "cannot start a thread");
}

static void storage_free(struct cf_storage *storage)
{
    struct cf_storage_queue *queues[] = {&storage->writes, &storage->reads, &storage->ports};
    for (size_t i = 0; i < CF_ARRAY_SIZE(queues); i++) {
        for (struct cf_storage_job *job; (job = cf_storage_queue_pop(queues[i])) != NULL;) {
            cf_storage_job_free(job);
        }
    }
    cf_storage_events_release(&storage->events);
    cf_wake_close(&storage->writer_wake);
    (void)pthread_cond_destroy(&storage->flushed);
    (void)pthread_cond_destroy(&storage->news);
    (void)pthread_mutex_destroy(&storage->mutex);
    free(storage->made);
    free(storage->path);
    free(storage->vfs);
    free(storage);
}

enum cf_code cf_storage_open(struct cf_storage **storage, const struct cf_storage_params *params,
                             struct cf_err *err)
{
    struct cf_storage *made = cf_calloc(1, sizeof *made);
    made->path = cf_strdup(params->path);
    made->options = params->store;
    if (params->store.vfs != NULL) {
        made->vfs = cf_strdup(params->store.vfs);
        made->options.vfs = made->vfs;
    }
    made->front = params->wake;
    made->recover_ms = params->recover_ms > 0 ? params->recover_ms : CF_STORAGE_RECOVER_MS;
    made->test_commit_delay_ms = params->test_commit_delay_ms;
    made->writer_wake = CF_WAKE_INIT;
    cf_storage_queue_init(&made->writes);
    cf_storage_queue_init(&made->reads);
    cf_storage_queue_init(&made->ports);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&made->mutex, NULL);
    (void)pthread_cond_init(&made->news, NULL);
    (void)pthread_cond_init(&made->flushed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    enum cf_code code = cf_wake_open(&made->writer_wake, err);
    if (code == CF_OK) {
        code = start_threads(made, err);
    }
    if (code != CF_OK) {
        storage_free(made);
        return code;
    }
    *storage = made;
    return CF_OK;
}

static bool has_work(const struct cf_storage *storage)
{
    return storage->writes.first != NULL || storage->writing != NULL || storage->is_unsynced;
}

bool cf_storage_is_busy(struct cf_storage *storage)
{
    (void)pthread_mutex_lock(&storage->mutex);
    bool is_busy = has_work(storage) || storage->is_held_up;
    (void)pthread_mutex_unlock(&storage->mutex);
    return is_busy;
}

enum cf_code cf_storage_flush(struct cf_storage *storage, int timeout_ms, struct cf_err *err)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    (void)pthread_mutex_lock(&storage->mutex);
    storage->is_flushing = true;
    cf_wake_signal(&storage->writer_wake);
    int waited = 0;
    while (has_work(storage) && waited == 0) {
        waited = pthread_cond_timedwait(&storage->flushed, &storage->mutex, &until);
    }
    storage->is_flushing = false;
    enum cf_code code = CF_OK;
    if (has_work(storage)) {
        code = storage->is_held_up
                   ? cf_err_set(err, storage->held_err.code, "%s", storage->held_err.text)
                   : cf_err_set(err, CF_ERR_BUSY, "%s: saving takes too long", storage->path);
    }
    (void)pthread_mutex_unlock(&storage->mutex);
    return code;
}

enum cf_code cf_storage_close(struct cf_storage *storage, int timeout_ms, struct cf_err *err)
{
    if (storage == NULL) {
        return CF_OK;
    }
    enum cf_code code = cf_storage_flush(storage, timeout_ms, err);
    (void)pthread_mutex_lock(&storage->mutex);
    storage->is_ending = true;
    (void)pthread_cond_broadcast(&storage->news);
    (void)pthread_mutex_unlock(&storage->mutex);
    atomic_store(&storage->writer_cancel, true);
    atomic_store(&storage->reader_cancel, true);
    atomic_store(&storage->porter_cancel, true);
    cf_wake_signal(&storage->writer_wake);
    if (storage->has_porter) {
        (void)pthread_join(storage->porter, NULL);
    }
    (void)pthread_join(storage->reader, NULL);
    (void)pthread_join(storage->writer, NULL);
    storage_free(storage);
    return code;
}
