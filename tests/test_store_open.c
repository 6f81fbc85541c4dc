/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening databases of all kinds, bringing old ones up to date, and what happens to damaged ones.
 */
#include "store_test.h"

#include <sqlite3.h>

#include "store_schema.h"

enum { PAGE = 4096 };

static int set_up(void **state)
{
    struct place *place = malloc(sizeof *place);
    place_init(place);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    place_release(*state);
    free(*state);
    return 0;
}

static void run_sql(const char *path, const char *sql)
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

static char *read_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    *size = (size_t)info.st_size;
    char *bytes = malloc(*size + 1);
    assert_int_equal(read(fd, bytes, *size), info.st_size);
    (void)close(fd);
    return bytes;
}

static void write_file(const char *path, const char *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    (void)close(fd);
}

/* The open fails with the code and a sentence that names the file and says WORD. */
static void assert_refused(const struct place *place, enum cf_code wanted, const char *word)
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

/* ---- Making and refusing ---- */

static void open__nothing_there__makes_folders_and_file(void **state)
{
    const struct place *place = *state;
    struct place deep = *place;
    (void)snprintf(deep.path, sizeof deep.path, "%s/a/b/c.db", place->folder);
    struct cf_store *store = NULL;
    const struct cf_store_options options = {.must_exist = true};
    assert_code(CF_ERR_NOT_FOUND, cf_store_open(&store, deep.path, &options, err));
    char folder[128];
    (void)snprintf(folder, sizeof folder, "%s/a", place->folder);
    assert_int_equal(access(folder, F_OK), -1);
    mode_t before = umask(0);
    assert_ok(cf_store_open(&store, deep.path, NULL, err));
    (void)umask(before);
    (void)new_conversation(store); /* so that there is a log */
    struct stat info;
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", deep.path, suffixes[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
    }
    assert_null(cf_store_notice(store));
    assert_string_equal(cf_store_path(store), deep.path);
    assert_sound(store);
    cf_store_close(store);
    assert_int_equal(unlink(deep.path), 0);
    (void)snprintf(folder, sizeof folder, "%s/a/b", place->folder);
    assert_int_equal(rmdir(folder), 0);
    (void)snprintf(folder, sizeof folder, "%s/a", place->folder);
    assert_int_equal(rmdir(folder), 0);
}

static void open__what_is_not_ours__is_refused_untouched(void **state)
{
    const struct place *place = *state;
    static const char *const foreign[] = {
        "CREATE TABLE notes (x)",
        "PRAGMA application_id = 252006673",
        "PRAGMA user_version = 1; CREATE TABLE conversation (x)",
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(foreign); i++) {
        run_sql(place->path, foreign[i]);
        size_t size;
        char *before = read_file(place->path, &size);
        assert_refused(place, CF_ERR_FORMAT, "another program");
        size_t size_after;
        char *after = read_file(place->path, &size_after);
        assert_int_equal(size, size_after);
        assert_memory_equal(before, after, size);
        free(before);
        free(after);
        assert_int_equal(unlink(place->path), 0);
    }
    char text[3000];
    memset(text, 'x', sizeof text);
    static const size_t sizes[] = {2, 5, 99, 100, 511, 512, 3000};
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes); i++) {
        write_file(place->path, text, sizes[i]);
        assert_refused(place, CF_ERR_FORMAT, "not a database");
        size_t size;
        char *after = read_file(place->path, &size);
        assert_int_equal(size, sizes[i]);
        assert_memory_equal(text, after, size);
        free(after);
    }
    assert_int_equal(unlink(place->path), 0);
    assert_int_equal(mkdir(place->path, 0700), 0);
    assert_refused(place, CF_ERR_FORMAT, "is a folder");
    assert_int_equal(rmdir(place->path), 0);
    write_file(place->path, "", 0); /* an empty file is a beginning */
    struct cf_store *store = open_store(place);
    assert_sound(store);
    cf_store_close(store);
}

