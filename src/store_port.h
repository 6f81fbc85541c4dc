/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_port: rows out of the database and into it as they are, for export and import.
 *
 * Numbers of rows mean something in one database only; across databases conversations and messages
 * are known by their uuid, and what came from elsewhere by its origin as well.
 *
 * An import writes in transactions of about CF_IMPORT_SLICE_MS and pauses between two, so that
 * others come to write.  Nothing that it brings is seen before cf_store_import_finish, which makes
 * all of it visible in one transaction; an import whose process dies is undone by cf_store_recover.
 */
#ifndef CF_STORE_PORT_H
#define CF_STORE_PORT_H

#include "store.h"

enum { CF_IMPORT_SLICE_MS = 40, CF_IMPORT_PAUSE_MS = 8 };

/* ---- Out ---- */

/* From here to cf_store_thaw reads see the database as it is now, whatever others write. */
enum cf_code cf_store_freeze(struct cf_store *store, struct cf_err *err);
void cf_store_thaw(struct cf_store *store);

/* The conversation with the next greater id, on whichever shelf; 0 behind the last. */
enum cf_code cf_store_conversation_next(int64_t *id, struct cf_store *store, int64_t after,
                                        struct cf_err *err);
/* How many messages there are on all branches, the trash included. */
enum cf_code cf_store_message_count(int64_t *n, struct cf_store *store, struct cf_err *err);
/* The ids (int64_t) of all messages of a conversation, the trash included, ascending. */
enum cf_code cf_store_message_ids(struct cf_buf *ids, struct cf_store *store, int64_t conversation,
                                  struct cf_err *err);
/* Those of the branch that ends at LEAF, root first; as far as it can be followed. */
enum cf_code cf_store_branch_ids(struct cf_buf *ids, struct cf_store *store, int64_t leaf,
                                 struct cf_err *err);

struct cf_message_row {
    struct cf_message message;     /* alternatives and trashed children are not counted */
    char parent[CF_UUID_SIZE];     /* "": a root */
    char shown[CF_UUID_SIZE];      /* the child last shown, or "" */
    char trash_root[CF_UUID_SIZE]; /* in the trash: the message whose deletion took it along */
    bool has_recipe, has_template, has_system;
    bool is_cut; /* what stands in the rows of other messages could not be read */
    struct cf_digest template_digest, system_digest;
};
/* Memory is of the arena.  Where a page is damaged: what can be read, message.is_damaged set. */
enum cf_code cf_store_row_load(struct cf_message_row *row, struct cf_arena *arena,
                               struct cf_store *store, int64_t id, struct cf_err *err);
/* The uuid of a message, a made-up one where it cannot be read; "" when there is none of that
 * number (any more). */
enum cf_code cf_store_message_uuid(char uuid[CF_UUID_SIZE], struct cf_store *store, int64_t id,
                                   struct cf_err *err);

/* A text that replies were made with. */
struct cf_snapshot_row {
    int64_t id;
    struct cf_digest digest;
    int64_t created_ms;
    const char *text;
    size_t size;
};
/* The next one by id, memory of the arena; id 0 behind the last. */
enum cf_code cf_store_snapshot_next(struct cf_snapshot_row *row, struct cf_arena *arena,
                                    struct cf_store *store, int64_t after, struct cf_err *err);
/* The one with that digest; id 0 when there is none. */
enum cf_code cf_store_snapshot_find(struct cf_snapshot_row *row, struct cf_arena *arena,
                                    struct cf_store *store, const struct cf_digest *digest,
                                    struct cf_err *err);

struct cf_draft_row {
    int64_t cursor, updated_ms;
    const char *text;
    size_t size;
};
/* *has_one tells whether there is one; conversation 0 is the one that is not begun. */
enum cf_code cf_store_draft_row(bool *has_one, struct cf_draft_row *row, struct cf_arena *arena,
                                struct cf_store *store, int64_t conversation, struct cf_err *err);

/* ---- In ---- */

struct cf_store_import;

/* SOURCE names the file, for people.  Until the import has ended the store does nothing else. */
enum cf_code cf_store_import_begin(struct cf_store_import **import, struct cf_store *store,
                                   const char *source, struct cf_err *err);
