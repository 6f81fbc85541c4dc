/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows into the database, a slice of time after the other, seen only at the end. */
#include "store_import.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "store_words.h"

enum {
    ERASE_PIECE = 100,    /* messages erased between two looks at the clock */
    UNDO_MS = 2000,       /* for taking an import back at once; the rest is left to others */
    ALIVE_MS = 60 * 1000, /* a sign of life for those who cannot see this process */
};

static void pause_for_others(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = CF_IMPORT_PAUSE_MS * 1000000L}, NULL);
}

/* ---- Slices ---- */

/* A transaction is open afterwards; what was written so far is committed when its time is up. */
static enum cf_code tick(struct cf_store_import *import, struct cf_err *err)
{
    struct cf_store *store = import->store;
    enum cf_code code = CF_OK;
    if (import->begun_ms != 0 && cf_clock_ms() - import->begun_ms >= CF_IMPORT_SLICE_MS) {
        import->begun_ms = 0;
        code = cf_db_finish(store, CF_OK, err);
        if (code == CF_OK) {
            pause_for_others();
        }
    }
    if (code == CF_OK && import->begun_ms == 0) {
        /* Not seen before the end, so it need not be synced before. */
        code = cf_db_begin(store, CF_DB_LAZY, err);
        import->begun_ms = code == CF_OK ? cf_clock_ms() : 0;
    }
    if (code == CF_OK && import->begun_ms - import->alive_ms >= ALIVE_MS) {
        import->alive_ms = import->begun_ms;
        code = cf_db_run(store, err, "UPDATE import SET started = ?1 WHERE id = ?2", "ii",
                         cf_db_now_ms(), import->id);
    }
    return code;
}

enum cf_code cf_store_import_begin(struct cf_store_import **import, struct cf_store *store,
                                   const char *source, struct cf_err *err)
{
    struct cf_store_import *made = cf_calloc(1, sizeof *made);
    made->store = store;
    enum cf_code code = tick(made, err);
    if (code == CF_OK) {
        code =
            cf_db_run(store, err, "INSERT INTO import (started, owner, source) VALUES (?1, ?2, ?3)",
                      "itt", cf_db_now_ms(), store->owner, source);
        made->id = sqlite3_last_insert_rowid(store->db);
    }
    if (code != CF_OK) {
        if (made->begun_ms != 0) {
            (void)cf_db_finish(store, code, NULL);
        }
        free(made);
        return code;
    }
    *import = made;
    return CF_OK;
}

/* ---- Conversations ---- */

static enum cf_code is_living(bool *is_alive, struct cf_store *store, int64_t id,
                              struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err, "SELECT owner, started FROM import WHERE id = ?1", "i", id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    const char *owner = has_row ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    *is_alive = owner != NULL && cf_owner_is_alive(owner, sqlite3_column_int64(stmt, 1));
    cf_db_end(stmt);
    return code;
}

/* CF_ERR_EXISTS when the conversation is there; *other is the import it belongs to so far. */
static enum cf_code look_for(int64_t *id, int64_t *other, struct cf_store_import *import,
                             const struct cf_conversation *conversation, struct cf_err *err)
{
    struct cf_store *store = import->store;
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err,
                    "SELECT id, import FROM conversation WHERE uuid = ?1"
                    " UNION ALL SELECT id, import FROM conversation"
                    " WHERE origin = ?2 AND origin_id = ?3 LIMIT 1",
                    "ttt", conversation->uuid, conversation->origin, conversation->origin_id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    *other = 0;
    if (code == CF_OK && has_row) {
        const int64_t owner = sqlite3_column_int64(stmt, 1);
        *id = sqlite3_column_int64(stmt, 0);
        *other = owner != import->id ? owner : 0;
        code = cf_err_set(err, CF_ERR_EXISTS, "the conversation is there already");
    }
    cf_db_end(stmt);
    return code;
}