static void open__without_permission__says_so(void **state)
{
    struct place *place = *state;
    struct cf_store *store = open_store(place);
    int64_t id = new_conversation(store);
    (void)add_text(store, id, 0, CF_ROLE_USER, "readable");
    cf_store_close(store);
    assert_int_equal(chmod(place->path, 0444), 0);
    assert_int_equal(chmod(place->folder, 0555), 0);
    bool is_root = geteuid() == 0;
    if (is_root) {
        assert_int_equal(seteuid(65534), 0);
    }
    struct cf_err why = CF_ERR_INIT;
    store = NULL;
    enum cf_code code = cf_store_open(&store, place->path, NULL, &why);
    enum cf_code read_code = CF_OK;
    struct cf_store *reader = NULL;
    const struct cf_store_options options = {.is_read_only = true};
    read_code = cf_store_open(&reader, place->path, &options, NULL);
    struct place inside = *place;
    (void)snprintf(inside.path, sizeof inside.path, "%s/x/y.db", place->folder);
    struct cf_err folder_why = CF_ERR_INIT;
    enum cf_code folder_code = cf_store_open(&store, inside.path, NULL, &folder_why);
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(code, CF_ERR_ACCESS);
    assert_non_null(strstr(why.text, place->path));
    assert_int_equal(folder_code, CF_ERR_ACCESS);
    assert_non_null(strstr(folder_why.text, "cannot create the folder"));
    /* Reading works all the same. */
    assert_int_equal(read_code, CF_OK);
    struct cf_conversations list;
    const struct cf_list_query query = {.limit = 5};
    assert_ok(cf_store_list(&list, reader, &query, err));
    assert_int_equal(list.n, 1);
    cf_conversations_release(&list);
    assert_code(CF_ERR_ACCESS, cf_store_conversation_rename(reader, id, "x", err));
    cf_store_close(reader);
}

static void open__read_only__beside_a_writer(void **state)
{
    const struct place *place = *state;
    const struct cf_store_options options = {.is_read_only = true};
    struct cf_store *reader = NULL;
    assert_code(CF_ERR_NOT_FOUND, cf_store_open(&reader, place->path, &options, err));
    assert_int_equal(access(place->path, F_OK), -1);
    struct cf_store *writer = open_store(place);
    int64_t id = new_conversation(writer);
    assert_ok(cf_store_open(&reader, place->path, &options, err));
    int64_t message = add_text(writer, id, 0, CF_ROLE_USER, "fresh");
    assert_branch(reader, message, "fresh");
    struct cf_check_report report;
    assert_ok(cf_store_check(&report, reader, true, err));
    assert_int_equal(report.n, 0);
    cf_check_report_release(&report);
    cf_store_close(reader);
    cf_store_close(writer);
}

static void changes__by_another__are_noticed(void **state)
{
    const struct place *place = *state;
    struct cf_store *a = open_store(place);
    struct cf_store *b = open_store(place);
    assert_true(cf_store_watch_fd(a) >= 0);
    assert_false(cf_store_is_changed(a));
    int64_t id = new_conversation(a);
    assert_false(cf_store_is_changed(a));
    (void)add_text(b, id, 0, CF_ROLE_USER, "x");
    assert_true(cf_store_is_changed(a));
    assert_false(cf_store_is_changed(a));
    cf_store_close(a);
    cf_store_close(b);
}

/* ---- Versions ---- */

static const char *const second[] = {
    "ALTER TABLE conversation ADD COLUMN mood TEXT;\n",
    "CREATE INDEX conversation_mood ON conversation (mood);\n",
    NULL,
};
static const char *const third[] = {"CREATE TABLE extra (x);\n", NULL};
static const char *const broken[] = {"CREATE TABLE extra (x);\n", "CREATE NONSENSE;\n", NULL};

