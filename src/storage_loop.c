/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two threads: one that writes, one that reads. */
#include "clock.h"
#include "storage_private.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

enum {
    RETRY_MS = 1000,      /* between attempts while writes are held up */
    FLUSH_RETRY_MS = 50,  /* the same while somebody waits for them */
    SYNC_MS = 1500,       /* after a save that was not synced */
    LEFTOVER_MS = 100,    /* between two pieces of a long recovery */
    CHECKPOINT_MS = 2000, /* of rest before the log is moved into the database */
    /* The file is written before the commit can be seen, by as much as a sync takes: after a sign
     * of change one looks again and again, with longer and longer pauses. */
    LOOK_MS = 10,
    LOOK_MS_MAX = 1500
};

static void pause_ms(int ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L};
    while (ms > 0 && nanosleep(&pause, &pause) != 0) {
    }
}

/* What may pass by itself: the disk gets room, another process lets go. */
static bool is_passing(enum cf_code code)
{
    return code == CF_ERR_FULL || code == CF_ERR_BUSY || code == CF_ERR_IO ||
           code == CF_ERR_ACCESS || code == CF_ERR_CANCELLED;
}

/* Whether to keep the job and try it again.  A reply that another process writes, and a purge that
 * has erased but could not empty the log, are answers and no failures. */
static bool is_to_retry(const struct cf_storage_job *job, enum cf_code code)
{
    bool is_answer =
        code == CF_ERR_BUSY && (job->kind == CF_STORAGE_RESUME || job->kind == CF_STORAGE_PURGE);
    return is_passing(code) && !is_answer;
}

/* What the writing thread keeps for itself. */
struct writer {
    struct cf_storage *storage;
    struct cf_store *store; /* NULL: could not be opened */
    int watch_fd;
    int64_t retry_ms;   /* when to try again; 0: nothing to be retried */
    int64_t written_ms; /* when the last write was done that is still in the log; 0: none */
    bool is_flushing;   /* as last seen */
    int64_t look_ms;    /* when to look for changes by others again; 0: not at all */
    int look_pause_ms;
    int64_t recover_ms; /* when to look whether others still live; 0: nobody else writes */
};

/* ---- Held up and resumed ---- */

static void hold_up(struct writer *writer, const struct cf_err *err)
{
    struct cf_storage *storage = writer->storage;
    writer->retry_ms = cf_clock_ms() + (writer->is_flushing ? FLUSH_RETRY_MS : RETRY_MS);
    (void)pthread_mutex_lock(&storage->mutex);
    storage->held_err = *err;
    if (!storage->is_held_up && !storage->is_ending) {
        storage->is_held_up = true;
        const struct cf_storage_event event = {
            .kind = CF_STORAGE_HELD_UP, .code = err->code, .err = *err};
        cf_storage_emit(storage, &event);
        (void)pthread_cond_broadcast(&storage->news); /* reads wait no longer */
    }
    (void)pthread_mutex_unlock(&storage->mutex);
}

/* With the mutex: a write has worked. */
static void go_on(struct writer *writer)
{
    writer->retry_ms = 0;
    if (writer->storage->is_held_up) {
        writer->storage->is_held_up = false;
        const struct cf_storage_event event = {.kind = CF_STORAGE_RESUMED};
        cf_storage_emit(writer->storage, &event);
    }
}

/* ---- Others ---- */

static void tell_changed(struct cf_storage *storage)
{
    const struct cf_storage_event event = {.kind = CF_STORAGE_CHANGED};
    (void)pthread_mutex_lock(&storage->mutex);
    cf_storage_emit(storage, &event);
    (void)pthread_mutex_unlock(&storage->mutex);
}

/* A process that dies says nothing: as long as others write replies, one looks now and then. */
static void mind_others(struct writer *writer)
{
    if (cf_store_has_leftover(writer->store)) {
        writer->recover_ms = cf_clock_ms() + LEFTOVER_MS;
        return;
    }
    bool has_others = cf_store_has_others(writer->store);
    if (!has_others) {
        writer->recover_ms = 0;
    } else if (writer->recover_ms == 0) {
        writer->recover_ms = cf_clock_ms() + writer->storage->recover_ms;
    }
}

