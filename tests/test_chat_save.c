/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chat at its header: drafts, and what a disk that refuses and an early end leave behind. */
#include "chat_harness.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void chat__command__leaves_drafts_alone(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    settle(fixture);
    cf_chat_set_draft(fixture->chat, "half a tho", 10);
    cf_chat_free(fixture->chat);

    struct cf_chat_params params = params_of(fixture, true);
    params.keeps_drafts = false;
    open_chat(fixture, &params);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "");
    say(fixture, "asked in passing");
    open_last(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(cf_chat_timeout_ms(fixture->chat), -1);

    restart(fixture);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "half a tho");
}

static bool has_id(const struct chat_fixture *fixture)
{
    return last_turn(fixture)->id > 0;
}

/* As soon as it is sent: whatever kills the program then leaves the message in one place only. */
static void chat__message__is_no_draft_once_it_is_sent(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    settle(fixture);
    cf_chat_set_draft(fixture->chat, "hello", 5);
    restart(fixture);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "hello");
    send_held(fixture, cf_chat_draft(fixture->chat), 2);
    assert_string_equal(turn_at(fixture, 0)->text, "hello");
    pump_until(fixture, has_id);

    struct cf_chat *ours = fixture->chat;
    start(fixture, true);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "");
    open_last(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "");
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    cf_chat_free(fixture->chat);
    fixture->chat = ours;
}

static void chat__flush__keeps_what_is_queued_as_the_draft(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    /* The model is not open yet, and is not waited for. */
    send(fixture, "/too early"); /* which was typed as "//too early" */
    assert_int_equal(cf_chat_status(fixture->chat)->n_queued, 1);
    cf_chat_set_draft(fixture->chat, "and more", 8);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_flush(fixture->chat, 5000, &err), CF_OK);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 0);
    restart(fixture);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "//too early\n\nand more");
    assert_int_equal(cf_chat_n_turns(fixture->chat), 0);
}

static void type(struct chat_fixture *fixture, const char *text)
{
    cf_chat_set_draft(fixture->chat, text, strlen(text));
}

/* A conversation with one message and a draft; another one, not begun, is on. */
static int64_t leave_behind(struct chat_fixture *fixture, const char *message, const char *draft)
{
    say(fixture, message);
    int64_t id = cf_chat_status(fixture->chat)->conversation;
    type(fixture, draft);
    cf_chat_new_conversation(fixture->chat);
    settle(fixture);
    return id;
}

/* Who opens a conversation and types on at once means that one; what is left keeps its own. */
static void chat__opening__keeps_what_is_typed_meanwhile(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    settle(fixture);
    int64_t first = leave_behind(fixture, "one", "uno");
    int64_t second = leave_behind(fixture, "two", "");
    type(fixture, "not begun");
    cf_chat_open(fixture->chat, second);
    assert_string_equal(cf_chat_draft(fixture->chat), "");
    type(fixture, "and so on");
    cf_chat_open(fixture->chat, first); /* before that one was there */
    settle(fixture);
    assert_int_equal(cf_chat_status(fixture->chat)->conversation, first);
    assert_string_equal(cf_chat_draft(fixture->chat), "uno\n\nand so on");
    restart(fixture);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "not begun");
    cf_chat_open(fixture->chat, first);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "uno\n\nand so on");
    cf_chat_open(fixture->chat, second);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "");
    cf_chat_open(fixture->chat, first);
    type(fixture, "gone");
    cf_chat_new_conversation(fixture->chat);
    assert_string_equal(cf_chat_draft(fixture->chat), "gone");
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "not begun\n\ngone");
    restart(fixture);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "not begun\n\ngone");
}

