/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chat: going through what is stored: long conversations, the list, searching. */
#include "chat_harness.h"

#include <sqlite3.h>

#include "text.h"

static void run_sql(const struct chat_fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(fixture->db, &db), SQLITE_OK);
    (void)sqlite3_exec(db, sql, NULL, NULL, &why);
    if (why != NULL) {
        fail_msg("%s: %s", sql, why);
    }
    (void)sqlite3_close(db);
}

/* The conversation that is on gets 3,000 messages above a last one of its own. */
static void make_long(struct chat_fixture *fixture)
{
    start(fixture, true);
    settle(fixture);
    say(fixture, "first");
    cf_chat_free(fixture->chat);
    fixture->chat = NULL;
    run_sql(fixture, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                     " WHERE i < 3000) INSERT INTO message (id, uuid, conversation, parent, role,"
                     " state, created, updated, text) SELECT 1000 + i,"
                     " printf('0190ffff-0000-7000-8000-%012d', i), 1,"
                     " CASE WHEN i > 1 THEN 999 + i ELSE 2 END,"
                     " CASE WHEN i % 2 THEN 'user' ELSE 'assistant' END, 'complete', i, i,"
                     " 'message ' || i FROM n;"
                     "UPDATE conversation SET active_leaf = 4000");
}

static bool has_all(const struct chat_fixture *fixture)
{
    return cf_chat_n_turns(fixture->chat) == 3002;
}

static void chat__open__long_one_shows_its_end_first(void **state)
{
    struct chat_fixture *fixture = *state;
    make_long(fixture);
    restart(fixture);
    settle(fixture);
    cf_chat_open(fixture->chat, 1);
    fixture->changes = 0;
    pump_until(fixture, is_open);
    assert_true(cf_chat_n_turns(fixture->chat) == 100 || has_all(fixture));
    assert_string_equal(last_turn(fixture)->text, "message 3000");
    if (!has_all(fixture)) {
        /* What would need the others is refused, not done by halves. */
        struct cf_err err = CF_ERR_INIT;
        assert_int_equal(cf_chat_delete_turn(fixture->chat, 50, &err), CF_ERR_BUSY);
        assert_int_equal(cf_chat_walk(fixture->chat, 50, 1, false, &err), CF_ERR_BUSY);
        assert_non_null(strstr(err.text, "being read"));
    }
    /* A message sent at once waits for them, and its prompt is that of the whole conversation. */
    send(fixture, "and then?");
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 3004);
    assert_string_equal(turn_at(fixture, 0)->text, "first");
    assert_string_equal(turn_at(fixture, 3002)->text, "and then?");
    assert_true(last_turn(fixture)->n_tokens > 0);
    no_notice(fixture);
}

static bool is_listed(const struct chat_fixture *fixture)
{
    return (fixture->changes & CF_CHANGE_LIST) != 0;
}

/* What is listed once the question was answered that was asked after the changes were cleared. */
static const struct cf_chat_listing *listed(struct chat_fixture *fixture)
{
    pump_until(fixture, is_listed);
    settle(fixture);
    fixture->changes = 0;
    return cf_chat_listing(fixture->chat);
}

static const struct cf_chat_listing *list(struct chat_fixture *fixture, enum cf_chat_shelf shelf,
                                          const char *match)
{
    const struct cf_chat_list_query query = {.shelf = shelf, .match = match};
    settle(fixture);
    fixture->changes = 0;
    cf_chat_list(fixture->chat, &query);
    return listed(fixture);
}

/* 2,000 conversations, "number 1" the oldest, the 7th pinned. */
static void make_many(struct chat_fixture *fixture)
{
    start(fixture, true);
    settle(fixture);
    cf_chat_free(fixture->chat);
    fixture->chat = NULL;
    run_sql(fixture, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                     " WHERE i < 2000) INSERT INTO conversation (id, uuid, created, updated,"
                     " pinned, title, model) SELECT i,"
                     " printf('0190fffe-0000-7000-8000-%012d', i), i, i / 3, i = 7,"
                     " 'number ' || i, 'gpt2' FROM n");
    restart(fixture);
    settle(fixture);
}

static void assert_listed(const struct cf_chat_listing *listing, int64_t first, int64_t last)
{
    assert_int_equal(listing->items[0].id, first);
    assert_int_equal(listing->items[listing->n - 1].id, last);
    for (size_t i = first == 7 ? 2 : 1; i < listing->n; i++) {
        assert_int_equal(listing->items[i].id + (listing->items[i].id == 6 ? 2 : 1),
                         listing->items[i - 1].id);
    }
}