/* What an import left that came to no end stands in the way of nothing. */
static enum cf_code erase_dead(struct cf_store_import *import, int64_t other, struct cf_err *err)
{
    struct cf_store *store = import->store;
    bool is_alive = false;
    enum cf_code code = is_living(&is_alive, store, other, err);
    if (code == CF_OK && is_alive) {
        return cf_err_set(err, CF_ERR_BUSY,
                          "another confab is importing the same conversations; try again when it "
                          "has ended");
    }
    if (code == CF_OK && import->begun_ms != 0) {
        import->begun_ms = 0;
        code = cf_db_finish(store, CF_OK, err);
    }
    const bool had_leftover = store->has_leftover;
    do {
        store->has_leftover = false;
        code = code == CF_OK ? cf_store_import_erase(store, other, UNDO_MS, err) : code;
    } while (code == CF_OK && store->has_leftover);
    store->has_leftover = store->has_leftover || had_leftover;
    return code == CF_OK ? tick(import, err) : code;
}

static enum cf_code find_or_clear(int64_t *id, struct cf_store_import *import,
                                  const struct cf_conversation *conversation, struct cf_err *err)
{
    int64_t other = 0;
    enum cf_code code = tick(import, err);
    if (code == CF_OK) {
        code = look_for(id, &other, import, conversation, err);
    }
    while (code == CF_ERR_EXISTS && other != 0) {
        code = erase_dead(import, other, err);
        if (code == CF_OK) {
            code = look_for(id, &other, import, conversation, err);
        }
    }
    return code;
}

static enum cf_code add_tags(struct cf_store *store, int64_t id,
                             const struct cf_conversation *conversation, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    for (size_t i = 0; code == CF_OK && i < conversation->n_tags; i++) {
        struct cf_buf clean = CF_BUF_INIT;
        cf_title_clean(&clean, conversation->tags[i], strlen(conversation->tags[i]));
        if (clean.size > 0) {
            code = cf_store_tag_inside(store, id, clean.data, clean.size, err);
        }
        cf_buf_release(&clean);
    }
    return code;
}

enum cf_code cf_store_import_conversation(int64_t *id, struct cf_store_import *import,
                                          const struct cf_conversation *conversation,
                                          struct cf_err *err)
{
    struct cf_store *store = import->store;
    enum cf_code code = find_or_clear(id, import, conversation, err);
    if (code != CF_OK) {
        return code;
    }
    char uuid[CF_UUID_SIZE];
    if (conversation->uuid[0] == '\0') {
        cf_db_uuid(uuid);
    } else {
        memcpy(uuid, conversation->uuid, sizeof uuid);
    }
    struct cf_buf title = CF_BUF_INIT;
    if (conversation->title != NULL) {
        cf_title_clean(&title, conversation->title, strlen(conversation->title));
    }
    code = cf_db_run(
        store, err,
        "INSERT INTO conversation (uuid, created, updated, pinned, archived, unread, trashed,"
        " import, title_is_own, title, model, template, settings, system, origin, origin_id)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        "tiiiiiniixtttttt", uuid, conversation->created_ms, conversation->updated_ms,
        (int64_t)conversation->is_pinned, (int64_t)conversation->is_archived,
        (int64_t)conversation->is_unread, conversation->trashed_ms, import->id,
        (int64_t)conversation->is_title_own, title.data, title.size, conversation->model,
        conversation->template_name, conversation->settings, conversation->system,
        conversation->origin, conversation->origin_id);
    cf_buf_release(&title);
    if (code == CF_OK) {
        *id = sqlite3_last_insert_rowid(store->db);
        code = add_tags(store, *id, conversation, err);
    }
    return code;
}

