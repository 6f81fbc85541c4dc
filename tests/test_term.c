/* SPDX-License-Identifier: GPL-3.0-or-later */
/* term, line and crash in a pseudo-terminal: pty_demo driven, its screen and the terminal's modes
 * looked at. */
#include "pty.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pty_demo.h"

#define ZHENG "\xE6\xAD\xA3"
#define SMILE "\xF0\x9F\x98\x80"

static const char *const demo_argv[] = {"/proc/self/exe", "--demo", NULL};

static struct pty *start(int width, int height, const char *const *env)
{
    struct pty_options options = {.width = width, .height = height, .env = env};
    struct pty *pty = pty_start(demo_argv, &options);
    char title[64];
    snprintf(title, sizeof title, "demo %dx%d", width, height);
    pty_wait_text(pty, title);
    return pty;
}

/* Everything is given back: modes, screen, cursor, what we have turned on. */
static void assert_restored(struct pty *pty)
{
    pty_assert_modes_as_before(pty);
    assert_false(pty_is_alternate(pty));
    assert_true(pty_is_cursor_shown(pty));
    assert_true(pty_last_output(pty, "\033[?2004l") >= pty_last_output(pty, "\033[?2004h"));
    assert_true(pty_last_output(pty, "\033[?1007l") >= pty_last_output(pty, "\033[?1007h"));
}

static int end(void **state)
{
    (void)state;
    pty_end(pty_current);
    return 0;
}

static void term__open__types_sends_and_ends(void **state)
{
    (void)state;
    struct pty *pty = start(40, 10, NULL);
    assert_true(pty_is_alternate(pty));
    pty_wait_row(pty, 0, "demo 40x10 colours 256");
    pty_wait_row(pty, 8, "ready");
    pty_wait_cursor(pty, 2, 9);
    pty_type(pty, "hello");
    pty_wait_row(pty, 9, "> hello");
    pty_wait_cursor(pty, 7, 9);
    assert_true(pty_is_styled(pty, 0, 9));
    assert_false(pty_is_styled(pty, 3, 9));
    pty_type(pty, "\r");
    pty_wait_row(pty, 1, "hello");
    pty_wait_row(pty, 9, ">");
    pty_type(pty, "\x04");
    assert_int_equal(pty_wait_exit(pty), 0);
    assert_restored(pty);
}

static void term__show__writes_only_differences(void **state)
{
    (void)state;
    struct pty *pty = start(80, 24, NULL);
    pty_wait_cursor(pty, 2, 23);
    size_t before = pty_n_output(pty);
    pty_type(pty, "x");
    pty_wait_cursor(pty, 3, 23);
    size_t cost = pty_n_output(pty) - before;
    assert_true(cost < 60);
    pty_type(pty, "\x0c");
    pty_type(pty, "y");
    pty_wait_cursor(pty, 4, 23);
    pty_wait_row(pty, 23, "> xy");
}

/* A demo to whose line an arrow was typed in parts, in time; NULL: the machine was too busy. */
static struct pty *start_with_split_arrows(void)
{
    struct pty *pty = start(40, 10, NULL);
    pty_type(pty, "abc\x1b[D\x1b[D");
    pty_wait_cursor(pty, 3, 9);
    if (pty_type_split(pty, "\x1b", 40, "[C") < 50) {
        pty_wait_cursor(pty, 4, 9);
        /* One that has been split once may be split for longer. */
        if (pty_type_split(pty, "\x1b", 120, "[") < 300 &&
            pty_type_split(pty, "", 120, "C") < 1000) {
            pty_wait_cursor(pty, 5, 9);
            return pty;
        }
    }
    pty_end(pty);
    return NULL;
}

static void line__escape__split_is_still_one_key(void **state)
{
    (void)state;
    struct pty *pty = NULL;
    for (int i = 0; i < 20 && pty == NULL; i++) {
        pty = start_with_split_arrows();
    }
    if (pty == NULL) {
        skip();
    }
    assert_false(pty_has_text(pty, "Esc"));
    pty_type(pty, "\x1b");
    pty_wait_row(pty, 8, "key Esc");
    pty_type(pty, "\x1b[1;3A");
    pty_wait_row(pty, 8, "key Alt-Up");
    pty_type(pty, "\x1bOS");
    pty_wait_row(pty, 8, "key F4");
    /* An answer of the terminal types nothing. */
    pty_type(pty, "\x1b[?62;22c\x1b]11;rgb:0000/0000/0000\x1b\\!");
    pty_wait_row(pty, 9, "> abc!");
}

