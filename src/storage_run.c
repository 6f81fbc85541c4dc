/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Doing one job with a store. */
#include "storage_private.h"

#include <stdlib.h>
#include <string.h>

static enum cf_code begin_replies(struct cf_storage *storage, struct cf_store *store,
                                  const struct cf_storage_job *job, struct cf_storage_event *event)
{
    struct cf_reply_spec spec = job->reply;
    spec.conversation = event->conversation;
    spec.parent = job->parent;
    (void)cf_storage_resolve(storage, &spec.parent);
    int64_t *ids = cf_calloc(job->n, sizeof *ids);
    enum cf_code code = cf_store_reply_begin(ids, job->n, store, &spec, &event->err);
    if (code != CF_OK) {
        free(ids);
        return code;
    }
    event->ids = ids;
    event->n_ids = job->n;
    event->id = ids[0];
    return CF_OK;
}

static enum cf_code add_message(struct cf_storage *storage, struct cf_store *store,
                                const struct cf_storage_job *job, struct cf_storage_event *event)
{
    struct cf_message_spec spec = job->message;
    spec.conversation = event->conversation;
    (void)cf_storage_resolve(storage, &spec.parent);
    return cf_store_message_add(&event->id, store, &spec, &event->err);
}

static enum cf_code load_branch(struct cf_store *store, const struct cf_storage_job *job,
                                struct cf_storage_event *event)
{
    enum cf_code code =
        cf_store_conversation_load(&event->conversations, store, event->conversation, &event->err);
    int64_t leaf = code == CF_OK ? event->conversations.items[0].active_leaf : 0;
    if (leaf != 0) {
        event->id = leaf;
        code =
            cf_store_path_load(&event->messages, store, leaf, job->limit, job->flag, &event->err);
    }
    return code;
}

/* The draft as a write that waits has it, which is newer than the one on the disk; false: none
 * does. */
static bool load_waiting_draft(struct cf_storage *storage, struct cf_storage_event *event)
{
    const struct cf_storage_job *newest = NULL;
    (void)pthread_mutex_lock(&storage->mutex);
    const struct cf_storage_job *job = storage->writing;
    job = job != NULL ? job : storage->writes.first;
    while (job != NULL) {
        int64_t id = job->conversation;
        if (job->kind == CF_STORAGE_DRAFT_SAVE && cf_storage_resolve_locked(storage, &id) &&
            id == event->conversation) {
            newest = job;
        }
        job = job == storage->writing ? storage->writes.first : job->next;
    }
    if (newest != NULL) {
        event->text = cf_memdup_str(newest->text, newest->size);
        event->size = newest->size;
        event->cursor = newest->cursor;
    }
    (void)pthread_mutex_unlock(&storage->mutex);
    return newest != NULL;
}

/* A draft, or the snapshot under the job's digest. */
static enum cf_code load_text(struct cf_storage *storage, struct cf_store *store,
                              const struct cf_storage_job *job, struct cf_storage_event *event)
{
    if (job->kind == CF_STORAGE_DRAFT_LOAD && load_waiting_draft(storage, event)) {
        return CF_OK;
    }
    struct cf_buf text = CF_BUF_INIT;
    enum cf_code code =
        job->kind == CF_STORAGE_SNAPSHOT
            ? cf_store_snapshot_load(&text, store, &job->digest, &event->err)
            : cf_store_draft_load(&text, &event->cursor, store, event->conversation, &event->err);
    if (code == CF_OK) {
        event->size = text.size;
        event->text = cf_buf_take(&text);
    }
    cf_buf_release(&text);
    return code;
}

static enum cf_code search(struct cf_store *store, const struct cf_storage_job *job,
                           struct cf_storage_event *event)
{
    struct cf_search wanted = job->search;
    wanted.conversation = event->conversation;
    return cf_store_search(&event->hits, store, &wanted, &event->err);
}

static enum cf_code read_job(struct cf_storage *storage, struct cf_store *store,
                             const struct cf_storage_job *job, struct cf_storage_event *event)
{
    struct cf_err *err = &event->err;
    switch ((int)job->kind) {
    case CF_STORAGE_LIST:
        return cf_store_list(&event->conversations, store, &job->query, err);
    case CF_STORAGE_LOAD:
        return load_branch(store, job, event);
    case CF_STORAGE_PATH:
        return cf_store_path_load(&event->messages, store, event->id, job->limit, job->flag, err);
    case CF_STORAGE_TREE:
        return cf_store_tree_load(&event->messages, store, event->conversation, job->flag, err);
    case CF_STORAGE_ALTERNATIVE:
        return cf_store_alternative(&event->id, store, event->id, job->step, err);
    case CF_STORAGE_DRAFT_LOAD:
    case CF_STORAGE_SNAPSHOT:
        return load_text(storage, store, job, event);
    case CF_STORAGE_STATS:
        return cf_store_stats(&event->stats, store, err);
    default:
        assert(job->kind == CF_STORAGE_SEARCH);
        return search(store, job, event);
    }
}