/* ---- Writing ---- */

static void open_store(struct writer *writer)
{
    struct cf_storage *storage = writer->storage;
    struct cf_storage_event event = {.kind = CF_STORAGE_OPENED};
    event.code = cf_store_open(&writer->store, storage->path, &storage->options, &event.err);
    if (event.code == CF_OK) {
        cf_store_set_cancel(writer->store, &storage->writer_cancel);
        writer->watch_fd = cf_store_watch_fd(writer->store);
        const char *notice = cf_store_notice(writer->store);
        event.text = notice != NULL ? cf_strdup(notice) : NULL;
        mind_others(writer);
    }
    (void)pthread_mutex_lock(&storage->mutex);
    storage->is_open = true;
    storage->open_err = event.err;
    cf_storage_emit(storage, &event);
    (void)pthread_cond_broadcast(&storage->news);
    (void)pthread_mutex_unlock(&storage->mutex);
}

/* The next job to be written, or NULL: none, or they must wait. */
static struct cf_storage_job *next_write(struct writer *writer)
{
    struct cf_storage *storage = writer->storage;
    (void)pthread_mutex_lock(&storage->mutex);
    int64_t now = cf_clock_ms();
    if (storage->is_flushing && !writer->is_flushing && writer->retry_ms > now) {
        writer->retry_ms = now; /* once more, at once, for the one who waits */
    }
    writer->is_flushing = storage->is_flushing;
    bool is_waiting = writer->retry_ms > now;
    struct cf_storage_job *job =
        is_waiting || storage->is_ending ? NULL : cf_storage_queue_pop(&storage->writes);
    storage->writing = job;
    (void)pthread_mutex_unlock(&storage->mutex);
    return job;
}

/* The job is done: what it made gets its name, the front is told. */
static void done(struct writer *writer, struct cf_storage_job *job, struct cf_storage_event *event)
{
    struct cf_storage *storage = writer->storage;
    bool is_made = event->code == CF_OK || (event->code == CF_ERR_EXISTS && event->id > 0);
    const int64_t *ids = event->n_ids > 0 ? event->ids : &event->id;
    cf_storage_settle(storage, job->self, is_made ? ids : NULL, job->n);
    cf_storage_settle(storage, job->self_first, is_made ? &event->message : NULL, 1);
    bool is_unsynced = writer->store != NULL && cf_store_unsynced_since_ms(writer->store) != 0;
    (void)pthread_mutex_lock(&storage->mutex);
    storage->writing = NULL;
    storage->is_unsynced = is_unsynced;
    if (event->code == CF_OK || event->code == CF_ERR_NOT_FOUND || event->code == CF_ERR_EXISTS) {
        go_on(writer);
    }
    cf_storage_emit(storage, event);
    (void)pthread_cond_broadcast(&storage->news);
    (void)pthread_cond_broadcast(&storage->flushed);
    (void)pthread_mutex_unlock(&storage->mutex);
    cf_storage_job_free(job);
    writer->written_ms = cf_clock_ms();
}

static void write_one(struct writer *writer, struct cf_storage_job *job)
{
    struct cf_storage *storage = writer->storage;
    struct cf_storage_event event;
    if (writer->store == NULL) {
        event = (struct cf_storage_event){.kind = job->kind, .job = job->number};
        event.err = storage->open_err;
        event.code = event.err.code;
        done(writer, job, &event);
        return;
    }
    pause_ms(storage->test_commit_delay_ms);
    enum cf_code code = cf_storage_run(storage, writer->store, job, &event);
    if (!is_to_retry(job, code)) {
        done(writer, job, &event);
        return;
    }
    (void)pthread_mutex_lock(&storage->mutex);
    cf_storage_queue_unpop(&storage->writes, job);
    storage->writing = NULL;
    (void)pthread_mutex_unlock(&storage->mutex);
    hold_up(writer, &event.err);
}