static void line__paste__of_100_kilobytes_never_sends(void **state)
{
    (void)state;
    struct pty *pty = start(60, 12, NULL);
    struct cf_buf paste = CF_BUF_INIT;
    cf_buf_add_str(&paste, "\x1b[200~");
    for (int i = 0; paste.size < 100000; i++) {
        cf_buf_addf(&paste, "row %d of the paste, with " ZHENG "\r", i);
    }
    cf_buf_add_str(&paste, "the end\x1b[201~");
    pty_send(pty, paste.data, paste.size);
    pty_wait_row(pty, 11, "  the end");
    pty_wait_row(pty, 0, "demo 60x12 colours 256");
    pty_type(pty, "!");
    pty_wait_row(pty, 11, "  the end!");
    /* One undo takes it all back. */
    pty_type(pty, "\x1f\x1f");
    pty_wait_row(pty, 11, ">");
    pty_type(pty, "\x04");
    assert_int_equal(pty_wait_exit(pty), 0);
    cf_buf_release(&paste);
    assert_restored(pty);
}

static void type_wide(struct pty *pty)
{
    pty_type(pty, "a" ZHENG "b" SMILE "c" ZHENG);
    pty_wait_row(pty, 9, "> a" ZHENG "b" SMILE "c" ZHENG);
    pty_wait_cursor(pty, 11, 9);
    assert_int_equal(pty_column_of(pty, 9, "b"), 5);
    assert_int_equal(pty_column_of(pty, 9, "c"), 8);
    /* Back over a wide character, change in the middle, a mark, a family without its joiner. */
    pty_type(pty, "\x02\x02\x02");
    pty_wait_cursor(pty, 6, 9);
    pty_type(pty, "\x7f"
                  "e\xCC\x81");
    pty_wait_row(pty, 9, "> a" ZHENG "e\xCC\x81" SMILE "c" ZHENG);
    pty_wait_cursor(pty, 6, 9);
    pty_type(pty, "\x05\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7|");
    pty_wait_cursor(pty, 16, 9);
    assert_int_equal(pty_column_of(pty, 9, "|"), 15);
    /* Half a character, then its rest. */
    pty_type(pty, "\x15\xE6\xAD");
    pty_wait_row(pty, 9, ">");
    pty_type(pty, "\xA3.");
    pty_wait_row(pty, 9, "> " ZHENG ".");
    /* Invalid bytes are replaced. */
    pty_type(pty, "\x15\xFFz");
    pty_wait_row(pty, 9, "> \xEF\xBF\xBDz");
    pty_type(pty, "\x15\x04");
    assert_int_equal(pty_wait_exit(pty), 0);
    assert_restored(pty);
}

static void line__wide__stands_in_its_columns(void **state)
{
    (void)state;
    static const char *const locales[] = {"LC_ALL=C.UTF-8", "LC_ALL=C",
                                          "LC_ALL=", "LC_ALL=no_SUCH.locale"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(locales); i++) {
        const char *const env[] = {locales[i], NULL};
        type_wide(start(40, 10, env));
        pty_end(pty_current);
    }
}

static void line__wide__stands_in_its_columns_in_a_german_locale(void **state)
{
    (void)state;
    /* Made for the test, in both codesets, with the categories that the program looks at (the order
     * of words takes seconds); skipped where the sources of locales are missing. */
    static const char *const charsets[] = {"UTF-8", "ISO-8859-1"};
    char folder[] = "test_term.XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *path = realpath(folder, NULL);
    char command[1200];
    snprintf(command, sizeof command,
             "cd %s || exit; for c in CTYPE NUMERIC TIME MESSAGES; do"
             " printf 'LC_%%s\\ncopy \"de_DE\"\\nEND LC_%%s\\n' $c $c; done >german;"
             " for f in UTF-8 ISO-8859-1; do"
             " localedef -c -i ./german -f $f ./de_DE.$f >/dev/null 2>&1 </dev/null & done; wait;"
             " test -f de_DE.UTF-8/LC_CTYPE -a -f de_DE.ISO-8859-1/LC_NUMERIC",
             path);
    bool is_made = system(command) == 0;
    for (size_t i = 0; i < 2 && is_made; i++) {
        char locale[64];
        char locpath[512];
        snprintf(locale, sizeof locale, "LC_ALL=de_DE.%s", charsets[i]);
        snprintf(locpath, sizeof locpath, "LOCPATH=%s:/usr/lib/locale", path);
        const char *const env[] = {locale, locpath, NULL};
        type_wide(start(40, 10, env));
        pty_end(pty_current);
    }
    snprintf(command, sizeof command, "rm -rf %s", path);
    assert_int_equal(system(command), 0);
    free(path);
    if (!is_made) {
        skip();
    }
}

