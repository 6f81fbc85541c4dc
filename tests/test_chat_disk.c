/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chat at its header: what it keeps, with a database of its own. */
#include "chat_harness.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/kernels.h"
#include "recipe.h"

static bool is_ready(const struct chat_fixture *fixture)
{
    return cf_chat_status(fixture->chat)->phase == CF_PHASE_READY;
}

static void chat__reopen__finds_everything_again(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "hello disk");
    say(fixture, "second");
    no_notice(fixture);
    assert_true(cf_chat_status(fixture->chat)->conversation > 0);
    assert_true(turn_at(fixture, 0)->id > 0);
    assert_true(turn_at(fixture, 0)->is_saved);
    assert_true(turn_at(fixture, 3)->is_saved);
    assert_string_equal(cf_chat_status(fixture->chat)->title, "hello disk");
    char *texts[4];
    for (size_t i = 0; i < 4; i++) {
        texts[i] = copy_of(turn_at(fixture, i));
    }
    static int32_t ids[20];
    for (int k = 0; k < 20; k++) {
        ids[k] = turn_at(fixture, 3)->tokens[k].id;
    }
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_set(fixture->chat, "temperature", "0.25", &err), CF_OK);
    assert_int_equal(cf_chat_set(fixture->chat, "system", "Be brief.", &err), CF_OK);
    cf_chat_set_draft(fixture->chat, "half a tho", 10);
    assert_int_equal(cf_chat_flush(fixture->chat, 10000, &err), CF_OK);

    restart(fixture);
    open_last(fixture);
    no_notice(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(turn_at(fixture, i)->text, texts[i]);
        free(texts[i]);
    }
    assert_string_equal(cf_chat_status(fixture->chat)->title, "hello disk");
    assert_string_equal(cf_chat_status(fixture->chat)->system_text, "Be brief.");
    assert_string_equal(cf_chat_draft(fixture->chat), "half a tho");
    /* An option given now is stronger than what the conversation remembers. */
    assert_true(cf_chat_settings(fixture->chat)->sampling.temperature < 0.01);
    assert_int_equal(turn_at(fixture, 3)->reason, CF_END_LENGTH);
    assert_int_equal(cf_chat_set(fixture->chat, "system", "", &err), CF_OK);

    /* Its tokens are there as they were drawn, and the reply goes on from them. */
    assert_true(turn_at(fixture, 3)->can_continue);
    assert_int_equal(go_on(fixture, &err), CF_OK);
    settle(fixture);
    no_notice(fixture);
    assert_int_equal(turn_at(fixture, 3)->n_tokens, 40);
    for (int k = 0; k < 20; k++) {
        assert_int_equal(turn_at(fixture, 3)->tokens[k].id, ids[k]);
    }
}

static void chat__recipe__is_complete(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "temperature", "0.8");
    set_option(fixture, "max-tokens", "60");
    start(fixture, true);
    send_held(fixture, "recipe", 20);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_set(fixture->chat, "temperature", "1.3", &err), CF_OK);
    assert_int_equal(cf_chat_resume(fixture->chat, NULL), CF_OK);
    settle(fixture);
    no_notice(fixture);
    assert_int_equal(go_on(fixture, &err), CF_OK);
    settle(fixture);
    const struct cf_chat_turn *turn = last_turn(fixture);
    assert_int_equal(turn->n_tokens, 120);
    struct cf_messages one;
    load_message(fixture, turn->id, &one);
    struct cf_recipe recipe = {0};
    assert_int_equal(cf_recipe_decode(&recipe, one.items[0].recipe, one.items[0].recipe_size, &err),
                     CF_OK);
    cf_recipe_assert_sane(&recipe);
    assert_int_equal(recipe.n_tokens, 120);
    for (size_t k = 0; k < 120; k++) {
        assert_int_equal(recipe.tokens[k].id, turn->tokens[k].id);
    }
    assert_true(cf_recipe_sampling_at(&recipe, 20)->temperature > 1.29);
    assert_true(cf_recipe_sampling_at(&recipe, 19)->temperature < 0.81);
    assert_int_equal(recipe.n_jobs, 2);
    assert_int_equal(recipe.jobs[0].seed, 5);
    assert_int_equal(recipe.jobs[1].seed, 5);
    assert_int_equal(recipe.jobs[1].begin, 60);
    assert_int_equal(recipe.jobs[1].first_draw, 60);
    assert_int_equal(recipe.jobs[0].n_prompt, recipe.jobs[1].n_prompt);
    assert_memory_equal(&recipe.jobs[0].prompt_digest, &recipe.jobs[1].prompt_digest,
                        sizeof recipe.jobs[0].prompt_digest);
    /* The runs of each job cover what was evaluated for it: all but the token drawn last. */
    size_t path = 0;
    for (size_t i = 0; i < 2; i++) {
        int32_t n = 0;
        for (size_t k = 0; k < recipe.jobs[i].n_paths; k++) {
            n += recipe.paths[path++].n;
        }
        assert_int_equal(n, recipe.jobs[i].n_prompt + 60 * ((int32_t)i + 1) - 1);
    }
    struct cf_digest digest;
    assert_int_equal(cf_digest_model(&digest, fixture->model, NULL, NULL, NULL), CF_OK);
    assert_true(cf_digest_equal(&recipe.head.model_digest, &digest));
    char gemm[32];
    cf_gemm_name(gemm, sizeof gemm);
    assert_non_null(strstr(recipe.head.instruction_set, gemm));
    const char *kernels = cf_kernels_name(cf_kernels_current());
    assert_memory_equal(recipe.head.instruction_set, kernels, strlen(kernels));
    cf_recipe_release(&recipe);
    cf_messages_release(&one);
}

