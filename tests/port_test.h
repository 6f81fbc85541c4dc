/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of export and import share: a database with something of everything in it, and its
 * content as one text that is the same for databases that hold the same. */
#ifndef PORT_TEST_H
#define PORT_TEST_H

#include "store_test.h"

#include "export.h"
#include "import.h"
#include "recipe.h"
#include "text.h"

/* ---- Content as text ---- */

#define PORT_UUID(column) "(SELECT x.uuid FROM message x WHERE x.id = " column ")"

/* Every table that holds content, its columns (which no later version adds to unnoticed) and the
 * query that names rows by what they are in any database. */
static const struct {
    const char *table, *columns, *query;
} port_tables[] = {
    {"conversation",
     "id uuid created updated pinned archived unread trashed import active_leaf forked_from"
     " title_is_own title model template settings system origin origin_id",
     "SELECT uuid, created, updated, pinned, archived, unread, trashed, import,"
     " " PORT_UUID("active_leaf") ", " PORT_UUID(
         "forked_from") ", title_is_own, title, model,"
                        " template, settings, system, origin, origin_id FROM conversation ORDER BY "
                        "uuid"},
    {"message",
     "id uuid conversation parent role state reason pinned created updated trashed trash_root"
     " shown_child n_tokens n_prompt n_cached first_us total_us model error origin_id owner text",
     "SELECT uuid, (SELECT c.uuid FROM conversation c WHERE c.id = m.conversation),"
     " " PORT_UUID("m.parent") ", role, state, reason, pinned, created, updated, trashed,"
                               " " PORT_UUID(
                                   "m.trash_root") ", (SELECT x.uuid FROM message x WHERE x.id = "
                                                   "m.shown_child"
                                                   " AND x.parent = m.id), n_tokens, n_prompt, "
                                                   "n_cached, first_us, total_us, model, error,"
                                                   " origin_id, owner, text, (SELECT count(*) FROM "
                                                   "message s WHERE s.conversation ="
                                                   " m.conversation AND s.parent IS m.parent AND "
                                                   "s.id < m.id) FROM message m ORDER BY uuid"},
    {"recipe", "message template system body",
     "SELECT " PORT_UUID("message") ", template, system, body FROM recipe ORDER BY 1"},
    {"snapshot", "id digest created text",
     "SELECT digest, created, text FROM snapshot ORDER BY digest"},
    {"tag", "id name", "SELECT name FROM tag ORDER BY name"},
    {"conversation_tag", "conversation tag",
     "SELECT c.uuid, t.name FROM conversation_tag ct JOIN conversation c ON c.id = ct.conversation"
     " JOIN tag t ON t.id = ct.tag ORDER BY 1, 2"},
    {"draft", "conversation cursor updated text",
     "SELECT (SELECT c.uuid FROM conversation c WHERE c.id = conversation), cursor, updated, text"
     " FROM draft ORDER BY 1"},
    {"words", "message words", "SELECT " PORT_UUID("message") ", words FROM words ORDER BY 1"},
    {"import", "id started owner source", "SELECT * FROM import"},
};

static inline void port_add_value(struct cf_buf *out, sqlite3_stmt *stmt, int column)
{
    const unsigned char *bytes = sqlite3_column_blob(stmt, column);
    const int size = sqlite3_column_bytes(stmt, column);
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL) {
        cf_buf_add_str(out, "-");
        return;
    }
    for (int i = 0; i < size; i++) {
        if (bytes[i] >= 0x20 && bytes[i] < 0x7F && bytes[i] != '\\' && bytes[i] != '|') {
            cf_buf_add_char(out, (char)bytes[i]);
        } else {
            cf_buf_addf(out, "\\x%02x", bytes[i]);
        }
    }
}

