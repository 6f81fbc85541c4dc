/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making jobs: every argument copied, the job put where it belongs. */
#include "storage_private.h"

#include <stdlib.h>
#include <string.h>

#include "thread.h"

void cf_storage_queue_init(struct cf_storage_queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

static void push(struct cf_storage_queue *queue, struct cf_storage_job *job)
{
    job->next = NULL;
    *queue->last = job;
    queue->last = &job->next;
}

struct cf_storage_job *cf_storage_queue_pop(struct cf_storage_queue *queue)
{
    struct cf_storage_job *job = queue->first;
    if (job != NULL) {
        queue->first = job->next;
        if (queue->first == NULL) {
            queue->last = &queue->first;
        }
        job->next = NULL;
    }
    return job;
}

void cf_storage_queue_unpop(struct cf_storage_queue *queue, struct cf_storage_job *job)
{
    job->next = queue->first;
    if (queue->first == NULL) {
        queue->last = &job->next;
    }
    queue->first = job;
}

void cf_storage_job_free(struct cf_storage_job *job)
{
    if (job != NULL) {
        cf_arena_release(&job->arena);
        free(job);
    }
}

bool cf_storage_is_read(enum cf_storage_kind kind)
{
    return kind >= CF_STORAGE_LIST && kind < CF_STORAGE_PROGRESS;
}

bool cf_storage_is_port(enum cf_storage_kind kind)
{
    return kind > CF_STORAGE_PROGRESS;
}

static struct cf_storage_job *new_job(enum cf_storage_kind kind)
{
    struct cf_storage_job *job = cf_calloc(1, sizeof *job);
    job->kind = kind;
    job->n = 1;
    return job;
}

static const char *copy(struct cf_storage_job *job, const char *text)
{
    return text != NULL ? cf_arena_strdup(&job->arena, text) : NULL;
}

static void *copy_bytes(struct cf_storage_job *job, const void *bytes, size_t size)
{
    char *made = cf_arena_alloc(&job->arena, size + 1);
    if (size > 0) {
        memcpy(made, bytes, size);
    }
    return made;
}

/* ---- Submitting ---- */

/* Whether the write is about the reply or draft of JOB. */
static bool is_about_same(const struct cf_storage_job *other, const struct cf_storage_job *job)
{
    if (job->kind == CF_STORAGE_SAVE) {
        return (other->kind == CF_STORAGE_SAVE || other->kind == CF_STORAGE_FINISH ||
                other->kind == CF_STORAGE_RESUME) &&
               other->id == job->id;
    }
    return other->kind == CF_STORAGE_DRAFT_SAVE && other->conversation == job->conversation;
}

/* A save that waits and is the last word about its reply is replaced where it stands. */
static bool replaces_older(struct cf_storage *storage, struct cf_storage_job *job)
{
    struct cf_storage_job **found = NULL;
    for (struct cf_storage_job **at = &storage->writes.first; *at != NULL; at = &(*at)->next) {
        if (is_about_same(*at, job)) {
            found = at;
        }
    }
    if (found == NULL || (*found)->kind != job->kind) {
        return false;
    }
    struct cf_storage_job *older = *found;
    job->covers = older->covers;
    job->next = older->next;
    if (storage->writes.last == &older->next) {
        storage->writes.last = &job->next;
    }
    *found = job;
    cf_storage_job_free(older);
    return true;
}

/* A search while typing makes those before it needless. */
static void cancel_searches(struct cf_storage *storage)
{
    for (struct cf_storage_job *job = storage->reads.first; job != NULL; job = job->next) {
        job->is_cancelled = job->is_cancelled || job->kind == CF_STORAGE_SEARCH;
    }
    if (storage->reading != NULL && storage->reading->kind == CF_STORAGE_SEARCH) {
        atomic_store(&storage->reader_cancel, true);
    }
}

/* With the mutex.  Where no thread can be made, the jobs end at once. */
static void start_porter(struct cf_storage *storage)
{
    if (storage->has_porter) {
        return;
    }
    const int failed = cf_thread_start(&storage->porter, cf_storage_port_loop, storage);
    storage->has_porter = failed == 0;
    for (struct cf_storage_job *job;
         failed != 0 && (job = cf_storage_queue_pop(&storage->ports)) != NULL;) {
        struct cf_storage_event event = {
            .kind = job->kind, .job = job->number, .text = cf_strdup(job->text)};
        event.code = cf_err_set_errno(&event.err, failed, "cannot start a thread");
        cf_storage_emit(storage, &event);
        cf_storage_job_free(job);
    }
}

static uint64_t submit(struct cf_storage *storage, struct cf_storage_job *job)
{
    (void)pthread_mutex_lock(&storage->mutex);
    uint64_t number = ++storage->n_jobs;
    job->number = job->covers = number;
    if (cf_storage_is_read(job->kind)) {
        if (job->kind == CF_STORAGE_SEARCH) {
            cancel_searches(storage);
        }
        job->after = number;
        push(&storage->reads, job);
        (void)pthread_cond_broadcast(&storage->news);
    } else if (cf_storage_is_port(job->kind)) {
        job->after = number;
        push(&storage->ports, job);
        start_porter(storage);
        (void)pthread_cond_broadcast(&storage->news);
    } else {
        bool is_save = job->kind == CF_STORAGE_SAVE || job->kind == CF_STORAGE_DRAFT_SAVE;
        if (!is_save || !replaces_older(storage, job)) {
            push(&storage->writes, job);
        }
        cf_wake_signal(&storage->writer_wake);
    }
    (void)pthread_mutex_unlock(&storage->mutex);
    return number;
}

void cf_storage_cancel(struct cf_storage *storage, uint64_t number)
{
    (void)pthread_mutex_lock(&storage->mutex);
    const struct cf_storage_queue *queues[] = {&storage->reads, &storage->ports};
    for (size_t i = 0; i < CF_ARRAY_SIZE(queues); i++) {
        for (struct cf_storage_job *job = queues[i]->first; job != NULL; job = job->next) {
            job->is_cancelled = job->is_cancelled || job->number == number;
        }
    }
    if (storage->reading != NULL && storage->reading->number == number) {
        atomic_store(&storage->reader_cancel, true);
    }
    if (storage->porting != NULL && storage->porting->number == number) {
        atomic_store(&storage->porter_cancel, true);
    }
    (void)pthread_cond_broadcast(&storage->news);
    (void)pthread_mutex_unlock(&storage->mutex);
}

/* ---- Conversations ---- */

static struct cf_storage_job *create_job(int64_t self, const struct cf_conversation_spec *spec)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_CREATE);
    job->self = self;
    job->spec = (struct cf_conversation_spec){
        .title = copy(job, spec->title),
        .model = copy(job, spec->model),
        .template_name = copy(job, spec->template_name),
        .system = copy(job, spec->system),
        .settings = copy(job, spec->settings),
        .origin = copy(job, spec->origin),
        .origin_id = copy(job, spec->origin_id),
        .created_ms = spec->created_ms,
    };
    return job;
}

