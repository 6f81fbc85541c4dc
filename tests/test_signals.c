/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the program ends: by signals, with streams that are closed, full or without a reader.  What
 * was generated is kept. */
#include "test.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "program.h"

/* A reply that takes seconds: it is still being written when its first words have been read. */
static const char *const long_ask[] = {"ask", "--count", "64",     "--threads", "1",  "-t",  "2",
                                       "-n",  "450",     "--seed", "3",         "-q", "Hi.", NULL};

static void start_talking(struct program *program)
{
    program_start(program, long_ask, NULL, NULL);
    program_close_input(program);
    while (program->result.out.size < 4 && program->out >= 0) {
        (void)program_read(program, 1000);
    }
    assert_true(program->result.out.size >= 4);
}

static void assert_sound(void)
{
    struct program_result result;
    PROGRAM(&result, 0, NULL, "check");
    program_release(&result);
}

/* The text of the newest conversation's last message, to be freed, and its state. */
static char *last_reply(char *state, size_t state_size)
{
    struct program_result result;
    PROGRAM(&result, 0, NULL, "show", "last", "--json");
    char *line = strchr(result.out.data, '\n');
    assert_non_null(line);
    json_t *message = json_loads(line + 1, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(message);
    char *text = strdup(json_string_value(json_object_get(message, "text")));
    (void)snprintf(state, state_size, "%s", json_string_value(json_object_get(message, "state")));
    json_decref(message);
    program_release(&result);
    return text;
}

/* The first alternative is stored as it was printed. */
static void assert_kept(const struct cf_buf *printed, bool is_whole)
{
    char state[32];
    char *text = last_reply(state, sizeof state);
    assert_true(strcmp(state, "cancelled") == 0 || strcmp(state, "complete") == 0);
    const char *stored = text + strspn(text, " ");
    const char *separator = strstr(printed->data, "\n---\n");
    size_t size = separator != NULL ? (size_t)(separator - printed->data) : printed->size;
    assert_true(size > 0 && strlen(stored) >= size);
    assert_memory_equal(stored, printed->data, size);
    assert_true(!is_whole || strlen(stored) == size);
    free(text);
}

static void signal__while_a_reply_streams__keeps_it(void **state)
{
    (void)state;
    static const struct {
        int number, status;
    } cases[] = {{SIGINT, 130}, {SIGTERM, 143}, {SIGHUP, 129}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct program program;
        start_talking(&program);
        assert_int_equal(kill(program.pid, cases[i].number), 0);
        program_wait(&program);
        assert_int_equal(program.result.status, cases[i].status);
        assert_int_equal(program.result.err.size, 0);
        assert_kept(&program.result.out, true);
        program_release(&program.result);
    }
    assert_sound();
}

static void signal__while_waiting_for_input__ends_it(void **state)
{
    (void)state;
    struct program program;
    program_start(&program, (const char *const[]){"ask", NULL}, NULL, NULL);
    (void)program_read(&program, 50);
    assert_int_equal(kill(program.pid, SIGINT), 0);
    program_wait(&program);
    assert_int_equal(program.result.status, 130);
    assert_int_equal(program.result.out.size, 0);
    program_release(&program.result);
}

static void reader__gone__is_a_quiet_end(void **state)
{
    (void)state;
    struct program program;
    start_talking(&program);
    close(program.out);
    program.out = -1;
    program_wait(&program);
    assert_int_equal(program.result.status, 0);
    assert_int_equal(program.result.err.size, 0);
    assert_kept(&program.result.out, false);
    assert_sound();
    program_release(&program.result);
}

static void close_streams(void *arg)
{
    const char *names = arg;
    for (; *names != '\0'; names++) {
        close(*names - '0');
    }
}

static void fill_output(void *arg)
{
    (void)arg;
    int fd = open("/dev/full", O_WRONLY);
    dup2(fd, STDOUT_FILENO);
    close(fd);
}

static void run_with(struct program_result *result, const char *const *args,
                     void (*prepare)(void *arg), const char *arg)
{
    struct program program;
    program_start(&program, args, prepare, (void *)(uintptr_t)arg);
    program_wait(&program);
    *result = program.result;
}

static const char *const short_ask[] = {"ask", "-n", "8", "-t", "0", "Hello!", NULL};

static void streams__closed__are_never_taken_for_others(void **state)
{
    (void)state;
    struct program_result result;
    struct program_result usual;
    PROGRAM(&usual, 0, NULL, "ask", "-n", "8", "-t", "0", "Hello!");
    run_with(&result, short_ask, close_streams, "0");
    assert_int_equal(result.status, 0);
    assert_string_equal(result.out.data, usual.out.data);
    program_release(&result);
    run_with(&result, (const char *const[]){"ask", NULL}, close_streams, "0");
    program_assert_failed(&result, 1, "cannot read standard input");
    program_release(&result);
    run_with(&result, short_ask, close_streams, "2");
    assert_int_equal(result.status, 0);
    assert_string_equal(result.out.data, usual.out.data);
    program_release(&result);
    run_with(&result, (const char *const[]){"show", "99", NULL}, close_streams, "2");
    assert_int_equal(result.status, 1);
    program_release(&result);
    run_with(&result, short_ask, close_streams, "1");
    program_assert_failed(&result, 1, "cannot write the output: Bad file descriptor");
    program_release(&result);
    static const char *const all[] = {"01", "12", "02", "012"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(all); i++) {
        run_with(&result, short_ask, close_streams, all[i]);
        assert_int_equal(result.status, strchr(all[i], '1') != NULL ? 1 : 0);
        program_release(&result);
        assert_sound();
    }
    PROGRAM(&result, 0, NULL, "list");
    size_t n = 0;
    for (size_t i = 0; i < result.out.size; i++) {
        n += result.out.data[i] == '\n';
    }
    assert_int_equal(n, 8);
    program_release(&result);
    program_release(&usual);
}

static void output__full__is_one_sentence(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        print_message("# there is no /dev/full\n");
        skip();
    }
    static const char *const cases[][6] = {
        {"ask", "-n", "8", "Hello!"},
        {"list"},
        {"show", "last"},
        {"show", "last", "--json"},
        {"search", "hello"},
        {"config"},
        {"check"},
        {"model", "info"},
        {"tokenize", "hello"},
        {"detokenize", "5"},
        {"complete", "-n", "4", "Once"},
        {"logits", "--text", "hello"},
        {"--help"},
        {"--version"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct program_result result;
        run_with(&result, cases[i], fill_output, NULL);
        program_assert_failed(&result, 1, "cannot write the output: No space left on device");
        program_release(&result);
    }
    /* The first one's reply is kept. */
    char reply_state[32];
    char *text = last_reply(reply_state, sizeof reply_state);
    assert_true(strlen(text) > 0);
    free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, program_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(signal__while_a_reply_streams__keeps_it),
        TEST(signal__while_waiting_for_input__ends_it),
        TEST(reader__gone__is_a_quiet_end),
        TEST(streams__closed__are_never_taken_for_others),
        TEST(output__full__is_one_sentence),
    };
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