/* Adds a conversation without messages: its own columns and its tags; id, active_leaf and
 * forked_from say nothing.  uuid "": a new one.  CF_ERR_EXISTS: one with that uuid or origin is
 * there already, *id is it.  CF_ERR_BUSY: another import is bringing it. */
enum cf_code cf_store_import_conversation(int64_t *id, struct cf_store_import *import,
                                          const struct cf_conversation *conversation,
                                          struct cf_err *err);
/* Adds a message: message.conversation and .parent are numbers of this database, parent 0 a root or
 * hung later; uuids but its own say nothing, and that one gives way to a new one when it is taken
 * or "".  Its state is not CF_MESSAGE_STREAMING.  CF_ERR_EXISTS: one of that origin_id is in the
 * conversation. */
enum cf_code cf_store_import_message(int64_t *id, struct cf_store_import *import,
                                     const struct cf_message_row *row, struct cf_err *err);
/* ---- In: more of a conversation that is there ----
 *
 * New messages wait, unseen, in a conversation of their own until the end moves them. */

/* *id 0: there is none with that uuid anywhere, or (uuid "") with that origin_id in the
 * conversation. *is_here tells whether it is in the conversation and not in the trash, so that
 * others may hang on it. */
enum cf_code cf_store_import_find(int64_t *id, bool *is_here, struct cf_store_import *import,
                                  int64_t conversation, const char *uuid, const char *origin_id,
                                  struct cf_err *err);
/* A conversation in which messages wait for CONVERSATION: message.conversation of those to come. */
enum cf_code cf_store_import_waiting(int64_t *id, struct cf_store_import *import,
                                     int64_t conversation, struct cf_err *err);
/* A root that waits, in the conversation made last, hangs on PARENT in the end, which is there
 * already; is_shown: as the child that PARENT shows, if LEAF below is shown, too. */
void cf_store_import_hang(struct cf_store_import *import, int64_t message, int64_t parent,
                          bool is_shown);
/* LEAF, one of those that wait (0: none of them), is shown in the end if UPDATED_MS is later than
 * when something was last said in the conversation. */
void cf_store_import_waited(struct cf_store_import *import, int64_t waiting, int64_t leaf,
                            int64_t updated_ms);

/* Sets what of these is not 0: numbers of messages of the same conversation. */
enum cf_code cf_store_import_link(struct cf_store_import *import, int64_t message, int64_t parent,
                                  int64_t shown, int64_t trash_root, struct cf_err *err);
/* The conversation's messages are all there: LEAF (0: none) is the active one.  is_shown makes the
 * messages above it show its branch. */
enum cf_code cf_store_import_leaf(struct cf_store_import *import, int64_t conversation,
                                  int64_t leaf, bool is_shown, struct cf_err *err);
/* A title made from TEXT, where the conversation has none. */
enum cf_code cf_store_import_title(struct cf_store_import *import, int64_t conversation,
                                   const char *text, size_t size, struct cf_err *err);
/* The message that the conversation was forked from, by its uuid; it may still come. */
enum cf_code cf_store_import_fork(struct cf_store_import *import, int64_t conversation,
                                  const char *uuid, struct cf_err *err);
enum cf_code cf_store_import_snapshot(struct cf_store_import *import,
                                      const struct cf_snapshot_row *row, struct cf_err *err);
/* No more snapshots come: where there is none with that digest, recipes do without it. */
enum cf_code cf_store_import_without(struct cf_store_import *import, const struct cf_digest *digest,
                                     struct cf_err *err);
/* Conversation 0: what is typed into the one not begun, unless something stands there. */
enum cf_code cf_store_import_draft(struct cf_store_import *import, int64_t conversation,
                                   const struct cf_draft_row *row, struct cf_err *err);

/* Makes everything visible, in one transaction however much it is (some 5 us a conversation), and
 * frees the import; on failure all of it is undone. */
enum cf_code cf_store_import_finish(struct cf_store_import *import, struct cf_err *err);
/* Takes everything back and frees the import, which may be NULL.  What cannot be taken back within
 * some 2 s (or because the disk is gone) stays unseen until cf_store_recover does it. */
void cf_store_import_undo(struct cf_store_import *import);

#endif