static void term__resize__follows_the_window(void **state)
{
    (void)state;
    struct pty *pty = start(200, 60, NULL);
    pty_type(pty, "some words to be wrapped\rdraft of words that need rows");
    pty_wait_row(pty, 59, "> draft of words that need rows");
    pty_resize(pty, 20, 5);
    pty_wait_row(pty, 0, "demo 20x5 colours 25");
    pty_wait_row(pty, 3, "> draft of words");
    pty_wait_row(pty, 4, "  that need rows");
    pty_wait_cursor(pty, 16, 4);
    pty_resize(pty, 1, 1);
    pty_pause_ms(pty, 0);
    pty_resize(pty, 200, 60);
    pty_wait_row(pty, 0, "demo 200x60 colours 256");
    pty_wait_row(pty, 1, "some words to be wrapped");
    pty_wait_row(pty, 59, "> draft of words that need rows");
    pty_wait_cursor(pty, 31, 59);
}

static void term__open__in_very_small_windows(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 2}, {1, 7}, {7, 1}, {4, 2}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes); i++) {
        struct pty_options options = {.width = sizes[i][0], .height = sizes[i][1]};
        struct pty *pty = pty_start(demo_argv, &options);
        pty_wait_alternate(pty);
        /* libvterm itself dies of a wide character in one column. */
        pty_type(pty, sizes[i][0] > 1 ? "x" ZHENG "z" : "xyz");
        if (sizes[i][0] == 7) {
            pty_wait_text(pty, "> x" ZHENG "z");
        } else if (sizes[i][0] == 4) {
            pty_wait_row(pty, 1, "  z");
        }
        pty_type(pty, "\x15\x04");
        assert_int_equal(pty_wait_exit(pty), 0);
        assert_restored(pty);
        pty_end(pty);
    }
}

static void term__suspend__gives_and_takes_the_terminal(void **state)
{
    (void)state;
    struct pty *pty = start(40, 10, NULL);
    pty_type(pty, "draft");
    pty_wait_row(pty, 9, "> draft");
    for (int i = 0; i < 3; i++) {
        /* By the key, by a signal to the program, by one that can't be caught. */
        if (i == 0) {
            pty_type(pty, "\x1a");
        } else {
            pty_signal(pty, i == 1 ? SIGTSTP : SIGSTOP);
        }
        pty_wait_stopped(pty);
        pty_assert_modes_as_before(pty);
        if (i < 2) {
            assert_restored(pty);
        }
        if (i == 1) {
            pty_resize(pty, 50, 12);
        }
        pty_foreground(pty);
        pty_wait_raw(pty);
        pty_wait_row(pty, i == 0 ? 9 : 11, "> draft");
        pty_wait_cursor(pty, 7, i == 0 ? 9 : 11);
        assert_true(pty_is_alternate(pty));
        pty_type(pty, "!\x7f");
    }
    pty_type(pty, "\x15\x04");
    assert_int_equal(pty_wait_exit(pty), 0);
    assert_restored(pty);
}

static void term__run__lends_the_terminal(void **state)
{
    (void)state;
    struct pty *pty = start(40, 10, NULL);
    pty_type(pty, ":run stty -a; echo in-the-child; read x; echo got-$x\r");
    pty_wait_text(pty, "in-the-child");
    assert_false(pty_is_alternate(pty));
    assert_true(pty_has_output(pty, "icanon"));
    assert_false(pty_has_output(pty, "-icanon"));
    /* Ctrl-C there is the child's; here it would clear the line. */
    pty_type(pty, "word\r");
    pty_wait_row(pty, 8, "child ended");
    assert_true(pty_has_output(pty, "got-word"));
    assert_true(pty_is_alternate(pty));
    pty_type(pty, "typed");
    pty_wait_row(pty, 9, "> typed");
    pty_type(pty, "\x15:run no-such-program\r");
    pty_wait_row(pty, 9, ">");
    pty_wait_row(pty, 8, "child ended");
    pty_type(pty, "\x04");
    assert_int_equal(pty_wait_exit(pty), 0);
    assert_restored(pty);
}

static void line__edit__comes_back_from_the_editor(void **state)
{
    (void)state;
    static const char *const env[] = {"VISUAL=sed -i s/draft/edited/", NULL};
    struct pty *pty = start(40, 10, env);
    pty_type(pty, "my draft\x18\x05");
    pty_wait_row(pty, 9, "> my edited");
    pty_wait_cursor(pty, 11, 9);
    pty_type(pty, "\x1f");
    pty_wait_row(pty, 9, "> my draft");
}

/* The last line the program left on the ordinary screen. */
static void assert_last_words(struct pty *pty, const char *words)
{
    pty_wait_text(pty, words);
    assert_restored(pty);
}