static void migration__of_an_older_file__keeps_a_copy(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    int64_t id = new_conversation(store);
    int64_t message = add_text(store, id, 0, CF_ROLE_USER, "old words");
    cf_store_close(store);
    const char *const *const later[] = {cf_store_schema[0], second, third};
    assert_ok(cf_store_open_schema(&store, place->path, NULL, later, 3, err));
    assert_non_null(cf_store_notice(store));
    assert_non_null(strstr(cf_store_notice(store), ".1.backup"));
    assert_branch(store, message, "old words");
    cf_store_close(store);
    run_sql(place->path, "SELECT mood FROM conversation; SELECT x FROM extra");
    /* Asked for reading only, it is brought up to date all the same. */
    struct place second_place = *place;
    (void)snprintf(second_place.path, sizeof second_place.path, "%s/second.db", place->folder);
    store = open_store(&second_place);
    int64_t other = add_text(store, new_conversation(store), 0, CF_ROLE_USER, "other words");
    cf_store_close(store);
    const struct cf_store_options reading = {.is_read_only = true};
    assert_ok(cf_store_open_schema(&store, second_place.path, &reading, later, 3, err));
    assert_branch(store, other, "other words");
    cf_store_close(store);
    /* Again: nothing to do, nothing to say. */
    assert_ok(cf_store_open_schema(&store, place->path, NULL, later, 3, err));
    assert_null(cf_store_notice(store));
    cf_store_close(store);
    /* This version refuses it and touches nothing. */
    size_t size;
    char *before = read_file(place->path, &size);
    assert_refused(place, CF_ERR_NEWER, "newer confab");
    size_t size_after;
    char *after = read_file(place->path, &size_after);
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
    /* The copy is a database of the old version, and private. */
    struct place copy = *place;
    (void)snprintf(copy.path, sizeof copy.path, "%s/confab.db.1.backup", place->folder);
    struct stat info;
    assert_int_equal(stat(copy.path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    store = open_store(&copy);
    assert_branch(store, message, "old words");
    cf_store_close(store);
}

static void migration__that_fails__changes_nothing(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    int64_t message = add_text(store, new_conversation(store), 0, CF_ROLE_USER, "old words");
    cf_store_close(store);
    const char *const *const bad[] = {cf_store_schema[0], second, broken};
    store = NULL;
    assert_code(CF_ERR_IO, cf_store_open_schema(&store, place->path, NULL, bad, 3, err));
    assert_null(store);
    /* The good step is done, the bad one is not, and a better one can follow. */
    const char *const *const good[] = {cf_store_schema[0], second, third};
    assert_ok(cf_store_open_schema(&store, place->path, NULL, good, 3, err));
    assert_branch(store, message, "old words");
    cf_store_close(store);
    const char *const *const worse[] = {broken};
    struct place fresh = *place;
    (void)snprintf(fresh.path, sizeof fresh.path, "%s/fresh.db", place->folder);
    assert_code(CF_ERR_IO, cf_store_open_schema(&store, fresh.path, NULL, worse, 1, err));
    store = open_store(&fresh);
    assert_sound(store);
    cf_store_close(store);
}

/* ---- Copies ---- */

static void backup__while_in_use__is_whole(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    struct cf_store *other = open_store(place);
    int64_t id = new_conversation(store);
    int64_t question = add_text(store, id, 0, CF_ROLE_USER, "what is in the log");
    int64_t reply = begin_reply(other, id, question);
    struct place copy = *place;
    (void)snprintf(copy.path, sizeof copy.path, "%s/copy.db", place->folder);
    assert_ok(cf_store_backup(store, copy.path, false, err));
    assert_code(CF_ERR_EXISTS, cf_store_backup(store, copy.path, false, err));
    assert_code(CF_ERR_USAGE, cf_store_backup(store, place->path, true, err));
    assert_code(CF_ERR_NOT_FOUND, cf_store_backup(store, "/nonexistent/x.db", false, err));
    finish_reply(other, reply, "an answer");
    assert_ok(cf_store_backup(store, copy.path, true, err));
    cf_store_close(other);
    cf_store_close(store);
    struct stat info;
    assert_int_equal(stat(copy.path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    char log[160];
    (void)snprintf(log, sizeof log, "%s.part", copy.path);
    assert_int_equal(access(log, F_OK), -1);
    store = open_store(&copy);
    assert_branch(store, reply, "what is in the log|an answer");
    assert_sound(store);
    cf_store_close(store);
}

/* ---- Damage ---- */

static const char marker[] = "Marked-No.%d! stands in a row of its own, and only there.";

/* A conversation of N messages in a row, whose texts stand nowhere else in these letters. */
static int64_t fill(const struct place *place, int n, int64_t *conversation)
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

/* Overwrites the page that holds the text. */
static void damage_page_of(const struct place *place, const char *text, bool is_end_kept)
{
    size_t size;
    char *bytes = read_file(place->path, &size);
    char *found = memmem(bytes, size, text, strlen(text));
    assert_non_null(found);
    size_t page = (size_t)(found - bytes) / PAGE * PAGE;
    assert_true(page > 0);
    memset(bytes + page, 0xA5, is_end_kept ? 64 : PAGE);
    write_file(place->path, bytes, size);
    free(bytes);
}

static void damage__of_a_row_page__leaves_the_rest_readable(void **state)
{
    const struct place *place = *state;
    int64_t conversation;
    int64_t leaf = fill(place, 300, &conversation);
    char text[100];
    (void)snprintf(text, sizeof text, marker, 150);
    damage_page_of(place, text, false);
    struct cf_store *store = open_store(place);
    struct cf_messages messages;
    assert_ok(cf_store_path_load(&messages, store, leaf, 0, true, err));
    assert_int_equal(messages.n, 300);
    assert_true(messages.is_damaged);
    int n_damaged = 0;
    for (int i = 0; i < 300; i++) {
        (void)snprintf(text, sizeof text, marker, i);
        n_damaged += messages.items[i].is_damaged ? 1 : 0;
        if (!messages.items[i].is_damaged) {
            assert_string_equal(messages.items[i].text, text);
        } else {
            assert_non_null(messages.items[i].error);
        }
    }
    assert_true(n_damaged >= 1 && n_damaged < 60);
    assert_true(messages.items[150].is_damaged);
    cf_messages_release(&messages);
    assert_ok(cf_store_tree_load(&messages, store, conversation, false, err));
    assert_int_equal(messages.n, 300);
    assert_true(messages.is_damaged);
    cf_messages_release(&messages);
    struct cf_conversations list;
    const struct cf_list_query query = {.limit = 5};
    assert_ok(cf_store_list(&list, store, &query, err));
    assert_int_equal(list.n, 1);
    cf_conversations_release(&list);
    const struct cf_search search = {.query = "\"no 7\""};
    struct cf_hits hits;
    assert_ok(cf_store_search(&hits, store, &search, err));
    assert_int_equal(hits.n, 1);
    cf_hits_release(&hits);
    /* And talking goes on. */
    (void)add_text(store, conversation, leaf, CF_ROLE_USER, "still here");
    struct cf_check_report report;
    assert_ok(cf_store_check(&report, store, true, err));
    assert_true(report.n > 0);
    assert_non_null(strstr(report.hint, ".recover"));
    cf_check_report_release(&report);
    cf_store_close(store);
}

static void damage__inside_a_long_text__keeps_its_beginning(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    int64_t id = new_conversation(store);
    struct cf_buf text = CF_BUF_INIT;
    for (int i = 0; i < 2000; i++) {
        cf_buf_addf(&text, "Long-Piece-%d! ", i);
    }
    int64_t message = add_text(store, id, 0, CF_ROLE_USER, text.data);
    int64_t next = add_text(store, id, message, CF_ROLE_USER, "after");
    cf_store_close(store);
    damage_page_of(place, "Long-Piece-1200!", true);
    store = open_store(place);
    struct cf_messages messages;
    assert_ok(cf_store_path_load(&messages, store, next, 0, false, err));
    assert_int_equal(messages.n, 2);
    assert_true(messages.items[0].is_damaged);
    assert_false(messages.items[1].is_damaged);
    assert_true(messages.items[0].size > 5000 && messages.items[0].size < text.size);
    assert_memory_equal(messages.items[0].text, text.data, 5000);
    cf_messages_release(&messages);
    cf_buf_release(&text);
    cf_store_close(store);
}

static void damage__of_the_first_page__is_told_with_the_remedy(void **state)
{
    const struct place *place = *state;
    int64_t conversation;
    (void)fill(place, 3, &conversation);
    size_t size;
    char *bytes = read_file(place->path, &size);
    memset(bytes + 100, 0xA5, 2000); /* behind the header: the table of tables */
    write_file(place->path, bytes, size);
    free(bytes);
    assert_refused(place, CF_ERR_CORRUPT, ".recover");
}

static void damage__of_the_list__shows_those_that_can_be_read(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    for (int i = 0; i < 100; i++) {
        char title[100];
        (void)snprintf(title, sizeof title, marker, i);
        const struct cf_conversation_spec spec = {.title = title};
        int64_t id = 0;
        assert_ok(cf_store_conversation_create(&id, store, &spec, err));
    }
    cf_store_close(store);
    char title[100];
    (void)snprintf(title, sizeof title, marker, 50);
    damage_page_of(place, title, false);
    store = open_store(place);
    struct cf_conversations list;
    const struct cf_list_query query = {.limit = 200};
    assert_ok(cf_store_list(&list, store, &query, err));
    assert_true(list.is_damaged);
    assert_true(list.n > 50 && list.n < 100);
    for (size_t i = 1; i < list.n; i++) {
        assert_true(list.items[i - 1].updated_ms >= list.items[i].updated_ms);
    }
    cf_conversations_release(&list);
    cf_store_close(store);
}

static void damage__of_the_index__is_repaired_and_loses_nothing(void **state)
{
    const struct place *place = *state;
    int64_t conversation;
    int64_t leaf = fill(place, 20, &conversation);
    /* The index names a word that the messages do not have. */
    run_sql(place->path, "INSERT INTO search (rowid, words) VALUES (3, 'nonsense')");
    struct cf_store *store = open_store(place);
    struct cf_check_report report;
    assert_ok(cf_store_check(&report, store, false, err));
    assert_int_equal(report.n, 1);
    assert_non_null(strstr(report.problems[0], "search index"));
    assert_non_null(report.hint);
    cf_check_report_release(&report);
    assert_ok(cf_store_check(&report, store, true, err));
    assert_int_equal(report.n, 1);
    assert_non_null(strstr(report.problems[0], "made anew"));
    cf_check_report_release(&report);
    assert_sound(store);
    cf_store_close(store);
    /* An index that cannot be written keeps no message from being stored. */
    run_sql(place->path, "UPDATE search_data SET block = x'ffffffffffffffff' WHERE id >= 10");
    store = open_store(place);
    int64_t added = 0;
    for (int i = 0; i < 40; i++) {
        leaf = added = add_text(store, conversation, leaf, CF_ROLE_USER, "stored all the same");
    }
    assert_true(added > 0);
    assert_ok(cf_store_check(&report, store, true, err));
    assert_true(report.n > 0);
    cf_check_report_release(&report);
    const struct cf_search search = {.query = "\"all the same\""};
    struct cf_hits hits;
    assert_ok(cf_store_search(&hits, store, &search, err));
    assert_int_equal(hits.n, 40);
    cf_hits_release(&hits);
    assert_sound(store);
    cf_store_close(store);
}

static void damage__at_random__never_crashes(void **state)
{
    const struct place *place = *state;
    int64_t conversation;
    int64_t leaf = fill(place, 60, &conversation);
    size_t size;
    char *good = read_file(place->path, &size);
    char *bad = malloc(size);
    uint32_t random = 99;
    for (int round = 0; round < 150; round++) {
        memcpy(bad, good, size);
        for (int i = 0; i < 1 + round % 20; i++) {
            random = random * 1664525U + 1013904223U;
            size_t at = (size_t)(random >> 4) % size;
            random = random * 1664525U + 1013904223U;
            bad[at] = (char)(random >> 24);
        }
        write_file(place->path, bad, size);
        struct cf_store *store = NULL;
        struct cf_err why = CF_ERR_INIT;
        if (cf_store_open(&store, place->path, NULL, &why) != CF_OK) {
            assert_true(why.text[0] != '\0');
            continue;
        }
        struct cf_conversations list = {.n = 0};
        struct cf_messages messages = {.n = 0};
        struct cf_hits hits = {.n = 0};
        struct cf_check_report report = {.n = 0};
        const struct cf_list_query query = {.limit = 5};
        const struct cf_search search = {.query = "marked"};
        const struct cf_message_spec spec = {
            .conversation = conversation, .parent = leaf, .text = "more", .size = 4};
        int64_t id = 0;
        (void)cf_store_list(&list, store, &query, &why);
        (void)cf_store_path_load(&messages, store, leaf, 0, true, &why);
        cf_messages_release(&messages);
        (void)cf_store_tree_load(&messages, store, conversation, true, &why);
        (void)cf_store_search(&hits, store, &search, &why);
        (void)cf_store_message_add(&id, store, &spec, &why);
        (void)cf_store_check(&report, store, round % 2 == 0, &why);
        cf_conversations_release(&list);
        cf_messages_release(&messages);
        cf_hits_release(&hits);
        cf_check_report_release(&report);
        cf_store_close(store);
    }
    free(good);
    free(bad);
}

static void check__our_invariants__are_looked_at(void **state)
{
    const struct place *place = *state;
    int64_t conversation;
    (void)fill(place, 5, &conversation);
    static const struct {
        const char *breaks, *mends, *says;
    } cases[] = {
        {"UPDATE message SET trashed = 1, trash_root = 2 WHERE id = 2",
         "UPDATE message SET trashed = NULL, trash_root = NULL WHERE id = 2",
         "message 3 hangs on a deleted one"},
        {"UPDATE message SET parent = 5 WHERE id = 2", "UPDATE message SET parent = 1 WHERE id = 2",
         "hang on themselves"},
        {"INSERT INTO recipe (message, template) VALUES (5, zeroblob(32))", "DELETE FROM recipe",
         "cannot be made again"},
        {"INSERT INTO recipe (message, body) VALUES (5, x'1234')", "DELETE FROM recipe",
         "reply 5 cannot be made again"},
        {"PRAGMA foreign_keys = OFF; UPDATE message SET parent = 77 WHERE id = 5",
         "UPDATE message SET parent = 4 WHERE id = 5", "refers to something that is not there"},
        {"INSERT INTO snapshot (digest, created, text) VALUES (zeroblob(32), 1, 'x')",
         "DELETE FROM snapshot", "is not the text that was stored"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        run_sql(place->path, cases[i].breaks);
        struct cf_store *store = open_store(place);
        struct cf_check_report report;
        assert_ok(cf_store_check(&report, store, false, err));
        bool is_said = false;
        for (size_t j = 0; j < report.n; j++) {
            is_said = is_said || strstr(report.problems[j], cases[i].says) != NULL;
        }
        if (!is_said) {
            fail_msg("%s: %s", cases[i].breaks, report.n > 0 ? report.problems[0] : "no problem");
        }
        assert_non_null(report.hint);
        cf_check_report_release(&report);
        /* A circle of parents must not keep anybody busy for ever. */
        struct cf_messages messages;
        assert_ok(cf_store_path_load(&messages, store, 5, 0, false, err));
        assert_true(messages.n <= 20);
        cf_messages_release(&messages);
        assert_ok(cf_store_tree_load(&messages, store, conversation, false, err));
        assert_true(messages.n <= 5);
        cf_messages_release(&messages);
        cf_store_close(store);
        run_sql(place->path, cases[i].mends);
        store = open_store(place);
        assert_sound(store);
        cf_store_close(store);
    }
}

static void import__orphaned__is_undone(void **state)
{
    const struct place *place = *state;
    int64_t conversation;
    (void)fill(place, 3, &conversation);
    run_sql(place->path,
            "INSERT INTO import (id, started, owner, source) VALUES (7, 1, '- 0 1 1', 'x.json');"
            "UPDATE conversation SET import = 7");
    struct cf_store *store = open_store(place);
    struct cf_store_counts counts;
    assert_ok(cf_store_counts(&counts, store, err));
    assert_int_equal(counts.n_open, 0);
    assert_int_equal(counts.n_messages, 0);
    assert_sound(store);
    cf_store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(open__nothing_there__makes_folders_and_file),
        TEST(open__what_is_not_ours__is_refused_untouched),
        TEST(open__without_permission__says_so),
        TEST(open__read_only__beside_a_writer),
        TEST(changes__by_another__are_noticed),
        TEST(migration__of_an_older_file__keeps_a_copy),
        TEST(migration__that_fails__changes_nothing),
        TEST(backup__while_in_use__is_whole),
        TEST(damage__of_a_row_page__leaves_the_rest_readable),
        TEST(damage__inside_a_long_text__keeps_its_beginning),
        TEST(damage__of_the_first_page__is_told_with_the_remedy),
        TEST(damage__of_the_list__shows_those_that_can_be_read),
        TEST(damage__of_the_index__is_repaired_and_loses_nothing),
        TEST(damage__at_random__never_crashes),
        TEST(check__our_invariants__are_looked_at),
        TEST(import__orphaned__is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