static enum cf_code change_conversation(struct cf_store *store, const struct cf_storage_job *job,
                                        struct cf_storage_event *event)
{
    int64_t id = event->conversation;
    struct cf_err *err = &event->err;
    switch ((int)job->kind) {
    case CF_STORAGE_CHANGE:
        return cf_store_conversation_change(store, id, &job->change, err);
    case CF_STORAGE_RENAME:
        return cf_store_conversation_rename(store, id, job->text, err);
    case CF_STORAGE_SET_PINNED:
        return cf_store_conversation_set_pinned(store, id, job->flag, err);
    case CF_STORAGE_SET_ARCHIVED:
        return cf_store_conversation_set_archived(store, id, job->flag, err);
    case CF_STORAGE_SET_UNREAD:
        return cf_store_conversation_set_unread(store, id, job->flag, err);
    case CF_STORAGE_SET_LEAF:
        return cf_store_conversation_set_leaf(store, id, event->id, err);
    case CF_STORAGE_TAG_ADD:
        return cf_store_tag_add(store, id, job->text, err);
    case CF_STORAGE_TAG_REMOVE:
        return cf_store_tag_remove(store, id, job->text, err);
    case CF_STORAGE_DRAFT_SAVE:
        return cf_store_draft_save(store, id, job->text, job->size, job->cursor, err);
    case CF_STORAGE_DELETE:
        return cf_store_conversation_delete(store, id, err);
    default:
        assert(job->kind == CF_STORAGE_RESTORE);
        return cf_store_conversation_restore(store, id, err);
    }
}

static enum cf_code write_job(struct cf_storage *storage, struct cf_store *store,
                              const struct cf_storage_job *job, struct cf_storage_event *event)
{
    struct cf_err *err = &event->err;
    int64_t parent = job->parent;
    switch ((int)job->kind) {
    case CF_STORAGE_CREATE:
        if (job->has_first) {
            return cf_store_conversation_begin(&event->id, &event->message, store, &job->spec,
                                               &job->message, err);
        }
        return cf_store_conversation_create(&event->id, store, &job->spec, err);
    case CF_STORAGE_FORK:
        return cf_store_fork(&event->id, store, event->id, err);
    case CF_STORAGE_ADD:
        return add_message(storage, store, job, event);
    case CF_STORAGE_PIN_MESSAGE:
        return cf_store_message_set_pinned(store, event->id, job->flag, err);
    case CF_STORAGE_MOVE:
        (void)cf_storage_resolve(storage, &parent);
        return cf_store_message_move(store, event->id, event->conversation, parent, err);
    case CF_STORAGE_BEGIN:
        return begin_replies(storage, store, job, event);
    case CF_STORAGE_RESUME:
        return cf_store_reply_resume(store, event->id, err);
    case CF_STORAGE_SAVE:
        return cf_store_reply_save(store, event->id, &job->state, err);
    case CF_STORAGE_FINISH:
        return cf_store_reply_finish(store, event->id, &job->state, job->end_state, job->reason,
                                     job->text, err);
    case CF_STORAGE_DELETE_MESSAGE:
        return cf_store_message_delete(store, event->id, err);
    case CF_STORAGE_RESTORE_MESSAGE:
        return cf_store_message_restore(store, event->id, err);
    case CF_STORAGE_UNDO:
        return cf_store_undo(&event->undone, store, err);
    case CF_STORAGE_RECOVER:
        return cf_store_recover(store, &event->count, err);
    case CF_STORAGE_PURGE:
        return cf_store_purge(&event->purge, store, err);
    default:
        return change_conversation(store, job, event);
    }
}

enum cf_code cf_storage_run(struct cf_storage *storage, struct cf_store *store,
                            const struct cf_storage_job *job, struct cf_storage_event *event)
{
    *event = (struct cf_storage_event){
        .kind = job->kind,
        .job = job->number,
        .id = job->id,
        .conversation = job->conversation,
    };
    int64_t message_parent = job->parent;
    if (!cf_storage_resolve(storage, &event->id) ||
        !cf_storage_resolve(storage, &event->conversation) ||
        !cf_storage_resolve(storage, &message_parent)) {
        event->is_sequel = true;
        return event->code = cf_err_set(&event->err, CF_ERR_NOT_FOUND,
                                        "what this belongs to could not be stored");
    }
    event->code = cf_storage_is_read(job->kind) ? read_job(storage, store, job, event)
                                                : write_job(storage, store, job, event);
    if (event->code == CF_OK && (job->kind == CF_STORAGE_CREATE || job->kind == CF_STORAGE_FORK)) {
        event->conversation = event->id;
    }
    return event->code;
}