uint64_t cf_storage_conversation_create(struct cf_storage *storage, int64_t self,
                                        const struct cf_conversation_spec *spec)
{
    return submit(storage, create_job(self, spec));
}

static void copy_message(struct cf_storage_job *job, const struct cf_message_spec *spec)
{
    job->message = *spec;
    job->message.text = copy_bytes(job, spec->text, spec->size);
    job->message.model = copy(job, spec->model);
    job->message.origin_id = copy(job, spec->origin_id);
}

uint64_t cf_storage_conversation_begin(struct cf_storage *storage, int64_t self,
                                       const struct cf_conversation_spec *spec, int64_t self_first,
                                       const struct cf_message_spec *first)
{
    struct cf_storage_job *job = create_job(self, spec);
    job->has_first = true;
    job->self_first = self_first;
    copy_message(job, first);
    return submit(storage, job);
}

uint64_t cf_storage_conversation_change(struct cf_storage *storage, int64_t id,
                                        const struct cf_conversation_change *change)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_CHANGE);
    job->conversation = id;
    job->change = (struct cf_conversation_change){
        .model = copy(job, change->model),
        .template_name = copy(job, change->template_name),
        .system = copy(job, change->system),
        .settings = copy(job, change->settings),
    };
    return submit(storage, job);
}

/* A job about a conversation that needs a text or nothing. */
static uint64_t about(struct cf_storage *storage, enum cf_storage_kind kind, int64_t conversation,
                      const char *text, bool flag)
{
    struct cf_storage_job *job = new_job(kind);
    job->conversation = conversation;
    job->text = copy(job, text);
    job->flag = flag;
    return submit(storage, job);
}

/* A job about a message. */
static uint64_t about_message(struct cf_storage *storage, enum cf_storage_kind kind, int64_t id,
                              bool flag)
{
    struct cf_storage_job *job = new_job(kind);
    job->id = id;
    job->flag = flag;
    return submit(storage, job);
}