static void chat__list__goes_from_end_to_end(void **state)
{
    struct chat_fixture *fixture = *state;
    make_many(fixture);
    const struct cf_chat_listing *listing = list(fixture, CF_CHAT_SHELF_ACTIVE, NULL);
    assert_listed(listing, 7, 1802);
    assert_true(listing->has_older && !listing->has_newer);
    assert_string_equal(listing->items[0].model, "gpt2");
    /* On to the very end, no more held than some pages. */
    while (listing->has_older) {
        cf_chat_list_more(fixture->chat, 1);
        listing = listed(fixture);
        assert_true(listing->n <= 800);
    }
    assert_listed(listing, 801, 1);
    assert_true(listing->has_newer);
    /* And back. */
    while (listing->has_newer) {
        cf_chat_list_more(fixture->chat, -1);
        listing = listed(fixture);
    }
    assert_int_equal(listing->items[0].id, 7);
    assert_int_equal(listing->items[1].id, 2000);
    /* The end at once; the same stretch again after a change elsewhere. */
    cf_chat_list_edge(fixture->chat, true);
    listing = listed(fixture);
    assert_listed(listing, 201, 1);
    assert_true(listing->has_newer && !listing->has_older);
    cf_chat_list_again(fixture->chat);
    listing = listed(fixture);
    assert_listed(listing, 201, 1);
    assert_true(listing->has_newer && !listing->has_older);
    cf_chat_list_edge(fixture->chat, false);
    listing = listed(fixture);
    assert_listed(listing, 7, 1802);
    no_notice(fixture);
}

static void chat__list__filters_titles_and_texts(void **state)
{
    struct chat_fixture *fixture = *state;
    make_many(fixture);
    assert_listed(list(fixture, CF_CHAT_SHELF_ACTIVE, "NUMBER 1999"), 1999, 1999);
    const struct cf_chat_listing *listing = list(fixture, CF_CHAT_SHELF_ACTIVE, "umber");
    assert_int_equal(listing->n, 0); /* the middle of a word */
    cf_chat_open(fixture->chat, 12);
    settle(fixture);
    say(fixture, "Über das Wetter: \xe4\xbb\x8a\xe5\xa4\xa9\xe4\xb8\x8b\xe9\x9b\xa8");
    assert_listed(list(fixture, CF_CHAT_SHELF_ACTIVE, "uber wett"), 12, 12);
    assert_listed(list(fixture, CF_CHAT_SHELF_ACTIVE, "\xe9\x9b\xa8"), 12, 12);
    assert_int_equal(list(fixture, CF_CHAT_SHELF_ACTIVE, "wetter number 13")->n, 0);
    /* Each letter that is typed asks again; the last one is answered. */
    const char *const typed[] = {"n", "nu", "num", "number 1", "number 12", "number 123"};
    fixture->changes = 0;
    for (size_t i = 0; i < CF_ARRAY_SIZE(typed); i++) {
        const struct cf_chat_list_query query = {.match = typed[i]};
        cf_chat_list(fixture->chat, &query);
    }
    listing = listed(fixture);
    assert_int_equal(listing->n, 11); /* 123 and 1230 to 1239 */
    assert_string_equal(listing->match, "number 123");
    no_notice(fixture);
}

static void chat__list__shelves_give_back(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_err err = CF_ERR_INIT;
    make_many(fixture);
    assert_int_equal(cf_chat_archive(fixture->chat, 3, true, &err), CF_OK);
    assert_int_equal(cf_chat_delete(fixture->chat, 5, &err), CF_OK);
    assert_listed(list(fixture, CF_CHAT_SHELF_ARCHIVED, NULL), 3, 3);
    assert_listed(list(fixture, CF_CHAT_SHELF_TRASH, NULL), 5, 5);
    assert_int_equal(cf_chat_restore(fixture->chat, 5, &err), CF_OK);
    assert_int_equal(cf_chat_archive(fixture->chat, 3, false, &err), CF_OK);
    assert_int_equal(list(fixture, CF_CHAT_SHELF_TRASH, NULL)->n, 0);
    assert_int_equal(list(fixture, CF_CHAT_SHELF_ARCHIVED, NULL)->n, 0);
    assert_int_equal(list(fixture, CF_CHAT_SHELF_ACTIVE, "number 5")->n, 111);
    assert_int_equal(list(fixture, CF_CHAT_SHELF_ACTIVE, "number 3")->n, 111);
}

