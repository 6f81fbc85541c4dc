/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing messages: a person's at once, a reply while it streams, a copy of a branch. */
#include "store_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store_words.h"

/* Inside: something was said in the conversation. */
static enum cf_code touch(struct cf_store *store, int64_t conversation, int64_t time_ms,
                          struct cf_err *err)
{
    return cf_db_run(store, err, "UPDATE conversation SET updated = max(updated, ?1) WHERE id = ?2",
                     "ii", time_ms, conversation);
}

/* Inside: conversation and parent are there, and taken out of the trash by what is being said. */
static enum cf_code prepare_parent(struct cf_store *store, int64_t conversation, int64_t parent,
                                   struct cf_err *err)
{
    enum cf_code code = cf_store_need_conversation(store, conversation, err);
    if (code == CF_OK && parent != 0) {
        struct cf_place place;
        code = cf_store_need_message(&place, store, parent, err);
        if (code == CF_OK && place.conversation != conversation) {
            code = cf_err_set(err, CF_ERR_NOT_FOUND,
                              "there is no message %" PRId64 " in conversation %" PRId64, parent,
                              conversation);
        }
    }
    return code == CF_OK ? cf_store_revive(store, conversation, parent, err) : code;
}

enum cf_code cf_store_give_title(struct cf_store *store, int64_t conversation, const char *text,
                                 size_t size, struct cf_err *err)
{
    int64_t needs_one = 0;
    enum cf_code code =
        cf_db_int(&needs_one, store, err, "SELECT title = '' FROM conversation WHERE id = ?1", "i",
                  conversation);
    if (code != CF_OK || needs_one == 0) {
        return code;
    }
    struct cf_buf title = CF_BUF_INIT;
    cf_title_make(&title, text, size);
    code = cf_db_run(store, err, "UPDATE conversation SET title = ?1 WHERE id = ?2", "xi",
                     title.data, title.size, conversation);
    cf_buf_release(&title);
    return code;
}

static enum cf_code add_inside(int64_t *id, struct cf_store *store,
                               const struct cf_message_spec *spec, struct cf_err *err)
{
    enum cf_code code = prepare_parent(store, spec->conversation, spec->parent, err);
    int64_t existing = 0;
    if (code == CF_OK && spec->origin_id != NULL) {
        code = cf_db_int(&existing, store, err,
                         "SELECT id FROM message WHERE conversation = ?1 AND origin_id = ?2", "it",
                         spec->conversation, spec->origin_id);
    }
    if (code == CF_OK && existing != 0) {
        *id = existing;
        code = cf_err_set(err, CF_ERR_EXISTS, "the message ‘%s’ is there already", spec->origin_id);
    }
    if (code != CF_OK) {
        return code;
    }
    char uuid[CF_UUID_SIZE];
    cf_db_uuid(uuid);
    int64_t now = spec->created_ms > 0 ? spec->created_ms : cf_db_now_ms();
    code = cf_db_run(store, err,
                     "INSERT INTO message (uuid, conversation, parent, role, state, created,"
                     " updated, model, origin_id, text)"
                     " VALUES (?1, ?2, ?3, ?4, 'complete', ?5, ?5, ?6, ?7, ?8)",
                     "tintittx", uuid, spec->conversation, spec->parent, cf_role_name(spec->role),
                     now, spec->model, spec->origin_id, spec->text, spec->size);
    int64_t made = sqlite3_last_insert_rowid(store->db);
    if (code == CF_OK) {
        code = cf_store_index_message(store, made, err);
    }
    if (code == CF_OK) {
        code = cf_store_show_leaf(store, spec->conversation, made, err);
    }
    if (code == CF_OK && spec->role == CF_ROLE_USER) {
        code = cf_store_give_title(store, spec->conversation, spec->text, spec->size, err);
    }
    if (code == CF_OK) {
        code = touch(store, spec->conversation, now, err);
    }
    if (code == CF_OK) {
        *id = made;
    }
    return code;
}

enum cf_code cf_store_message_add(int64_t *id, struct cf_store *store,
                                  const struct cf_message_spec *spec, struct cf_err *err)
{
    int64_t made = 0;
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code == CF_OK) {
        code = cf_db_finish(store, add_inside(&made, store, spec, err), err);
    }
    if (code == CF_OK || (code == CF_ERR_EXISTS && made != 0)) {
        *id = made;
    }
    return code;
}

