/* SPDX-License-Identifier: GPL-3.0-or-later */
/* storage: the store on threads of its own, so that nobody waits for a disk.  Jobs go in (copied),
 * events come out in batches.
 *
 * Two threads: one writes, in the order of submission; one reads, through a connection of its own
 * that can be interrupted.  A read sees every write that was submitted before it, unless writes are
 * being held up by a full or locked disk.  A third thread, begun when it is first wanted, carries
 * files in and out, so that neither waits for it; what it brings is seen as another program's
 * changes are.
 *
 * Invariants:
 *  1. every job gets exactly one event, which names it (besides CF_STORAGE_PROGRESS, which come
 *     before it), but a save of a reply or draft that a newer one of the same made needless: that
 *     gets none;
 *  2. writes happen in the order of submission;
 *  3. a write that fails for a reason that may pass (disk full, locked, an error of the disk) is
 *     not given up: it and all behind it wait in memory and are tried again, and
 *     CF_STORAGE_HELD_UP tells; only closing ends that;
 *  4. a reply that another process was writing when it died becomes interrupted within about a
 *     minute, told as CF_STORAGE_CHANGED; while no other writes one, nothing wakes up for this;
 *  5. the mutex is held to copy; nothing here but cf_storage_flush and _close waits.
 *
 * One thread (the front) calls every function.
 *
 * Ids of what is not yet made: cf_storage_reserve gives a negative number which a job that makes
 * something takes as SELF and later jobs use wherever an id is asked for; it stands for what that
 * job makes.  The event says the real id.  When that job fails for good, those that refer to it
 * fail too.  Real ids and reserved ones may be used side by side at any time. */
#ifndef CF_STORAGE_H
#define CF_STORAGE_H

#include "err.h"
#include "export.h"
#include "import.h"
#include "store.h"
#include "wake.h"

struct cf_storage;

struct cf_storage_params {
    const char *path;              /* of the database; copied */
    const struct cf_wake *wake;    /* signalled when events are ready; outlives the storage */
    struct cf_store_options store; /* vfs must outlive the storage */
    int recover_ms;                /* 0: a minute; pause between looks whether those who write
                                    * replies beside us still live */
    int test_commit_delay_ms;      /* waits so long before each write: a slow disk, for tests */
};

enum cf_storage_kind {
    CF_STORAGE_OPENED,  /* without a job: text is the store's notice, or NULL; or code: it could
                           not be opened, and every job will end with that error */
    CF_STORAGE_CHANGED, /* without a job: another process changed the database */
    CF_STORAGE_HELD_UP, /* without a job: writes are failing, err says why; all is kept in memory
                           and tried again */
    CF_STORAGE_RESUMED, /* without a job: writes work again */

    CF_STORAGE_CREATE, /* conversation: id; message: the first one, if it came along */
    CF_STORAGE_CHANGE,
    CF_STORAGE_RENAME,
    CF_STORAGE_SET_PINNED, /* of a conversation */
    CF_STORAGE_SET_ARCHIVED,
    CF_STORAGE_SET_UNREAD,
    CF_STORAGE_SET_LEAF,
    CF_STORAGE_TAG_ADD,
    CF_STORAGE_TAG_REMOVE,
    CF_STORAGE_FORK, /* id of the new conversation */
    CF_STORAGE_DRAFT_SAVE,
    CF_STORAGE_ADD, /* message: id */
    CF_STORAGE_PIN_MESSAGE,
    CF_STORAGE_MOVE,
    CF_STORAGE_BEGIN, /* replies: ids */
    CF_STORAGE_RESUME,
    CF_STORAGE_SAVE,
    CF_STORAGE_FINISH,
    CF_STORAGE_DELETE, /* conversation */
    CF_STORAGE_DELETE_MESSAGE,
    CF_STORAGE_RESTORE,
    CF_STORAGE_RESTORE_MESSAGE,
    CF_STORAGE_UNDO,    /* undone */
    CF_STORAGE_RECOVER, /* count: replies that became interrupted */
    CF_STORAGE_PURGE,   /* purge */

