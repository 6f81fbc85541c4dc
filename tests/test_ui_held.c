/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys that are held down while a reply streams: none is dropped, the loop never stutters, and,
 * where the program is built with ThreadSanitizer, no race is found (it would end with a status
 * that is not 0). */
#include "ui_harness.h"

#define ALT_UP "\033[1;3A"
#define ALT_DOWN "\033[1;3B"
#define ALT_RIGHT "\033[1;3C"
#define ALT_LEFT "\033[1;3D"

/* Between two keys of a terminal whose keys repeat fast. */
enum { REPEAT_MS = 5 };

static void hold(struct pty *pty, const char *key, int n)
{
    for (int i = 0; i < n; i++) {
        pty_type(pty, key);
        pty_pause_ms(pty, REPEAT_MS);
    }
}

/* Tokens in use, as the footer says: "ctx 12/4096". */
static int n_used(struct pty *pty)
{
    struct cf_buf screen = CF_BUF_INIT;
    pty_screen(pty, &screen);
    const char *end = strstr(screen.data, "/4096");
    assert_non_null(end);
    while (end > screen.data && strchr("0123456789", end[-1]) != NULL) {
        end--;
    }
    int n = atoi(end);
    cf_buf_release(&screen);
    return n;
}

static bool has_more(struct pty *pty, const void *n)
{
    return pty_has_text(pty, "/4096") && n_used(pty) > *(const int *)n;
}

/* The longest pass of the loop while a reply streamed: by the clock, and the thread's own work. */
static void read_log(const char *path, long long *longest_us, long long *longest_cpu_us)
{
    long long n = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file,
                            "other %*d longest_us %*d longest_cpu_us %*d\n"
                            "streaming %lld longest_us %lld longest_cpu_us %lld",
                            &n, longest_us, longest_cpu_us),
                     3);
    assert_int_equal(fclose(file), 0);
    assert_true(n > (IS_SANITIZED ? 10 : 100));
    print_message("# %lld passes, the longest %lld us, own work %lld us\n", n, *longest_us,
                  *longest_cpu_us);
}

static void held__knobs__drop_no_key_while_a_reply_streams(void **state)
{
    (void)state;
    char variable[2300];
    char path[2200];
    snprintf(path, sizeof path, "%s/loop.log", here);
    snprintf(variable, sizeof variable, "CONFAB_TEST_LOOP_LOG=%s", path);
    const char *more[] = {variable, NULL};
    struct pty *pty = start_with(120, 40, more);
    pty_wait_text(pty, "0/4096");
    send_message(pty, "hold");
    pty_wait_text(pty, "tok/s");
    pty_type(pty, "\033OQ"); /* F2: bars and sliders are drawn with every token */
    pty_wait_text(pty, "next token");
    pty_wait_text(pty, "T 0.80  top-p 0.95");
    for (int round = 0; round < 4; round++) {
        int before = n_used(pty);
        hold(pty, ALT_UP, 12);
        hold(pty, ALT_DOWN, 9);
        hold(pty, ALT_LEFT, 11);
        hold(pty, ALT_RIGHT, 7);
        pty_wait(pty, has_more, &before, "more tokens");
    }
    pty_wait_text(pty, "T 1.40  top-p 0.79");
    /* All at once, as after a moment in which nothing was read. */
    for (int i = 0; i < 100; i++) {
        pty_type(pty, i % 5 < 2 ? ALT_DOWN : i % 5 == 2 ? ALT_RIGHT : ALT_UP);
    }
    pty_wait_text(pty, "T 1.40  top-p 0.99");
    pty_type(pty, ALT_DOWN);
    pty_wait_text(pty, "T 1.35  top-p 0.99");
    pty_type(pty, "\033OQ");
    pty_wait_no_text(pty, "next token");
    pty_wait_text(pty, "Esc stop");
    pty_type(pty, "\003");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "\003");
    leave(pty);
    long long longest_us;
    long long longest_cpu_us;
    read_log(path, &longest_us, &longest_cpu_us);
    assert_true(longest_us < 190000 || IS_SANITIZED);
    assert_true(longest_cpu_us < 5000 || IS_SANITIZED);
}

/* Everything else that works on what the model's thread and the disk's share, as fast as it can be
 * typed. */
static void held__panes__come_and_go_while_a_reply_streams(void **state)
{
    (void)state;
    struct pty *pty = start(100, 30);
    send_message(pty, "all at once");
    pty_wait_text(pty, "tok/s");
    for (int i = 0; i < 20; i++) {
        pty_type(pty, "\033OQ\033[C\033[C\033[D\033OQ"); /* the knobs */
        pty_type(pty, "\033OR\033OR");                   /* the list */
        pty_type(pty, "\033[20~\033[20~");               /* paused, and not */
        pty_type(pty, "\033[5~\033[6~\033OP\033OP");
        pty_resize(pty, 60 + 10 * (i % 7), 12 + 3 * (i % 5));
        pty_pause_ms(pty, REPEAT_MS);
    }
    pty_resize(pty, 100, 30);
    pty_wait_text(pty, "/4096   ");
    int before = n_used(pty);
    pty_wait(pty, has_more, &before, "more tokens");
    pty_type(pty, "words are typed meanwhile\r");
    pty_wait_text(pty, "1 waiting");
    pty_type(pty, "/search once\r");
    pty_wait_text(pty, "Search: once (1)");
    pty_type(pty, "q");
    pty_wait_no_text(pty, "Search:");
    pty_type(pty, "\003");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "\004");
    leave(pty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(held__knobs__drop_no_key_while_a_reply_streams),
        TEST(held__panes__come_and_go_while_a_reply_streams),
    };
    return cmocka_run_group_tests_name("ui_held", tests, make_folder, remove_folder);
}