static inline void port_dump_table(struct cf_buf *out, sqlite3 *db, size_t i)
{
    sqlite3_stmt *stmt = NULL;
    struct cf_buf columns = CF_BUF_INIT;
    struct cf_buf pragma = CF_BUF_INIT;
    cf_buf_addf(&pragma, "PRAGMA table_info(%s)", port_tables[i].table);
    assert_int_equal(sqlite3_prepare_v2(db, pragma.data, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        cf_buf_addf(&columns, "%s%s", columns.size > 0 ? " " : "", sqlite3_column_text(stmt, 1));
    }
    (void)sqlite3_finalize(stmt);
    assert_string_equal(columns.data, port_tables[i].columns);
    cf_buf_release(&columns);
    cf_buf_release(&pragma);
    if (sqlite3_prepare_v2(db, port_tables[i].query, -1, &stmt, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", port_tables[i].table, sqlite3_errmsg(db));
    }
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        cf_buf_addf(out, "%s", port_tables[i].table);
        for (int column = 0; column < sqlite3_column_count(stmt); column++) {
            cf_buf_add_char(out, '|');
            port_add_value(out, stmt, column);
        }
        cf_buf_add_char(out, '\n');
    }
    (void)sqlite3_finalize(stmt);
}

/* The content of the database, a line a row.  To be freed. */
static inline char *port_dump(const char *path)
{
    sqlite3 *db = NULL;
    struct cf_buf out = CF_BUF_INIT;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (size_t i = 0; i < CF_ARRAY_SIZE(port_tables); i++) {
        port_dump_table(&out, db, i);
    }
    (void)sqlite3_close(db);
    return cf_buf_take(&out);
}

/* Two contents, compared line by line so that a difference can be read. */
static inline void port_assert_same(const char *wanted, const char *got)
{
    while (*wanted != '\0' || *got != '\0') {
        const size_t wanted_size = strcspn(wanted, "\n");
        const size_t got_size = strcspn(got, "\n");
        if (wanted_size != got_size || memcmp(wanted, got, got_size) != 0) {
            fail_msg("wanted: %.*s\ngot:    %.*s", (int)wanted_size, wanted, (int)got_size, got);
        }
        wanted += wanted_size + (wanted[wanted_size] == '\n');
        got += got_size + (got[got_size] == '\n');
    }
}

static inline void port_assert_holds(const char *path, const char *wanted)
{
    char *got = port_dump(path);
    port_assert_same(wanted, got);
    free(got);
}

/* ---- Something of everything ---- */

static inline int64_t port_reply(struct cf_store *store, int64_t conversation, int64_t parent,
                                 const char *text, size_t size, enum cf_message_state state,
                                 enum cf_end_reason reason, const char *error)
{
    struct cf_buf blob = CF_BUF_INIT;
    add_recipe(&blob, size);
    const int64_t id = begin_reply(store, conversation, parent);
    const struct cf_reply_state reply = {.text = text,
                                         .size = size,
                                         .recipe = blob.data,
                                         .recipe_size = blob.size,
                                         .n_tokens = (int32_t)size,
                                         .n_prompt = 17,
                                         .n_cached = 3,
                                         .first_us = 12345,
                                         .total_us = 9876543210};
    assert_ok(cf_store_reply_finish(store, id, &reply, state, reason, error, err));
    cf_buf_release(&blob);
    return id;
}

/* Talk with alternatives, a pruned branch, a moved message, bytes that are no text. */
static inline void port_fill_tree(struct cf_store *store)
{
    static const char odd[] =
        "a NUL \0, \x1b[31m, \xff\xfe and \xe4\xbd the half of 你 | \\ \"quoted\"";
    const struct cf_conversation_spec spec = {.title = "Tea in the rain \"quoted\" <b>&amp;",
                                              .model = "tiny q8_0",
                                              .template_name = "transcript",
                                              .system = "Be brief.\nLike \xff tea.",
                                              .settings = "{\"temperature\":0.7}"};
    int64_t c = 0;
    assert_ok(cf_store_conversation_create(&c, store, &spec, err));
    const int64_t a = add_text(store, c, 0, CF_ROLE_USER, "What should I drink? 下雨天喝什么？");
    const int64_t b = port_reply(store, c, a, " Tea.", 5, CF_MESSAGE_COMPLETE, CF_END_STOP, NULL);
    const int64_t d =
        port_reply(store, c, a, odd, sizeof odd - 1, CF_MESSAGE_CANCELLED, CF_END_CANCELLED, NULL);
    (void)port_reply(store, c, a, "", 0, CF_MESSAGE_FAILED, CF_END_ERROR, "out of \xfftea");
    const int64_t e = add_text(store, c, b, CF_ROLE_USER, "And when it snows?");
    const int64_t f = port_reply(store, c, e, "Cocoa", 5, CF_MESSAGE_COMPLETE, CF_END_LENGTH, NULL);
    const int64_t g = add_text(store, c, d, CF_ROLE_USER, "This is pruned");
    (void)port_reply(store, c, g, "And this", 8, CF_MESSAGE_COMPLETE, CF_END_CONTEXT, NULL);
    const int64_t h = add_text(store, c, d, CF_ROLE_SYSTEM, "A word of the system");
    assert_ok(cf_store_message_delete(store, g, err));
    /* An older message hangs on a newer one then. */
    assert_ok(cf_store_message_move(store, e, c, h, err));
    assert_ok(cf_store_message_set_pinned(store, a, true, err));
    assert_ok(cf_store_conversation_set_leaf(store, c, f, err));
    assert_ok(cf_store_conversation_set_pinned(store, c, true, err));
    assert_ok(cf_store_conversation_set_unread(store, c, true, err));
    assert_ok(cf_store_tag_add(store, c, "weather", err));
    assert_ok(cf_store_tag_add(store, c, "茶", err));
    assert_ok(cf_store_draft_save(store, c, "not sent \xff yet", 14, 5, err));
    int64_t fork = 0;
    assert_ok(cf_store_fork(&fork, store, f, err));
    assert_ok(cf_store_tag_add(store, fork, "weather", err));
}

static inline void port_fill(struct cf_store *store)
{
    port_fill_tree(store);
    const int64_t archived = new_conversation(store);
    (void)add_text(store, archived, 0, CF_ROLE_USER, "Old talk about nothing");
    assert_ok(cf_store_conversation_set_archived(store, archived, true, err));
    const int64_t trashed = new_conversation(store);
    (void)add_text(store, trashed, 0, CF_ROLE_USER, "In the trash");
    assert_ok(cf_store_conversation_delete(store, trashed, err));
    const struct cf_conversation_spec spec = {
        .origin = "chatgpt", .origin_id = "abc-123", .created_ms = 1234567890123};
    int64_t imported = 0;
    assert_ok(cf_store_conversation_create(&imported, store, &spec, err));
    const struct cf_message_spec message = {.conversation = imported,
                                            .role = CF_ROLE_ASSISTANT,
                                            .text = "From elsewhere",
                                            .size = 14,
                                            .model = "gpt-4",
                                            .origin_id = "node-1",
                                            .created_ms = 1234567890123};
    int64_t id = 0;
    assert_ok(cf_store_message_add(&id, store, &message, err));
    (void)new_conversation(store); /* without a message */
    assert_ok(cf_store_draft_save(store, 0, "nobody's draft", 14, 14, err));
}

/* ---- Out and in ---- */

static inline enum cf_code port_keep(void *context, const char *bytes, size_t size,
                                     struct cf_err *err)
{
    (void)err;
    cf_buf_add(context, bytes, size);
    return CF_OK;
}

static inline void port_export(struct cf_buf *out, struct cf_store *store,
                               const struct cf_export_spec *spec)
{
    const struct cf_export_sink sink = {.write = port_keep, .context = out};
    struct cf_export_report report;
    assert_ok(cf_export_run(&report, store, spec, &sink, err));
    assert_int_equal(report.n_damaged, 0);
}

static inline void port_export_all(struct cf_buf *out, struct cf_store *store)
{
    const struct cf_export_spec spec = {.format = CF_EXPORT_JSON, .is_all = true};
    port_export(out, store, &spec);
}

/* Imports bytes by way of a file in the folder. */
static inline enum cf_code port_import(struct cf_import_report *report, struct cf_store *store,
                                       const struct place *place, const void *bytes, size_t size,
                                       struct cf_err *err)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/import", place->folder);
    write_file(path, bytes, size);
    return cf_import_file(report, store, path, NULL, err);
}

static inline void port_import_ok(struct cf_store *store, const struct place *place,
                                  const void *bytes, size_t size, int64_t n_conversations,
                                  int64_t n_known)
{
    struct cf_import_report report;
    assert_ok(port_import(&report, store, place, bytes, size, err));
    assert_int_equal(report.n_conversations, n_conversations);
    assert_int_equal(report.n_known, n_known);
    cf_import_report_release(&report);
}

#endif