    CF_STORAGE_LIST,        /* conversations */
    CF_STORAGE_LOAD,        /* conversations (one), and messages: the active branch */
    CF_STORAGE_PATH,        /* messages */
    CF_STORAGE_TREE,        /* messages */
    CF_STORAGE_ALTERNATIVE, /* id: a leaf */
    CF_STORAGE_DRAFT_LOAD,  /* text, size, cursor */
    CF_STORAGE_SNAPSHOT,    /* text, size */
    CF_STORAGE_SEARCH,      /* hits */
    CF_STORAGE_STATS,       /* stats */

    CF_STORAGE_PROGRESS, /* of an import or export: count of 100; a few a second at most */
    CF_STORAGE_EXPORT,   /* exported; of all three text is the path */
    CF_STORAGE_IMPORT,   /* imported */
};

struct cf_storage_event {
    enum cf_storage_kind kind;
    uint64_t job; /* 0: of none */
    enum cf_code code;
    struct cf_err err; /* when code is not CF_OK */
    bool is_sequel;    /* failed only because what it belongs to did, of which it was told before */
    int64_t id;        /* of what the job made or was about */
    int64_t conversation;
    int64_t message;
    int64_t *ids; /* of what cf_storage_reply_begin made */
    size_t n_ids;
    struct cf_conversations conversations;
    struct cf_messages messages;
    struct cf_hits hits;
    struct cf_store_stats stats;
    struct cf_undone undone;
    struct cf_purge_result purge;
    struct cf_export_report exported;
    struct cf_import_report imported;
    int64_t count;
    char *text;
    size_t size, cursor;
};

struct cf_storage_events {
    struct cf_storage_event *items;
    size_t n, capacity;
};
/* Frees the events and all that they hold; the list is then empty and may be used again.  To keep
 * a list or a branch, move it out and leave a zeroed one in its place. */
void cf_storage_events_release(struct cf_storage_events *events);

/* Starts the threads, which open the database.  CF_ERR_IO when no thread can be made. */
enum cf_code cf_storage_open(struct cf_storage **storage, const struct cf_storage_params *params,
                             struct cf_err *err);
/* Moves everything that has happened into events, after what it may hold already.  Never waits. */
void cf_storage_take(struct cf_storage *storage, struct cf_storage_events *events);
/* Waits until all writes submitted so far are on the disk and synced, at most timeout_ms;
 * CF_ERR_BUSY when that was too short, or the error that holds writes up. */
enum cf_code cf_storage_flush(struct cf_storage *storage, int timeout_ms, struct cf_err *err);
/* Flushes, ends the threads and frees the storage, which may be NULL.  What could not be written is
 * given up then, with the error that cf_storage_flush would give. */
enum cf_code cf_storage_close(struct cf_storage *storage, int timeout_ms, struct cf_err *err);
/* Whether writes wait, are being tried again, or are not synced yet. */
bool cf_storage_is_busy(struct cf_storage *storage);

/* N neighbouring reserved ids: the number returned, and those below it (-5, -6, -7). */
int64_t cf_storage_reserve(struct cf_storage *storage, size_t n);

/* Each of the following submits one job and returns its number, greater than all before.  What is
 * pointed to is copied.  Arguments are those of the function of the same name in store.h; SELF is a
 * reserved id or 0. */
uint64_t cf_storage_conversation_create(struct cf_storage *storage, int64_t self,
                                        const struct cf_conversation_spec *spec);
/* SELF_FIRST stands for the message. */
uint64_t cf_storage_conversation_begin(struct cf_storage *storage, int64_t self,
                                       const struct cf_conversation_spec *spec, int64_t self_first,
                                       const struct cf_message_spec *first);
uint64_t cf_storage_conversation_change(struct cf_storage *storage, int64_t id,
                                        const struct cf_conversation_change *change);
uint64_t cf_storage_conversation_rename(struct cf_storage *storage, int64_t id, const char *title);
uint64_t cf_storage_conversation_set_pinned(struct cf_storage *storage, int64_t id, bool is_pinned);
uint64_t cf_storage_conversation_set_archived(struct cf_storage *storage, int64_t id,
                                              bool is_archived);
