/* SPDX-License-Identifier: GPL-3.0-or-later */
/* storage_private: what the files of storage share.
 *
 * Everything in struct cf_storage above the line is constant while the threads run or has its own
 * owner; below it, the mutex guards it, which is never held while the store works. */
#ifndef CF_STORAGE_PRIVATE_H
#define CF_STORAGE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "storage.h"

enum { CF_STORAGE_RECOVER_MS = 60000 };

/* One job, its arguments copied into the arena.  Ids are as the front gave them, perhaps reserved.
 */
struct cf_storage_job {
    struct cf_storage_job *next;
    struct cf_arena arena;
    enum cf_storage_kind kind;
    uint64_t number;
    uint64_t covers; /* the oldest save that this one took the place of, else its own number */
    uint64_t after;  /* of a read: the writes that it must see */
    bool is_cancelled;

    int64_t self;       /* reserved for what it makes, the first of n */
    size_t n;           /* of replies; else 1 */
    int64_t self_first; /* of a conversation's first message */
    bool has_first;
    int64_t id, conversation, parent; /* what it is about */
    bool flag;
    int step;
    size_t limit, cursor, size;
    const char *text;
    struct cf_conversation_spec spec;
    struct cf_conversation_change change;
    struct cf_message_spec message;
    struct cf_reply_spec reply;
    struct cf_reply_state state;
    enum cf_message_state end_state;
    enum cf_end_reason reason;
    struct cf_list_query query;
    struct cf_conversation after_item;
    struct cf_search search;
    struct cf_digest digest;
    enum cf_export_format format;
};

struct cf_storage_queue {
    struct cf_storage_job *first, **last;
};

struct cf_storage {
    char *path;
    char *vfs;
    const struct cf_wake *front;
    struct cf_store_options options;
    int recover_ms;
    int test_commit_delay_ms;
    pthread_t writer, reader, porter;
    struct cf_wake writer_wake; /* a job, a flush, the end */
    atomic_bool writer_cancel, reader_cancel, porter_cancel;
    /* ---- guarded ---- */
    pthread_mutex_t mutex;
    pthread_cond_t news; /* for reader and porter: a job, a write done, the end */
    pthread_cond_t flushed;
    struct cf_storage_queue writes, reads, ports;
    struct cf_storage_job *writing, *reading, *porting; /* under way, in no queue */
    struct cf_storage_events events;
    uint64_t n_jobs; /* the number last given */
    int64_t *made;   /* [n_reserved]: what reserved id -(i + 1) stands for; 0 not yet, -1 never */
    size_t n_reserved, reserved_capacity;
    struct cf_err open_err; /* why the store could not be opened */
    struct cf_err held_err; /* why writes are held up */
    bool is_open, is_unsynced, is_held_up, is_flushing, is_ending;
    bool has_porter; /* its thread runs and is to be joined */
};

/* ---- Jobs (storage_job.c) ---- */

void cf_storage_queue_init(struct cf_storage_queue *queue);
struct cf_storage_job *cf_storage_queue_pop(struct cf_storage_queue *queue);
void cf_storage_queue_unpop(struct cf_storage_queue *queue, struct cf_storage_job *job);
void cf_storage_job_free(struct cf_storage_job *job);
bool cf_storage_is_read(enum cf_storage_kind kind);
bool cf_storage_is_port(enum cf_storage_kind kind);

/* ---- Doing one (storage_run.c) ---- */

/* Does the job and fills the event, whose err is set on failure.  Runs on the thread of STORE. */
enum cf_code cf_storage_run(struct cf_storage *storage, struct cf_store *store,
                            const struct cf_storage_job *job, struct cf_storage_event *event);

/* ---- Threads (storage.c) ---- */

/* With the mutex: an event for the front. */
void cf_storage_emit(struct cf_storage *storage, const struct cf_storage_event *event);
/* The real id for one that may be reserved; false when it was never made. */
bool cf_storage_resolve(struct cf_storage *storage, int64_t *id);
/* The same with the mutex. */
bool cf_storage_resolve_locked(const struct cf_storage *storage, int64_t *id);
/* Reserved id SELF - i stands for ids[i] from now on; NULL: for nothing. */
void cf_storage_settle(struct cf_storage *storage, int64_t self, const int64_t *ids, size_t n);

/* With the mutex: is a write still under way that JOB, a read or export, must see? */
bool cf_storage_must_wait(const struct cf_storage *storage, const struct cf_storage_job *job);

void *cf_storage_write_loop(void *storage);
/* In storage_port.c. */
void *cf_storage_port_loop(void *storage);
void *cf_storage_read_loop(void *storage);

#endif