enum cf_code cf_store_import_leaf(struct cf_store_import *import, int64_t conversation,
                                  int64_t leaf, bool is_shown, struct cf_err *err)
{
    enum cf_code code = tick(import, err);
    if (code == CF_OK && leaf != 0 && is_shown) {
        return cf_store_show_leaf(import->store, conversation, leaf, err);
    }
    return code == CF_OK ? cf_db_run(import->store, err,
                                     "UPDATE conversation SET active_leaf = ?1 WHERE id = ?2", "ni",
                                     leaf, conversation)
                         : code;
}

enum cf_code cf_store_import_title(struct cf_store_import *import, int64_t conversation,
                                   const char *text, size_t size, struct cf_err *err)
{
    enum cf_code code = tick(import, err);
    return code == CF_OK ? cf_store_give_title(import->store, conversation, text, size, err) : code;
}

enum cf_code cf_store_import_fork(struct cf_store_import *import, int64_t conversation,
                                  const char *uuid, struct cf_err *err)
{
    (void)err;
    import->forks =
        cf_grow(import->forks, import->n_forks, &import->forks_capacity, 1, sizeof *import->forks);
    struct cf_import_fork *fork = &import->forks[import->n_forks++];
    *fork = (struct cf_import_fork){.conversation = conversation};
    (void)strncpy(fork->uuid, uuid, sizeof fork->uuid - 1);
    return CF_OK;
}

/* ---- Messages ---- */

static enum cf_code insert_message(int64_t *id, struct cf_store *store, const char *uuid,
                                   const struct cf_message *message, struct cf_err *err)
{
    enum cf_code code = cf_db_run(
        store, err,
        "INSERT INTO message (uuid, conversation, parent, role, state, reason, pinned, created,"
        " updated, trashed, trash_root, n_tokens, n_prompt, n_cached, first_us, total_us, model,"
        " error, origin_id, text)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, iif(?10 IS NULL, NULL, 0), ?11, ?12,"
        " ?13, ?14, ?15, ?16, ?17, ?18, ?19) ON CONFLICT (uuid) DO NOTHING",
        "tintttiiiniiiiitttx", uuid, message->conversation, message->parent,
        cf_role_name(message->role), cf_message_state_name(message->state),
        cf_end_reason_name(message->reason), (int64_t)message->is_pinned, message->created_ms,
        message->updated_ms, message->trashed_ms, (int64_t)message->n_tokens,
        (int64_t)message->n_prompt, (int64_t)message->n_cached, message->first_us,
        message->total_us, message->model, message->error, message->origin_id, message->text,
        message->size);
    *id = code == CF_OK && cf_db_n_changed(store) > 0 ? sqlite3_last_insert_rowid(store->db) : 0;
    return code;
}

static enum cf_code insert_recipe(struct cf_store *store, int64_t id,
                                  const struct cf_message_row *row, struct cf_err *err)
{
    const void *template = row->has_template ? row->template_digest.bytes : NULL;
    const void *system = row->has_system ? row->system_digest.bytes : NULL;
    return cf_db_run(store, err,
                     "INSERT INTO recipe (message, template, system, body) VALUES (?1, ?2, ?3, ?4)",
                     "ibbb", id, template, (size_t)CF_DIGEST_SIZE, system, (size_t)CF_DIGEST_SIZE,
                     row->message.recipe, row->message.recipe_size);
}

static enum cf_code check_origin(struct cf_store *store, const struct cf_message *message,
                                 struct cf_err *err)
{
    int64_t other = 0;
    if (message->origin_id == NULL) {
        return CF_OK;
    }
    enum cf_code code = cf_db_int(&other, store, err,
                                  "SELECT id FROM message WHERE conversation = ?1"
                                  " AND origin_id = ?2",
                                  "it", message->conversation, message->origin_id);
    return code != CF_OK || other == 0
               ? code
               : cf_err_set(err, CF_ERR_EXISTS, "the message ‘%s’ stands there twice",
                            message->origin_id);
}