/* Whether the last reply, which is still being written, is stored with the model's digest. */
static bool is_digest_stored(const struct chat_fixture *fixture)
{
    if (last_turn(fixture)->id <= 0) {
        return false;
    }
    struct cf_messages one;
    struct cf_recipe recipe = {0};
    static const struct cf_digest unknown;
    load_message(fixture, last_turn(fixture)->id, &one);
    assert_int_equal(one.items[0].state, CF_MESSAGE_STREAMING);
    bool is_there =
        one.items[0].recipe_size > 0 &&
        cf_recipe_decode(&recipe, one.items[0].recipe, one.items[0].recipe_size, NULL) == CF_OK &&
        !cf_digest_equal(&recipe.head.model_digest, &unknown);
    cf_recipe_release(&recipe);
    cf_messages_release(&one);
    return is_there;
}

/* What a kill leaves of it can be made again. */
static void chat__digest__known_during_a_reply_is_saved_with_it(void **state)
{
    struct chat_fixture *fixture = *state;
    char *endless = make_endless_model(fixture);
    /* Long enough for a reply to begin before it is read. */
    assert_int_equal(truncate(endless, 64 << 20), 0);
    free(endless);
    start(fixture, true);
    send_held(fixture, "before it is known what the model is", 3);
    pump_until(fixture, is_digest_stored);
    assert_true(is_paused(fixture));
    no_notice(fixture);
}

static bool is_complete(const struct chat_fixture *fixture)
{
    return last_turn(fixture)->state == CF_TURN_COMPLETE;
}

static bool is_begun(const struct chat_fixture *fixture)
{
    struct cf_store *store = open_store(fixture);
    struct cf_messages one = {0};
    bool is_there = cf_store_message_load(&one, store, 4, false, NULL) == CF_OK;
    cf_messages_release(&one);
    cf_store_close(store);
    return is_there;
}

/* Half a sentence is nothing to answer: that prompt could not be made again. */
static void chat__send__below_a_reply_written_elsewhere_is_refused(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "one");
    send_held(fixture, "two", 3);
    pump_until(fixture, is_begun);
    struct cf_chat *writer = fixture->chat;
    start(fixture, true);
    open_last(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_int_equal(last_turn(fixture)->state, CF_TURN_ELSEWHERE);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_send(fixture->chat, "three", 5, &err), CF_ERR_BUSY);
    assert_non_null(strstr(err.text, "by another confab"));
    settle(fixture);
    assert_int_equal(cf_chat_send_many(fixture->chat, "three", 5, 2, &err), CF_ERR_BUSY);
    settle(fixture);
    assert_int_equal(cf_chat_continue(fixture->chat, 3, &err), CF_ERR_BUSY);
    settle(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_int_equal(cf_chat_status(fixture->chat)->n_queued, 0);
    /* Beside it and above it nothing is in the way. */
    assert_int_equal(cf_chat_edit(fixture->chat, 2, "two, then", 9, &err), CF_OK);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->state, CF_TURN_COMPLETE);
    assert_int_equal(cf_chat_walk(fixture->chat, 2, -1, true, &err), CF_OK);
    settle(fixture);
    assert_int_equal(cf_chat_regenerate(fixture->chat, 3, &err), CF_OK);
    settle(fixture);
    assert_int_equal(cf_chat_walk(fixture->chat, 3, -1, true, &err), CF_OK);
    assert_int_equal(last_turn(fixture)->state, CF_TURN_ELSEWHERE);

    struct cf_chat *reader = fixture->chat;
    fixture->chat = writer;
    assert_int_equal(cf_chat_resume(writer, NULL), CF_OK);
    settle(fixture);
    cf_chat_free(writer);
    fixture->chat = reader;
    /* A refusal also looks again. */
    (void)cf_chat_send(fixture->chat, "three", 5, &err);
    pump_until(fixture, is_complete);
    settle(fixture);
    if (cf_chat_n_turns(fixture->chat) == 4) {
        say(fixture, "three");
    }
    assert_int_equal(cf_chat_n_turns(fixture->chat), 6);
}

