/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conversations that were imported before and have grown since. */
#include "port_test.h"

#include <time.h>

#include "import_samples.h"
#include "store_db.h"
#include "store_port.h"

static void wait_a_moment(void)
{
    struct timespec pause = {.tv_nsec = 3000000};
    (void)nanosleep(&pause, NULL);
}

/* What port_fill made, gone on with: behind its end, beside an old message, and in a new one. */
static void go_on(struct cf_store *store)
{
    wait_a_moment(); /* so that it is later */
    const int64_t leaf = active_leaf(store, 1);
    const int64_t a = add_text(store, 1, leaf, CF_ROLE_USER, "Later: and when it hails?");
    const int64_t b =
        port_reply(store, 1, a, "Stay in.", 8, CF_MESSAGE_COMPLETE, CF_END_STOP, NULL);
    const int64_t c = add_text(store, 1, 2, CF_ROLE_USER, "Later: another question");
    assert_ok(cf_store_message_set_pinned(store, c, true, err));
    (void)add_text(store, 1, b, CF_ROLE_USER, "Later: the end");
    const int64_t d = add_text(store, 1, b, CF_ROLE_USER, "Later: pruned");
    assert_ok(cf_store_message_delete(store, d, err));
    (void)add_text(store, new_conversation(store), 0, CF_ROLE_USER, "Later: a new one");
}

static void own__grown__becomes_the_same(void **state)
{
    const struct place *place = *state;
    struct place other;
    struct cf_buf json = CF_BUF_INIT;
    place_init(&other);
    struct cf_store *store = open_store(place);
    struct cf_store *there = open_store(&other);
    port_fill(store);
    port_export_all(&json, store);
    port_import_ok(there, &other, json.data, json.size, 6, 0);
    go_on(store);
    cf_buf_clear(&json);
    port_export_all(&json, store);
    char *wanted = port_dump(place->path);
    for (int i = 0; i < 2; i++) {
        struct cf_import_report report;
        assert_ok(port_import(&report, there, &other, json.data, json.size, err));
        assert_int_equal(report.n_conversations, i == 0 ? 1 : 0);
        assert_int_equal(report.n_known, i == 0 ? 6 : 7);
        assert_int_equal(report.n_grown, i == 0 ? 1 : 0);
        assert_int_equal(report.n_messages, i == 0 ? 6 : 0);
        cf_import_report_release(&report);
        assert_sound(there);
        port_assert_holds(other.path, wanted);
    }
    cf_store_close(there);
    cf_store_close(store);
    place_release(&other);
    cf_buf_release(&json);
    free(wanted);
}

/* What was deleted here, or moved away, gets nothing new below it; what was said here meanwhile,
 * and later, stays what is shown. */
static void own__changed_here__is_left_as_it_is(void **state)
{
    const struct place *place = *state;
    struct place other;
    struct cf_buf json = CF_BUF_INIT;
    place_init(&other);
    struct cf_store *store = open_store(place);
    struct cf_store *there = open_store(&other);
    const int64_t c = new_conversation(store);
    const int64_t root = add_text(store, c, 0, CF_ROLE_USER, "root");
    const int64_t pruned = add_text(store, c, root, CF_ROLE_USER, "pruned");
    const int64_t moved = add_text(store, c, root, CF_ROLE_USER, "moved");
    port_export_all(&json, store);
    port_import_ok(there, &other, json.data, json.size, 1, 0);
    const int64_t home = new_conversation(there);
    assert_ok(cf_store_message_delete(there, pruned, err));
    assert_ok(cf_store_message_move(there, moved, home, 0, err));
    const int64_t late = add_text(store, c, pruned, CF_ROLE_USER, "below the pruned");
    (void)add_text(store, c, late, CF_ROLE_USER, "and below that");
    (void)add_text(store, c, moved, CF_ROLE_USER, "below the moved");
    (void)add_text(store, c, root, CF_ROLE_USER, "below the root");
    wait_a_moment();
    const int64_t mine = add_text(there, 1, root, CF_ROLE_USER, "mine");
    cf_buf_clear(&json);
    port_export_all(&json, store);
    for (int i = 0; i < 2; i++) {
        struct cf_import_report report;
        assert_ok(port_import(&report, there, &other, json.data, json.size, err));
        assert_int_equal(report.n_messages, i == 0 ? 1 : 0);
        cf_import_report_release(&report);
        assert_sound(there);
        assert_int_equal(active_leaf(there, 1), mine);
        struct cf_messages tree;
        assert_ok(cf_store_tree_load(&tree, there, 1, false, err));
        assert_int_equal(tree.n, 3);
        assert_string_equal(tree.items[0].text, "root");
        assert_string_equal(tree.items[1].text, "mine");
        assert_string_equal(tree.items[2].text, "below the root");
        cf_messages_release(&tree);
    }
    cf_store_close(there);
    cf_store_close(store);
    place_release(&other);
    cf_buf_release(&json);
}

/* SAMPLE with the first FROM made TO. */
static char *changed(const char *sample, const char *from, const char *to)
{
    struct cf_buf text = CF_BUF_INIT;
    const char *at = strstr(sample, from);
    assert_non_null(at);
    cf_buf_add(&text, sample, (size_t)(at - sample));
    cf_buf_add_str(&text, to);
    cf_buf_add_str(&text, at + strlen(from));
    return cf_buf_take(&text);
}