enum cf_code cf_store_import_message(int64_t *id, struct cf_store_import *import,
                                     const struct cf_message_row *row, struct cf_err *err)
{
    struct cf_store *store = import->store;
    char uuid[CF_UUID_SIZE];
    int64_t made = 0;
    assert(row->message.state != CF_MESSAGE_STREAMING);
    enum cf_code code = tick(import, err);
    if (code == CF_OK) {
        code = check_origin(store, &row->message, err);
    }
    if (code == CF_OK && row->message.uuid[0] != '\0') {
        code = insert_message(&made, store, row->message.uuid, &row->message, err);
    }
    if (code == CF_OK && made == 0) {
        cf_db_uuid(uuid);
        code = insert_message(&made, store, uuid, &row->message, err);
    }
    if (code == CF_OK && row->has_recipe) {
        code = insert_recipe(store, made, row, err);
    }
    if (code == CF_OK) {
        code = cf_store_index_new(store, made, row->message.text, row->message.size, err);
    }
    if (code == CF_OK) {
        *id = made;
    }
    return code;
}

enum cf_code cf_store_import_link(struct cf_store_import *import, int64_t message, int64_t parent,
                                  int64_t shown, int64_t trash_root, struct cf_err *err)
{
    enum cf_code code = tick(import, err);
    return code == CF_OK ? cf_db_run(import->store, err,
                                     "UPDATE message SET parent = coalesce(?2, parent),"
                                     " shown_child = coalesce(?3, shown_child),"
                                     " trash_root = coalesce(?4, trash_root) WHERE id = ?1",
                                     "innn", message, parent, shown, trash_root)
                         : code;
}

/* ---- Snapshots and drafts ---- */

enum cf_code cf_store_import_snapshot(struct cf_store_import *import,
                                      const struct cf_snapshot_row *row, struct cf_err *err)
{
    enum cf_code code = tick(import, err);
    return code == CF_OK ? cf_db_run(import->store, err,
                                     "INSERT OR IGNORE INTO snapshot (digest, created, text)"
                                     " VALUES (?1, ?2, ?3)",
                                     "bix", row->digest.bytes, sizeof row->digest.bytes,
                                     row->created_ms, row->text, row->size)
                         : code;
}

enum cf_code cf_store_import_without(struct cf_store_import *import, const struct cf_digest *digest,
                                     struct cf_err *err)
{
    struct cf_store *store = import->store;
    int64_t is_there = 0;
    enum cf_code code = tick(import, err);
    if (code == CF_OK) {
        code = cf_db_int(&is_there, store, err, "SELECT 1 FROM snapshot WHERE digest = ?1", "b",
                         digest->bytes, sizeof digest->bytes);
    }
    if (code == CF_OK && is_there == 0) {
        code = cf_db_run(store, err, "UPDATE recipe SET template = NULL WHERE template = ?1", "b",
                         digest->bytes, sizeof digest->bytes);
    }
    if (code == CF_OK && is_there == 0) {
        code = cf_db_run(store, err, "UPDATE recipe SET system = NULL WHERE system = ?1", "b",
                         digest->bytes, sizeof digest->bytes);
    }
    return code;
}

static enum cf_code insert_draft(struct cf_store *store, int64_t conversation,
                                 const struct cf_draft_row *row, struct cf_err *err)
{
    return cf_db_run(store, err,
                     "INSERT INTO draft (conversation, cursor, updated, text)"
                     " SELECT ?1, ?2, ?3, ?4"
                     " WHERE NOT EXISTS (SELECT 1 FROM draft WHERE conversation IS ?1)",
                     "niix", conversation, row->cursor, row->updated_ms, row->text, row->size);
}

enum cf_code cf_store_import_draft(struct cf_store_import *import, int64_t conversation,
                                   const struct cf_draft_row *row, struct cf_err *err)
{
    if (conversation == 0) {
        /* Nobody's, and so seen at once: it waits for the end. */
        free(import->draft_text);
        import->draft_text = cf_memdup_str(row->text, row->size);
        import->draft = *row;
        import->draft.text = import->draft_text;
        import->has_draft = true;
        return CF_OK;
    }
    enum cf_code code = tick(import, err);
    return code == CF_OK ? insert_draft(import->store, conversation, row, err) : code;
}