enum cf_code cf_store_conversation_begin(int64_t *id, int64_t *message, struct cf_store *store,
                                         const struct cf_conversation_spec *spec,
                                         const struct cf_message_spec *first, struct cf_err *err)
{
    int64_t made = 0;
    int64_t made_message = 0;
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    code = cf_store_create_inside(&made, store, spec, err);
    if (code == CF_OK) {
        struct cf_message_spec inside = *first;
        inside.conversation = made;
        inside.parent = 0;
        code = add_inside(&made_message, store, &inside, err);
    }
    code = cf_db_finish(store, code, err);
    if (code == CF_OK) {
        *id = made;
        *message = made_message;
    }
    return code;
}

/* ---- Replies ---- */

enum cf_code cf_store_keep_snapshot(struct cf_digest *digest, struct cf_store *store,
                                    const char *text, struct cf_err *err)
{
    text = text != NULL ? text : "";
    cf_digest_of(digest, text, strlen(text));
    return cf_db_run(store, err,
                     "INSERT OR IGNORE INTO snapshot (digest, created, text) VALUES (?1, ?2, ?3)",
                     "bit", digest->bytes, sizeof digest->bytes, cf_db_now_ms(), text);
}

enum cf_code cf_store_snapshot_load(struct cf_buf *text, struct cf_store *store,
                                    const struct cf_digest *digest, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err, "SELECT text FROM snapshot WHERE digest = ?1", "b",
                    digest->bytes, sizeof digest->bytes);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (code == CF_OK && has_row) {
        const char *bytes = (const char *)sqlite3_column_text(stmt, 0);
        cf_buf_add(text, bytes, (size_t)sqlite3_column_bytes(stmt, 0));
    } else if (code == CF_OK) {
        char name[CF_DIGEST_TEXT_SIZE];
        cf_digest_format(name, digest);
        code = cf_err_set(err, CF_ERR_NOT_FOUND, "%s: holds no text with the digest %.16s…",
                          store->path, name);
    }
    cf_db_end(stmt);
    return code;
}

static enum cf_code begin_one(int64_t *id, struct cf_store *store, const struct cf_reply_spec *spec,
                              const struct cf_digest *template_digest,
                              const struct cf_digest *system_digest, struct cf_err *err)
{
    char uuid[CF_UUID_SIZE];
    cf_db_uuid(uuid);
    int64_t now = cf_db_now_ms();
    enum cf_code code =
        cf_db_run(store, err,
                  "INSERT INTO message (uuid, conversation, parent, role, state, created, updated,"
                  " model, owner, text)"
                  " VALUES (?1, ?2, ?3, 'assistant', 'streaming', ?4, ?4, ?5, ?6, '')",
                  "tinitt", uuid, spec->conversation, spec->parent, now, spec->model, store->owner);
    *id = sqlite3_last_insert_rowid(store->db);
    if (code == CF_OK) {
        code = cf_db_run(store, err,
                         "INSERT INTO recipe (message, template, system) VALUES (?1, ?2, ?3)",
                         "ibb", *id, template_digest->bytes, sizeof template_digest->bytes,
                         system_digest->bytes, sizeof system_digest->bytes);
    }
    return code;
}

enum cf_code cf_store_reply_begin(int64_t *ids, size_t n, struct cf_store *store,
                                  const struct cf_reply_spec *spec, struct cf_err *err)
{
    assert(n > 0);
    int64_t *made = cf_calloc(n, sizeof *made);
    struct cf_digest template_digest;
    struct cf_digest system_digest;
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        goto done;
    }
    code = prepare_parent(store, spec->conversation, spec->parent, err);
    if (code == CF_OK) {
        code = cf_store_keep_snapshot(&template_digest, store, spec->template_text, err);
    }
    if (code == CF_OK) {
        code = cf_store_keep_snapshot(&system_digest, store, spec->system, err);
    }
    for (size_t i = 0; code == CF_OK && i < n; i++) {
        code = begin_one(&made[i], store, spec, &template_digest, &system_digest, err);
    }
    if (code == CF_OK) {
        code = cf_store_show_leaf(store, spec->conversation, made[0], err);
    }
    if (code == CF_OK) {
        code = touch(store, spec->conversation, cf_db_now_ms(), err);
    }
    code = cf_db_finish(store, code, err);
    if (code == CF_OK) {
        memcpy(ids, made, n * sizeof *ids);
    }
done:
    free(made);
    return code;
}

/* Inside: is a living process, this one perhaps, writing the reply? */
static enum cf_code is_taken(bool *result, struct cf_store *store, int64_t id, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err, "SELECT owner, updated FROM message WHERE id = ?1", "i", id);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    *result = false;
    if (has_row) {
        const char *owner = (const char *)sqlite3_column_text(stmt, 0);
        *result = owner != NULL && cf_owner_is_alive(owner, sqlite3_column_int64(stmt, 1));
    }
    cf_db_end(stmt);
    return code;
}