/* A month later: the talk went on below what was a hidden end, and is the current branch. */
static void chatgpt__grown__goes_on(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    port_import_ok(store, place, sample_chatgpt, strlen(sample_chatgpt), 2, 0);
    char *hung = changed(sample_chatgpt, "\"parent\":\"u2\",\"children\":[]},",
                         "\"parent\":\"u2\",\"children\":[\"new\"]},"
                         "\"new\":{\"message\":{\"author\":{\"role\":\"assistant\"},"
                         "\"create_time\":1702592000,\"content\":{\"parts\":[\"Snow is cold.\"]}},"
                         "\"parent\":\"think\",\"children\":[]},");
    char *current = changed(hung, "\"current_node\":\"think\"", "\"current_node\":\"new\"");
    char *later = changed(current, "\"update_time\":1700000500.25", "\"update_time\":1702592001");
    for (int i = 0; i < 2; i++) {
        struct cf_import_report report;
        assert_ok(port_import(&report, store, place, later, strlen(later), err));
        assert_int_equal(report.n_conversations, 0);
        assert_int_equal(report.n_known, 2);
        assert_int_equal(report.n_grown, i == 0 ? 1 : 0);
        assert_int_equal(report.n_messages, i == 0 ? 1 : 0);
        cf_import_report_release(&report);
        assert_branch(store, active_leaf(store, 1),
                      "[image_asset_pointer]\n\nWhat is it? A|It is\n\nrain.|And snow?|"
                      "Snow is cold.");
        assert_sound(store);
    }
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, store, 1, err));
    assert_int_equal(one.items[0].updated_ms, 1702592001000);
    assert_int_equal(one.items[0].n_messages, 5);
    cf_conversations_release(&one);
    cf_store_close(store);
    free(hung);
    free(current);
    free(later);
}

/* The conversation was erased between being found and the end. */
static void more__of_what_was_erased_meanwhile__is_undone(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    char *before = port_dump(place->path);
    struct cf_store_import *import = NULL;
    int64_t waiting = 0;
    int64_t id = 0;
    assert_ok(cf_store_import_begin(&import, store, "a file", err));
    assert_ok(cf_store_import_waiting(&waiting, import, 999, err));
    const struct cf_message_row row = {.message = {.conversation = waiting,
                                                   .role = CF_ROLE_USER,
                                                   .state = CF_MESSAGE_COMPLETE,
                                                   .text = (char[]){"more"},
                                                   .size = 4}};
    assert_ok(cf_store_import_message(&id, import, &row, err));
    cf_store_import_hang(import, id, 998, true);
    cf_store_import_waited(import, waiting, id, 5);
    assert_code(CF_ERR_BUSY, cf_store_import_finish(import, err));
    recover_all(store);
    assert_sound(store);
    port_assert_holds(place->path, before);
    cf_store_close(store);
    free(before);
}

/* What a killed import left is in nobody's way, found while it is there or at the end; what a
 * living one has is. */
static void more__what_a_dead_import_left__is_undone_first(void **state)
{
    const struct place *place = *state;
    struct cf_buf json = CF_BUF_INIT;
    struct cf_import_report report;
    struct cf_buf sql = CF_BUF_INIT;
    struct cf_store *store = open_store(place);
    port_fill(store);
    port_export_all(&json, store);
    assert_ok(cf_store_draft_save(store, 0, "", 0, 0, err));
    char *wanted = port_dump(place->path);
    run_sql(place->path, "INSERT INTO import (id, started, owner, source) VALUES (7, 1, '- 0 1 1',"
                         " 'x.json'); UPDATE conversation SET import = 7");
    port_import_ok(store, place, json.data, json.size, 6, 0);
    assert_sound(store);
    assert_ok(cf_store_draft_save(store, 0, "", 0, 0, err));
    port_assert_holds(place->path, wanted);
    cf_buf_add_str(&sql, "INSERT INTO import (id, started, owner, source)");
    char owner[CF_OWNER_SIZE];
    cf_owner_self(owner);
    cf_buf_addf(&sql, " VALUES (9, 1, '%s', 'x.json'); UPDATE conversation SET import = 9", owner);
    run_sql(place->path, sql.data);
    struct cf_err why = CF_ERR_INIT;
    assert_int_equal(port_import(&report, store, place, json.data, json.size, &why), CF_ERR_BUSY);
    assert_non_null(strstr(why.text, "another confab is importing"));
    cf_import_report_release(&report);
    run_sql(place->path, "UPDATE conversation SET import = NULL; DELETE FROM import");
    port_assert_holds(place->path, wanted);
    cf_store_close(store);
    cf_buf_release(&json);
    cf_buf_release(&sql);
    free(wanted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(own__grown__becomes_the_same),
        TEST(own__changed_here__is_left_as_it_is),
        TEST(chatgpt__grown__goes_on),
        TEST(more__of_what_was_erased_meanwhile__is_undone),
        TEST(more__what_a_dead_import_left__is_undone_first),
    };
    return cmocka_run_group_tests_name("import more", tests, NULL, NULL);
}