uint64_t cf_storage_conversation_rename(struct cf_storage *storage, int64_t id, const char *title)
{
    return about(storage, CF_STORAGE_RENAME, id, title, false);
}

uint64_t cf_storage_conversation_set_pinned(struct cf_storage *storage, int64_t id, bool is_pinned)
{
    return about(storage, CF_STORAGE_SET_PINNED, id, NULL, is_pinned);
}

uint64_t cf_storage_conversation_set_archived(struct cf_storage *storage, int64_t id,
                                              bool is_archived)
{
    return about(storage, CF_STORAGE_SET_ARCHIVED, id, NULL, is_archived);
}

uint64_t cf_storage_conversation_set_unread(struct cf_storage *storage, int64_t id, bool is_unread)
{
    return about(storage, CF_STORAGE_SET_UNREAD, id, NULL, is_unread);
}

uint64_t cf_storage_conversation_set_leaf(struct cf_storage *storage, int64_t id, int64_t leaf)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_SET_LEAF);
    job->conversation = id;
    job->id = leaf;
    return submit(storage, job);
}

uint64_t cf_storage_tag_add(struct cf_storage *storage, int64_t conversation, const char *tag)
{
    return about(storage, CF_STORAGE_TAG_ADD, conversation, tag, false);
}

uint64_t cf_storage_tag_remove(struct cf_storage *storage, int64_t conversation, const char *tag)
{
    return about(storage, CF_STORAGE_TAG_REMOVE, conversation, tag, false);
}

uint64_t cf_storage_fork(struct cf_storage *storage, int64_t self, int64_t message)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_FORK);
    job->self = self;
    job->id = message;
    return submit(storage, job);
}

uint64_t cf_storage_draft_save(struct cf_storage *storage, int64_t conversation, const char *text,
                               size_t size, size_t cursor)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_DRAFT_SAVE);
    job->conversation = conversation;
    job->text = copy_bytes(job, text, size);
    job->size = size;
    job->cursor = cursor;
    return submit(storage, job);
}

/* ---- Messages ---- */

uint64_t cf_storage_message_add(struct cf_storage *storage, int64_t self,
                                const struct cf_message_spec *spec)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_ADD);
    job->self = self;
    job->conversation = spec->conversation;
    job->parent = spec->parent;
    copy_message(job, spec);
    return submit(storage, job);
}

uint64_t cf_storage_message_set_pinned(struct cf_storage *storage, int64_t id, bool is_pinned)
{
    return about_message(storage, CF_STORAGE_PIN_MESSAGE, id, is_pinned);
}

uint64_t cf_storage_message_move(struct cf_storage *storage, int64_t id, int64_t conversation,
                                 int64_t parent)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_MOVE);
    job->id = id;
    job->conversation = conversation;
    job->parent = parent;
    return submit(storage, job);
}

uint64_t cf_storage_reply_begin(struct cf_storage *storage, int64_t self, size_t n,
                                const struct cf_reply_spec *spec)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_BEGIN);
    job->self = self;
    job->n = n;
    job->conversation = spec->conversation;
    job->parent = spec->parent;
    job->reply.model = copy(job, spec->model);
    job->reply.template_text = copy(job, spec->template_text);
    job->reply.system = copy(job, spec->system);
    return submit(storage, job);
}

uint64_t cf_storage_reply_resume(struct cf_storage *storage, int64_t id)
{
    return about_message(storage, CF_STORAGE_RESUME, id, false);
}

static void copy_state(struct cf_storage_job *job, const struct cf_reply_state *reply)
{
    job->state = *reply;
    job->state.text = copy_bytes(job, reply->text, reply->size);
    if (reply->recipe != NULL) {
        job->state.recipe = copy_bytes(job, reply->recipe, reply->recipe_size);
    }
}

uint64_t cf_storage_reply_save(struct cf_storage *storage, int64_t id,
                               const struct cf_reply_state *reply)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_SAVE);
    job->id = id;
    copy_state(job, reply);
    return submit(storage, job);
}

uint64_t cf_storage_reply_finish(struct cf_storage *storage, int64_t id,
                                 const struct cf_reply_state *reply, enum cf_message_state state,
                                 enum cf_end_reason reason, const char *error)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_FINISH);
    job->id = id;
    job->end_state = state;
    job->reason = reason;
    job->text = copy(job, error);
    copy_state(job, reply);
    return submit(storage, job);
}