/* ---- The end ---- */

static void free_import(struct cf_store_import *import)
{
    free(import->forks);
    free(import->merges);
    free(import->hangs);
    free(import->draft_text);
    free(import);
}

static enum cf_code show(struct cf_store_import *import, struct cf_err *err)
{
    struct cf_store *store = import->store;
    enum cf_code code = cf_import_merge_all(import, err);
    if (code == CF_OK) {
        code = cf_db_run(store, err, "UPDATE conversation SET import = NULL WHERE import = ?1", "i",
                         import->id);
    }
    if (code == CF_OK && import->has_draft) {
        code = insert_draft(store, 0, &import->draft, err);
    }
    if (code == CF_OK) {
        code = cf_db_run(store, err, "DELETE FROM import WHERE id = ?1", "i", import->id);
    }
    return code;
}

enum cf_code cf_store_import_finish(struct cf_store_import *import, struct cf_err *err)
{
    struct cf_store *store = import->store;
    enum cf_code code = CF_OK;
    for (size_t i = 0; code == CF_OK && i < import->n_forks; i++) {
        code = tick(import, err);
        if (code == CF_OK) {
            code = cf_db_run(store, err,
                             "UPDATE conversation SET forked_from ="
                             " (SELECT id FROM message WHERE uuid = ?1) WHERE id = ?2",
                             "ti", import->forks[i].uuid, import->forks[i].conversation);
        }
    }
    if (code == CF_OK && import->begun_ms != 0) {
        import->begun_ms = 0;
        code = cf_db_finish(store, CF_OK, err);
    }
    /* Synced, and with it all that was not before. */
    if (code == CF_OK) {
        code = cf_db_begin(store, CF_DB_SYNCED, err);
        import->begun_ms = code == CF_OK ? cf_clock_ms() : 0;
    }
    if (code == CF_OK) {
        code = show(import, err);
    }
    if (code == CF_OK) {
        import->begun_ms = 0;
        code = cf_db_finish(store, code, err);
    }
    if (code != CF_OK) {
        cf_store_import_undo(import);
        return code;
    }
    free_import(import);
    return CF_OK;
}

void cf_store_import_undo(struct cf_store_import *import)
{
    if (import == NULL) {
        return;
    }
    struct cf_store *store = import->store;
    if (import->begun_ms != 0) {
        (void)cf_db_finish(store, CF_ERR_CANCELLED, NULL);
    }
    /* Whoever cancelled the import wants it undone.  What there is no time for belongs to nobody
     * from now on. */
    const atomic_bool *cancel = store->cancel;
    store->cancel = NULL;
    enum cf_code code = cf_db_begin(store, CF_DB_LAZY, NULL);
    if (code == CF_OK) {
        code =
            cf_db_run(store, NULL, "UPDATE import SET owner = '' WHERE id = ?1", "i", import->id);
        code = cf_db_finish(store, code, NULL);
    }
    if (code == CF_OK) {
        (void)cf_store_import_erase(store, import->id, UNDO_MS, NULL);
    }
    store->cancel = cancel;
    free_import(import);
}

/* ---- Undoing ---- */

/* Inside: some messages of the conversation; what hangs on them and is not among them becomes a
 * root.  *n tells how many. */
