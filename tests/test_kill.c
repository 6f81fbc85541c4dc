/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kill -9 at random moments of a reply: nothing that was stored is lost or torn, and of the reply
 * everything is there but the last moment before the kill.  CONFAB_TEST_ROUNDS sets the number of
 * kills. */
#include "test.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "program.h"
#include "random.h"

enum {
    ROUNDS = 25,
    SLOW_COUNT = 64, /* alternatives, so that a token takes long */
    SAVE_MS = 250,   /* as promised */
    COMMIT_MS = 500, /* and for the disk, on a machine with other things to do */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- One that is to be killed ---- */

/* When how much of standard output had come. */
struct mark {
    int64_t ms;
    size_t size;
};

struct victim {
    struct program program;
    struct mark *marks;
    size_t n_marks;
    size_t n_lines;
    int64_t hiccup_ms; /* the longest time this process itself was kept from reading */
};

static void look(struct victim *victim)
{
    enum { LOOK_MS = 5 };
    size_t before = victim->program.result.out.size;
    int64_t begin = now_ms();
    (void)program_read(&victim->program, LOOK_MS);
    int64_t now = now_ms();
    if (now - begin - LOOK_MS > victim->hiccup_ms) {
        victim->hiccup_ms = now - begin - LOOK_MS;
    }
    const struct cf_buf *out = &victim->program.result.out;
    if (out->size > before) {
        victim->marks = cf_realloc_array(victim->marks, victim->n_marks + 1, sizeof *victim->marks);
        victim->marks[victim->n_marks++] = (struct mark){.ms = now, .size = out->size};
    }
    for (size_t i = before; i < out->size; i++) {
        victim->n_lines += out->data[i] == '\n';
    }
}

static void start_victim(struct victim *victim, const char *const *args)
{
    *victim = (struct victim){.n_lines = 0};
    program_start(&victim->program, args, NULL, NULL);
    program_close_input(&victim->program);
}

/* Kills it when so many lines have come or so much time has passed, and takes what it had written.
 * Returns how much of that had come AGE_MS before the kill. */
static size_t kill_victim(struct victim *victim, size_t n_lines, int64_t after_ms, int64_t age_ms)
{
    int64_t begin = now_ms();
    while (victim->n_lines < n_lines && now_ms() - begin < after_ms && victim->program.out >= 0) {
        look(victim);
    }
    kill(victim->program.pid, SIGKILL);
    int64_t killed_ms = now_ms();
    program_wait(&victim->program);
    size_t size = 0;
    for (size_t i = 0; i < victim->n_marks; i++) {
        if (victim->marks[i].ms + age_ms + 4 * victim->hiccup_ms <= killed_ms) {
            size = victim->marks[i].size;
        }
    }
    return size;
}

static void release_victim(struct victim *victim)
{
    program_release(&victim->program.result);
    free(victim->marks);
}

/* ---- What it had printed, and what is stored ---- */

struct printed {
    int64_t conversation;
    int64_t ids[SLOW_COUNT];
    struct cf_buf texts[SLOW_COUNT];
    bool has_ended[SLOW_COUNT];
};

static const char *string_of(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

/* The whole lines among the first SIZE bytes. */
static void read_printed(struct printed *printed, const struct cf_buf *out, size_t size)
{
    *printed = (struct printed){.conversation = 0};
    for (int i = 0; i < SLOW_COUNT; i++) {
        printed->texts[i] = CF_BUF_INIT;
    }
    const char *at = out->data;
    const char *end = out->data + size;
    const char *newline;
    while (size > 0 && at < end && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        json_t *line = json_loadb(at, (size_t)(newline - at), 0, NULL);
        assert_non_null(line);
        size_t choice = (size_t)json_integer_value(json_object_get(line, "choice"));
        assert_true(choice < SLOW_COUNT);
        const char *event = string_of(line, "event");
        if (strcmp(event, "start") == 0) {
            printed->conversation = json_integer_value(json_object_get(line, "conversation"));
            printed->ids[choice] = json_integer_value(json_object_get(line, "message"));
            assert_true(printed->conversation > 0 && printed->ids[choice] > 0);
        }
        cf_buf_add_str(&printed->texts[choice], string_of(line, "text"));
        printed->has_ended[choice] |= strcmp(event, "end") == 0;
        json_decref(line);
        at = newline + 1;
    }
}

static void release_printed(struct printed *printed)
{
    for (int i = 0; i < SLOW_COUNT; i++) {
        cf_buf_release(&printed->texts[i]);
    }
}

static const char *without_spaces(const char *text)
{
    return text + strspn(text, " ");
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void run(struct program_result *result, const char *const *args)
{
    program_expect(result, 0, NULL, args, __FILE__, __LINE__);
}

static void show(struct program_result *result, int64_t conversation)
{
    char id[32];
    (void)snprintf(id, sizeof id, "%lld", (long long)conversation);
    run(result, (const char *const[]){"show", id, "--all", "--json", NULL});
}

/* The stored conversation against what was printed: EARLY had been long enough before the kill, of
 * ALL nothing else may stand in its place.  KEPT, unless NULL, receives it as shown. */
static void compare(const struct printed *early, const struct printed *all, const char *prompt,
                    const char *state, struct cf_buf *kept)
{
    struct program_result result;
    show(&result, all->conversation);
    if (kept != NULL) {
        cf_buf_add(kept, result.out.data, result.out.size);
    }
    size_t n_replies = 0;
    bool has_prompt = false;
    for (char *line = strtok(result.out.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *message = json_loads(line, 0, NULL);
        assert_non_null(message);
        const char *text = string_of(message, "text");
        int64_t id = json_integer_value(json_object_get(message, "id"));
        has_prompt |= strcmp(text, prompt) == 0;
        for (size_t i = 0; i < SLOW_COUNT; i++) {
            if (all->ids[i] != id) {
                continue;
            }
            n_replies++;
            const char *stored = without_spaces(text);
            const char *whole = without_spaces(all->texts[i].data);
            if (!begins_with(stored, without_spaces(early->texts[i].data)) ||
                !(begins_with(whole, stored) || begins_with(stored, whole))) {
                fail_msg("printed in time: \"%s\"\nprinted: \"%s\"\nstored: \"%s\"",
                         early->texts[i].data, whole, stored);
            }
            const char *is = string_of(message, "state");
            if (strcmp(is, state) != 0 && strcmp(is, "complete") != 0) {
                fail_msg("message %lld is %s, not %s", (long long)id, is, state);
            }
            /* Nobody is told of an end that was not there. */
            if (strcmp(is, "complete") == 0 && !all->has_ended[i]) {
                assert_true(begins_with(stored, whole));
            }
        }
        json_decref(message);
    }
    assert_true(has_prompt);
    for (size_t i = 0; i < SLOW_COUNT; i++) {
        n_replies -= all->ids[i] != 0;
    }
    assert_int_equal(n_replies, 0);
    program_release(&result);
}

/* A kill in the first moments comes before there is a database. */
static void assert_sound(void)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/.local/share/confab/confab.db", program_home());
    if (access(path, F_OK) != 0) {
        return;
    }
    struct program_result result;
    run(&result, (const char *const[]){"check", NULL});
    assert_string_equal(result.out.data, "no problems found\n");
    assert_int_equal(result.err.size, 0);
    program_release(&result);
}

/* ---- Tests ---- */

static int n_rounds(void)
{
    const char *rounds = getenv("CONFAB_TEST_ROUNDS");
    return rounds != NULL && atoi(rounds) > 0 ? atoi(rounds) : ROUNDS;
}

/* What a round left behind. */
struct left {
    int64_t conversation; /* 0: nothing that is to stay as it is */
    struct cf_buf shown;
};

/* Kills one; what it had said is there. */
static void kill_one(struct left *left, struct test_random *random, int round)
{
    char prompt[64];
    char seed[16];
    (void)snprintf(prompt, sizeof prompt, "Tell me story number %d.", round);
    (void)snprintf(seed, sizeof seed, "%d", round);
    struct victim victim;
    start_victim(&victim, (const char *const[]){"ask", "--json", "--seed", seed, "-n", "450",
                                                "--count", "4", "-t", "1.6", prompt, NULL});
    /* Sometimes before there is a word, else anywhere, the end included. */
    bool is_early = round % 5 == 0;
    size_t n_lines = is_early ? SIZE_MAX : 1 + test_random_below(random, 400);
    int64_t after_ms = is_early ? (int64_t)test_random_below(random, 80) : INT32_MAX;
    size_t size = kill_victim(&victim, n_lines, after_ms, SAVE_MS + COMMIT_MS);
    const struct cf_buf *out = &victim.program.result.out;
    struct printed early;
    struct printed all;
    read_printed(&early, out, size);
    read_printed(&all, out, out->size);
    if (all.conversation != 0) {
        compare(&early, &all, prompt, "interrupted", &left->shown);
        left->conversation = all.conversation;
    }
    release_printed(&early);
    release_printed(&all);
    release_victim(&victim);
}

static void kill__at_random_moments__loses_nothing(void **state)
{
    (void)state;
    struct test_random random = {.state = 20240229};
    int n = n_rounds();
    struct left *left = cf_calloc((size_t)n, sizeof *left);
    struct program_result result;
    for (int round = 0; round < n; round++) {
        left[round].shown = CF_BUF_INIT;
        kill_one(&left[round], &random, round);
        if (round % 4 == 0) {
            assert_sound();
            if (left[round].conversation != 0) {
                run(&result, (const char *const[]){"ask", "-c", "last", "-n", "2", "Again?", NULL});
                program_release(&result);
                left[round].conversation = 0;
            }
        }
    }
    for (int round = 0; round < n; round++) {
        if (left[round].conversation != 0) {
            show(&result, left[round].conversation);
            assert_string_equal(result.out.data, left[round].shown.data);
            program_release(&result);
        }
        cf_buf_release(&left[round].shown);
    }
    free(left);
    assert_sound();
}

static void kill__of_a_slow_reply__keeps_all_but_the_last_moment(void **state)
{
    (void)state;
    struct test_random random = {.state = 7};
    for (int round = 0; round < 1 + n_rounds() / ROUNDS; round++) {
        struct victim victim;
        start_victim(&victim,
                     (const char *const[]){"ask", "--json", "--seed", "4", "-n", "450", "--count",
                                           "64", "--threads", "1", "-t", "2", "Tell me.", NULL});
        /* So slow that it is the clock, not the number of tokens, that has them saved. */
        size_t size =
            kill_victim(&victim, SIZE_MAX, 1300 + (int64_t)test_random_below(&random, 300),
                        SAVE_MS + COMMIT_MS);
        struct printed early;
        struct printed all;
        read_printed(&early, &victim.program.result.out, size);
        read_printed(&all, &victim.program.result.out, victim.program.result.out.size);
        size_t n_checked = 0;
        for (size_t i = 0; i < SLOW_COUNT; i++) {
            n_checked += early.texts[i].size;
        }
        print_message("# %zu bytes of %zu had to be there\n", n_checked, size);
        if (all.conversation != 0) {
            compare(&early, &all, "Tell me.", "interrupted", NULL);
        }
        release_printed(&early);
        release_printed(&all);
        release_victim(&victim);
        assert_sound();
    }
}

static void second__meanwhile__leaves_the_first_alone(void **state)
{
    (void)state;
    struct victim victim;
    start_victim(&victim, (const char *const[]){"ask", "--json", "-n", "450", "--count", "64",
                                                "--threads", "1", "-t", "2", "Tell me.", NULL});
    while (victim.n_lines <= SLOW_COUNT && victim.program.out >= 0) {
        look(&victim);
    }
    struct printed begun;
    read_printed(&begun, &victim.program.result.out, victim.program.result.out.size);
    assert_true(begun.conversation > 0);
    struct program_result result;
    static const char *const others[][8] = {{"ask", "-n", "3", "And you?", NULL},
                                            {"list", NULL},
                                            {"check", NULL},
                                            {"search", "tell", NULL}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(others); i++) {
        run(&result, others[i]);
        program_release(&result);
        /* Between, so that its pipe is not what it waits for. */
        look(&victim);
    }
    struct printed none;
    read_printed(&none, &victim.program.result.out, 0);
    compare(&none, &begun, "Tell me.", "streaming", NULL);
    kill(victim.program.pid, SIGTERM);
    program_wait(&victim.program);
    struct printed all;
    read_printed(&all, &victim.program.result.out, victim.program.result.out.size);
    compare(&all, &all, "Tell me.", "cancelled", NULL);
    release_printed(&begun);
    release_printed(&all);
    release_victim(&victim);
    assert_sound();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, program_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(kill__at_random_moments__loses_nothing),
        TEST(kill__of_a_slow_reply__keeps_all_but_the_last_moment),
        TEST(second__meanwhile__leaves_the_first_alone),
    };
    return cmocka_run_group_tests_name("kill", tests, NULL, NULL);
}
