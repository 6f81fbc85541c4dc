/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stored reply looked at token by token. */
#include "chat_harness.h"

#include "random.h"

static int set_up_hot(void **state)
{
    int code = set_up(state);
    set_option(*state, "temperature", "1");
    return code;
}

static bool is_looked(const struct chat_fixture *fixture)
{
    const struct cf_chat_look *look = cf_chat_looked(fixture->chat);
    /* As a face does with every picture, also while the worker is at it. */
    const struct cf_choice *choice = cf_chat_look_choice(fixture->chat, 0);
    assert_true(choice == NULL || (look != NULL && look->state == CF_LOOK_DONE));
    return look != NULL && look->state != CF_LOOK_READING;
}

static const struct cf_chat_look *look_at(struct chat_fixture *fixture, size_t turn)
{
    struct cf_err err = CF_ERR_INIT;
    if (cf_chat_look_at(fixture->chat, turn, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    pump_until(fixture, is_looked);
    return cf_chat_looked(fixture->chat);
}

static void assert_identical(const struct cf_chat_look *look)
{
    if (look->state == CF_LOOK_FAILED) {
        fail_msg("%s", look->error);
    }
    assert_int_equal(look->first_other, -1);
    assert_true(look->n_compared > 0);
    assert_int_equal(look->n_same, look->n_compared);
}

static void look__reply__shows_what_is_on_record_at_once(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "look at this");
    assert_int_equal(cf_chat_look_at(fixture->chat, 1, NULL), CF_OK);
    const struct cf_chat_look *look = cf_chat_looked(fixture->chat);
    const struct cf_chat_turn *turn = turn_at(fixture, 1);
    assert_int_equal(look->state, CF_LOOK_READING);
    assert_int_equal(look->n, turn->n_tokens);
    size_t at = 0;
    for (size_t k = 0; k < look->n; k++) {
        assert_int_equal(look->tokens[k].id, turn->tokens[k].id);
        assert_int_equal(look->tokens[k].begin, at);
        assert_true(look->tokens[k].end >= at);
        at = look->tokens[k].end;
        assert_null(cf_chat_look_choice(fixture->chat, k));
    }
    assert_int_equal(at, turn->size);
}

static void look__done__knows_every_choice_and_the_verdict(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "one");
    send_held(fixture, "two, with a knob turned and a token chosen", 5);
    cf_chat_set(fixture->chat, "top-k", "7", NULL);
    assert_int_equal(cf_chat_step(fixture->chat, 'x', NULL), CF_OK);
    cf_chat_resume(fixture->chat, NULL);
    settle(fixture);
    const struct cf_chat_look *look = look_at(fixture, 3);
    assert_identical(look);
    assert_int_equal(look->n_compared, look->n - 1);
    const struct cf_recipe_token *tokens = turn_at(fixture, 3)->tokens;
    for (size_t k = 0; k < look->n; k++) {
        const struct cf_choice *choice = cf_chat_look_choice(fixture->chat, k);
        assert_non_null(choice);
        assert_int_equal(choice->id, tokens[k].id);
        assert_int_equal(choice->rank, tokens[k].rank);
        assert_memory_equal(&choice->p_raw, &tokens[k].p_raw, sizeof choice->p_raw);
    }
    cf_chat_look_end(fixture->chat);
    assert_null(cf_chat_looked(fixture->chat));
}

static bool is_if_known(const struct chat_fixture *fixture)
{
    return cf_chat_looked(fixture->chat)->n_cut_if >= 0;
}

static void what_if__top_k_one__cuts_all_but_the_likeliest(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "what if");
    const struct cf_chat_look *look = look_at(fixture, 1);
    assert_identical(look);
    assert_int_equal(look->n_cut_if, -1);
    assert_int_equal(cf_chat_set(fixture->chat, "top-k", "1", NULL), CF_OK);
    pump_until(fixture, is_if_known);
    look = cf_chat_looked(fixture->chat);
    int32_t n_cut = 0;
    for (size_t k = 0; k < look->n; k++) {
        bool is_cut = look->tokens[k].rank > 0;
        n_cut += is_cut;
        assert_int_equal(look->tokens[k].p_if <= 0, is_cut);
        assert_int_equal(cf_chat_look_choice(fixture->chat, k)->n_inside, 1);
    }
    assert_true(n_cut > 0);
    assert_int_equal(look->n_cut_if, n_cut);
    assert_int_equal(cf_chat_n_turns(fixture->chat), 2);
    /* Back to what it was made with: nothing to tell. */
    assert_int_equal(cf_chat_set(fixture->chat, "top-k", "0", NULL), CF_OK);
    for (int i = 0; i < 200 && cf_chat_looked(fixture->chat)->n_cut_if >= 0; i++) {
        wait_a_little(fixture);
        pump(fixture);
    }
    assert_int_equal(cf_chat_looked(fixture->chat)->n_cut_if, -1);
}

