/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happens to damaged databases. */
#include "port_test.h"

#include <sqlite3.h>

static void damage__of_a_row_page__leaves_the_rest_readable(void **state)
{
    const struct place *place = *state;
    int64_t conversation;
    int64_t leaf = fill(place, 300, &conversation);
    char text[100];
    (void)snprintf(text, sizeof text, marker, 150);
    damage_pages_of(place->path, text, false);
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
    assert_non_null(strstr(report.hint, "confab export --all --format json"));
    cf_check_report_release(&report);
    cf_store_close(store);
}

/* All that can be read goes out, hangs where it hung, and comes in elsewhere. */
static void damage__of_a_row_page__exports_the_rest(void **state)
{
    const struct place *place = *state;
    int64_t conversation;
    (void)fill(place, 300, &conversation);
    char text[100];
    (void)snprintf(text, sizeof text, marker, 150);
    damage_pages_of(place->path, text, false);
    struct cf_store *store = open_store(place);
    struct cf_buf json = CF_BUF_INIT;
    const struct cf_export_spec spec = {.format = CF_EXPORT_JSON, .is_all = true};
    const struct cf_export_sink sink = {.write = port_keep, .context = &json};
    struct cf_export_report report;
    assert_ok(cf_export_run(&report, store, &spec, &sink, err));
    cf_store_close(store);
    assert_int_equal(report.n_messages, 300);
    assert_true(report.n_damaged >= 1 && report.n_damaged < 60);
    struct place other;
    place_init(&other);
    store = open_store(&other);
    port_import_ok(store, &other, json.data, json.size, 1, 0);
    struct cf_messages branch;
    assert_ok(cf_store_path_load(&branch, store, active_leaf(store, 1), 0, false, err));
    assert_int_equal(branch.n, 300);
    int64_t n_lost = 0;
    for (int i = 0; i < 300; i++) {
        (void)snprintf(text, sizeof text, marker, i);
        n_lost += strcmp(branch.items[i].text, text) != 0;
    }
    assert_int_equal(n_lost, report.n_damaged);
    cf_messages_release(&branch);
    assert_sound(store);
    cf_store_close(store);
    place_release(&other);
    cf_buf_release(&json);
}

/* Many pages at once: what goes out comes in, and a conversation that can't be read costs no other.
 */