static void sync_store(struct writer *writer)
{
    struct cf_err err = CF_ERR_INIT;
    if (cf_store_sync(writer->store, &err) != CF_OK) {
        hold_up(writer, &err);
        return;
    }
    struct cf_storage *storage = writer->storage;
    (void)pthread_mutex_lock(&storage->mutex);
    storage->is_unsynced = false;
    if (storage->writes.first == NULL) {
        go_on(writer);
    }
    (void)pthread_cond_broadcast(&storage->flushed);
    (void)pthread_mutex_unlock(&storage->mutex);
}

static void recover(struct writer *writer)
{
    int64_t n = 0;
    writer->recover_ms = 0;
    if (cf_store_recover(writer->store, &n, NULL) == CF_OK && n > 0) {
        tell_changed(writer->storage);
    }
    mind_others(writer);
}

static void look_for_changes(struct writer *writer)
{
    if (cf_store_is_changed(writer->store)) {
        tell_changed(writer->storage);
        mind_others(writer);
    }
    writer->look_ms = 0;
    if (writer->look_pause_ms <= LOOK_MS_MAX) {
        writer->look_ms = cf_clock_ms() + writer->look_pause_ms;
        writer->look_pause_ms *= 2;
    }
}

/* What others do.  Returns how long to wait at most. */
static int64_t look_around(struct writer *writer, int64_t now, int64_t wait_ms)
{
    if (writer->look_ms != 0 && writer->look_ms <= now) {
        look_for_changes(writer);
    }
    if (writer->recover_ms != 0 && writer->recover_ms <= now) {
        recover(writer);
    }
    int64_t times[] = {writer->look_ms, writer->recover_ms};
    for (size_t i = 0; i < CF_ARRAY_SIZE(times); i++) {
        if (times[i] != 0 && times[i] - now < wait_ms) {
            wait_ms = times[i] - now;
        }
    }
    return wait_ms;
}

/* What is to be done when no job is: syncing, moving the log.  Returns how long to wait then. */
static int rest(struct writer *writer)
{
    if (writer->store == NULL) {
        return -1;
    }
    struct cf_storage *storage = writer->storage;
    (void)pthread_mutex_lock(&storage->mutex);
    bool is_flushing = storage->is_flushing || storage->is_ending;
    int64_t now = cf_clock_ms();
    if (storage->writes.first == NULL && cf_store_unsynced_since_ms(writer->store) == 0) {
        go_on(writer); /* nothing is left that could be held up */
    }
    (void)pthread_mutex_unlock(&storage->mutex);
    int64_t wait_ms = INT32_MAX;
    int64_t unsynced_ms = cf_store_unsynced_since_ms(writer->store);
    bool is_retry_due = writer->retry_ms <= now;
    if (unsynced_ms != 0 && (is_flushing || now - unsynced_ms >= SYNC_MS) && is_retry_due) {
        sync_store(writer);
        unsynced_ms = cf_store_unsynced_since_ms(writer->store);
    }
    if (unsynced_ms != 0) {
        wait_ms = unsynced_ms + SYNC_MS - now;
    } else if (writer->written_ms != 0 && writer->retry_ms == 0) {
        wait_ms = writer->written_ms + CHECKPOINT_MS - now;
        if (wait_ms <= 0) {
            (void)cf_store_checkpoint(writer->store, NULL);
            writer->written_ms = 0;
            wait_ms = INT32_MAX;
        }
    }
    if (writer->retry_ms != 0) {
        wait_ms = writer->retry_ms - now;
    }
    wait_ms = look_around(writer, now, wait_ms);
    return wait_ms == INT32_MAX ? -1 : wait_ms > 0 ? (int)wait_ms + 1 : 0;
}