static void fork__after_a_look__evaluates_only_what_is_new(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "a message that is somewhat longer than others are");
    assert_identical(look_at(fixture, 1));
    int32_t id = turn_at(fixture, 1)->tokens[9].id == 'x' ? 'y' : 'x';
    assert_int_equal(cf_chat_branch(fixture->chat, 1, 9, id, NULL), CF_OK);
    settle(fixture);
    assert_true(cf_chat_status(fixture->chat)->n_evaluated <= 1);
    assert_true(cf_chat_status(fixture->chat)->n_reused > 9);
    const struct cf_chat_look *look = look_at(fixture, 1);
    assert_identical(look);
    /* The inherited tokens are known too. */
    assert_int_equal(look->tokens[3].origin, CF_TOKEN_COPIED);
    assert_non_null(cf_chat_look_choice(fixture->chat, 3));
}

static void look__under_way__gives_way_to_a_message(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "look");
    assert_int_equal(cf_chat_look_at(fixture->chat, 1, NULL), CF_OK);
    pump(fixture);
    say(fixture, "and go on meanwhile");
    assert_int_equal(cf_chat_n_turns(fixture->chat), 4);
    pump_until(fixture, is_looked);
    assert_identical(cf_chat_looked(fixture->chat));
    /* Another one, and the end while it runs. */
    assert_int_equal(cf_chat_look_at(fixture->chat, 3, NULL), CF_OK);
    pump(fixture);
    assert_int_equal(cf_chat_look_at(fixture->chat, 1, NULL), CF_OK);
    pump(fixture);
    cf_chat_look_end(fixture->chat);
    settle(fixture);
}

static void look__another_template_since__takes_the_one_on_record(void **state)
{
    struct chat_fixture *fixture = *state;
    set_option(fixture, "system", "You are kind.");
    start(fixture, true);
    say(fixture, "stored with a template");
    restart(fixture);
    fixture->changes = 0;
    cf_chat_open(fixture->chat, CF_CHAT_LAST);
    pump_until(fixture, is_open);
    settle(fixture);
    assert_int_equal(cf_chat_set(fixture->chat, "template", "alpaca", NULL), CF_OK);
    assert_int_equal(cf_chat_set(fixture->chat, "system", "You are grim.", NULL), CF_OK);
    assert_identical(look_at(fixture, 1));
}

static void look__own_message__is_refused(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "mine");
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_chat_look_at(fixture->chat, 0, &err), CF_ERR_RANGE);
    assert_null(cf_chat_looked(fixture->chat));
}

/* --- while the database changes --- */

static struct cf_store *open_to_write(const struct chat_fixture *fixture)
{
    struct cf_store *store = NULL;
    struct cf_err err = CF_ERR_INIT;
    const struct cf_store_options options = {.must_exist = true};
    if (cf_store_open(&store, fixture->db, &options, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    return store;
}

static bool has_new_title(const struct chat_fixture *fixture)
{
    return strcmp(cf_chat_status(fixture->chat)->title, "renamed elsewhere") == 0;
}

/* Another process writes, and this one reads the conversation anew. */
static void rename_elsewhere(struct chat_fixture *fixture)
{
    struct cf_store *store = open_to_write(fixture);
    int64_t id = cf_chat_status(fixture->chat)->conversation;
    assert_int_equal(cf_store_conversation_rename(store, id, "renamed elsewhere", NULL), CF_OK);
    cf_store_close(store);
    pump_until(fixture, has_new_title);
    settle(fixture);
}

static void look__another_process_writes__stays(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "one");
    say(fixture, "two");
    int64_t message = turn_at(fixture, 3)->id;
    assert_identical(look_at(fixture, 3));
    rename_elsewhere(fixture);
    const struct cf_chat_look *look = cf_chat_looked(fixture->chat);
    assert_non_null(look);
    assert_int_equal(look->message, message);
    assert_int_equal(look->state, CF_LOOK_DONE);
    assert_non_null(cf_chat_look_choice(fixture->chat, 2));
    /* What is computed from now on does not miss what was loaded before. */
    assert_int_equal(cf_chat_set(fixture->chat, "top-k", "1", NULL), CF_OK);
    pump_until(fixture, is_if_known);
}

static bool is_look_over(const struct chat_fixture *fixture)
{
    return cf_chat_looked(fixture->chat) == NULL;
}

static void look__reply_deleted__ends(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "one");
    say(fixture, "two");
    assert_identical(look_at(fixture, 3));
    assert_int_equal(cf_chat_delete_turn(fixture->chat, 3, NULL), CF_OK);
    pump(fixture);
    assert_null(cf_chat_looked(fixture->chat));
    settle(fixture);
    /* By another process. */
    assert_identical(look_at(fixture, 1));
    struct cf_store *store = open_to_write(fixture);
    assert_int_equal(cf_store_message_delete(store, turn_at(fixture, 1)->id, NULL), CF_OK);
    cf_store_close(store);
    pump_until(fixture, is_look_over);
}