/* The draft of a conversation not begun is not saved over before it is known. */
static void chat__first_draft__is_kept_however_it_is_met(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    settle(fixture);
    int64_t id = leave_behind(fixture, "one", "");
    type(fixture, "kept");
    restart(fixture);
    type(fixture, "typed early"); /* and the program ends before the answer */
    restart(fixture);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "kept\n\ntyped early");
    cf_chat_open(fixture->chat, id);
    settle(fixture);
    /* Opened and left again before the answer. */
    cf_chat_new_conversation(fixture->chat);
    type(fixture, "moves on");
    cf_chat_open(fixture->chat, id);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "moves on");
    type(fixture, "");
    /* The other one can't be opened. */
    cf_chat_new_conversation(fixture->chat);
    cf_chat_open(fixture->chat, id + 100);
    type(fixture, "back");
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "kept\n\ntyped early\n\nback");
    free(cf_chat_notice_take(fixture->chat, NULL));
    cf_chat_open(fixture->chat, id);
    settle(fixture);
    /* Sent before the answer: it stays for the next one, and what is typed then with this one. */
    cf_chat_new_conversation(fixture->chat);
    send(fixture, "hello");
    type(fixture, "next");
    cf_chat_new_conversation(fixture->chat);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "kept\n\ntyped early\n\nback");
    open_last(fixture);
    assert_string_equal(turn_at(fixture, 0)->text, "hello");
    assert_string_equal(cf_chat_draft(fixture->chat), "next");
    restart(fixture);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "kept\n\ntyped early\n\nback");
}

/* A slash that had to be doubled at the beginning stands alone behind something else. */
static void chat__draft__keeps_its_slashes(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    settle(fixture);
    int64_t id = leave_behind(fixture, "one", "uno");
    cf_chat_open(fixture->chat, id);
    type(fixture, "//etc");
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "uno\n\n/etc");
    cf_chat_open(fixture->chat, id + 100);
    send(fixture, "/tmp"); /* typed as "//tmp" */
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_unqueue(fixture->chat, &err), CF_OK);
    assert_string_equal(cf_chat_draft(fixture->chat), "//tmp");
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "uno\n\n/etc\n\n/tmp");
}

/* Where nothing is kept, what is typed goes along. */
static void chat__draft__goes_along_where_nothing_is_saved(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    settle(fixture);
    type(fixture, "typed");
    cf_chat_new_conversation(fixture->chat);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "typed");
}

/* What is being opened can't be deleted or renamed unnamed, and the one before must not be. */
static void chat__opening__is_what_is_on(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    settle(fixture);
    int64_t first = leave_behind(fixture, "one", "");
    int64_t second = leave_behind(fixture, "two", "");
    cf_chat_open(fixture->chat, first);
    settle(fixture);
    cf_chat_open(fixture->chat, second);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_delete(fixture->chat, 0, &err), CF_ERR_BUSY);
    assert_int_equal(cf_chat_rename(fixture->chat, 0, "other", &err), CF_ERR_BUSY);
    settle(fixture);
    assert_int_equal(cf_chat_status(fixture->chat)->conversation, second);
    cf_chat_open(fixture->chat, first);
    settle(fixture);
    assert_string_equal(cf_chat_status(fixture->chat)->title, "one");
}

/* --- a database that can't be read for once --- */

static sqlite3_vfs failing_vfs;
static int first_failure, n_failures; /* of the openings of the database */

static int fail_some_openings(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                              int *out_flags)
{
    sqlite3_vfs *real = vfs->pAppData;
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
        first_failure--;
        if (first_failure < 0 && n_failures > 0) {
            n_failures--;
            file->pMethods = NULL;
            return SQLITE_CANTOPEN;
        }
    }
    return real->xOpen(real, name, file, flags, out_flags);
}

static int set_up_failing(void **state)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    failing_vfs = *real;
    failing_vfs.zName = "failing";
    failing_vfs.pAppData = real;
    failing_vfs.xOpen = fail_some_openings;
    n_failures = 0;
    return sqlite3_vfs_register(&failing_vfs, 1) == SQLITE_OK ? set_up(state) : -1;
}

static int tear_down_failing(void **state)
{
    int code = tear_down(state);
    sqlite3_vfs_unregister(&failing_vfs);
    return code;
}

/* Opens the database to write, then fails N times to open it to read. */
static void restart_failing(struct chat_fixture *fixture, int n)
{
    cf_chat_free(fixture->chat);
    first_failure = 1;
    n_failures = n;
    start(fixture, true);
}