static enum cf_code resume_inside(struct cf_store *store, int64_t id, struct cf_err *err)
{
    struct cf_place place;
    bool taken = false;
    enum cf_code code = cf_store_need_message(&place, store, id, err);
    if (code == CF_OK) {
        code = is_taken(&taken, store, id, err);
    }
    if (code == CF_OK && taken) {
        code = cf_err_set(err, CF_ERR_BUSY, "message %" PRId64 " is still being written", id);
    }
    if (code == CF_OK) {
        code = prepare_parent(store, place.conversation, id, err);
    }
    if (code == CF_OK) {
        code = cf_db_run(store, err,
                         "UPDATE message SET state = 'streaming', reason = '', error = NULL,"
                         " owner = ?1, updated = ?2 WHERE id = ?3 AND role = 'assistant'",
                         "tii", store->owner, cf_db_now_ms(), id);
    }
    if (code == CF_OK && cf_db_n_changed(store) == 0) {
        code = cf_err_set(err, CF_ERR_RANGE, "message %" PRId64 " is not a reply", id);
    }
    if (code == CF_OK) {
        code = cf_store_show_leaf(store, place.conversation, id, err);
    }
    return code == CF_OK ? touch(store, place.conversation, cf_db_now_ms(), err) : code;
}

enum cf_code cf_store_reply_resume(struct cf_store *store, int64_t id, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    return code == CF_OK ? cf_db_finish(store, resume_inside(store, id, err), err) : code;
}

/* Inside.  A reply that another process took for interrupted meanwhile is taken back. */
static enum cf_code write_reply(struct cf_store *store, int64_t id,
                                const struct cf_reply_state *reply, struct cf_err *err)
{
    enum cf_code code =
        cf_db_run(store, err,
                  "UPDATE message SET state = 'streaming', owner = ?1, updated = ?2, n_tokens = ?3,"
                  " n_prompt = ?4, n_cached = ?5, first_us = ?6, total_us = ?7, text = ?8"
                  " WHERE id = ?9 AND (owner = ?1 OR state = 'interrupted')",
                  "tiiiiiixi", store->owner, cf_db_now_ms(), (int64_t)reply->n_tokens,
                  (int64_t)reply->n_prompt, (int64_t)reply->n_cached, reply->first_us,
                  reply->total_us, reply->text, reply->size, id);
    if (code == CF_OK && cf_db_n_changed(store) == 0) {
        code = cf_err_set(err, CF_ERR_NOT_FOUND, "there is no running reply %" PRId64, id);
    }
    if (code == CF_OK && reply->recipe != NULL) {
        code = cf_db_run(store, err,
                         "INSERT INTO recipe (message, body) VALUES (?1, ?2)"
                         " ON CONFLICT (message) DO UPDATE SET body = excluded.body",
                         "ib", id, reply->recipe, reply->recipe_size);
    }
    return code;
}

enum cf_code cf_store_reply_save(struct cf_store *store, int64_t id,
                                 const struct cf_reply_state *reply, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_LAZY, err);
    return code == CF_OK ? cf_db_finish(store, write_reply(store, id, reply, err), err) : code;
}

enum cf_code cf_store_reply_finish(struct cf_store *store, int64_t id,
                                   const struct cf_reply_state *reply, enum cf_message_state state,
                                   enum cf_end_reason reason, const char *error, struct cf_err *err)
{
    assert(state != CF_MESSAGE_STREAMING);
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    code = write_reply(store, id, reply, err);
    if (code == CF_OK) {
        code =
            cf_db_run(store, err,
                      "UPDATE message SET state = ?1, reason = ?2, error = ?3, owner = NULL"
                      " WHERE id = ?4",
                      "ttti", cf_message_state_name(state), cf_end_reason_name(reason), error, id);
    }
    if (code == CF_OK) {
        code = cf_store_index_message(store, id, err);
    }
    struct cf_place place;
    if (code == CF_OK) {
        code = cf_store_need_message(&place, store, id, err);
    }
    if (code == CF_OK) {
        code = touch(store, place.conversation, cf_db_now_ms(), err);
    }
    return cf_db_finish(store, code, err);
}

/* ---- A fork into a new conversation ---- */

