/* SPDX-License-Identifier: GPL-3.0-or-later */
/* More of conversations that are there: messages wait in conversations of their own, which the end
 * of the import empties into those that they are for. */
#include "store_import.h"

enum cf_code cf_store_import_find(int64_t *id, bool *is_here, struct cf_store_import *import,
                                  int64_t conversation, const char *uuid, const char *origin_id,
                                  struct cf_err *err)
{
    struct cf_store *store = import->store;
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    *id = 0;
    *is_here = false;
    enum cf_code code =
        uuid[0] != '\0'
            ? cf_db_query(&stmt, store, err,
                          "SELECT id, conversation, trashed FROM message WHERE uuid = ?1", "t",
                          uuid)
            : cf_db_query(&stmt, store, err,
                          "SELECT id, conversation, trashed FROM message"
                          " WHERE conversation = ?1 AND origin_id = ?2",
                          "it", conversation, origin_id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (code == CF_OK && has_row) {
        *id = sqlite3_column_int64(stmt, 0);
        *is_here = sqlite3_column_int64(stmt, 1) == conversation &&
                   sqlite3_column_type(stmt, 2) == SQLITE_NULL;
    }
    cf_db_end(stmt);
    return code;
}

enum cf_code cf_store_import_waiting(int64_t *id, struct cf_store_import *import,
                                     int64_t conversation, struct cf_err *err)
{
    const struct cf_conversation waiting = {.uuid = ""};
    enum cf_code code = cf_store_import_conversation(id, import, &waiting, err);
    if (code == CF_OK) {
        import->merges = cf_grow(import->merges, import->n_merges, &import->merges_capacity, 1,
                                 sizeof *import->merges);
        import->merges[import->n_merges++] =
            (struct cf_import_merge){.waiting = *id, .conversation = conversation};
    }
    return code;
}

void cf_store_import_hang(struct cf_store_import *import, int64_t message, int64_t parent,
                          bool is_shown)
{
    assert(import->n_merges > 0);
    import->hangs =
        cf_grow(import->hangs, import->n_hangs, &import->hangs_capacity, 1, sizeof *import->hangs);
    import->hangs[import->n_hangs++] = (struct cf_import_hang){
        .message = message, .parent = parent, .merge = import->n_merges - 1, .is_shown = is_shown};
}

void cf_store_import_waited(struct cf_store_import *import, int64_t waiting, int64_t leaf,
                            int64_t updated_ms)
{
    for (size_t i = import->n_merges; i > 0; i--) {
        struct cf_import_merge *merge = &import->merges[i - 1];
        if (merge->waiting == waiting) {
            merge->leaf = leaf;
            merge->updated_ms = updated_ms;
            return;
        }
    }
}

/* Inside. */
static enum cf_code merge_one(struct cf_store *store, struct cf_import_merge *merge,
                              struct cf_err *err)
{
    int64_t updated_ms = -1;
    enum cf_code code =
        cf_db_int(&updated_ms, store, err, "SELECT updated FROM conversation WHERE id = ?1", "i",
                  merge->conversation);
    /* There is nothing left that they could be more of, and they have no beginning of their own. */
    if (code == CF_OK && updated_ms < 0) {
        return cf_err_set(err, CF_ERR_BUSY,
                          "a conversation that is being imported was erased meanwhile; try again");
    }
    merge->is_later = merge->updated_ms > updated_ms;
    if (code == CF_OK) {
        code = cf_db_run(store, err, "UPDATE message SET conversation = ?1 WHERE conversation = ?2",
                         "ii", merge->conversation, merge->waiting);
    }
    if (code == CF_OK) {
        code = cf_db_run(store, err, "DELETE FROM conversation WHERE id = ?1", "i", merge->waiting);
    }
    if (code == CF_OK && merge->is_later) {
        code = cf_db_run(store, err, "UPDATE conversation SET updated = ?1 WHERE id = ?2", "ii",
                         merge->updated_ms, merge->conversation);
    }
    return code;
}

/* Inside.  On what is gone or deleted meanwhile nothing is hung: a root it stays. */
static enum cf_code hang_one(struct cf_store *store, const struct cf_import_hang *hang,
                             bool is_later, struct cf_err *err)
{
    enum cf_code code =
        cf_db_run(store, err,
                  "UPDATE message SET parent = ?2 WHERE id = ?1 AND EXISTS"
                  " (SELECT 1 FROM message p WHERE p.id = ?2"
                  " AND p.conversation = message.conversation AND p.trashed IS NULL)",
                  "ii", hang->message, hang->parent);
    if (code == CF_OK && hang->is_shown && is_later && cf_db_n_changed(store) > 0) {
        code = cf_db_run(store, err, "UPDATE message SET shown_child = ?1 WHERE id = ?2", "ii",
                         hang->message, hang->parent);
    }
    return code;
}

enum cf_code cf_import_merge_all(struct cf_store_import *import, struct cf_err *err)
{
    struct cf_store *store = import->store;
    enum cf_code code = CF_OK;
    for (size_t i = 0; code == CF_OK && i < import->n_merges; i++) {
        code = merge_one(store, &import->merges[i], err);
    }
    for (size_t i = 0; code == CF_OK && i < import->n_hangs; i++) {
        const struct cf_import_hang *hang = &import->hangs[i];
        code = hang_one(store, hang, import->merges[hang->merge].is_later, err);
    }
    for (size_t i = 0; code == CF_OK && i < import->n_merges; i++) {
        const struct cf_import_merge *merge = &import->merges[i];
        if (merge->leaf != 0 && merge->is_later) {
            code = cf_store_show_leaf(store, merge->conversation, merge->leaf, err);
        }
    }
    return code;
}