static void damage__of_many_pages__exports_what_imports(void **state)
{
    enum { N = 400, N_ROUNDS = 12, N_PAGES = 12 };
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    uint32_t random = 7;
    int64_t n_loose = 0;
    int64_t n_lost = 0;
    for (int i = 0; i < N; i++) {
        const int64_t id = new_conversation(store);
        int64_t leaf = 0;
        for (int k = 0; k < 6; k++) {
            leaf = add_text(store, id, leaf, k % 2 == 0 ? CF_ROLE_USER : CF_ROLE_ASSISTANT, marker);
        }
    }
    cf_store_close(store);
    size_t size;
    char *bytes = test_read_file(place->path, &size);
    for (int round = 0; round < N_ROUNDS; round++) {
        char *damaged = malloc(size);
        assert_non_null(damaged);
        memcpy(damaged, bytes, size);
        for (int i = 0; i < N_PAGES; i++) {
            random = random * 1664525U + 1013904223U;
            memset(damaged + (40 + (random >> 8) % (size / PAGE - 40)) * PAGE, 0xA5, PAGE);
        }
        write_file(place->path, damaged, size);
        free(damaged);
        struct cf_buf json = CF_BUF_INIT;
        const struct cf_export_spec spec = {.format = CF_EXPORT_JSON, .is_all = true};
        const struct cf_export_sink sink = {.write = port_keep, .context = &json};
        struct cf_export_report report;
        store = open_store(place);
        assert_ok(cf_export_run(&report, store, &spec, &sink, err));
        cf_store_close(store);
        assert_int_equal(report.n_conversations + report.n_lost, N);
        assert_true(report.n_lost == 0 || (report.lost[0] > 0 && report.lost[0] <= N));
        n_loose += report.n_loose;
        n_lost += report.n_lost;
        struct place other;
        place_init(&other);
        store = open_store(&other);
        port_import_ok(store, &other, json.data, json.size, report.n_conversations, 0);
        assert_sound(store);
        cf_store_close(store);
        place_release(&other);
        cf_buf_release(&json);
    }
    assert_true(n_lost > 0);
    assert_true(n_loose > 0);
    free(bytes);
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
    damage_pages_of(place->path, "Long-Piece-1200!", true);
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
    char *bytes = test_read_file(place->path, &size);
    memset(bytes + 100, 0xA5, 2000); /* behind the header: the table of tables */
    write_file(place->path, bytes, size);
    free(bytes);
    assert_refused(place, CF_ERR_CORRUPT, "a copy that confab backup made");
    char copy[128];
    (void)snprintf(copy, sizeof copy, "%s.1.backup", place->path);
    write_file(copy, "x", 1);
    assert_refused(place, CF_ERR_CORRUPT, "confab.db.1.backup, the file as it was");
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
        if (id % 2 == 0) {
            assert_ok(cf_store_tag_add(store, id, "even", err));
        }
    }
    cf_store_close(store);
    char title[100];
    (void)snprintf(title, sizeof title, marker, 50);
    damage_pages_of(place->path, title, false);
    store = open_store(place);
    struct cf_conversations list;
    const struct cf_list_query query = {.limit = 200};
    assert_ok(cf_store_list(&list, store, &query, err));
    assert_true(list.is_damaged);
    assert_true(list.n > 50 && list.n < 100);
    for (size_t i = 1; i < list.n; i++) {
        assert_true(list.items[i - 1].updated_ms >= list.items[i].updated_ms);
    }
    /* Page by page there are as many, each once. */
    size_t n = 0;
    struct cf_conversation after = {0};
    bool has_more = true;
    while (has_more) {
        struct cf_conversations page;
        const struct cf_list_query next = {.limit = 7, .after = n > 0 ? &after : NULL};
        assert_ok(cf_store_list(&page, store, &next, err));
        for (size_t i = 0; i < page.n; i++, n++) {
            assert_true(n < list.n);
            assert_int_equal(page.items[i].id, list.items[n].id);
        }
        has_more = page.has_more;
        after = page.n > 0 ? page.items[page.n - 1] : after;
        cf_conversations_release(&page);
    }
    assert_int_equal(n, list.n);
    /* By tag there are those that have it. */
    n = 0;
    for (size_t i = 0; i < list.n; i++) {
        n += list.items[i].id % 2 == 0 ? 1 : 0;
    }
    cf_conversations_release(&list);
    const struct cf_list_query tagged = {.limit = 200, .tag = "even"};
    assert_ok(cf_store_list(&list, store, &tagged, err));
    assert_int_equal(list.n, n);
    for (size_t i = 0; i < list.n; i++) {
        assert_int_equal(list.items[i].id % 2, 0);
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
    char *good = test_read_file(place->path, &size);
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

/* Overwrites the first page of an index. */
static void damage_index(const struct place *place, const char *name)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    (void)sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    size_t page = (size_t)sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    size_t size = 0;
    char *bytes = test_read_file(place->path, &size);
    assert_true(page * PAGE <= size);
    memset(bytes + (page - 1) * PAGE, 0xA5, PAGE);
    write_file(place->path, bytes, size);
    free(bytes);
}

static void damage__of_an_index_of_the_list__finds_them_all_the_same(void **state)
{
    const struct place *place = *state;
    static const char *const indexes[] = {"conversation_updated", "message_tree",
                                          "message_streaming"};
    int64_t conversation;
    (void)fill(place, 20, &conversation);
    struct cf_store *store = open_store(place);
    int64_t last = new_conversation(store);
    (void)add_text(store, last, 0, CF_ROLE_USER, "the last one");
    int64_t deleted = new_conversation(store);
    assert_ok(cf_store_conversation_delete(store, deleted, err));
    cf_store_close(store);
    size_t size = 0;
    char *whole = test_read_file(place->path, &size);
    for (size_t i = 0; i < CF_ARRAY_SIZE(indexes); i++) {
        write_file(place->path, whole, size);
        damage_index(place, indexes[i]);
        store = open_store(place);
        int64_t found = 0;
        assert_ok(cf_store_conversation_find(&found, store, "last", err));
        assert_int_equal(found, last);
        struct cf_conversations one;
        assert_ok(cf_store_conversation_load(&one, store, found, err));
        assert_string_equal(one.items[0].title, "the last one");
        cf_conversations_release(&one);
        cf_store_close(store);
    }
    free(whole);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(damage__of_a_row_page__leaves_the_rest_readable),
        TEST(damage__of_a_row_page__exports_the_rest),
        TEST(damage__of_many_pages__exports_what_imports),
        TEST(damage__inside_a_long_text__keeps_its_beginning),
        TEST(damage__of_the_first_page__is_told_with_the_remedy),
        TEST(damage__of_the_list__shows_those_that_can_be_read),
        TEST(damage__of_the_index__is_repaired_and_loses_nothing),
        TEST(damage__at_random__never_crashes),
        TEST(check__our_invariants__are_looked_at),
        TEST(damage__of_an_index_of_the_list__finds_them_all_the_same),
    };
    return cmocka_run_group_tests_name("store damage", tests, NULL, NULL);
}
