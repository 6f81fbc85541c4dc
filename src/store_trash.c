/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The trash: deleting marks, restoring takes the mark away, purging erases. */
#include "store_parts.h"

#include <inttypes.h>

#include "store_schema.h"
#include "store_words.h"

enum cf_code cf_store_conversation_delete(struct cf_store *store, int64_t id, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    code = cf_store_need_conversation(store, id, err);
    if (code == CF_OK) {
        code = cf_db_run(store, err,
                         "UPDATE conversation SET trashed = ?1 WHERE id = ?2 AND trashed IS NULL",
                         "ii", cf_db_now_ms(), id);
    }
    if (code == CF_OK && cf_db_n_changed(store) > 0) {
        struct cf_undo_entry entry = {.action = "delete", .conversation = id};
        code = cf_store_journal(store, &entry, err);
    }
    return cf_db_finish(store, code, err);
}

enum cf_code cf_store_conversation_restore(struct cf_store *store, int64_t id, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    code = cf_store_need_conversation(store, id, err);
    if (code == CF_OK) {
        code = cf_store_revive(store, id, 0, err);
    }
    return cf_db_finish(store, code, err);
}

static enum cf_code prune_inside(struct cf_store *store, int64_t id, struct cf_err *err)
{
    struct cf_place place;
    struct cf_undo_entry entry = {.action = "prune", .message = id};
    enum cf_code code = cf_store_need_message(&place, store, id, err);
    if (code != CF_OK || place.trashed_ms != 0) {
        return code;
    }
    entry.conversation = place.conversation;
    code = cf_db_int(&entry.leaf, store, err, "SELECT active_leaf FROM conversation WHERE id = ?1",
                     "i", place.conversation);
    if (code == CF_OK) {
        code = cf_db_run(store, err,
                         "UPDATE message SET trashed = ?1, trash_root = ?2"
                         " WHERE trashed IS NULL AND id IN ("
                         " WITH RECURSIVE down (id) AS (SELECT ?2 UNION SELECT m.id"
                         " FROM down JOIN message m ON m.conversation = ?3"
                         " AND m.parent = down.id) SELECT id FROM down)",
                         "iii", cf_db_now_ms(), id, place.conversation);
    }
    if (code == CF_OK) {
        code = cf_store_settle_leaf(store, place.conversation, err);
    }
    return code == CF_OK ? cf_store_journal(store, &entry, err) : code;
}

enum cf_code cf_store_message_delete(struct cf_store *store, int64_t id, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    return code == CF_OK ? cf_db_finish(store, prune_inside(store, id, err), err) : code;
}

enum cf_code cf_store_unprune(struct cf_store *store, int64_t id, struct cf_err *err)
{
    struct cf_place place;
    int64_t root = id;
    enum cf_code code = cf_store_need_message(&place, store, id, err);
    if (code == CF_OK) {
        code =
            cf_db_int(&root, store, err, "SELECT trash_root FROM message WHERE id = ?1", "i", id);
    }
    if (code == CF_OK) {
        code = cf_db_run(store, err,
                         "UPDATE message SET trashed = NULL, trash_root = NULL"
                         " WHERE trash_root = ?1 AND trashed IS NOT NULL",
                         "i", root);
    }
    /* What it hangs on may have been deleted later. */
    return code == CF_OK ? cf_store_revive(store, place.conversation, root, err) : code;
}

enum cf_code cf_store_message_restore(struct cf_store *store, int64_t id, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    return code == CF_OK ? cf_db_finish(store, cf_store_unprune(store, id, err), err) : code;
}

/* ---- Purging ---- */

/* What is erased: whole conversations that are in the trash and in which no living process is
 * writing, and messages in the trash; nothing of an import under way. */
#define DOOMED_CONVERSATION                                                                        \
    "(SELECT c.id FROM conversation c WHERE c.trashed IS NOT NULL AND c.import IS NULL"            \
    " AND NOT EXISTS"                                                                              \
    " (SELECT 1 FROM message s WHERE s.conversation = c.id AND s.state = 'streaming'))"
#define DOOMED_MESSAGE                                                                             \
    "(SELECT m.id FROM message m WHERE m.conversation IN " DOOMED_CONVERSATION                     \
    " UNION SELECT t.id FROM message t WHERE t.trashed IS NOT NULL AND t.trash_root NOT IN"        \
    " (SELECT s.trash_root FROM message s WHERE s.state = 'streaming'"                             \
    " AND s.trash_root IS NOT NULL) AND t.conversation NOT IN"                                     \
    " (SELECT i.id FROM conversation i WHERE i.import IS NOT NULL))"