static enum cf_code erase_messages(int64_t *n, struct cf_store *store, int64_t conversation,
                                   struct cf_err *err)
{
    static const char *const steps[] = {
        ("INSERT INTO search (search, rowid, words) SELECT 'delete', message, words FROM words"
         " WHERE message IN (SELECT id FROM message WHERE conversation = ?1"
         " ORDER BY id DESC LIMIT ?2)"),
        ("DELETE FROM words WHERE message IN (SELECT id FROM message WHERE conversation = ?1"
         " ORDER BY id DESC LIMIT ?2)"),
        ("UPDATE message SET parent = NULL WHERE conversation = ?1 AND parent IN"
         " (SELECT id FROM message WHERE conversation = ?1 ORDER BY id DESC LIMIT ?2)"),
        ("DELETE FROM message WHERE id IN (SELECT id FROM message WHERE conversation = ?1"
         " ORDER BY id DESC LIMIT ?2)"),
    };
    enum cf_code code = CF_OK;
    for (size_t i = 0; code == CF_OK && i < CF_ARRAY_SIZE(steps); i++) {
        code = cf_db_run(store, err, steps[i], "ii", conversation, (int64_t)ERASE_PIECE);
    }
    *n = cf_db_n_changed(store);
    return code;
}

/* Inside: as much of the import as there is time for; *is_done when nothing is left. */
static enum cf_code erase_slice(bool *is_done, struct cf_store *store, int64_t id,
                                struct cf_err *err)
{
    const int64_t until_ms = cf_clock_ms() + CF_IMPORT_SLICE_MS;
    enum cf_code code = CF_OK;
    while (code == CF_OK && cf_clock_ms() < until_ms) {
        int64_t conversation = 0;
        int64_t n = 0;
        code = cf_db_int(&conversation, store, err,
                         "SELECT id FROM conversation WHERE import = ?1 LIMIT 1", "i", id);
        *is_done = conversation == 0;
        if (code != CF_OK || conversation == 0) {
            return code;
        }
        code = cf_db_run(store, err, "UPDATE conversation SET active_leaf = NULL WHERE id = ?1",
                         "i", conversation);
        if (code == CF_OK) {
            code = erase_messages(&n, store, conversation, err);
        }
        if (code == CF_OK && n == 0) {
            code =
                cf_db_run(store, err, "DELETE FROM conversation WHERE id = ?1", "i", conversation);
        }
    }
    return code;
}

/* Inside: what nothing needs any more. */
static enum cf_code erase_rest(struct cf_store *store, int64_t id, struct cf_err *err)
{
    enum cf_code code =
        cf_db_run(store, err,
                  "DELETE FROM snapshot WHERE"
                  " NOT EXISTS (SELECT 1 FROM recipe r WHERE r.template = snapshot.digest)"
                  " AND NOT EXISTS (SELECT 1 FROM recipe r WHERE r.system = snapshot.digest)",
                  "");
    if (code == CF_OK) {
        code = cf_db_run(store, err,
                         "DELETE FROM tag WHERE NOT EXISTS"
                         " (SELECT 1 FROM conversation_tag ct WHERE ct.tag = tag.id)",
                         "");
    }
    return code == CF_OK ? cf_db_run(store, err, "DELETE FROM import WHERE id = ?1", "i", id)
                         : code;
}

enum cf_code cf_store_import_erase(struct cf_store *store, int64_t id, int budget_ms,
                                   struct cf_err *err)
{
    const int64_t until_ms = cf_clock_ms() + budget_ms;
    bool is_done = false;
    enum cf_code code = CF_OK;
    while (code == CF_OK && !is_done && cf_clock_ms() < until_ms) {
        code = cf_db_begin(store, CF_DB_LAZY, err);
        if (code == CF_OK) {
            code = cf_db_finish(store, erase_slice(&is_done, store, id, err), err);
        }
        if (code == CF_OK && !is_done) {
            pause_for_others();
        }
    }
    store->has_leftover = store->has_leftover || !is_done;
    if (code == CF_OK && is_done) {
        code = cf_db_begin(store, CF_DB_SYNCED, err);
        code = code == CF_OK ? cf_db_finish(store, erase_rest(store, id, err), err) : code;
    }
    return code;
}