static void chat__continue__does_not_wait_for_the_digest(void **state)
{
    struct chat_fixture *fixture = *state;
    char *endless = make_endless_model(fixture);
    start(fixture, true);
    send(fixture, "before it is known what the model is");
    pump_until(fixture, has_end_event);
    assert_false(is_settled(fixture));
    struct cf_err err = CF_ERR_INIT;
    fixture->n_ends = 0;
    assert_int_equal(go_on(fixture, &err), CF_OK);
    pump_until(fixture, has_end_event);
    assert_int_equal(last_turn(fixture)->n_tokens, 40);
    assert_int_equal(truncate(endless, 0), 0);
    free(endless);
    settle(fixture);
    no_notice(fixture);
    struct cf_messages one;
    load_message(fixture, last_turn(fixture)->id, &one);
    assert_int_equal(one.items[0].state, CF_MESSAGE_COMPLETE);
    assert_int_equal(one.items[0].n_tokens, 40);
    cf_messages_release(&one);
}

static void chat__stream__is_on_the_disk_while_it_runs(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "max-tokens", "450");
    start(fixture, true);
    send_held(fixture, "a long one", 80);
    const struct cf_chat_turn *turn = last_turn(fixture);
    struct cf_messages one = {0};
    size_t n_stored = 0;
    for (int i = 0; i < 2000 && n_stored < 80; i++) {
        wait_a_little(fixture);
        pump(fixture);
        if (turn->id > 0) {
            cf_messages_release(&one);
            load_message(fixture, turn->id, &one);
            n_stored = (size_t)one.items[0].n_tokens;
        }
    }
    /* Once 250 ms have passed without a token, all of it. */
    assert_int_equal(n_stored, 80);
    assert_int_equal(one.items[0].state, CF_MESSAGE_STREAMING);
    assert_true(one.items[0].size >= n_stored - 3);
    cf_messages_release(&one);
    cf_chat_stop(fixture->chat, NULL);
    settle(fixture);
    load_message(fixture, last_turn(fixture)->id, &one);
    assert_int_equal(one.items[0].state, CF_MESSAGE_CANCELLED);
    assert_int_equal(one.items[0].reason, CF_END_CANCELLED);
    cf_messages_release(&one);
}

/* Ends without any goodbye, as a kill would, with a reply half written. */
static void die_while_streaming(struct chat_fixture *fixture)
{
    set_option(fixture, "max-tokens", "450");
    start(fixture, true);
    say(fixture, "kept");
    send_held(fixture, "and lost?", 70);
    for (int i = 0; i < 16; i++) {
        wait_a_little(fixture);
        pump(fixture);
    }
    _exit(0);
}

static void chat__killed__reply_is_interrupted_and_goes_on(void **state)
{
    struct chat_fixture *fixture = *state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        die_while_streaming(fixture);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    start(fixture, true);
    open_last(fixture);
    free(cf_chat_notice_take(fixture->chat, NULL));
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    const struct cf_chat_turn *turn = last_turn(fixture);
    assert_int_equal(turn->state, CF_TURN_INTERRUPTED);
    assert_true(turn->size > 0);
    assert_true(turn->can_continue);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(go_on(fixture, &err), CF_OK);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->state, CF_TURN_COMPLETE);
}

