/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening databases of all kinds, and bringing old ones up to date. */
#include "store_test.h"

#include <sqlite3.h>

#include "store_schema.h"

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
    /* A name mistyped makes no folders. */
    assert_code(CF_ERR_NOT_FOUND, cf_store_open(&store, deep.path, NULL, err));
    assert_int_equal(access(folder, F_OK), -1);
    const struct cf_store_options with_folder = {.makes_folder = true};
    mode_t before = umask(0);
    assert_ok(cf_store_open(&store, deep.path, &with_folder, err));
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
        char *before = test_read_file(place->path, &size);
        assert_refused(place, CF_ERR_FORMAT, "another program");
        size_t size_after;
        char *after = test_read_file(place->path, &size_after);
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
        char *after = test_read_file(place->path, &size);
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
    const struct cf_store_options with_folder = {.makes_folder = true};
    enum cf_code folder_code = cf_store_open(&store, inside.path, &with_folder, &folder_why);
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
    char *before = test_read_file(place->path, &size);
    assert_refused(place, CF_ERR_NEWER, "newer confab");
    size_t size_after;
    char *after = test_read_file(place->path, &size_after);
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
    char part[160];
    (void)snprintf(part, sizeof part, "%s.part", copy.path);
    write_file(part, "somebody's", 10);
    assert_ok(cf_store_backup(store, copy.path, false, err));
    size_t part_size = 0;
    char *bytes = test_read_file(part, &part_size);
    assert_int_equal(part_size, 10);
    assert_memory_equal(bytes, "somebody's", 10);
    free(bytes);
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
    /* Nothing else is left beside it. */
    DIR *dir = opendir(place->folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        bool is_like_copy = strncmp(entry->d_name, "copy.db.", 8) == 0;
        assert_true(!is_like_copy || strcmp(entry->d_name, "copy.db.part") == 0);
    }
    (void)closedir(dir);
    store = open_store(&copy);
    assert_branch(store, reply, "what is in the log|an answer");
    assert_sound(store);
    cf_store_close(store);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

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
        TEST(import__orphaned__is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
