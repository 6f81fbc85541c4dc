/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program itself in a pseudo-terminal, with a model that never ends a reply by itself, for the
 * tests of the face. */
#ifndef UI_HARNESS_H
#define UI_HARNESS_H

#include "pty.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slow_model.h"

/* Where this holds the program is many times slower: its times say nothing. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { IS_SANITIZED = 1 };
#elif defined(__has_feature)
enum { IS_SANITIZED = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) };
#else
enum { IS_SANITIZED = 0 };
#endif

/* What one run of the tests has in its folder: the model, and the person's own folders, new for
 * each test. */
static char folder[] = "ui.XXXXXX";
static char here[2048];
static int n_homes;

static inline int make_folder(void **state)
{
    (void)state;
    if (getenv("CONFAB_PROGRAM") == NULL || mkdtemp(folder) == NULL ||
        getcwd(here, sizeof here - 64) == NULL) {
        return -1;
    }
    strcat(strcat(here, "/"), folder);
    char model[2300];
    snprintf(model, sizeof model, "%s/slow", here);
    if (mkdir(model, 0700) != 0) {
        return -1;
    }
    slow_model_write(model);
    return 0;
}

static inline int remove_folder(void **state)
{
    (void)state;
    char command[4096];
    snprintf(command, sizeof command, "rm -rf '%s'", here);
    return system(command);
}

static inline int new_home(void **state)
{
    (void)state;
    n_homes++;
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    pty_end(pty_current);
    return 0;
}

/* Starts the program in the home of this test, at a size; MORE are further variables, NULL for
 * none. */
static inline struct pty *start_with(int width, int height, const char *const more[])
{
    static char variables[6][2300];
    static const char *env[16];
    static char model[2300];
    snprintf(variables[0], sizeof variables[0], "XDG_DATA_HOME=%s/home%d/data", here, n_homes);
    snprintf(variables[1], sizeof variables[1], "XDG_CONFIG_HOME=%s/home%d/config", here, n_homes);
    snprintf(variables[2], sizeof variables[2], "XDG_STATE_HOME=%s/home%d/state", here, n_homes);
    snprintf(variables[3], sizeof variables[3], "XDG_CACHE_HOME=%s/home%d/cache", here, n_homes);
    size_t n = 0;
    while (n < 4) {
        env[n] = variables[n];
        n++;
    }
    env[n++] = "LC_ALL=C.UTF-8";
    env[n++] = "INPUTRC=/dev/null";
    env[n++] = "CONFAB_DB";
    env[n++] = "CONFAB_MODEL";
    env[n++] = "CONFAB_CONFIG";
    env[n++] = "SSH_CONNECTION";
    env[n++] = "TMUX";
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        env[n++] = more[i];
    }
    env[n] = NULL;
    snprintf(model, sizeof model, "%s/slow", here);
    const char *argv[] = {
        getenv("CONFAB_PROGRAM"), "-m", model, "-n", "3900", "--threads", "1", NULL};
    struct pty_options options = {.width = width, .height = height, .env = env};
    return pty_start(argv, &options);
}

static inline struct pty *start(int width, int height)
{
    struct pty *pty = start_with(width, height, NULL);
    pty_wait_text(pty, "0/4096");
    return pty;
}

/* Sends a message and waits until its reply streams. */
static inline void send_message(struct pty *pty, const char *text)
{
    pty_type(pty, text);
    pty_wait_text(pty, text);
    pty_type(pty, "\r");
    pty_wait_text(pty, "Esc stop");
}

/* Ends the reply, once the footer says that it can be, and waits until it has ended: a key right
 * behind Esc would be another key. */
static inline void stop_reply(struct pty *pty)
{
    pty_wait_text(pty, "Esc stop");
    pty_type(pty, "\033");
    pty_wait_no_text(pty, "Esc stop");
}

static inline bool has_reply_begun(struct pty *pty, const void *ctx)
{
    (void)ctx;
    struct cf_buf row = CF_BUF_INIT;
    pty_row(pty, 4, &row);
    bool has_begun = row.size > strlen(" slow  ") + strlen("\xe2\x96\x8c") + 4;
    cf_buf_release(&row);
    return has_begun;
}

/* Waits until the first reply of a conversation has a few tokens, so that it can be continued. */
static inline void wait_for_tokens(struct pty *pty)
{
    pty_wait(pty, has_reply_begun, NULL, "the first tokens of a reply");
}

static inline void leave(struct pty *pty)
{
    assert_int_equal(pty_wait_exit(pty), 0);
    pty_assert_modes_as_before(pty);
    assert_false(pty_is_alternate(pty));
    assert_true(pty_is_cursor_shown(pty));
    pty_end(pty);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_home, end)

#endif