static void chat__slow_disk__nothing_waits_and_replies_come_after(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_chat_params params = params_of(fixture, true);
    params.test_commit_delay_ms = 60;
    open_chat(fixture, &params);
    pump_until(fixture, is_ready);
    send(fixture, "slowly");
    /* Sent and shown at once; the reply waits for the commit, the front for nothing. */
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_equal(cf_chat_status(fixture->chat)->phase, CF_PHASE_SAVING);
    int n_pumps = 0;
    while (!turn_at(fixture, 0)->is_saved) {
        assert_int_equal(turn_at(fixture, 1)->state, CF_TURN_WAITING);
        assert_int_equal(fixture->n_tokens, 0);
        wait_a_little(fixture);
        pump(fixture);
        n_pumps++;
    }
    /* 20 ms at most each, while the disk took 60 for the conversation and 60 for the message. */
    assert_true(n_pumps > 1);
    settle(fixture);
    assert_int_equal(turn_at(fixture, 1)->state, CF_TURN_COMPLETE);
    assert_true(turn_at(fixture, 1)->is_saved);
    no_notice(fixture);
}

static void chat__stop__while_the_disk_is_waited_for(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    pump_until(fixture, is_ready);
    send(fixture, "never mind");
    assert_int_equal(cf_chat_status(fixture->chat)->phase, CF_PHASE_SAVING);
    assert_int_equal(cf_chat_stop(fixture->chat, NULL), CF_OK);
    settle(fixture);
    assert_int_equal(fixture->n_starts, 0);
    assert_int_equal(fixture->n_ends, 1);
    assert_int_equal(turn_at(fixture, 1)->state, CF_TURN_CANCELLED);
    assert_int_equal(turn_at(fixture, 1)->n_tokens, 0);
    assert_false(turn_at(fixture, 1)->can_continue);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(go_on(fixture, &err), CF_ERR_RANGE);
    /* The empty reply says nothing to the model; the conversation goes on. */
    say(fixture, "do mind");
    assert_int_equal(last_turn(fixture)->state, CF_TURN_COMPLETE);
    assert_int_equal(cf_chat_status(fixture->chat)->n_prompt,
                     (int32_t)strlen("User: never mind\n\ndo mind\nAssistant:"));
    no_notice(fixture);
    restart(fixture);
    open_last(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_int_equal(turn_at(fixture, 1)->state, CF_TURN_CANCELLED);
}

static void chat__no_save__writes_nothing(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "secret");
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_rename(fixture->chat, 0, "mine", &err), CF_OK);
    assert_string_equal(cf_chat_status(fixture->chat)->title, "mine");
    assert_int_equal(cf_chat_delete(fixture->chat, 7, &err), CF_ERR_NOT_FOUND);
    assert_int_equal(access(fixture->db, F_OK), -1);
    assert_false(cf_chat_status(fixture->chat)->saves);
    assert_int_equal(cf_chat_delete(fixture->chat, 0, &err), CF_OK);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 0);
    cf_chat_open(fixture->chat, CF_CHAT_LAST);
    char *notice = cf_chat_notice_take(fixture->chat, NULL);
    assert_non_null(notice);
    free(notice);
}

static void chat__broken_database__is_said_and_talking_goes_on(void **state)
{
    struct chat_fixture *fixture = *state;
    FILE *file = fopen(fixture->db, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) {
        fputs("this is no database. ", file);
    }
    fclose(file);
    start(fixture, true);
    settle(fixture);
    bool is_error = false;
    char *notice = cf_chat_notice_take(fixture->chat, &is_error);
    assert_non_null(notice);
    assert_true(is_error);
    free(notice);
    assert_true(cf_chat_status(fixture->chat)->is_unsaved);
    assert_int_not_equal(cf_chat_failure(fixture->chat)->code, CF_OK);
    say(fixture, "anyway");
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_false(turn_at(fixture, 0)->is_saved);
    struct cf_buf text = CF_BUF_INIT;
    cf_chat_export(fixture->chat, &text);
    assert_non_null(strstr(text.data, "anyway"));
    cf_buf_release(&text);
    no_notice(fixture);
}

