/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread that carries files in and out, through a connection of its own for each. */
#include "clock.h"
#include "storage_private.h"

enum { PROGRESS_MS = 500 };

struct port {
    struct cf_storage *storage;
    const struct cf_storage_job *job;
    int64_t told_ms;
};

/* The next job; NULL at the end. */
static struct cf_storage_job *next_port(struct cf_storage *storage)
{
    (void)pthread_mutex_lock(&storage->mutex);
    while (!storage->is_ending && (storage->ports.first == NULL ||
                                   (!storage->ports.first->is_cancelled &&
                                    cf_storage_must_wait(storage, storage->ports.first)))) {
        (void)pthread_cond_wait(&storage->news, &storage->mutex);
    }
    struct cf_storage_job *job = storage->is_ending ? NULL : cf_storage_queue_pop(&storage->ports);
    if (job != NULL) {
        storage->porting = job;
        atomic_store(&storage->porter_cancel, job->is_cancelled);
    }
    (void)pthread_mutex_unlock(&storage->mutex);
    return job;
}

static bool tell(void *context, int64_t n_done, int64_t n_all)
{
    struct port *port = context;
    struct cf_storage *storage = port->storage;
    const int64_t now_ms = cf_clock_ms();
    if (n_all > 0 && now_ms - port->told_ms >= PROGRESS_MS) {
        port->told_ms = now_ms;
        const struct cf_storage_event event = {.kind = CF_STORAGE_PROGRESS,
                                               .job = port->job->number,
                                               .count = n_done < n_all ? n_done * 100 / n_all : 100,
                                               .text = cf_strdup(port->job->text)};
        (void)pthread_mutex_lock(&storage->mutex);
        cf_storage_emit(storage, &event);
        (void)pthread_mutex_unlock(&storage->mutex);
    }
    return !atomic_load(&storage->porter_cancel);
}

static enum cf_code export_one(struct port *port, struct cf_store *store,
                               struct cf_storage_event *event)
{
    if (!cf_storage_resolve(port->storage, &event->conversation)) {
        return cf_err_set(&event->err, CF_ERR_NOT_FOUND,
                          "the conversation could not be stored, and so not be exported");
    }
    const struct cf_export_spec spec = {.format = port->job->format,
                                        .ids = &event->conversation,
                                        .n_ids = 1,
                                        .on_progress = tell,
                                        .context = port};
    return cf_export_file(&event->exported, store, &spec, port->job->text, false, &event->err);
}

static enum cf_code import_one(struct port *port, struct cf_store *store,
                               struct cf_storage_event *event)
{
    const struct cf_import_options options = {.on_progress = tell, .context = port};
    return cf_import_file(&event->imported, store, port->job->text, &options, &event->err);
}

static void port_one(struct cf_storage *storage, struct cf_storage_job *job)
{
    struct port port = {.storage = storage, .job = job, .told_ms = cf_clock_ms()};
    struct cf_storage_event event = {.kind = job->kind,
                                     .job = job->number,
                                     .conversation = job->conversation,
                                     .text = cf_strdup(job->text)};
    struct cf_store *store = NULL;
    struct cf_store_options options = storage->options;
    options.is_read_only = job->kind == CF_STORAGE_EXPORT;
    if (atomic_load(&storage->porter_cancel)) {
        event.code = cf_err_set(&event.err, CF_ERR_CANCELLED, "cancelled");
    } else if (storage->open_err.code != CF_OK) {
        event.err = storage->open_err;
        event.code = event.err.code;
    } else {
        event.code = cf_store_open(&store, storage->path, &options, &event.err);
    }
    if (event.code == CF_OK) {
        cf_store_set_cancel(store, &storage->porter_cancel);
        event.code = job->kind == CF_STORAGE_EXPORT ? export_one(&port, store, &event)
                                                    : import_one(&port, store, &event);
    }
    cf_store_close(store);
    (void)pthread_mutex_lock(&storage->mutex);
    storage->porting = NULL;
    cf_storage_emit(storage, &event);
    (void)pthread_mutex_unlock(&storage->mutex);
    cf_storage_job_free(job);
}

void *cf_storage_port_loop(void *arg)
{
    struct cf_storage *storage = arg;
    for (struct cf_storage_job *job; (job = next_port(storage)) != NULL;) {
        port_one(storage, job);
    }
    return NULL;
}
