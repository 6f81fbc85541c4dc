/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the store share: a database in a folder of its own, and short ways to put
 * something into it. */
#ifndef STORE_TEST_H
#define STORE_TEST_H

#include "test.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "damage.h"
#include "recipe.h"
#include "store.h"

/* A folder that is removed with all in it, and the database's path there. */
struct place {
    char folder[64];
    char path[96];
};

static inline void place_init(struct place *place)
{
    /* In memory where that can be: what is tested is not the disk. */
    const char *temporary = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    (void)snprintf(place->folder, sizeof place->folder, "%s/confab-XXXXXX",
                   temporary != NULL && strlen(temporary) < 40 ? temporary : "/tmp");
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->path, sizeof place->path, "%s/confab.db", place->folder);
}

static inline void place_release(struct place *place)
{
    (void)chmod(place->folder, 0700);
    DIR *dir = opendir(place->folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    (void)closedir(dir);
    (void)rmdir(place->folder);
}

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        struct cf_err assert_err = CF_ERR_INIT;                                                    \
        struct cf_err *err = &assert_err;                                                          \
        enum cf_code assert_code = (call);                                                         \
        if (assert_code != CF_OK) {                                                                \
            fail_msg("%s: %s", #call, assert_err.text);                                            \
        }                                                                                          \
    } while (0)

#define assert_code(wanted, call)                                                                  \
    do {                                                                                           \
        struct cf_err assert_err = CF_ERR_INIT;                                                    \
        struct cf_err *err = &assert_err;                                                          \
        enum cf_code assert_got = (call);                                                          \
        if (assert_got != (wanted)) {                                                              \
            fail_msg("%s: code %d, %s", #call, (int)assert_got, assert_err.text);                  \
        }                                                                                          \
        assert_true(assert_err.text[0] != '\0' || (wanted) == CF_OK);                              \
    } while (0)

static inline struct cf_store *open_store(const struct place *place)
{
    struct cf_store *store = NULL;
    assert_ok(cf_store_open(&store, place->path, NULL, err));
    return store;
}

static inline int64_t new_conversation(struct cf_store *store)
{
    const struct cf_conversation_spec spec = {.model = "tiny"};
    int64_t id = 0;
    assert_ok(cf_store_conversation_create(&id, store, &spec, err));
    return id;
}

static inline int64_t add_text(struct cf_store *store, int64_t conversation, int64_t parent,
                               enum cf_role role, const char *text)
{
    const struct cf_message_spec spec = {.conversation = conversation,
                                         .parent = parent,
                                         .role = role,
                                         .text = text,
                                         .size = strlen(text)};
    int64_t id = 0;
    assert_ok(cf_store_message_add(&id, store, &spec, err));
    return id;
}

static inline int64_t begin_reply(struct cf_store *store, int64_t conversation, int64_t parent)
{
    const struct cf_reply_spec spec = {.conversation = conversation,
                                       .parent = parent,
                                       .model = "tiny",
                                       .template_text = "{text}",
                                       .system = "be brief"};
    int64_t id = 0;
    assert_ok(cf_store_reply_begin(&id, 1, store, &spec, err));
    return id;
}

/* The blob of a recipe of N tokens. */
static inline void add_recipe(struct cf_buf *blob, size_t n)
{
    const struct cf_recipe_head head = {.dtype = CF_F32, .instruction_set = "generic"};
    const struct cf_recipe_job job = {.seed = 1};
    const struct cf_sampling sampling = CF_SAMPLING_INIT;
    struct cf_recipe recipe;
    cf_recipe_init(&recipe, &head);
    cf_recipe_add_job(&recipe, &job);
    cf_recipe_add_knobs(&recipe, 0, &sampling);
    for (size_t i = 0; i < n; i++) {
        const struct cf_recipe_token token = {.id = (int32_t)i, .p = 0.5F, .p_raw = 0.25F};
        cf_recipe_add_token(&recipe, &token);
    }
    cf_recipe_encode(&recipe, blob);
    cf_recipe_release(&recipe);
}

static inline struct cf_reply_state reply_text(const char *text)
{
    return (struct cf_reply_state){.text = text, .size = strlen(text)};
}

static inline void finish_reply(struct cf_store *store, int64_t id, const char *text)
{
    const struct cf_reply_state reply = reply_text(text);
    assert_ok(
        cf_store_reply_finish(store, id, &reply, CF_MESSAGE_COMPLETE, CF_END_STOP, NULL, err));
}

/* The texts of a branch, joined by '|'. */
static inline void assert_branch(struct cf_store *store, int64_t leaf, const char *wanted)
{
    struct cf_messages messages;
    assert_ok(cf_store_path_load(&messages, store, leaf, 0, false, err));
    struct cf_buf text = CF_BUF_INIT;
    for (size_t i = 0; i < messages.n; i++) {
        cf_buf_addf(&text, "%s%s", i > 0 ? "|" : "", messages.items[i].text);
    }
    assert_string_equal(text.data, wanted);
    cf_buf_release(&text);
    cf_messages_release(&messages);
}

static inline int64_t active_leaf(struct cf_store *store, int64_t conversation)
{
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, store, conversation, err));
    int64_t leaf = one.items[0].active_leaf;
    cf_conversations_release(&one);
    return leaf;
}

/* What an undone import left for want of time is gone. */
static inline void recover_all(struct cf_store *store)
{
    for (int i = 0; i == 0 || cf_store_has_leftover(store); i++) {
        assert_true(i < 1000);
        assert_ok(cf_store_recover(store, NULL, err));
    }
}

/* Nothing is wrong with the database. */
static inline void assert_sound(struct cf_store *store)
{
    struct cf_check_report report;
    assert_ok(cf_store_check(&report, store, false, err));
    if (report.n > 0) {
        fail_msg("%s", report.problems[0]);
    }
    assert_null(report.hint);
    cf_check_report_release(&report);
}

static inline void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *error = NULL;
    (void)sqlite3_exec(db, sql, NULL, NULL, &error);
    if (error != NULL) {
        fail_msg("%s: %s", sql, error);
    }
    (void)sqlite3_close(db);
}

static const char marker[] = "Marked-No.%d! stands in a row of its own, and only there.";

/* A conversation of N messages in a row, whose texts stand nowhere else in these letters. */
static inline int64_t fill(const struct place *place, int n, int64_t *conversation)
{
    struct cf_store *store = open_store(place);
    *conversation = new_conversation(store);
    int64_t leaf = 0;
    for (int i = 0; i < n; i++) {
        char text[100];
        (void)snprintf(text, sizeof text, marker, i);
        leaf = add_text(store, *conversation, leaf, CF_ROLE_USER, text);
    }
    cf_store_close(store);
    return leaf;
}

/* The open fails with the code and a sentence that names the file and says WORD. */
static inline void assert_refused(const struct place *place, enum cf_code wanted, const char *word)
{
    struct cf_store *store = NULL;
    struct cf_err why = CF_ERR_INIT;
    enum cf_code code = cf_store_open(&store, place->path, NULL, &why);
    assert_null(store);
    if (code != wanted || strstr(why.text, word) == NULL ||
        strstr(why.text, place->folder) == NULL) {
        fail_msg("code %d: %s", (int)code, why.text);
    }
}

/* For tests whose state is a place. */
static inline int place_set_up(void **state)
{
    struct place *place = malloc(sizeof *place);
    place_init(place);
    *state = place;
    return 0;
}

static inline int place_tear_down(void **state)
{
    place_release(*state);
    free(*state);
    return 0;
}

#endif