static void chat__tree__survives(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "temperature", "1.2");
    start(fixture, true);
    say(fixture, "tree");
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_regenerate(fixture->chat, 1, &err), CF_OK);
    settle(fixture);
    assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, false, &err), CF_OK);
    say(fixture, "under the first");
    assert_int_equal(cf_chat_edit(fixture->chat, 0, "another root", 12, &err), CF_OK);
    settle(fixture);
    assert_int_equal(cf_chat_walk(fixture->chat, 0, -1, false, &err), CF_OK);
    assert_int_equal(cf_chat_pin(fixture->chat, 0, true, &err), CF_OK);
    settle(fixture);
    no_notice(fixture);
    restart(fixture);
    open_last(fixture);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    assert_string_equal(turn_at(fixture, 0)->text, "tree");
    assert_true(turn_at(fixture, 0)->is_pinned);
    assert_int_equal(turn_at(fixture, 0)->n_siblings, 2);
    assert_int_equal(turn_at(fixture, 1)->n_siblings, 2);
    assert_int_equal(turn_at(fixture, 1)->sibling, 0);
    assert_int_equal(cf_chat_walk(fixture->chat, 1, 1, false, &err), CF_OK);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);

    /* Deleted, gone after a restart, and back by undo. */
    assert_int_equal(cf_chat_delete_turn(fixture->chat, 1, &err), CF_OK);
    assert_int_equal(turn_at(fixture, 1)->n_siblings, 1);
    settle(fixture);
    restart(fixture);
    open_last(fixture);
    assert_int_equal(turn_at(fixture, 1)->n_siblings, 1);
    assert_int_equal(cf_chat_undo(fixture->chat, 1, &err), CF_OK);
    settle(fixture);
    assert_int_equal(turn_at(fixture, 1)->n_siblings, 2);
    char *notice = cf_chat_notice_take(fixture->chat, NULL);
    assert_non_null(notice);
    free(notice);

    int64_t conversation = cf_chat_status(fixture->chat)->conversation;
    fixture->changes = 0;
    assert_int_equal(cf_chat_fork(fixture->chat, 1, &err), CF_OK);
    pump_until(fixture, is_open);
    settle(fixture);
    assert_true(fixture->changes & CF_CHANGE_LIST_OLD);
    assert_false(fixture->changes & CF_CHANGE_LIST); /* nothing was asked */
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    assert_int_not_equal(cf_chat_status(fixture->chat)->conversation, conversation);
    notice = cf_chat_notice_take(fixture->chat, NULL);
    assert_string_equal(notice, "this is the fork; what it was made of stays in the list");
    free(notice);
    no_notice(fixture);
}

static bool is_listed(const struct chat_fixture *fixture)
{
    return (fixture->changes & CF_CHANGE_LIST) != 0;
}

static size_t list(struct chat_fixture *fixture, enum cf_chat_shelf shelf)
{
    settle(fixture);
    fixture->changes = 0;
    const struct cf_chat_list_query query = {.shelf = shelf};
    cf_chat_list(fixture->chat, &query);
    pump_until(fixture, is_listed);
    return cf_chat_listing(fixture->chat)->n;
}

static bool is_found(const struct chat_fixture *fixture)
{
    return (fixture->changes & CF_CHANGE_FOUND) != 0;
}

