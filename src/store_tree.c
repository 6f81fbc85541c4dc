/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of a conversation: which branch is shown, walking over alternatives, moving subtrees. */
#include "store_parts.h"

#include <inttypes.h>

/* A branch that seems deeper hangs on itself, which only damage can do. */
enum { DEPTH_MAX = 1000000 };

static enum cf_code too_deep(struct cf_store *store, struct cf_err *err)
{
    return cf_db_fail(store, SQLITE_CORRUPT, err);
}

enum cf_code cf_store_need_message(struct cf_place *place, struct cf_store *store, int64_t id,
                                   struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err,
                    "SELECT conversation, parent, trashed FROM message WHERE id = ?1", "i", id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (code == CF_OK && has_row) {
        *place = (struct cf_place){
            .conversation = sqlite3_column_int64(stmt, 0),
            .parent = sqlite3_column_int64(stmt, 1),
            .trashed_ms = sqlite3_column_int64(stmt, 2),
        };
    } else if (code == CF_OK) {
        code = cf_err_set(err, CF_ERR_NOT_FOUND, "there is no message %" PRId64, id);
    }
    cf_db_end(stmt);
    return code;
}

enum cf_code cf_store_show_leaf(struct cf_store *store, int64_t conversation, int64_t leaf,
                                struct cf_err *err)
{
    int64_t before = 0;
    struct cf_place place = {.parent = 0};
    enum cf_code code =
        cf_db_int(&before, store, err, "SELECT active_leaf FROM conversation WHERE id = ?1", "i",
                  conversation);
    if (code == CF_OK && leaf != 0) {
        code = cf_store_need_message(&place, store, leaf, err);
        if (code == CF_OK && (place.conversation != conversation || place.trashed_ms != 0)) {
            code = cf_err_set(err, CF_ERR_NOT_FOUND,
                              "there is no message %" PRId64 " in conversation %" PRId64, leaf,
                              conversation);
        }
    }
    if (code == CF_OK && before != leaf) {
        code = cf_db_run(store, err, "UPDATE conversation SET active_leaf = ?1 WHERE id = ?2", "ni",
                         leaf, conversation);
    }
    /* Growing by one message, the common case, changes nothing further up. */
    bool grows = place.parent != 0 && place.parent == before;
    int depth = 0;
    for (int64_t child = leaf; code == CF_OK && place.parent != 0; depth++) {
        int64_t parent = place.parent;
        code = cf_db_run(store, err,
                         "UPDATE message SET shown_child = ?1 WHERE id = ?2"
                         " AND shown_child IS NOT ?1",
                         "ii", child, parent);
        if (grows) {
            break;
        }
        child = parent;
        if (code == CF_OK) {
            code = depth < DEPTH_MAX ? cf_store_need_message(&place, store, parent, err)
                                     : too_deep(store, err);
        }
    }
    return code;
}

enum cf_code cf_store_descend(int64_t *leaf, struct cf_store *store, int64_t message,
                              struct cf_err *err)
{
    enum cf_code code = CF_OK;
    int64_t at = message;
    int depth = 0;
    for (int64_t next = at; code == CF_OK && next != 0; depth++) {
        at = next;
        next = 0;
        code = cf_db_int(&next, store, err,
                         "SELECT c.id FROM message p JOIN message c"
                         " ON c.conversation = p.conversation AND c.parent = p.id"
                         " AND c.trashed IS NULL WHERE p.id = ?1"
                         " ORDER BY c.id IS p.shown_child DESC, c.id DESC LIMIT 1",
                         "i", at);
        if (code == CF_OK && depth == DEPTH_MAX) {
            code = too_deep(store, err);
        }
    }
    if (code == CF_OK) {
        *leaf = at;
    }
    return code;
}

