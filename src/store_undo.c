/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal of what a person did, undone newest first.  Undoing writes no entry of its own. */
#include "store_parts.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

enum { JOURNAL_MAX = 1000, LABEL_TITLE_MAX = 60 };

enum cf_code cf_store_journal(struct cf_store *store, const struct cf_undo_entry *entry,
                              struct cf_err *err)
{
    enum cf_code code =
        cf_db_run(store, err,
                  "INSERT INTO undo (at, action, conversation, message, home, parent, leaf, flag,"
                  " title) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                  "itinnnnit", cf_db_now_ms(), entry->action, entry->conversation, entry->message,
                  entry->home, entry->parent, entry->leaf, entry->flag, entry->title);
    if (code == CF_OK) {
        code = cf_db_run(store, err, "DELETE FROM undo WHERE id <= (SELECT max(id) FROM undo) - ?1",
                         "i", (int64_t)JOURNAL_MAX);
    }
    return code;
}

/* Titles in a sentence: the beginning, whole characters. */
static void label(char *text, size_t size, const char *what, const char *title)
{
    size_t cut = strlen(title);
    if (cut > LABEL_TITLE_MAX) {
        cut = LABEL_TITLE_MAX;
        cut -= cf_text_unfinished(title, cut);
    }
    (void)snprintf(text, size, "%s ‘%.*s%s’", what, (int)cut, title, title[cut] != '\0' ? "…" : "");
}

struct step {
    int64_t id;
    char action[16];
    struct cf_undo_entry entry;
};

static enum cf_code newest(struct step *step, struct cf_arena *arena, char **title_now,
                           struct cf_store *store, struct cf_err *err)
{
    sqlite3_stmt *stmt = NULL;
    bool has_row = false;
    enum cf_code code =
        cf_db_query(&stmt, store, err,
                    "SELECT u.id, u.action, u.conversation, u.message, u.home, u.parent, u.leaf,"
                    " u.flag, u.title, c.title FROM undo u JOIN conversation c"
                    " ON c.id = u.conversation WHERE u.undone IS NULL ORDER BY u.id DESC LIMIT 1",
                    "");
    if (code == CF_OK) {
        code = cf_db_step(&has_row, store, stmt, err);
    }
    if (code == CF_OK && !has_row) {
        code = cf_err_set(err, CF_ERR_NOT_FOUND, "there is nothing to undo");
    }
    if (code == CF_OK) {
        step->id = sqlite3_column_int64(stmt, 0);
        const char *action = (const char *)sqlite3_column_text(stmt, 1);
        (void)snprintf(step->action, sizeof step->action, "%s", action != NULL ? action : "");
        step->entry = (struct cf_undo_entry){
            .action = step->action,
            .conversation = sqlite3_column_int64(stmt, 2),
            .message = sqlite3_column_int64(stmt, 3),
            .home = sqlite3_column_int64(stmt, 4),
            .parent = sqlite3_column_int64(stmt, 5),
            .leaf = sqlite3_column_int64(stmt, 6),
            .flag = sqlite3_column_int64(stmt, 7),
            .title = cf_db_text(arena, stmt, 8, NULL),
        };
        *title_now = cf_db_text(arena, stmt, 9, NULL);
    }
    cf_db_end(stmt);
    return code;
}

/* Shows a branch again that was shown before, if it is still there to be shown. */
static enum cf_code show_again(struct cf_store *store, int64_t conversation, int64_t leaf,
                               struct cf_err *err)
{
    int64_t is_there = 0;
    enum cf_code code = cf_db_int(&is_there, store, err,
                                  "SELECT 1 FROM message WHERE id = ?1 AND conversation = ?2"
                                  " AND trashed IS NULL",
                                  "ii", leaf, conversation);
    return code == CF_OK && is_there != 0 ? cf_store_show_leaf(store, conversation, leaf, err)
                                          : code;
}

static enum cf_code apply(const char **what, struct cf_store *store,
                          const struct cf_undo_entry *entry, struct cf_err *err)
{
    int64_t id = entry->conversation;
    if (strcmp(entry->action, "delete") == 0) {
        *what = "deletion of";
        return cf_store_revive(store, id, 0, err);
    }
    if (strcmp(entry->action, "prune") == 0) {
        *what = "deletion in";
        enum cf_code code = cf_store_unprune(store, entry->message, err);
        return code == CF_OK ? show_again(store, id, entry->leaf, err) : code;
    }
    if (strcmp(entry->action, "rename") == 0) {
        *what = "renaming to";
        return cf_db_run(store, err,
                         "UPDATE conversation SET title = ?1, title_is_own = ?2 WHERE id = ?3",
                         "tii", entry->title != NULL ? entry->title : "", entry->flag, id);
    }
    if (strcmp(entry->action, "move") == 0) {
        *what = "moving a message to";
        enum cf_code code = cf_store_hang(store, entry->message, entry->home, entry->parent, err);
        return code == CF_OK ? show_again(store, entry->home, entry->leaf, err) : code;
    }
    if (strcmp(entry->action, "archive") == 0) {
        *what = entry->flag != 0 ? "taking out of the archive" : "archiving of";
        return cf_db_run(store, err, "UPDATE conversation SET archived = ?1 WHERE id = ?2", "ii",
                         entry->flag, id);
    }
    if (strcmp(entry->action, "pin") == 0) {
        *what = entry->flag != 0 ? "unpinning in" : "pinning in";
        return entry->message != 0
                   ? cf_db_run(store, err, "UPDATE message SET pinned = ?1 WHERE id = ?2", "ii",
                               entry->flag, entry->message)
                   : cf_db_run(store, err, "UPDATE conversation SET pinned = ?1 WHERE id = ?2",
                               "ii", entry->flag, id);
    }
    return cf_err_set(err, CF_ERR_NEWER, "a newer confab did what is to be undone; use that one");
}

enum cf_code cf_store_undo(struct cf_undone *undone, struct cf_store *store, struct cf_err *err)
{
    enum cf_code code = cf_db_begin(store, CF_DB_SYNCED, err);
    if (code != CF_OK) {
        return code;
    }
    struct cf_arena arena = {.blocks = NULL};
    struct step step;
    char *title = NULL;
    const char *what = NULL;
    code = newest(&step, &arena, &title, store, err);
    if (code == CF_OK) {
        code = apply(&what, store, &step.entry, err);
    }
    if (code == CF_OK) {
        code = cf_db_run(store, err, "UPDATE undo SET undone = ?1 WHERE id = ?2", "ii",
                         cf_db_now_ms(), step.id);
    }
    code = cf_db_finish(store, code, err);
    if (code == CF_OK) {
        undone->conversation = step.entry.conversation;
        undone->message = step.entry.message;
        label(undone->label, sizeof undone->label, what, title != NULL ? title : "");
    }
    cf_arena_release(&arena);
    return code;
}