static void chat__list__shows_what_there_is(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    assert_int_equal(list(fixture, CF_CHAT_SHELF_ACTIVE), 0);
    say(fixture, "apples");
    cf_chat_new_conversation(fixture->chat);
    say(fixture, "pears");
    assert_int_equal(list(fixture, CF_CHAT_SHELF_ACTIVE), 2);
    size_t n = 0;
    const struct cf_chat_list_item *items = cf_chat_listing(fixture->chat)->items;
    assert_string_equal(items[0].title, "pears");
    assert_int_equal(items[0].n_messages, 2);
    int64_t apples = items[1].id;
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_rename(fixture->chat, apples, "Cox", &err), CF_OK);
    assert_int_equal(cf_chat_delete(fixture->chat, 0, &err), CF_OK);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 0);
    assert_int_equal(list(fixture, CF_CHAT_SHELF_ACTIVE), 1);
    assert_string_equal(cf_chat_listing(fixture->chat)->items[0].title, "Cox");
    assert_int_equal(list(fixture, CF_CHAT_SHELF_TRASH), 1);
    assert_int_equal(cf_chat_undo(fixture->chat, 1, &err), CF_OK);
    assert_int_equal(list(fixture, CF_CHAT_SHELF_ACTIVE), 2);
    /* Two at once are told in one sentence. */
    free(cf_chat_notice_take(fixture->chat, NULL));
    int64_t pears = cf_chat_listing(fixture->chat)->items[0].id;
    assert_int_equal(cf_chat_delete(fixture->chat, pears, &err), CF_OK);
    assert_int_equal(cf_chat_delete(fixture->chat, apples, &err), CF_OK);
    assert_int_equal(list(fixture, CF_CHAT_SHELF_ACTIVE), 0);
    assert_int_equal(cf_chat_undo(fixture->chat, 2, &err), CF_OK);
    assert_int_equal(list(fixture, CF_CHAT_SHELF_ACTIVE), 2);
    char *notice = cf_chat_notice_take(fixture->chat, NULL);
    assert_non_null(notice);
    assert_string_equal(notice, "undone: deletion of ‘Cox’ and 1 more");
    free(notice);
    no_notice(fixture);
    assert_int_equal(cf_chat_archive(fixture->chat, apples, true, &err), CF_OK);
    assert_int_equal(list(fixture, CF_CHAT_SHELF_ARCHIVED), 1);

    fixture->changes = 0;
    cf_chat_search(fixture->chat, "pears", 10);
    pump_until(fixture, is_found);
    const struct cf_chat_hit *hits = cf_chat_found(fixture->chat, &n);
    assert_int_equal(n, 1);
    assert_int_equal(hits[0].n_marks, 1);
    assert_memory_equal(hits[0].snippet + hits[0].marks[0].begin, "pears", 5);

    fixture->changes = 0;
    cf_chat_open(fixture->chat, 4711);
    settle(fixture);
    notice = cf_chat_notice_take(fixture->chat, NULL);
    assert_non_null(notice);
    free(notice);
    assert_int_equal(cf_chat_failure(fixture->chat)->code, CF_ERR_NOT_FOUND);
}

static void chat__settings__belong_to_the_conversation(void **state)
{
    struct chat_fixture *fixture = *state;
    cf_settings_reset(&fixture->settings, CF_SETTING_TEMPERATURE);
    start(fixture, true);
    settle(fixture);
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_set(fixture->chat, "temperature", "0.5", &err), CF_OK);
    say(fixture, "one");
    assert_int_equal(cf_chat_set(fixture->chat, "top-k", "7", &err), CF_OK);
    cf_chat_new_conversation(fixture->chat);
    double usual = cf_chat_settings(fixture->chat)->sampling.temperature;
    assert_true(usual > 0.51 || usual < 0.49);
    settle(fixture);
    open_last(fixture);
    assert_true(cf_chat_settings(fixture->chat)->sampling.temperature > 0.49);
    assert_true(cf_chat_settings(fixture->chat)->sampling.temperature < 0.51);
    assert_int_equal(cf_chat_unset(fixture->chat, "temperature", &err), CF_OK);
    assert_true(cf_chat_settings(fixture->chat)->sampling.temperature == usual);
    assert_int_equal(cf_chat_use_preset(fixture->chat, "wild", &err), CF_OK);
    assert_true(cf_chat_settings(fixture->chat)->sampling.temperature > usual);
    assert_int_equal(cf_chat_use_preset(fixture->chat, "nothing", &err), CF_ERR_NOT_FOUND);
    assert_int_equal(cf_chat_set(fixture->chat, "template", "nothing", &err), CF_ERR_NOT_FOUND);
    assert_int_equal(cf_chat_set(fixture->chat, "template", "alpaca", &err), CF_OK);
    assert_string_equal(cf_chat_status(fixture->chat)->template_name, "alpaca");
    settle(fixture);
    no_notice(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chat__reopen__finds_everything_again),
        TEST(chat__recipe__is_complete),
        TEST(chat__digest__known_during_a_reply_is_saved_with_it),
        TEST(chat__send__below_a_reply_written_elsewhere_is_refused),
        TEST(chat__continue__does_not_wait_for_the_digest),
        TEST(chat__stream__is_on_the_disk_while_it_runs),
        TEST(chat__killed__reply_is_interrupted_and_goes_on),
        TEST(chat__slow_disk__nothing_waits_and_replies_come_after),
        TEST(chat__stop__while_the_disk_is_waited_for),
        TEST(chat__no_save__writes_nothing),
        TEST(chat__broken_database__is_said_and_talking_goes_on),
        TEST(chat__tree__survives),
        TEST(chat__list__shows_what_there_is),
        TEST(chat__settings__belong_to_the_conversation),
    };
    return cmocka_run_group_tests_name("chat disk", tests, NULL, NULL);
}