static void chat__first_draft__is_read_once_more(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    settle(fixture);
    type(fixture, "kept");
    restart_failing(fixture, 1);
    type(fixture, "new");
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "kept\n\nnew");
    free(cf_chat_notice_take(fixture->chat, NULL));
    assert_null(cf_chat_notice_take(fixture->chat, NULL));
    /* Where that does not help, it is said. */
    restart_failing(fixture, 2);
    settle(fixture);
    bool is_error = false;
    char *notice = cf_chat_notice_take(fixture->chat, &is_error);
    assert_non_null(notice);
    assert_true(is_error);
    assert_non_null(strstr(notice, "could not be read: "));
    free(notice);
}

/* What cannot be opened gets nothing, and neither does what was on before. */
static void chat__opening__failed_sends_nothing(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    settle(fixture);
    int64_t id = leave_behind(fixture, "one", "uno");
    cf_chat_open(fixture->chat, id);
    settle(fixture);
    cf_chat_open(fixture->chat, id + 100);
    send(fixture, "to nobody");
    type(fixture, "typed");
    settle(fixture);
    assert_int_equal(cf_chat_status(fixture->chat)->conversation, id);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(cf_chat_status(fixture->chat)->n_queued, 0);
    assert_string_equal(cf_chat_draft(fixture->chat), "uno\n\nto nobody\n\ntyped");
    free(cf_chat_notice_take(fixture->chat, NULL));
    /* Nor is anything lost when the program ends before the answer. */
    cf_chat_open(fixture->chat, id + 100);
    send(fixture, "too late");
    restart(fixture);
    settle(fixture);
    cf_chat_open(fixture->chat, id);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "uno\n\nto nobody\n\ntyped\n\ntoo late");
}

/* Better whole without the model's digest than taken for interrupted. */
static void chat__flush__does_not_wait_for_the_digest(void **state)
{
    struct chat_fixture *fixture = *state;
    free(make_endless_model(fixture));
    start(fixture, true);
    send(fixture, "what the model is, nobody knows yet");
    pump_until(fixture, has_end_event);
    assert_false(is_settled(fixture));
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_flush(fixture->chat, 1000, &err), CF_OK);
    int64_t id = last_turn(fixture)->id;
    cf_chat_free(fixture->chat);
    fixture->chat = NULL;
    struct cf_messages one;
    load_message(fixture, id, &one);
    assert_int_equal(one.items[0].state, CF_MESSAGE_COMPLETE);
    assert_int_equal(one.items[0].reason, CF_END_LENGTH);
    assert_int_equal(one.items[0].n_tokens, 20);
    struct cf_recipe recipe = {0};
    assert_int_equal(cf_recipe_decode(&recipe, one.items[0].recipe, one.items[0].recipe_size, &err),
                     CF_OK);
    static const struct cf_digest unknown;
    assert_true(cf_digest_equal(&recipe.head.model_digest, &unknown));
    cf_recipe_release(&recipe);
    cf_messages_release(&one);
}

/* --- a disk that refuses --- */

/* Files of this process can grow no more, or can again. */
static void limit_files(bool is_limited)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = is_limited ? 1 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int set_up_limit(void **state)
{
    signal(SIGXFSZ, SIG_IGN);
    return set_up(state);
}

static int tear_down_limit(void **state)
{
    limit_files(false);
    return tear_down(state);
}

/* Another process, whose files may grow: renames the conversation when it is told to. */
static pid_t start_other(const struct chat_fixture *fixture, int *go)
{
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char byte = 0;
        struct cf_store *store = NULL;
        if (read(told[0], &byte, 1) != 1 ||
            cf_store_open(&store, fixture->db, NULL, NULL) != CF_OK ||
            cf_store_conversation_rename(store, 1, "named elsewhere", NULL) != CF_OK) {
            _exit(1);
        }
        cf_store_close(store);
        _exit(0);
    }
    (void)close(told[0]);
    *go = told[1];
    return pid;
}

static bool is_held_up(const struct chat_fixture *fixture)
{
    return cf_chat_status(fixture->chat)->is_retrying;
}