/* A reply that another confab wrote is unread until it is opened. */
static void chat__list__tells_of_replies_not_seen(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_err err = CF_ERR_INIT;
    make_many(fixture);
    struct cf_store *store = NULL;
    assert_int_equal(cf_store_open(&store, fixture->db, NULL, &err), CF_OK);
    const struct cf_reply_spec spec = {.conversation = 42, .model = "gpt2"};
    const struct cf_reply_state reply = {.text = "done", .size = 4};
    int64_t id = 0;
    assert_int_equal(cf_store_reply_begin(&id, 1, store, &spec, &err), CF_OK);
    const struct cf_chat_listing *listing = list(fixture, CF_CHAT_SHELF_ACTIVE, "number 42");
    assert_true(listing->items[0].is_streaming);
    assert_false(listing->items[0].is_unread);
    assert_int_equal(
        cf_store_reply_finish(store, id, &reply, CF_MESSAGE_COMPLETE, CF_END_STOP, NULL, &err),
        CF_OK);
    (void)list(fixture, CF_CHAT_SHELF_ACTIVE, "number 42");
    listing = list(fixture, CF_CHAT_SHELF_ACTIVE, "number 42");
    assert_true(listing->items[0].is_unread);
    cf_chat_open(fixture->chat, 42);
    settle(fixture);
    listing = list(fixture, CF_CHAT_SHELF_ACTIVE, "number 42");
    assert_false(listing->items[0].is_unread);
    cf_store_close(store);
}

/* The graph as text: a line a row, its lanes, a star on the path, its text. */
static void assert_graph(struct chat_fixture *fixture, const char *wanted)
{
    struct cf_buf text = CF_BUF_INIT;
    size_t n = cf_chat_graph_rows(fixture->chat);
    for (size_t i = 0; i < n; i++) {
        struct cf_chat_graph_row row;
        cf_chat_graph_at(fixture->chat, i, &row);
        for (int32_t k = 0; k < row.depth; k++) {
            cf_buf_add_char(&text, row.is_branch && k + 1 == row.depth ? '\\' : '|');
        }
        cf_buf_add_char(&text, row.is_shown ? '*' : 'o');
        if (row.turn->role == CF_ROLE_USER) {
            cf_buf_add(&text, row.turn->text, row.turn->size);
        }
        cf_buf_add_str(&text, row.is_leaf ? ".\n" : "\n");
    }
    assert_string_equal(text.size > 0 ? text.data : "", wanted);
    cf_buf_release(&text);
}

static void chat__graph__walks_prunes_and_comes_back(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_err err = CF_ERR_INIT;
    start(fixture, true);
    settle(fixture);
    assert_graph(fixture, "");
    say(fixture, "one");
    set_option(fixture, "temperature", "1");
    assert_int_equal(cf_chat_set(fixture->chat, "temperature", "1.5", &err), CF_OK);
    assert_int_equal(cf_chat_regenerate(fixture->chat, 1, &err), CF_OK);
    settle(fixture);
    say(fixture, "two");
    assert_graph(fixture, "*one\n\\o.\n*\n*two\n*.\n");
    assert_int_equal(cf_chat_edit(fixture->chat, 2, "three", 5, &err), CF_OK);
    settle(fixture);
    assert_graph(fixture, "*one\n\\o.\n*\n\\otwo\n|o.\n*three\n*.\n");
    restart(fixture);
    open_last(fixture);
    assert_graph(fixture, "*one\n\\o.\n*\n\\otwo\n|o.\n*three\n*.\n");
    /* What was recorded of a reply is there. */
    struct cf_chat_graph_row row;
    cf_chat_graph_at(fixture->chat, 2, &row);
    assert_true(row.turn->n_marks > 0 && row.turn->marks[0].sampling.temperature > 1.4);
    assert_int_equal(row.turn->sibling, 1);
    size_t at = 0;
    assert_true(cf_chat_graph_sibling(fixture->chat, 2, -1, &at));
    assert_int_equal(at, 1);
    assert_false(cf_chat_graph_sibling(fixture->chat, 2, 1, &at));
    /* There, and it is what is shown from now on. */
    cf_chat_open_at(fixture->chat, cf_chat_status(fixture->chat)->conversation,
                    cf_chat_graph_id(fixture->chat, 4));
    assert_graph(fixture, "*one\n\\o.\n*\n\\*two\n|*.\nothree\no.\n");
    /* A branch that is not shown goes to the trash and comes back. */
    int64_t three = cf_chat_graph_id(fixture->chat, 5);
    assert_int_equal(cf_chat_prune(fixture->chat, three, &err), CF_OK);
    assert_graph(fixture, "*one\n\\o.\n*\n*two\n*.\n");
    assert_int_equal(cf_chat_prune(fixture->chat, three, &err), CF_ERR_NOT_FOUND);
    settle(fixture);
    assert_int_equal(cf_chat_undo(fixture->chat, 1, &err), CF_OK);
    settle(fixture);
    cf_chat_graph_rows(fixture->chat);
    assert_true(cf_chat_graph_find(fixture->chat, three, &at));
    restart(fixture);
    open_last(fixture);
    cf_chat_graph_rows(fixture->chat);
    assert_true(cf_chat_graph_find(fixture->chat, three, &at));
}