static bool is_ending(struct cf_storage *storage)
{
    (void)pthread_mutex_lock(&storage->mutex);
    bool result = storage->is_ending;
    (void)pthread_mutex_unlock(&storage->mutex);
    return result;
}

void *cf_storage_write_loop(void *arg)
{
    struct cf_storage *storage = arg;
    struct writer writer = {.storage = storage, .watch_fd = -1};
    open_store(&writer);
    while (!is_ending(storage)) {
        struct cf_storage_job *job = next_write(&writer);
        if (job != NULL) {
            write_one(&writer, job);
            continue;
        }
        struct pollfd fds[] = {
            {.fd = cf_wake_fd(&storage->writer_wake), .events = POLLIN},
            {.fd = writer.watch_fd, .events = POLLIN},
        };
        int n = poll(fds, writer.watch_fd >= 0 ? 2 : 1, rest(&writer));
        if (n > 0 && fds[0].revents != 0) {
            (void)cf_wake_clear(&storage->writer_wake);
        }
        if (n > 0 && writer.watch_fd >= 0 && fds[1].revents != 0) {
            writer.look_pause_ms = LOOK_MS;
            look_for_changes(&writer);
        }
    }
    cf_store_close(writer.store);
    return NULL;
}

/* ---- Reading ---- */

bool cf_storage_must_wait(const struct cf_storage *storage, const struct cf_storage_job *read)
{
    if (!storage->is_open) {
        return true;
    }
    if (storage->is_held_up) {
        return false;
    }
    if (storage->writing != NULL && storage->writing->covers < read->after) {
        return true;
    }
    for (const struct cf_storage_job *job = storage->writes.first; job != NULL; job = job->next) {
        if (job->covers < read->after) {
            return true;
        }
    }
    return false;
}

/* The next job to be read; NULL at the end. */
static struct cf_storage_job *next_read(struct cf_storage *storage)
{
    (void)pthread_mutex_lock(&storage->mutex);
    while (!storage->is_ending && (storage->reads.first == NULL ||
                                   (!storage->reads.first->is_cancelled &&
                                    cf_storage_must_wait(storage, storage->reads.first)))) {
        (void)pthread_cond_wait(&storage->news, &storage->mutex);
    }
    struct cf_storage_job *job = storage->is_ending ? NULL : cf_storage_queue_pop(&storage->reads);
    if (job != NULL) {
        storage->reading = job;
        atomic_store(&storage->reader_cancel, job->is_cancelled);
    }
    (void)pthread_mutex_unlock(&storage->mutex);
    return job;
}

static void read_one(struct cf_storage *storage, struct cf_store **store,
                     struct cf_storage_job *job)
{
    struct cf_storage_event event = {.kind = job->kind, .job = job->number};
    if (atomic_load(&storage->reader_cancel)) {
        event.code = cf_err_set(&event.err, CF_ERR_CANCELLED, "cancelled");
    } else if (storage->open_err.code != CF_OK) {
        event.err = storage->open_err;
        event.code = event.err.code;
    } else if (*store == NULL) {
        struct cf_store_options options = storage->options;
        options.is_read_only = true;
        event.code = cf_store_open(store, storage->path, &options, &event.err);
        if (event.code == CF_OK) {
            cf_store_set_cancel(*store, &storage->reader_cancel);
        }
    }
    if (event.code == CF_OK) {
        (void)cf_storage_run(storage, *store, job, &event);
    }
    (void)pthread_mutex_lock(&storage->mutex);
    storage->reading = NULL;
    cf_storage_emit(storage, &event);
    (void)pthread_mutex_unlock(&storage->mutex);
    cf_storage_job_free(job);
}

void *cf_storage_read_loop(void *arg)
{
    struct cf_storage *storage = arg;
    struct cf_store *store = NULL;
    for (struct cf_storage_job *job; (job = next_read(storage)) != NULL;) {
        read_one(storage, &store, job);
    }
    cf_store_close(store);
    return NULL;
}