static void look__another_alternative_shown__ends(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "one");
    assert_int_equal(cf_chat_regenerate(fixture->chat, 1, NULL), CF_OK);
    settle(fixture);
    assert_identical(look_at(fixture, 1));
    assert_int_equal(cf_chat_walk(fixture->chat, 1, -1, false, NULL), CF_OK);
    pump(fixture);
    assert_null(cf_chat_looked(fixture->chat));
}

static void compare__another_process_writes__stays(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "one");
    struct cf_sampling other = cf_chat_settings(fixture->chat)->sampling;
    other.top_k = 1;
    assert_int_equal(cf_chat_compare(fixture->chat, &other, NULL), CF_OK);
    settle(fixture);
    int64_t first = cf_chat_compared(fixture->chat, 0)->id;
    int64_t second = cf_chat_compared(fixture->chat, 1)->id;
    rename_elsewhere(fixture);
    assert_non_null(cf_chat_compared(fixture->chat, 0));
    assert_int_equal(cf_chat_compared(fixture->chat, 0)->id, first);
    assert_int_equal(cf_chat_compared(fixture->chat, 1)->id, second);
    assert_true(cf_chat_compared(fixture->chat, 1)->n_tokens > 0);
    assert_int_equal(cf_chat_compare_end(fixture->chat, 1, NULL), CF_OK);
    settle(fixture);
    assert_int_equal(last_turn(fixture)->id, second);
}

/* --- without the model that wrote it --- */

static bool has_no_model(const struct chat_fixture *fixture)
{
    return cf_chat_status(fixture->chat)->phase == CF_PHASE_NO_MODEL;
}

static void look__model_file_gone__shows_what_was_stored(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, true);
    say(fixture, "stored");
    size_t n = turn_at(fixture, 1)->n_tokens;
    float p_raw = turn_at(fixture, 1)->tokens[4].p_raw;
    char *name = cf_strdup(turn_at(fixture, 1)->model_name);
    cf_chat_free(fixture->chat);
    struct cf_chat_params params = params_of(fixture, true);
    params.model_path = "/gone.gguf";
    open_chat(fixture, &params);
    pump_until(fixture, has_no_model);
    char *notice = cf_chat_notice_take(fixture->chat, NULL);
    assert_non_null(strstr(notice, "/gone.gguf"));
    free(notice);
    open_last(fixture);
    struct cf_err err = CF_ERR_INIT;
    assert_int_not_equal(cf_chat_send(fixture->chat, "x", 1, &err), CF_OK);
    assert_non_null(strstr(err.text, "/gone.gguf"));
    assert_int_equal(cf_chat_look_at(fixture->chat, 1, &err), CF_OK);
    const struct cf_chat_look *look = cf_chat_looked(fixture->chat);
    assert_int_equal(look->state, CF_LOOK_FAILED);
    assert_non_null(strstr(look->error, name));
    assert_non_null(strstr(look->error, "SHA-256"));
    assert_false(look->is_placed);
    assert_int_equal(look->n, n);
    assert_memory_equal(&look->tokens[4].p_raw, &p_raw, sizeof p_raw);
    assert_int_equal(look->tokens[4].end, 0);
    (void)cf_chat_shades(fixture->chat, 1, &n);
    assert_int_equal(n, 0);
    assert_int_equal(turn_at(fixture, 1)->n_marks, 1);
    free(name);
}