static void chat__diff__compares_branches(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_err err = CF_ERR_INIT;
    start(fixture, false);
    settle(fixture);
    say(fixture, "one two three");
    say(fixture, "and now?");
    assert_int_equal(cf_chat_edit(fixture->chat, 2, "and then?", 9, &err), CF_OK);
    settle(fixture);
    say(fixture, "more");
    cf_chat_graph_rows(fixture->chat);
    int64_t first = cf_chat_graph_id(fixture->chat, 2);
    int64_t second = last_turn(fixture)->id;
    assert_int_equal(cf_chat_diff(fixture->chat, first, second, &err), CF_OK);
    const struct cf_chat_diff *diff = cf_chat_diffed(fixture->chat);
    assert_int_equal(diff->n_common, 2);
    assert_int_equal(diff->n, 4);
    assert_string_equal(diff->turns[0].old, "and now?");
    assert_string_equal(diff->turns[0].new, "and then?");
    assert_int_equal(diff->turns[0].diff.n, 4);
    assert_int_equal(diff->turns[1].role, CF_ROLE_ASSISTANT);
    assert_string_equal(diff->turns[2].new, "more");
    assert_int_equal(diff->turns[2].old_id, 0);
    assert_int_equal(cf_chat_diff(fixture->chat, second, second, &err), CF_ERR_RANGE);
    assert_int_equal(cf_chat_diff(fixture->chat, 12345, second, &err), CF_ERR_NOT_FOUND);
}

static bool is_counted(const struct chat_fixture *fixture)
{
    return (fixture->changes & CF_CHANGE_STATS) != 0;
}

static void chat__count__tells_by_model_and_month(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    make_many(fixture);
    cf_chat_open(fixture->chat, 5);
    settle(fixture);
    say(fixture, "one");
    say(fixture, "two");
    assert_int_equal(cf_chat_delete(fixture->chat, 9, &err), CF_OK);
    settle(fixture);
    cf_chat_count(fixture->chat);
    fixture->changes = 0;
    pump_until(fixture, is_counted);
    struct cf_buf text = CF_BUF_INIT;
    cf_chat_counted(fixture->chat, 80, 12, &text);
    const char *const wanted[] = {
        "conversations          1,999\n  in the trash             1\n",
        "messages                   4\n", "replies                    2\n",
        "\n1970-01                    0             0\n", "        4            40  \u2588"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(wanted); i++) {
        if (strstr(text.data, wanted[i]) == NULL) {
            fail_msg("%s is not in:\n%s", wanted[i], text.data);
        }
    }
    cf_buf_clear(&text);
    cf_chat_counted(fixture->chat, 40, 1, &text);
    for (const char *line = text.data; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_true(cf_text_width(line, (size_t)(strchr(line, '\n') - line), 0) <= 40);
    }
    assert_non_null(strstr(text.data, "\nbefore "));
    cf_buf_release(&text);
    no_notice(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chat__open__long_one_shows_its_end_first),
        TEST(chat__list__goes_from_end_to_end),
        TEST(chat__list__filters_titles_and_texts),
        TEST(chat__list__shelves_give_back),
        TEST(chat__list__tells_of_replies_not_seen),
        TEST(chat__graph__walks_prunes_and_comes_back),
        TEST(chat__diff__compares_branches),
        TEST(chat__count__tells_by_model_and_month),
    };
    return cmocka_run_group_tests_name("chat browse", tests, NULL, NULL);
}