static bool is_saving_again(const struct chat_fixture *fixture)
{
    return !is_held_up(fixture) && cf_chat_is_settled(fixture->chat);
}

static bool has_list_news(const struct chat_fixture *fixture)
{
    return (fixture->changes & CF_CHANGE_LIST_OLD) != 0;
}

static bool is_named(const struct chat_fixture *fixture)
{
    return strcmp(cf_chat_status(fixture->chat)->title, "named elsewhere") == 0;
}

static bool has_draft(const struct chat_fixture *fixture)
{
    return cf_chat_draft(fixture->chat)[0] != '\0';
}

/* What still waits to be written is what is read. */
static void chat__held_up__draft_is_read_as_it_was_saved(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    settle(fixture);
    int64_t id = leave_behind(fixture, "one", "uno");
    type(fixture, "kept");
    cf_chat_open(fixture->chat, id);
    settle(fixture);
    limit_files(true);
    send(fixture, "not saved yet");
    pump_until(fixture, is_held_up);
    settle(fixture);
    cf_chat_new_conversation(fixture->chat);
    pump_until(fixture, has_draft);
    assert_string_equal(cf_chat_draft(fixture->chat), "kept");
    type(fixture, "precious");
    cf_chat_open(fixture->chat, id);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "");
    cf_chat_new_conversation(fixture->chat);
    pump_until(fixture, has_draft);
    assert_string_equal(cf_chat_draft(fixture->chat), "precious");
    limit_files(false);
    (void)cf_chat_flush(fixture->chat, 5000, NULL);
    restart(fixture);
    settle(fixture);
    assert_string_equal(cf_chat_draft(fixture->chat), "precious");
}

/* The screen knows more than the disk then: what another process changes there must not take it
 * away. */
static void chat__held_up__reads_nothing_over_what_is_not_saved(void **state)
{
    struct chat_fixture *fixture = *state;
    int go = -1;
    pid_t other = start_other(fixture, &go);
    start(fixture, true);
    say(fixture, "saved");
    limit_files(true);
    send(fixture, "not saved yet");
    pump_until(fixture, is_held_up);
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_true(cf_chat_status(fixture->chat)->is_unsaved);

    fixture->changes = 0;
    assert_int_equal(write(go, "g", 1), 1);
    int status = -1;
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
    pump_until(fixture, has_list_news);
    for (int i = 0; i < 3; i++) {
        wait_a_little(fixture);
        pump(fixture);
    }
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_string_equal(turn_at(fixture, 2)->text, "not saved yet");
    assert_false(turn_at(fixture, 2)->is_saved);
    assert_false(is_named(fixture));

    limit_files(false);
    (void)cf_chat_flush(fixture->chat, 5000, NULL);
    pump_until(fixture, is_saving_again);
    pump_until(fixture, is_named);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_true(turn_at(fixture, 2)->is_saved);
    assert_true(turn_at(fixture, 3)->is_saved);
    (void)close(go);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chat__command__leaves_drafts_alone),
        TEST(chat__message__is_no_draft_once_it_is_sent),
        TEST(chat__flush__keeps_what_is_queued_as_the_draft),
        TEST(chat__opening__keeps_what_is_typed_meanwhile),
        TEST(chat__first_draft__is_kept_however_it_is_met),
        TEST(chat__draft__keeps_its_slashes),
        TEST(chat__draft__goes_along_where_nothing_is_saved),
        TEST(chat__opening__is_what_is_on),
        cmocka_unit_test_setup_teardown(chat__first_draft__is_read_once_more, set_up_failing,
                                        tear_down_failing),
        TEST(chat__opening__failed_sends_nothing),
        TEST(chat__flush__does_not_wait_for_the_digest),
        cmocka_unit_test_setup_teardown(chat__held_up__draft_is_read_as_it_was_saved, set_up_limit,
                                        tear_down_limit),
        cmocka_unit_test_setup_teardown(chat__held_up__reads_nothing_over_what_is_not_saved,
                                        set_up_limit, tear_down_limit),
    };
    return cmocka_run_group_tests_name("chat save", tests, NULL, NULL);
}
