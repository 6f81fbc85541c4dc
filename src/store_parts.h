/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_parts: what the files of the store lend each other.  Private to the store.
 *
 * Functions without a transaction of their own say "inside". */
#ifndef CF_STORE_PARTS_H
#define CF_STORE_PARTS_H

#include "store_db.h"

/* ---- Titles (store_title.c) ---- */

/* Appends a title in one line: blanks and control characters run together to one space, none at the
 * ends, at most CF_TITLE_MAX bytes, cut at a character's border. */
enum { CF_TITLE_MAX = 400, CF_TITLE_COLUMNS = 60 };
void cf_title_clean(struct cf_buf *out, const char *text, size_t size);
/* Appends a title made from the first line of a message that says anything. */
void cf_title_make(struct cf_buf *out, const char *text, size_t size);

/* ---- Conversations and messages ---- */

/* Inside: cf_store_conversation_create. */
enum cf_code cf_store_create_inside(int64_t *id, struct cf_store *store,
                                    const struct cf_conversation_spec *spec, struct cf_err *err);
/* Adds the conversation, if there is such a one; what a damaged page keeps from being read is left
 * out of it. */
enum cf_code cf_store_read_conversation(struct cf_conversations *list, struct cf_store *store,
                                        int64_t id, struct cf_err *err);
/* CF_ERR_NOT_FOUND unless there is such a conversation. */
enum cf_code cf_store_need_conversation(struct cf_store *store, int64_t id, struct cf_err *err);

/* What stands in a message's own row, but for its text, as m. */
#define CF_MESSAGE_COLUMNS                                                                         \
    "m.id, m.uuid, m.conversation, m.parent, m.role, m.state, m.reason, m.pinned, m.created,"      \
    " m.updated, m.trashed, m.n_tokens, m.n_prompt, m.n_cached, m.first_us, m.total_us, m.model,"  \
    " m.error, m.origin_id, m.owner"
enum { CF_MESSAGE_N_COLUMNS = 20 };
/* From the first columns of a row. */
void cf_store_read_message(struct cf_message *item, struct cf_arena *arena, sqlite3_stmt *stmt);
/* A recipe's body in COLUMN and the message's text in the one behind it. */
void cf_store_read_body(struct cf_message *item, struct cf_arena *arena, sqlite3_stmt *stmt,
                        int column);

struct cf_place {
    int64_t conversation;
    int64_t parent;
    int64_t trashed_ms;
};
/* Where a message stands; CF_ERR_NOT_FOUND. */
enum cf_code cf_store_need_message(struct cf_place *place, struct cf_store *store, int64_t id,
                                   struct cf_err *err);

/* Inside: a title made from TEXT where there is none. */
enum cf_code cf_store_give_title(struct cf_store *store, int64_t conversation, const char *text,
                                 size_t size, struct cf_err *err);
/* Inside: the conversation bears the tag, whose name is clean. */
enum cf_code cf_store_tag_inside(struct cf_store *store, int64_t conversation, const char *name,
                                 size_t size, struct cf_err *err);
/* Takes back, a slice of time after the other, what the import brought; when that takes longer than
 * BUDGET_MS, store->has_leftover is set. */
enum cf_code cf_store_import_erase(struct cf_store *store, int64_t id, int budget_ms,
                                   struct cf_err *err);

/* Inside: makes LEAF (0: none) the active one and every message above it the child last shown. */
enum cf_code cf_store_show_leaf(struct cf_store *store, int64_t conversation, int64_t leaf,
                                struct cf_err *err);
/* From MESSAGE down by the children last shown, else the newest; itself when it has none. */
enum cf_code cf_store_descend(int64_t *leaf, struct cf_store *store, int64_t message,
                              struct cf_err *err);
/* Inside: if the active leaf lies in the trash, another is shown: of the alternatives of the
 * topmost deleted message the nearest one's leaf, else its parent. */
enum cf_code cf_store_settle_leaf(struct cf_store *store, int64_t conversation, struct cf_err *err);
/* Inside: takes a message, and what it hangs on, out of the trash, and the conversation too. */
enum cf_code cf_store_revive(struct cf_store *store, int64_t conversation, int64_t message,
                             struct cf_err *err);
/* Inside: hangs a message, and what is below it, under PARENT (0: as a root) of a conversation. */
enum cf_code cf_store_hang(struct cf_store *store, int64_t id, int64_t conversation, int64_t parent,
                           struct cf_err *err);

/* Inside: what was deleted with a message is there again. */
enum cf_code cf_store_unprune(struct cf_store *store, int64_t id, struct cf_err *err);

/* Inside: keeps a text by its digest; NULL counts as "". */
enum cf_code cf_store_keep_snapshot(struct cf_digest *digest, struct cf_store *store,
                                    const char *text, struct cf_err *err);

/* The text of a reference is a number, a uuid or its beginning: the SQL parts of finding. */
enum cf_code cf_store_find_uuid(int64_t *id, struct cf_store *store, const char *sql,
                                const char *what, const char *reference, struct cf_err *err);

/* ---- The undo journal (store_undo.c) ---- */

struct cf_undo_entry {
    const char *action;
    int64_t conversation, message; /* message 0: the conversation itself */
    int64_t home, parent, leaf;    /* before */
    int64_t flag;
    const char *title;
};
/* Inside: notes what is being done. */
enum cf_code cf_store_journal(struct cf_store *store, const struct cf_undo_entry *entry,
                              struct cf_err *err);

#endif
