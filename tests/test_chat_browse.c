/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chat: going through what is stored: long conversations, the list, searching. */
#include "chat_harness.h"

#include <sqlite3.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chat__open__long_one_shows_its_end_first),
    };
    return cmocka_run_group_tests_name("chat browse", tests, NULL, NULL);
}