uint64_t cf_storage_conversation_set_unread(struct cf_storage *storage, int64_t id, bool is_unread);
uint64_t cf_storage_conversation_set_leaf(struct cf_storage *storage, int64_t id, int64_t leaf);
uint64_t cf_storage_tag_add(struct cf_storage *storage, int64_t conversation, const char *tag);
uint64_t cf_storage_tag_remove(struct cf_storage *storage, int64_t conversation, const char *tag);
uint64_t cf_storage_fork(struct cf_storage *storage, int64_t self, int64_t message);
/* Replaces a save of the same draft that has not been written yet. */
uint64_t cf_storage_draft_save(struct cf_storage *storage, int64_t conversation, const char *text,
                               size_t size, size_t cursor);
uint64_t cf_storage_message_add(struct cf_storage *storage, int64_t self,
                                const struct cf_message_spec *spec);
uint64_t cf_storage_message_set_pinned(struct cf_storage *storage, int64_t id, bool is_pinned);
uint64_t cf_storage_message_move(struct cf_storage *storage, int64_t id, int64_t conversation,
                                 int64_t parent);
/* SELF is the first of N reserved ids. */
uint64_t cf_storage_reply_begin(struct cf_storage *storage, int64_t self, size_t n,
                                const struct cf_reply_spec *spec);
uint64_t cf_storage_reply_resume(struct cf_storage *storage, int64_t id);
/* Replaces a save of the same reply that has not been written yet. */
uint64_t cf_storage_reply_save(struct cf_storage *storage, int64_t id,
                               const struct cf_reply_state *reply);
uint64_t cf_storage_reply_finish(struct cf_storage *storage, int64_t id,
                                 const struct cf_reply_state *reply, enum cf_message_state state,
                                 enum cf_end_reason reason, const char *error);
uint64_t cf_storage_conversation_delete(struct cf_storage *storage, int64_t id);
uint64_t cf_storage_message_delete(struct cf_storage *storage, int64_t id);
uint64_t cf_storage_conversation_restore(struct cf_storage *storage, int64_t id);
uint64_t cf_storage_message_restore(struct cf_storage *storage, int64_t id);
uint64_t cf_storage_undo(struct cf_storage *storage);
uint64_t cf_storage_recover(struct cf_storage *storage);
uint64_t cf_storage_purge(struct cf_storage *storage);

/* Reads.  query->after is copied with what paging needs of it. */
uint64_t cf_storage_list(struct cf_storage *storage, const struct cf_list_query *query);
/* A conversation with the last LIMIT messages of its active branch. */
uint64_t cf_storage_load(struct cf_storage *storage, int64_t conversation, size_t limit,
                         bool with_recipes);
uint64_t cf_storage_path(struct cf_storage *storage, int64_t message, size_t limit,
                         bool with_recipes);
uint64_t cf_storage_tree(struct cf_storage *storage, int64_t conversation, bool with_recipes);
uint64_t cf_storage_alternative(struct cf_storage *storage, int64_t message, int step);
uint64_t cf_storage_draft_load(struct cf_storage *storage, int64_t conversation);
uint64_t cf_storage_snapshot_load(struct cf_storage *storage, const struct cf_digest *digest);
/* Ends earlier searches, which get CF_ERR_CANCELLED: for searching while typing. */
uint64_t cf_storage_search(struct cf_storage *storage, const struct cf_search *search);
uint64_t cf_storage_stats(struct cf_storage *storage);

/* A conversation into a new file (CF_ERR_EXISTS when there is one), with all writes submitted
 * before. */
uint64_t cf_storage_export(struct cf_storage *storage, int64_t conversation,
                           enum cf_export_format format, const char *path);
uint64_t cf_storage_import(struct cf_storage *storage, const char *path);

/* Ends the read, export or import JOB with CF_ERR_CANCELLED, running or waiting. */
void cf_storage_cancel(struct cf_storage *storage, uint64_t job);

#endif