enum cf_code cf_store_alternative(int64_t *leaf, struct cf_store *store, int64_t message, int step,
                                  struct cf_err *err)
{
    struct cf_place place;
    enum cf_code code = cf_store_need_message(&place, store, message, err);
    int64_t sibling = 0;
    int64_t skip = step < 0 ? -(int64_t)step - 1 : (int64_t)step - 1;
    if (code == CF_OK && step == 0) {
        sibling = message;
    } else if (code == CF_OK) {
        code = cf_db_int(&sibling, store, err,
                         step < 0 ? "SELECT id FROM message WHERE conversation = ?1"
                                    " AND parent IS ?2 AND trashed IS NULL AND id < ?3"
                                    " ORDER BY id DESC LIMIT 1 OFFSET ?4"
                                  : "SELECT id FROM message WHERE conversation = ?1"
                                    " AND parent IS ?2 AND trashed IS NULL AND id > ?3"
                                    " ORDER BY id LIMIT 1 OFFSET ?4",
                         "inii", place.conversation, place.parent, message, skip);
    }
    if (code == CF_OK && sibling == 0) {
        code = cf_err_set(err, CF_ERR_RANGE, "there is no further alternative");
    }
    return code == CF_OK ? cf_store_descend(leaf, store, sibling, err) : code;
}

/* What is shown in place of a deleted message. */
static enum cf_code replacement(int64_t *leaf, struct cf_store *store, int64_t deleted,
                                const struct cf_place *place, struct cf_err *err)
{
    int64_t sibling = 0;
    enum cf_code code = cf_db_int(&sibling, store, err,
                                  "SELECT id FROM message WHERE conversation = ?1 AND parent IS ?2"
                                  " AND trashed IS NULL ORDER BY abs(id - ?3) LIMIT 1",
                                  "ini", place->conversation, place->parent, deleted);
    if (code == CF_OK && sibling != 0) {
        return cf_store_descend(leaf, store, sibling, err);
    }
    *leaf = place->parent;
    return code;
}

enum cf_code cf_store_settle_leaf(struct cf_store *store, int64_t conversation, struct cf_err *err)
{
    int64_t leaf = 0;
    enum cf_code code = cf_db_int(
        &leaf, store, err, "SELECT active_leaf FROM conversation WHERE id = ?1", "i", conversation);
    struct cf_place top = {.trashed_ms = 0};
    int64_t deleted = 0;
    /* The topmost deleted message of the branch. */
    int depth = 0;
    for (int64_t at = leaf; code == CF_OK && at != 0; depth++) {
        struct cf_place place;
        code = depth < DEPTH_MAX ? cf_store_need_message(&place, store, at, err)
                                 : too_deep(store, err);
        if (code == CF_OK && place.trashed_ms != 0) {
            deleted = at;
            top = place;
        }
        at = code == CF_OK ? place.parent : 0;
    }
    if (code != CF_OK || deleted == 0) {
        return code;
    }
    int64_t shown = 0;
    code = replacement(&shown, store, deleted, &top, err);
    return code == CF_OK ? cf_store_show_leaf(store, conversation, shown, err) : code;
}

enum cf_code cf_store_revive(struct cf_store *store, int64_t conversation, int64_t message,
                             struct cf_err *err)
{
    enum cf_code code = cf_db_run(store, err,
                                  "UPDATE conversation SET trashed = NULL WHERE id = ?1"
                                  " AND trashed IS NOT NULL",
                                  "i", conversation);
    if (code == CF_OK && message != 0) {
        code = cf_db_run(store, err,
                         "UPDATE message SET trashed = NULL, trash_root = NULL"
                         " WHERE trashed IS NOT NULL AND id IN ("
                         " WITH RECURSIVE up (id) AS (SELECT ?1 UNION SELECT m.parent"
                         " FROM up JOIN message m ON m.id = up.id WHERE m.parent IS NOT NULL"
                         " AND EXISTS (SELECT 1 FROM message p WHERE p.id = m.parent"
                         " AND p.trashed IS NOT NULL))"
                         " SELECT id FROM up)",
                         "i", message);
    }
    return code;
}

/* ---- Moving ---- */

static enum cf_code is_below(bool *result, struct cf_store *store, int64_t message, int64_t other,
                             struct cf_err *err)
{
    int64_t found = 0;
    enum cf_code code = cf_db_int(&found, store, err,
                                  "WITH RECURSIVE up (id) AS (SELECT ?1 UNION SELECT m.parent"
                                  " FROM up JOIN message m ON m.id = up.id"
                                  " WHERE m.parent IS NOT NULL)"
                                  " SELECT 1 FROM up WHERE id = ?2",
                                  "ii", message, other);
    *result = found != 0;
    return code;
}