static enum cf_code erase_rows(struct cf_purge_result *result, struct cf_store *store,
                               struct cf_err *err)
{
    /* A message that hangs on a deleted one without being deleted keeps it: never erase what was
     * not in the trash. */
    static const char *const steps[] = {
        ("UPDATE message SET trashed = NULL, trash_root = NULL WHERE trashed IS NOT NULL AND id IN "
         "("
         " WITH RECURSIVE up (id) AS (SELECT m.parent FROM message m JOIN message p"
         " ON p.id = m.parent WHERE m.trashed IS NULL AND p.trashed IS NOT NULL"
         " UNION SELECT m.parent FROM up JOIN message m ON m.id = up.id WHERE m.parent IS NOT NULL)"
         " SELECT id FROM up)"),
        ("INSERT INTO search (search, rowid, words) SELECT 'delete', message, words FROM words"
         " WHERE message IN " DOOMED_MESSAGE),
        ("DELETE FROM words WHERE message IN " DOOMED_MESSAGE),
        ("UPDATE conversation SET active_leaf = NULL WHERE active_leaf IN " DOOMED_MESSAGE),
        ("UPDATE message SET shown_child = NULL WHERE shown_child IN " DOOMED_MESSAGE),
    };
    enum cf_code code = CF_OK;
    for (size_t i = 0; code == CF_OK && i < CF_ARRAY_SIZE(steps); i++) {
        code = cf_db_run(store, err, steps[i], "");
    }
    if (code == CF_OK) {
        code = cf_db_run(store, err, "DELETE FROM message WHERE id IN " DOOMED_MESSAGE, "");
        result->n_messages = cf_db_n_changed(store);
    }
    if (code == CF_OK) {
        code =
            cf_db_run(store, err, "DELETE FROM conversation WHERE id IN " DOOMED_CONVERSATION, "");
        result->n_conversations = cf_db_n_changed(store);
    }
    static const char *const rest[] = {
        ("DELETE FROM snapshot WHERE digest NOT IN (SELECT template FROM recipe"
         " WHERE template IS NOT NULL UNION SELECT system FROM recipe WHERE system IS NOT NULL)"),
        "DELETE FROM tag WHERE id NOT IN (SELECT tag FROM conversation_tag)",
        "INSERT INTO search (search) VALUES ('optimize')",
    };
    for (size_t i = 0; code == CF_OK && i < CF_ARRAY_SIZE(rest); i++) {
        code = cf_db_run(store, err, rest[i], "");
    }
    return code;
}

/* Empties the write-ahead log, which still holds pages as they were. */
static enum cf_code truncate_log(struct cf_store *store, struct cf_err *err)
{
    if (!store->is_wal) {
        return CF_OK;
    }
    int rc = sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
        return cf_err_set(err, CF_ERR_BUSY,
                          "%s: the trash is emptied, but another program is using the database, so "
                          "traces may be left in its log; purge again when that one has ended",
                          store->path);
    }
    return rc == SQLITE_OK ? CF_OK : cf_db_fail(store, rc, err);
}

/* Rebuilds the file without what was deleted.  The copy it is rebuilt from may be large: it goes to
 * a temporary file, which never holds anything but what is kept. */
static enum cf_code compact(struct cf_store *store, struct cf_err *err)
{
    enum cf_code code = cf_db_script(store, "PRAGMA temp_store = FILE; VACUUM", err);
    (void)cf_db_script(store, "PRAGMA temp_store = MEMORY", NULL);
    return code;
}

enum cf_code cf_store_purge(struct cf_purge_result *result, struct cf_store *store,
                            struct cf_err *err)
{
    struct cf_purge_result purged = {.n_messages = 0};
    enum cf_code code = cf_store_recover(store, NULL, err);
    while (code == CF_OK && store->has_leftover) {
        code = cf_store_recover(store, NULL, err);
    }
    if (code == CF_OK && store->is_index_damaged) {
        code = cf_store_reindex(store, err);
    }
    if (code == CF_OK) {
        code = cf_db_begin(store, CF_DB_SYNCED, err);
    }
    if (code != CF_OK) {
        return code;
    }
    code = cf_db_finish(store, erase_rows(&purged, store, err), err);
    if (code != CF_OK) {
        return code;
    }
    *result = purged;
    code = cf_store_remove_migration_backups(store, err);
    if (code == CF_OK) {
        code = compact(store, err);
    }
    return code == CF_OK ? truncate_log(store, err) : code;
}