static void crash__signal__restores_and_says(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        int signal_number; /* sent from outside when there is no command */
        const char *words;
    } cases[] = {
        {":abort\r", SIGABRT, "confab: aborted"},
        {":crash\r", SIGSEGV, "confab: crashed (segmentation fault)"},
        {":bus test_term.mapped\r", SIGBUS, "confab: test_term.mapped changed while in use"},
        {NULL, SIGILL, "confab: crashed (illegal instruction)"},
        {NULL, SIGFPE, "confab: crashed (arithmetic error)"},
        {NULL, SIGBUS, "confab: crashed (bus error)"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct pty *pty = start(60, 10, NULL);
        if (cases[i].command != NULL) {
            pty_type(pty, cases[i].command);
        } else {
            pty_signal(pty, cases[i].signal_number);
        }
        int status = pty_wait_exit(pty);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), cases[i].signal_number);
        assert_last_words(pty, cases[i].words);
        pty_end(pty);
    }
    unlink("test_term.mapped");
}

static void term__signal__comes_as_an_event(void **state)
{
    (void)state;
    struct pty *pty = start(40, 10, NULL);
    pty_signal(pty, SIGPIPE);
    pty_signal(pty, SIGXFSZ);
    pty_signal(pty, SIGINT);
    pty_wait_row(pty, 8, "interrupted");
    pty_signal(pty, SIGTERM);
    assert_int_equal(pty_wait_exit(pty), 0);
    assert_restored(pty);
    pty_end(pty);
    pty = start(40, 10, NULL);
    pty_hang_up(pty);
    assert_int_equal(pty_wait_exit(pty), 0);
}

static void term__open__says_what_it_cannot_use(void **state)
{
    (void)state;
    static const struct {
        const char *term, *words;
    } cases[] = {
        {"TERM=no-such-terminal\x1b[31m", "the terminal 'no-such-terminal\\x1b[31m' is unknown"},
        {"TERM", "the terminal '' is unknown here"},
        {"TERM=dumb", "demo: the terminal 'dumb' cannot move its cursor"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        const char *const env[] = {cases[i].term, NULL};
        struct pty_options options = {.env = env};
        struct pty *pty = pty_start(demo_argv, &options);
        pty_wait_text(pty, cases[i].words);
        if (i == 2) {
            int status = pty_wait_exit(pty);
            assert_int_equal(WEXITSTATUS(status), 1);
        } else {
            pty_type(pty, "x");
            pty_wait_text(pty, "> x");
            pty_type(pty, "\x15\x04");
            assert_int_equal(pty_wait_exit(pty), 0);
        }
        assert_restored(pty);
        pty_end(pty);
    }
    /* No terminal at all on one side. */
    const char *const argv[] = {"sh", "-c", "exec \"$0\" --demo </dev/null", "/proc/self/exe",
                                NULL};
    char self[512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    const char *const real_argv[] = {argv[0], argv[1], argv[2], self, NULL};
    struct pty *pty = pty_start(real_argv, NULL);
    pty_wait_text(pty, "must be a terminal");
    int status = pty_wait_exit(pty);
    assert_int_equal(WEXITSTATUS(status), 1);
    pty_assert_modes_as_before(pty);
}

static void term__colours__are_those_of_the_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *env[3];
        const char *title;
        bool is_colored;
    } cases[] = {
        {{"TERM=xterm-256color", "NO_COLOR=", NULL}, "colours 256", true},
        {{"TERM=xterm", NULL}, "colours 8", true},
        {{"TERM=vt100", NULL}, "colours 0", false},
        {{"TERM=linux", NULL}, "colours 8", true},
        {{"NO_COLOR=1", NULL}, "colours 0", false},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct pty_options options = {.env = cases[i].env};
        struct pty *pty = pty_start(demo_argv, &options);
        pty_wait_text(pty, cases[i].title);
        pty_wait_cursor(pty, 2, 23);
        /* Blue, as a palette entry. */
        assert_int_equal(pty_has_output(pty, "\033[34m") || pty_has_output(pty, ";34m"),
                         cases[i].is_colored);
        pty_end(pty);
    }
}

#define UNIT(name) cmocka_unit_test_teardown(name, end)

/* With an argument: the tests whose names match this pattern. */
int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--demo") == 0) {
        return pty_demo_main();
    }
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        UNIT(term__open__types_sends_and_ends),
        UNIT(term__show__writes_only_differences),
        UNIT(line__escape__split_is_still_one_key),
        UNIT(line__paste__of_100_kilobytes_never_sends),
        UNIT(line__wide__stands_in_its_columns),
        UNIT(line__wide__stands_in_its_columns_in_a_german_locale),
        UNIT(term__resize__follows_the_window),
        UNIT(term__open__in_very_small_windows),
        UNIT(term__suspend__gives_and_takes_the_terminal),
        UNIT(term__run__lends_the_terminal),
        UNIT(line__edit__comes_back_from_the_editor),
        UNIT(crash__signal__restores_and_says),
        UNIT(term__signal__comes_as_an_event),
        UNIT(term__open__says_what_it_cannot_use),
        UNIT(term__colours__are_those_of_the_terminal),
    };
    return cmocka_run_group_tests_name("term", tests, NULL, NULL);
}
