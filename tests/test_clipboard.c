/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clipboard at its header; tmux is a script of the test's own. */
#include "test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clipboard.h"

static char folder[64];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "test_clipboard.XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    char *path = realpath(folder, NULL);
    setenv("XDG_RUNTIME_DIR", path, 1);
    free(path);
    unsetenv("TMUX");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void clipboard__copy__writes_osc52(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes;
    } cases[] = {
        {"", "\033]52;c;\a"},
        {"f", "\033]52;c;Zg==\a"},
        {"fo", "\033]52;c;Zm8=\a"},
        {"foo", "\033]52;c;Zm9v\a"},
        {"foob", "\033]52;c;Zm9vYg==\a"},
        {"\xFF\xFE\xFD", "\033]52;c;//79\a"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(cases); i++) {
        struct ui_clipboard result;
        assert_int_equal(ui_clipboard_copy(&result, cases[i].text, strlen(cases[i].text), NULL),
                         CF_OK);
        assert_int_equal(result.way, UI_CLIPBOARD_OSC52);
        assert_string_equal(result.bytes.data, cases[i].bytes);
        ui_clipboard_release(&result);
    }
}

static void clipboard__copy__puts_what_is_large_into_a_file(void **state)
{
    (void)state;
    char *text = malloc(UI_CLIPBOARD_MAX + 1);
    assert_non_null(text);
    memset(text, 'x', UI_CLIPBOARD_MAX + 1);
    struct ui_clipboard result;
    assert_int_equal(ui_clipboard_copy(&result, text, UI_CLIPBOARD_MAX, NULL), CF_OK);
    assert_int_equal(result.way, UI_CLIPBOARD_OSC52);
    ui_clipboard_release(&result);
    assert_int_equal(ui_clipboard_copy(&result, text, UI_CLIPBOARD_MAX + 1, NULL), CF_OK);
    assert_int_equal(result.way, UI_CLIPBOARD_FILE);
    struct stat status;
    assert_int_equal(stat(result.path.data, &status), 0);
    assert_int_equal(status.st_size, UI_CLIPBOARD_MAX + 1);
    assert_int_equal(status.st_mode & 0777, 0600);
    ui_clipboard_release(&result);
    free(text);
}

static void clipboard__copy__goes_through_tmux_inside_it(void **state)
{
    (void)state;
    char path[128];
    char *full = realpath(folder, NULL);
    snprintf(path, sizeof path, "%s/tmux", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n[ \"$*\" = 'load-buffer -w -' ] && cat >%s/copied\n", full);
    fclose(file);
    assert_int_equal(chmod(path, 0700), 0);
    char *old_path = strdup(getenv("PATH"));
    struct cf_buf new_path = CF_BUF_INIT;
    cf_buf_addf(&new_path, "%s:%s", full, old_path);
    setenv("PATH", new_path.data, 1);
    setenv("TMUX", "/tmp/tmux-0/default,1,0", 1);
    struct ui_clipboard result;
    assert_int_equal(ui_clipboard_copy(&result, "to tmux", 7, NULL), CF_OK);
    assert_int_equal(result.way, UI_CLIPBOARD_TMUX);
    ui_clipboard_release(&result);
    snprintf(path, sizeof path, "%s/copied", folder);
    char bytes[16] = {0};
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes - 1, file), 7);
    fclose(file);
    assert_string_equal(bytes, "to tmux");
    /* One that fails: the terminal's own way is left. */
    snprintf(path, sizeof path, "%s/tmux", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("#!/bin/sh\nexit 1\n", file);
    fclose(file);
    assert_int_equal(ui_clipboard_copy(&result, "x", 1, NULL), CF_OK);
    assert_int_equal(result.way, UI_CLIPBOARD_OSC52);
    ui_clipboard_release(&result);
    setenv("PATH", old_path, 1);
    cf_buf_release(&new_path);
    free(old_path);
    free(full);
}

#define UNIT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(clipboard__copy__writes_osc52),
        UNIT(clipboard__copy__puts_what_is_large_into_a_file),
        UNIT(clipboard__copy__goes_through_tmux_inside_it),
    };
    return cmocka_run_group_tests_name("clipboard", tests, NULL, NULL);
}
