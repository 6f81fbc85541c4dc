/* SPDX-License-Identifier: GPL-3.0-or-later */
/* confab replay: stored replies made again by a fresh process. */
#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "recipe.h"
#include "store.h"

/* Reply ID comes out the same, every token of it. */
static void expect_identical(const char *id, const char *threads)
{
    struct program_result result;
    int n_same = 0;
    int n = 0;
    PROGRAM(&result, 0, NULL, "replay", id, "--threads", threads);
    assert_int_equal(sscanf(result.out.data, "identical, %d of %d tokens\n", &n_same, &n), 2);
    assert_true(n > 0 && n == n_same);
    program_release(&result);
}

static void run(const char *const *args)
{
    struct program_result result;
    program_expect(&result, 0, NULL, args, __FILE__, __LINE__);
    program_release(&result);
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static void replay__stored__is_identical(void **state)
{
    (void)state;
    /* Message 1 and its reply 2, then 3 with the alternatives 4 to 6. */
    RUN("ask", "-t", "1.3", "-p", "0.95", "-k", "0", "-n", "40", "Hello, what is new?");
    RUN("ask", "-c", "last", "--count", "3", "-t", "1", "--repeat-penalty", "1.2", "-n", "30",
        "And what else, when it rains?");
    static const char *const ids[] = {"2", "4", "5", "6"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(ids); i++) {
        expect_identical(ids[i], i % 2 == 0 ? "1" : "2");
    }
    struct program_result result;
    PROGRAM(&result, 0, NULL, "--json", "replay", "2");
    assert_non_null(strstr(result.out.data, "\"identical\":true"));
    program_release(&result);
}

static void replay__converted_weights__is_identical(void **state)
{
    (void)state;
    RUN("ask", "--type", "q4_0", "-t", "1", "-n", "30", "Hello, what is new?");
    expect_identical("2", "2");
    struct program_result result;
    PROGRAM(&result, 0, NULL, "--json", "replay", "2");
    assert_non_null(strstr(result.out.data, "\"identical\":true"));
    program_release(&result);
}

static void replay__another_system_prompt_since__is_identical(void **state)
{
    (void)state;
    RUN("ask", "-s", "You like tea.", "-n", "12", "--template", "transcript", "--stop", "zzz", "-t",
        "1", "Hello.");
    RUN("ask", "-c", "last", "-s", "You like rain.", "-n", "12", "--template", "alpaca", "--stop",
        "zzz", "-t", "1", "Hello again.");
    expect_identical("2", "1");
    expect_identical("4", "2");
}

static void replay__no_reply__is_refused(void **state)
{
    (void)state;
    RUN("ask", "-n", "2", "Hello.");
    struct program_result result;
    PROGRAM(&result, 1, NULL, "replay", "1");
    program_assert_failed(&result, 1, "message 1 is no reply");
    program_release(&result);
    PROGRAM(&result, 1, NULL, "replay", "77");
    program_assert_failed(&result, 1, "77");
    program_release(&result);
    PROGRAM(&result, 2, NULL, "replay");
    program_release(&result);
}

static void replay__model_gone__names_digest_and_name(void **state)
{
    (void)state;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/data/model.gguf", TEST_SRCDIR);
    const char *copy = program_path("copy.gguf");
    size_t size = 0;
    char *bytes = program_read_file(path, &size);
    /* A letter of the description: another model, to the digest. */
    static const char word[] = "general.description";
    size_t at = 0;
    while (at + sizeof word < size && memcmp(bytes + at, word, sizeof word - 1) != 0) {
        at++;
    }
    assert_true(at + sizeof word < size);
    bytes[at + sizeof word - 1 + 4 + 8] ^= 0x20;
    program_write_file(copy, bytes, size);
    free(bytes);
    RUN("-m", copy, "ask", "-n", "5", "Hello.");
    struct program_result result;
    PROGRAM(&result, 0, NULL, "replay", "2", "-m", copy);
    program_release(&result);
    /* Not the one named: the one that wrote it is not among those installed. */
    PROGRAM(&result, 1, NULL, "replay", "2");
    program_assert_failed(&result, 1, "is not here");
    assert_non_null(strstr(result.err.data, "SHA-256"));
    program_release(&result);
    assert_int_equal(unlink(copy), 0);
    PROGRAM(&result, 1, NULL, "replay", "2", "-m", copy);
    program_assert_failed(&result, 1, copy);
    assert_non_null(strstr(result.err.data, "was written by"));
    assert_non_null(strstr(result.err.data, "SHA-256"));
    program_release(&result);
}

/* As a kill leaves it that comes before the digest of the model is known. */
static void forget_digest(int64_t id)
{
    struct cf_store *store = NULL;
    struct cf_err err = CF_ERR_INIT;
    struct cf_messages one = {0};
    struct cf_recipe recipe = {0};
    struct cf_buf blob = CF_BUF_INIT;
    const struct cf_store_options options = {.must_exist = true};
    if (cf_store_open(&store, program_path(".local/share/confab/confab.db"), &options, &err) !=
        CF_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(cf_store_message_load(&one, store, id, true, NULL), CF_OK);
    const struct cf_message *message = &one.items[0];
    assert_int_equal(cf_recipe_decode(&recipe, message->recipe, message->recipe_size, NULL), CF_OK);
    recipe.head.model_digest = (struct cf_digest){0};
    cf_recipe_encode(&recipe, &blob);
    const struct cf_reply_state reply = {.text = message->text,
                                         .size = message->size,
                                         .recipe = blob.data,
                                         .recipe_size = blob.size,
                                         .n_tokens = (int32_t)recipe.n_tokens};
    assert_int_equal(cf_store_reply_resume(store, id, NULL), CF_OK);
    assert_int_equal(
        cf_store_reply_finish(store, id, &reply, CF_MESSAGE_INTERRUPTED, CF_END_NONE, NULL, NULL),
        CF_OK);
    cf_buf_release(&blob);
    cf_recipe_release(&recipe);
    cf_messages_release(&one);
    cf_store_close(store);
}

static void replay__digest_unknown__is_tried_with_the_usual_model(void **state)
{
    (void)state;
    RUN("ask", "-n", "9", "Hello.");
    forget_digest(2);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "replay", "2");
    assert_int_equal(strncmp(result.out.data, "identical, ", 11), 0);
    assert_non_null(strstr(result.err.data, "that wrote reply 2 was not recorded"));
    program_release(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(replay__stored__is_identical, program_set_up,
                                        program_tear_down),
        cmocka_unit_test_setup_teardown(replay__converted_weights__is_identical, program_set_up,
                                        program_tear_down),
        cmocka_unit_test_setup_teardown(replay__another_system_prompt_since__is_identical,
                                        program_set_up, program_tear_down),
        cmocka_unit_test_setup_teardown(replay__no_reply__is_refused, program_set_up,
                                        program_tear_down),
        cmocka_unit_test_setup_teardown(replay__model_gone__names_digest_and_name, program_set_up,
                                        program_tear_down),
        cmocka_unit_test_setup_teardown(replay__digest_unknown__is_tried_with_the_usual_model,
                                        program_set_up, program_tear_down),
    };
    return cmocka_run_group_tests_name("cli_replay", tests, NULL, NULL);
}