/* ---- Trash and the like ---- */

uint64_t cf_storage_conversation_delete(struct cf_storage *storage, int64_t id)
{
    return about(storage, CF_STORAGE_DELETE, id, NULL, false);
}

uint64_t cf_storage_message_delete(struct cf_storage *storage, int64_t id)
{
    return about_message(storage, CF_STORAGE_DELETE_MESSAGE, id, false);
}

uint64_t cf_storage_conversation_restore(struct cf_storage *storage, int64_t id)
{
    return about(storage, CF_STORAGE_RESTORE, id, NULL, false);
}

uint64_t cf_storage_message_restore(struct cf_storage *storage, int64_t id)
{
    return about_message(storage, CF_STORAGE_RESTORE_MESSAGE, id, false);
}

uint64_t cf_storage_undo(struct cf_storage *storage)
{
    return submit(storage, new_job(CF_STORAGE_UNDO));
}

uint64_t cf_storage_recover(struct cf_storage *storage)
{
    return submit(storage, new_job(CF_STORAGE_RECOVER));
}

uint64_t cf_storage_purge(struct cf_storage *storage)
{
    return submit(storage, new_job(CF_STORAGE_PURGE));
}

/* ---- Reads ---- */

uint64_t cf_storage_list(struct cf_storage *storage, const struct cf_list_query *query)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_LIST);
    job->query = *query;
    job->query.tag = copy(job, query->tag);
    job->query.match = copy(job, query->match);
    if (query->after != NULL) {
        job->after_item = (struct cf_conversation){.id = query->after->id,
                                                   .updated_ms = query->after->updated_ms,
                                                   .is_pinned = query->after->is_pinned};
        job->query.after = &job->after_item;
    }
    return submit(storage, job);
}

/* A read of a conversation or of what hangs on a message. */
static uint64_t load(struct cf_storage *storage, enum cf_storage_kind kind, int64_t conversation,
                     int64_t id, size_t limit, bool with_recipes)
{
    struct cf_storage_job *job = new_job(kind);
    job->conversation = conversation;
    job->id = id;
    job->limit = limit;
    job->flag = with_recipes;
    return submit(storage, job);
}

uint64_t cf_storage_load(struct cf_storage *storage, int64_t conversation, size_t limit,
                         bool with_recipes)
{
    return load(storage, CF_STORAGE_LOAD, conversation, 0, limit, with_recipes);
}

uint64_t cf_storage_path(struct cf_storage *storage, int64_t message, size_t limit,
                         bool with_recipes)
{
    return load(storage, CF_STORAGE_PATH, 0, message, limit, with_recipes);
}

uint64_t cf_storage_tree(struct cf_storage *storage, int64_t conversation, bool with_recipes)
{
    return load(storage, CF_STORAGE_TREE, conversation, 0, 0, with_recipes);
}

uint64_t cf_storage_alternative(struct cf_storage *storage, int64_t message, int step)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_ALTERNATIVE);
    job->id = message;
    job->step = step;
    return submit(storage, job);
}

uint64_t cf_storage_draft_load(struct cf_storage *storage, int64_t conversation)
{
    return load(storage, CF_STORAGE_DRAFT_LOAD, conversation, 0, 0, false);
}

uint64_t cf_storage_snapshot_load(struct cf_storage *storage, const struct cf_digest *digest)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_SNAPSHOT);
    job->digest = *digest;
    return submit(storage, job);
}

uint64_t cf_storage_stats(struct cf_storage *storage)
{
    return submit(storage, new_job(CF_STORAGE_STATS));
}

uint64_t cf_storage_search(struct cf_storage *storage, const struct cf_search *search)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_SEARCH);
    job->conversation = search->conversation;
    job->search = *search;
    job->search.query = copy(job, search->query);
    job->search.title = copy(job, search->title);
    return submit(storage, job);
}

/* ---- Files ---- */

uint64_t cf_storage_export(struct cf_storage *storage, int64_t conversation,
                           enum cf_export_format format, const char *path)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_EXPORT);
    job->conversation = conversation;
    job->format = format;
    job->text = copy(job, path);
    return submit(storage, job);
}

uint64_t cf_storage_import(struct cf_storage *storage, const char *path)
{
    struct cf_storage_job *job = new_job(CF_STORAGE_IMPORT);
    job->text = copy(job, path);
    return submit(storage, job);
}