/* Inside: one message copied under PARENT of another conversation, its recipe with it. */
static enum cf_code copy_message(int64_t *copy, struct cf_store *store, int64_t conversation,
                                 int64_t parent, int64_t original, struct cf_err *err)
{
    char uuid[CF_UUID_SIZE];
    cf_db_uuid(uuid);
    enum cf_code code = cf_db_run(
        store, err,
        "INSERT INTO message (uuid, conversation, parent, role, state, reason, pinned, created,"
        " updated, n_tokens, n_prompt, n_cached, first_us, total_us, model, error, text)"
        " SELECT ?1, ?2, ?3, role, CASE state WHEN 'streaming' THEN 'cancelled' ELSE state END,"
        " CASE state WHEN 'streaming' THEN 'cancelled' ELSE reason END, pinned, created, updated, "
        "n_tokens, n_prompt, n_cached, first_us, total_us,"
        " model, error, text FROM message WHERE id = ?4",
        "tini", uuid, conversation, parent, original);
    *copy = sqlite3_last_insert_rowid(store->db);
    if (code == CF_OK) {
        code = cf_db_run(store, err,
                         "INSERT INTO recipe (message, template, system, body)"
                         " SELECT ?1, template, system, body FROM recipe WHERE message = ?2",
                         "ii", *copy, original);
    }
    return code == CF_OK ? cf_store_index_message(store, *copy, err) : code;
}

/* A branch that seems longer hangs on itself, which only damage can do. */
enum { BRANCH_MAX = 1000000 };

static enum cf_code copy_branch(struct cf_store *store, int64_t conversation, int64_t message,
                                struct cf_err *err)
{
    struct {
        int64_t *data;
        size_t n, capacity;
    } branch = {.data = NULL};
    enum cf_code code = CF_OK;
    struct cf_place place;
    for (int64_t at = message; code == CF_OK && at != 0;) {
        branch.data = cf_grow(branch.data, branch.n, &branch.capacity, 1, sizeof *branch.data);
        branch.data[branch.n++] = at;
        code = branch.n < BRANCH_MAX ? cf_store_need_message(&place, store, at, err)
                                     : cf_db_fail(store, SQLITE_CORRUPT, err);
        at = code == CF_OK ? place.parent : 0;
    }
    int64_t parent = 0;
    for (size_t i = branch.n; code == CF_OK && i > 0; i--) {
        code = copy_message(&parent, store, conversation, parent, branch.data[i - 1], err);
        if (code == CF_OK) {
            code = cf_store_show_leaf(store, conversation, parent, err);
        }
    }
    free(branch.data);
    return code;
}

/* "Tea" becomes "Tea (2)" and that "Tea (3)": the first that no conversation has. */
static enum cf_code fork_title(struct cf_buf *title, struct cf_store *store, int64_t conversation,
                               struct cf_err *err)
{
    enum { TRIES = 1000 };
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code = cf_db_query(
        &stmt, store, err, "SELECT title FROM conversation WHERE id = ?1", "i", conversation);
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (has_row) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        cf_buf_add_str(title, text != NULL ? text : "");
    }
    cf_db_end(stmt);
    if (code != CF_OK || title->size == 0) {
        return code;
    }
    char *open = strrchr(title->data, '(');
    if (open != NULL && open > title->data + 1 && open[-1] == ' ' && open[1] != ')' &&
        strcmp(open + 1 + strspn(open + 1, "0123456789"), ")") == 0) {
        title->size = (size_t)(open - 1 - title->data);
        title->data[title->size] = '\0';
    }
    const size_t size = title->size;
    int64_t is_taken = 1;
    for (int i = 2; code == CF_OK && is_taken != 0 && i < TRIES; i++) {
        title->size = size;
        cf_buf_addf(title, " (%d)", i);
        is_taken = 0;
        code = cf_db_int(&is_taken, store, err,
                         "SELECT 1 FROM conversation WHERE title = ?1 LIMIT 1", "t", title->data);
    }
    return code;
}

enum cf_code cf_store_fork(int64_t *id, struct cf_store *store, int64_t message, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    char uuid[CF_UUID_SIZE];
    cf_db_uuid(uuid);
    struct cf_place place;
    int64_t made = 0;
    struct cf_buf title = CF_BUF_INIT;
    code = cf_store_need_message(&place, store, message, err);
    if (code == CF_OK) {
        code = fork_title(&title, store, place.conversation, err);
    }
    if (code == CF_OK) {
        code = cf_db_run(store, err,
                         "INSERT INTO conversation (uuid, created, updated, forked_from,"
                         " title_is_own, title, model, template, settings, system)"
                         " SELECT ?1, ?2, ?2, ?3, title_is_own, ?5, model, template, settings,"
                         " system FROM conversation WHERE id = ?4",
                         "tiiit", uuid, cf_db_now_ms(), message, place.conversation,
                         title.data != NULL ? title.data : "");
        made = sqlite3_last_insert_rowid(store->db);
    }
    if (code == CF_OK) {
        code = copy_branch(store, made, message, err);
    }
    cf_buf_release(&title);
    code = cf_db_finish(store, code, err);
    if (code == CF_OK) {
        *id = made;
    }
    return code;
}