/* Changes the tokenizer so that it spells the same ids otherwise: each letter as its neighbour. */
static void make_tokenizer_foreign(const char *model)
{
    static char text[65536];
    char path[512];
    snprintf(path, sizeof path, "%s/vocab.json", model);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    for (unsigned letter = '!'; letter < '~'; letter += 2) {
        char keys[2][16];
        snprintf(keys[0], sizeof keys[0], "\"\\u%04x\"", letter);
        snprintf(keys[1], sizeof keys[1], "\"\\u%04x\"", letter + 1);
        char *one = strstr(text, keys[0]);
        char *two = strstr(text, keys[1]);
        assert_non_null(one);
        assert_non_null(two);
        memcpy(one, keys[1], strlen(keys[1]));
        memcpy(two, keys[0], strlen(keys[0]));
    }
    rewind(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
}

static bool has_other_model(const struct chat_fixture *fixture)
{
    return (fixture->changes & CF_CHANGE_MODEL) != 0;
}

static void look__other_model__puts_nothing_at_wrong_letters(void **state)
{
    struct chat_fixture *fixture = *state;
    const struct tiny_spec spec = {.seed = 22, .n_ctx = 512, .eos_bias = -1000};
    char *other = tiny_model_write(&spec);
    make_tokenizer_foreign(other);
    start(fixture, true);
    send_held(fixture, "with a knob turned", 5);
    cf_chat_set(fixture->chat, "top-k", "7", NULL);
    cf_chat_resume(fixture->chat, NULL);
    settle(fixture);
    assert_non_null(cf_chat_choice(fixture->chat));
    size_t n_marks = turn_at(fixture, 1)->n_marks;
    size_t n = 0;
    (void)cf_chat_shades(fixture->chat, 1, &n);
    assert_int_equal(n, turn_at(fixture, 1)->n_tokens);
    fixture->changes = 0;
    assert_int_equal(cf_chat_use_model(fixture->chat, other, NULL), CF_OK);
    pump_until(fixture, has_other_model);
    /* The candidates were of the model before. */
    assert_null(cf_chat_choice(fixture->chat));
    (void)cf_chat_shades(fixture->chat, 1, &n);
    assert_int_equal(n, 0);
    assert_true(turn_at(fixture, 1)->n_marks < n_marks);
    const struct cf_chat_look *look = look_at(fixture, 1);
    assert_int_equal(look->state, CF_LOOK_FAILED);
    assert_false(look->is_placed);
    assert_int_equal(look->n, turn_at(fixture, 1)->n_tokens);
    /* And back. */
    fixture->changes = 0;
    assert_int_equal(cf_chat_use_model(fixture->chat, fixture->model, NULL), CF_OK);
    pump_until(fixture, has_other_model);
    assert_int_equal(turn_at(fixture, 1)->n_marks, n_marks);
    assert_identical(look_at(fixture, 1));
    tiny_model_remove(other);
}

static bool is_shaded(const struct chat_fixture *fixture)
{
    size_t n = 0;
    (void)cf_chat_shades(fixture->chat, 2, &n);
    return n > 0;
}

static void shades__of_everything__cover_the_texts(void **state)
{
    struct chat_fixture *fixture = *state;
    start(fixture, false);
    say(fixture, "shade this");
    say(fixture, "  and 正 this, too \n");
    cf_chat_shade(fixture->chat, true);
    pump_until(fixture, is_shaded);
    for (size_t i = 0; i < 4; i++) {
        const struct cf_chat_turn *turn = turn_at(fixture, i);
        size_t n = 0;
        const struct cf_turn_shade *shades = cf_chat_shades(fixture->chat, i, &n);
        assert_true(n > 0);
        size_t end = 0;
        for (size_t k = 0; k < n; k++) {
            assert_true(shades[k].end >= end && shades[k].end <= turn->size);
            assert_true(shades[k].p <= 1 && shades[k].p >= -1);
            end = shades[k].end;
        }
        for (; end < turn->size; end++) {
            assert_non_null(strchr(" \n", turn->text[end]));
        }
        if (turn->role == CF_ROLE_ASSISTANT) {
            assert_int_equal(n, turn->n_tokens);
            assert_memory_equal(&shades[3].p, &turn->tokens[3].p_raw, sizeof shades[3].p);
        }
    }
    /* What is scored of a reply's prompt is what that position's logits say: bytes are tokens here.
     */
    size_t n = 0;
    const struct cf_turn_shade *shades = cf_chat_shades(fixture->chat, 2, &n);
    assert_int_equal(shades[0].end, 2);
    assert_true(shades[0].p < 0);
    assert_int_equal(shades[1].end, 3);
    assert_true(shades[1].p > 0);
    /* A further message is shaded in its turn. */
    say(fixture, "more");
    for (int i = 0; n > 0 && i < 2000; i++) {
        (void)cf_chat_shades(fixture->chat, 4, &n);
        if (n == 4) {
            break;
        }
        n = 1;
        wait_a_little(fixture);
        pump(fixture);
    }
    assert_int_equal(n, 4);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_hot, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(look__reply__shows_what_is_on_record_at_once),
        TEST(look__done__knows_every_choice_and_the_verdict),
        TEST(what_if__top_k_one__cuts_all_but_the_likeliest),
        TEST(fork__after_a_look__evaluates_only_what_is_new),
        TEST(look__under_way__gives_way_to_a_message),
        TEST(look__another_template_since__takes_the_one_on_record),
        TEST(look__own_message__is_refused),
        TEST(look__another_process_writes__stays),
        TEST(look__reply_deleted__ends),
        TEST(look__another_alternative_shown__ends),
        TEST(compare__another_process_writes__stays),
        TEST(look__model_file_gone__shows_what_was_stored),
        TEST(look__other_model__puts_nothing_at_wrong_letters),
        TEST(shades__of_everything__cover_the_texts),
    };
    return cmocka_run_group_tests_name("chat_look", tests, NULL, NULL);
}