/* Inside: everything below MESSAGE, and itself, into another conversation. */
static enum cf_code change_home(struct cf_store *store, int64_t message, int64_t from, int64_t to,
                                struct cf_err *err)
{
    return cf_db_run(store, err,
                     "UPDATE message SET conversation = ?3 WHERE id IN ("
                     " WITH RECURSIVE down (id) AS (SELECT ?1 UNION SELECT m.id"
                     " FROM down JOIN message m ON m.conversation = ?2 AND m.parent = down.id)"
                     " SELECT id FROM down)",
                     "iii", message, from, to);
}

enum cf_code cf_store_hang(struct cf_store *store, int64_t id, int64_t conversation, int64_t parent,
                           struct cf_err *err)
{
    struct cf_place from;
    enum cf_code code = cf_store_need_message(&from, store, id, err);
    if (code == CF_OK && parent != 0) {
        struct cf_place to;
        bool is_circle = false;
        code = cf_store_need_message(&to, store, parent, err);
        if (code == CF_OK && (to.conversation != conversation || to.trashed_ms != 0)) {
            code = cf_err_set(err, CF_ERR_NOT_FOUND,
                              "there is no message %" PRId64 " in conversation %" PRId64, parent,
                              conversation);
        }
        if (code == CF_OK) {
            code = is_below(&is_circle, store, parent, id, err);
        }
        if (code == CF_OK && is_circle) {
            code = cf_err_set(err, CF_ERR_RANGE, "a message cannot be moved below itself");
        }
    }
    if (code == CF_OK) {
        code =
            cf_db_run(store, err, "UPDATE message SET parent = ?1 WHERE id = ?2", "ni", parent, id);
    }
    if (code == CF_OK && from.conversation != conversation) {
        code = change_home(store, id, from.conversation, conversation, err);
    }
    /* A branch shown there may have gone with it. */
    int64_t lost = 0;
    if (code == CF_OK) {
        code = cf_db_int(&lost, store, err,
                         "SELECT 1 FROM conversation c JOIN message m ON m.id = c.active_leaf"
                         " WHERE c.id = ?1 AND m.conversation <> c.id",
                         "i", from.conversation);
    }
    if (code == CF_OK && lost != 0) {
        int64_t leaf = 0;
        code = replacement(&leaf, store, id, &from, err);
        if (code == CF_OK) {
            code = cf_db_run(store, err, "UPDATE conversation SET active_leaf = NULL WHERE id = ?1",
                             "i", from.conversation);
        }
        if (code == CF_OK) {
            code = cf_store_show_leaf(store, from.conversation, leaf, err);
        }
    }
    return code;
}

enum cf_code cf_store_message_move(struct cf_store *store, int64_t id, int64_t conversation,
                                   int64_t parent, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_place from = {.conversation = 0};
    struct cf_undo_entry entry = {.action = "move", .message = id};
    code = cf_store_need_conversation(store, conversation, err);
    if (code == CF_OK) {
        code = cf_store_need_message(&from, store, id, err);
    }
    if (code == CF_OK) {
        entry.conversation = conversation;
        entry.home = from.conversation;
        entry.parent = from.parent;
        code =
            cf_db_int(&entry.leaf, store, err, "SELECT active_leaf FROM conversation WHERE id = ?1",
                      "i", from.conversation);
    }
    if (code == CF_OK) {
        code = cf_store_hang(store, id, conversation, parent, err);
    }
    if (code == CF_OK) {
        code = cf_store_journal(store, &entry, err);
    }
    return cf_db_finish(store, code, err);
}

enum cf_code cf_store_message_set_pinned(struct cf_store *store, int64_t id, bool is_pinned,
                                         struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_place place = {.conversation = 0};
    code = cf_store_need_message(&place, store, id, err);
    if (code == CF_OK) {
        code =
            cf_db_run(store, err, "UPDATE message SET pinned = ?1 WHERE id = ?2 AND pinned <> ?1",
                      "ii", (int64_t)is_pinned, id);
    }
    if (code == CF_OK && cf_db_n_changed(store) > 0) {
        struct cf_undo_entry entry = {
            .action = "pin", .conversation = place.conversation, .message = id, .flag = !is_pinned};
        code = cf_store_journal(store, &entry, err);
    }
    return cf_db_finish(store, code, err);
}
