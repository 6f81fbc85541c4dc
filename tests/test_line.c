/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line at its header: readline fed through a pipe, no terminal anywhere. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "line.h"
#include "mem.h"
#include "text.h"

#define ZHENG "\xE6\xAD\xA3"

/* A line with what its hooks were told. */
struct fixture {
    struct ui_line *line;
    int write_fd;
    int read_fd;
    struct cf_buf keys;      /* names of the keys offered, a space behind each */
    struct cf_buf submitted; /* texts, each in brackets */
    int n_edits;
    bool takes_all; /* the owner takes every key */
    char folder[64];
    char history[96];
};

static bool on_key(void *ctx, uint32_t key)
{
    struct fixture *f = ctx;
    char name[UI_KEY_TEXT_SIZE];
    ui_key_format(name, key);
    cf_buf_addf(&f->keys, "%s ", name);
    return f->takes_all || key == UI_KEY_ESC;
}

static void on_submit(void *ctx, const char *text, size_t size)
{
    struct fixture *f = ctx;
    assert_int_equal(strlen(text), size);
    cf_buf_addf(&f->submitted, "[%s]", text);
}

static void on_complete(void *ctx, struct ui_candidates *out, const char *text, size_t cursor)
{
    (void)ctx;
    static const char *const words[] = {"/help", "/hello", "/quit", "/" ZHENG "a", "/" ZHENG "b"};
    out->words = cf_calloc(CF_ARRAY_SIZE(words), sizeof *out->words);
    out->begin = 0;
    for (size_t i = 0; i < CF_ARRAY_SIZE(words); i++) {
        if (strncmp(words[i], text, cursor) == 0) {
            out->words[out->n++] = cf_strdup(words[i]);
        }
    }
    out->is_final = true;
}

static void on_edit(void *ctx)
{
    struct fixture *f = ctx;
    f->n_edits++;
}

static void on_changed(void *ctx)
{
    (void)ctx;
}

static void open_line(struct fixture *f, bool has_history)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    f->read_fd = fds[0];
    f->write_fd = fds[1];
    assert_int_equal(fcntl(f->read_fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(f->write_fd, F_SETFL, O_NONBLOCK), 0);
    struct ui_line_hooks hooks = {.ctx = f,
                                  .key = on_key,
                                  .submit = on_submit,
                                  .complete = on_complete,
                                  .edit = on_edit,
                                  .changed = on_changed};
    struct ui_line_options options = {.prompt = "> ",
                                      .history_path = has_history ? f->history : NULL,
                                      .history_max = 5,
                                      .input_fd = f->read_fd};
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(ui_line_open(&f->line, &options, &hooks, &err), CF_OK);
}

static void close_line(struct fixture *f)
{
    ui_line_close(f->line);
    f->line = NULL;
    close(f->read_fd);
    close(f->write_fd);
}

/* One file for all tests: readline remembers its name. */
static const char *inputrc_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "test_line.%ld.inputrc", (long)getpid());
    return path;
}

static void inputrc(const char *text)
{
    const char *path = inputrc_path();
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    setenv("INPUTRC", path, 1);
}

static int setup(void **state)
{
    struct fixture *f = cf_calloc(1, sizeof *f);
    cf_buf_init(&f->keys);
    cf_buf_init(&f->submitted);
    strcpy(f->folder, "test_line.XXXXXX");
    if (mkdtemp(f->folder) == NULL) {
        return -1;
    }
    snprintf(f->history, sizeof f->history, "%s/history", f->folder);
    setenv("LC_ALL", "C", 1);
    setlocale(LC_CTYPE, "C.UTF-8");
    inputrc("$if Confab\n\"\\C-t\": \"macro\"\n$endif\n");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->line != NULL) {
        close_line(f); /* the test failed */
    }
    unlink(inputrc_path());
    unlink(f->history);
    rmdir(f->folder);
    cf_buf_release(&f->keys);
    cf_buf_release(&f->submitted);
    free(f);
    return 0;
}

static void send_bytes(struct fixture *f, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(f->write_fd, bytes, size);
        assert_true(n > 0 || errno == EAGAIN);
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        }
        assert_int_equal(ui_line_read(f->line), UI_LINE_OK);
    }
    /* Until the pipe is empty: a call takes 64 KB at most. */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ui_line_read(f->line), UI_LINE_OK);
    }
}

static void type(struct fixture *f, const char *text)
{
    send_bytes(f, text, strlen(text));
}

/* The text with '|' where the cursor is. */
static void assert_line(struct fixture *f, const char *expected)
{
    struct ui_line_view view;
    ui_line_view(f->line, &view);
    struct cf_buf shown = CF_BUF_INIT;
    cf_buf_add(&shown, view.text, view.cursor);
    cf_buf_add_char(&shown, '|');
    cf_buf_add(&shown, view.text + view.cursor, view.size - view.cursor);
    assert_string_equal(shown.data, expected);
    cf_buf_release(&shown);
}

static void line__read__edits_as_readline_does(void **state)
{
    struct fixture *f = *state;
    open_line(f, false);
    type(f, "tea time");
    assert_line(f, "tea time|");
    type(f, "\x1b[D\x1b[D\x01"
            "X\x1b"
            "f\x0b");
    assert_line(f, "Xtea|");
    type(f, "\x19");
    assert_line(f, "Xtea time|");
    type(f, "\x17\x7f");
    assert_line(f, "Xtea|");
    type(f, "\x1f");
    assert_line(f, "Xtea |");
    /* The locale of the environment is C; characters are whole all the same. */
    type(f, "\x15" ZHENG ZHENG "\xF0\x9F\x98\x80\x02\x02\x7f");
    assert_line(f, "|" ZHENG "\xF0\x9F\x98\x80");
    type(f, "\x06\x1b[3~");
    assert_line(f, ZHENG "|");
    /* Esc and a character at once, or Alt with a letter of a keyboard that has it: never half. */
    type(f, "\x1b" ZHENG "\x1b\xC3\xA4");
    assert_line(f, ZHENG ZHENG "\xC3\xA4|");
    assert_string_equal(getenv("LC_ALL"), "C");
    assert_string_equal(setlocale(LC_CTYPE, NULL), "C.UTF-8");
    close_line(f);
}

static void line__read__submits_on_enter_only(void **state)
{
    struct fixture *f = *state;
    open_line(f, false);
    type(f, "one\x0atwo\x1b\rthree");
    assert_string_equal(f->submitted.data, "");
    assert_line(f, "one\ntwo\nthree|");
    type(f, "\r");
    assert_string_equal(f->submitted.data, "[one\ntwo\nthree]");
    assert_true(ui_line_is_empty(f->line));
    type(f, "\r\r\x04");
    assert_string_equal(f->submitted.data, "[one\ntwo\nthree]");
    type(f, "a\rb\r");
    assert_string_equal(f->submitted.data, "[one\ntwo\nthree][a][b]");
    close_line(f);
}

static void line__read__offers_keys_to_the_owner_first(void **state)
{
    struct fixture *f = *state;
    open_line(f, false);
    type(f, "a\x1b[1;3A\x1bOP\x03");
    assert_string_equal(f->keys.data, "a Alt-Up F1 Ctrl-C ");
    assert_line(f, "a|");
    f->takes_all = true;
    type(f, "b\r");
    assert_line(f, "a|");
    f->takes_all = false;
    /* In the middle of a search ordinary keys are readline's, Ctrl-C is still the owner's. */
    cf_buf_clear(&f->keys);
    type(f, "\x12x\x03");
    assert_string_equal(f->keys.data, "Ctrl-R Ctrl-C ");
    /* What means nothing to readline types nothing. */
    ui_line_clear(f->line);
    type(f, "\x1b[15;2~\x1b[7~\x1b[5;5~\x1bOa");
    assert_line(f, "|");
    close_line(f);
}

static void line__read__quotes_one_key(void **state)
{
    struct fixture *f = *state;
    open_line(f, false);
    cf_buf_clear(&f->keys);
    type(f, "\x16\x03"
            "a\x03");
    assert_string_equal(f->keys.data, "Ctrl-V Ctrl-C a Ctrl-C ");
    type(f, "\x15\x16\t.");
    assert_line(f, "\t.|");
    close_line(f);
}

static void line__read__pastes_as_one_change(void **state)
{
    struct fixture *f = *state;
    open_line(f, false);
    type(f, "a\x1b[200~one\rtwo\r\x1b[201~b");
    assert_string_equal(f->submitted.data, "");
    assert_line(f, "aone\ntwo\nb|");
    type(f, "\x1f");
    assert_line(f, "aone\ntwo\n|");
    type(f, "\x1f");
    assert_line(f, "a|");
    /* A hundred kilobytes, of Chinese too. */
    struct cf_buf paste = CF_BUF_INIT;
    cf_buf_add_str(&paste, "\x1b[200~");
    while (paste.size < 100000) {
        cf_buf_add_str(&paste, "line of " ZHENG " text\r");
    }
    size_t size = paste.size - 6;
    cf_buf_add_str(&paste, "\x1b[201~");
    send_bytes(f, paste.data, paste.size);
    struct ui_line_view view;
    ui_line_view(f->line, &view);
    assert_int_equal(view.size, size + 1);
    assert_string_equal(f->submitted.data, "");
    assert_true(ui_line_rows(f->line, 40) > 500);
    type(f, "\x1f");
    assert_line(f, "a|");
    /* Ends a search and keeps what it found. */
    type(f, "\x15needle\r\x12nee\x1b[200~!\x1b[201~");
    ui_line_view(f->line, &view);
    assert_string_equal(view.text, "!needle");
    assert_false(view.is_searching);
    cf_buf_release(&paste);
    close_line(f);
}

static void line__read__reads_the_inputrc_of_confab(void **state)
{
    struct fixture *f = *state;
    inputrc("set bell-style audible\nset enable-bracketed-paste on\n"
            "$if Confab\n\"\\C-t\": \"macro\"\n\"\\e[5~\": beginning-of-line\n"
            "\"\\C-j\": accept-line\n$endif\n$if Bash\n\"\\C-o\": \"no\"\n$endif\n");
    open_line(f, false);
    type(f, "x\x14");
    assert_line(f, "xmacro|");
    type(f, "\x1b[5~");
    assert_line(f, "|xmacro");
    type(f, "\x0a");
    assert_string_equal(f->submitted.data, "[xmacro]");
    close_line(f);
}

static void line__read__knows_vi(void **state)
{
    struct fixture *f = *state;
    inputrc("set editing-mode vi\n");
    open_line(f, false);
    struct ui_line_view view;
    type(f, "tea time");
    ui_line_view(f->line, &view);
    assert_false(view.is_vi_command);
    /* A lone Esc, which only time tells, must go to readline while inserting. */
    type(f, "\x1b");
    while (ui_line_timeout_ms(f->line) > 0) {
        ui_line_tick(f->line);
    }
    ui_line_tick(f->line);
    ui_line_view(f->line, &view);
    assert_true(view.is_vi_command);
    assert_null(strstr(f->keys.data, "Esc"));
    type(f, "0dw");
    assert_line(f, "|time");
    type(f, "ix\x1b[C\r");
    assert_string_equal(f->submitted.data, "[xtime]");
    ui_line_view(f->line, &view);
    assert_false(view.is_vi_command);
    close_line(f);
}

static void line__read__completes_and_shows_candidates(void **state)
{
    struct fixture *f = *state;
    open_line(f, false);
    struct ui_line_view view;
    type(f, "/h\t");
    assert_line(f, "/hel|");
    ui_line_view(f->line, &view);
    assert_int_equal(view.n_candidates, 2);
    assert_string_equal(view.candidates[0], "/help");
    type(f, "p");
    ui_line_view(f->line, &view);
    assert_int_equal(view.n_candidates, 0);
    type(f, "\t");
    assert_line(f, "/help |");
    ui_line_clear(f->line);
    type(f, "/" ZHENG "\t");
    assert_line(f, "/" ZHENG "|");
    ui_line_clear(f->line);
    type(f, "nothing\t");
    assert_line(f, "nothing|");
    close_line(f);
}

static void line__history__is_found_and_searched(void **state)
{
    struct fixture *f = *state;
    open_line(f, false);
    type(f, "first tea\rsecond\nline\x0ahere\rthird\rthird\r");
    type(f, "draft\x1b[A");
    assert_line(f, "third|");
    type(f, "\x1b[A");
    assert_line(f, "second\nline\nhere|");
    /* Within the text first, then beyond its edge. */
    type(f, "\x1b[A");
    assert_line(f, "second\nline|\nhere");
    type(f, "\x1b[A\x1b[A");
    assert_line(f, "first tea|");
    for (int i = 0; i < 3; i++) {
        type(f, "\x1b[B");
    }
    assert_line(f, "draft|");
    struct ui_line_view view;
    type(f, "\x12tea");
    ui_line_view(f->line, &view);
    assert_true(view.is_searching);
    assert_true(ui_line_is_pending(f->line));
    assert_string_equal(view.prompt, "(reverse-i-search)`tea': ");
    assert_string_equal(view.text, "first tea");
    ui_line_abort(f->line);
    assert_line(f, "draft|");
    ui_line_view(f->line, &view);
    assert_false(view.is_searching);
    assert_string_equal(view.prompt, "> ");
    type(f, "\x1b"
            "4");
    ui_line_view(f->line, &view);
    assert_string_equal(view.prompt, "(arg: 4) ");
    ui_line_abort(f->line);
    ui_line_view(f->line, &view);
    assert_string_equal(view.prompt, "> ");
    assert_false(ui_line_is_pending(f->line));
    close_line(f);
}

/* -- The history file ------------------------------------------------------------------------- */

static void assert_file(const char *path, const char *expected)
{
    char bytes[512] = {0};
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, bytes, sizeof bytes - 1) >= 0);
    close(fd);
    assert_string_equal(bytes, expected);
}

static void line__history__is_kept_in_a_private_file(void **state)
{
    struct fixture *f = *state;
    open_line(f, true);
    type(f, "one\x0a two\r"
            "a\\nb\r" ZHENG "\r" ZHENG "\r");
    close_line(f);
    assert_file(f->history, "one\\n two\na\\\\nb\n" ZHENG "\n");
    struct stat status;
    assert_int_equal(stat(f->history, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    open_line(f, true);
    type(f, "\x1b[A");
    assert_line(f, ZHENG "|");
    type(f, "\x1b[A");
    assert_line(f, "a\\nb|");
    type(f, "\x1b[A");
    assert_line(f, "one\n two|");
    close_line(f);
}

static void line__history__is_cut_when_it_has_grown(void **state)
{
    struct fixture *f = *state;
    FILE *file = fopen(f->history, "w");
    assert_non_null(file);
    for (int i = 0; i < 11; i++) {
        fprintf(file, "entry %d\n", i);
    }
    fclose(file);
    assert_int_equal(chmod(f->history, 0644), 0);
    open_line(f, true);
    close_line(f);
    assert_file(f->history, "entry 6\nentry 7\nentry 8\nentry 9\nentry 10\n");
    struct stat status;
    assert_int_equal(stat(f->history, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void line__history__that_cannot_be_opened_is_said_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir(f->history, 0700), 0);
    open_line(f, true);
    const char *notice = ui_line_take_notice(f->line);
    assert_non_null(notice);
    assert_non_null(strstr(notice, "history file"));
    assert_null(ui_line_take_notice(f->line));
    type(f, "works\r");
    assert_string_equal(f->submitted.data, "[works]");
    close_line(f);
    rmdir(f->history);
}

/* -- The text as a whole ---------------------------------------------------------------------- */

static void line__set__and_replace_differ_in_undo(void **state)
{
    struct fixture *f = *state;
    open_line(f, false);
    type(f, "typed");
    ui_line_set(f->line,
                "dr\xFF"
                "aft\0x",
                8);
    assert_line(f, "dr\xEF\xBF\xBD"
                   "aftx|");
    type(f, "\x1f");
    assert_line(f, "dr\xEF\xBF\xBD"
                   "aftx|");
    ui_line_replace(f->line, "new", 3);
    assert_line(f, "new|");
    type(f, "\x1f");
    assert_line(f, "dr\xEF\xBF\xBD"
                   "aftx|");
    ui_line_clear(f->line);
    assert_true(ui_line_is_empty(f->line));
    type(f, "\x1f");
    assert_line(f, "dr\xEF\xBF\xBD"
                   "aftx|");
    ui_line_insert(f->line, "!", 1);
    assert_line(f, "dr\xEF\xBF\xBD"
                   "aftx!|");
    close_line(f);
}

static void line__edit__goes_through_a_private_file(void **state)
{
    struct fixture *f = *state;
    char *folder = realpath(f->folder, NULL);
    assert_non_null(folder);
    setenv("XDG_RUNTIME_DIR", folder, 1);
    setenv("VISUAL", "my editor", 1);
    open_line(f, false);
    type(f, "draft\x18\x05");
    assert_int_equal(f->n_edits, 1);
    const char *const *argv = NULL;
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(ui_line_edit_begin(f->line, &argv, &err), CF_OK);
    assert_string_equal(argv[0], "sh");
    assert_string_equal(argv[2], "my editor \"$1\"");
    char path[512];
    snprintf(path, sizeof path, "%s", argv[4]);
    assert_int_equal(strncmp(path, folder, strlen(folder)), 0);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_file(path, "draft\n");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("one\ntwo\n", file);
    fclose(file);
    assert_int_equal(ui_line_edit_end(f->line, 0, &err), CF_OK);
    assert_line(f, "one\ntwo|");
    assert_int_equal(access(path, F_OK), -1);
    type(f, "\x1f");
    assert_line(f, "draft|");
    /* The editor failed: the line is as before, the file stays. */
    assert_int_equal(ui_line_edit_begin(f->line, &argv, &err), CF_OK);
    snprintf(path, sizeof path, "%s", argv[4]);
    assert_int_equal(ui_line_edit_end(f->line, W_EXITCODE(1, 0), &err), CF_ERR_IO);
    assert_non_null(strstr(err.text, path));
    assert_line(f, "draft|");
    assert_int_equal(unlink(path), 0);
    close_line(f);
    snprintf(path, sizeof path, "%s/confab", folder);
    assert_int_equal(rmdir(path), 0);
    free(folder);
}

/* -- Drawing ---------------------------------------------------------------------------------- */

static void assert_drawn(struct fixture *f, int width, int height, const char *expected,
                         int cursor_x, int cursor_y)
{
    struct ui_grid grid = {0};
    ui_grid_resize(&grid, width, height);
    struct ui_rect rect = {.width = width, .height = height};
    int x = -9;
    int y = -9;
    ui_line_draw(f->line, &grid, rect, UI_STYLE_PLAIN, UI_STYLE_PLAIN, &x, &y);
    struct cf_buf out = CF_BUF_INIT;
    ui_grid_dump(&grid, &out);
    assert_string_equal(out.data, expected);
    assert_int_equal(x, cursor_x);
    assert_int_equal(y, cursor_y);
    cf_buf_release(&out);
    ui_grid_release(&grid);
}

static void line__draw__wraps_and_scrolls(void **state)
{
    struct fixture *f = *state;
    open_line(f, false);
    assert_drawn(f, 10, 2, ">\n\n", 2, 0);
    type(f, "tea in the rain");
    assert_int_equal(ui_line_rows(f->line, 12), 2);
    assert_drawn(f, 12, 3, "> tea in the\n  rain\n\n", 6, 1);
    assert_drawn(f, 12, 1, "  rain\n", 6, 0);
    type(f, "\x01");
    assert_drawn(f, 12, 1, "> tea in the\n", 2, 0);
    /* A row that is full has the cursor on the next one. */
    ui_line_set(f->line, "abcdef", 6);
    assert_int_equal(ui_line_rows(f->line, 8), 2);
    assert_drawn(f, 8, 2, "> abcdef\n\n", 2, 1);
    ui_line_set(f->line, ZHENG ZHENG ZHENG, 9);
    assert_drawn(f, 7, 2, "> " ZHENG ZHENG "\n  " ZHENG "\n", 4, 1);
    /* What acts is shown; the cursor stands behind all of it. */
    ui_line_set(f->line, "a\x1b[", 3);
    assert_drawn(f, 12, 1, "> a\\x1b[\n", 8, 0);
    type(f, "\x02\x02");
    assert_drawn(f, 12, 1, "> a\\x1b[\n", 3, 0);
    /* A prompt too wide to stand beside the text flows with it. */
    ui_line_set(f->line, "", 0);
    type(f, "needle\r\x12nee");
    assert_drawn(f, 20, 3, "(reverse-i-\nsearch)`nee': needle\n\n", 14, 1);
    ui_line_set(f->line, "needle", 6);
    type(f, "\x01");
    assert_drawn(f, 1, 3, ">\nn\ne\n", 0, 1);
    assert_drawn(f, 0, 0, "", -1, -1);
    close_line(f);
}

static void line__draw__follows_every_edit(void **state)
{
    struct fixture *f = *state;
    open_line(f, false);
    /* Editing in the middle lays out from there on: compare with laying out anew, which another
     * width in between forces. */
    static const char *const edits[] = {"word ", "\x01", "longerword", "\033f", "\x0a", "\x05",
                                        ZHENG,   "\x02", "\x17",       "\x1f",  "\x04", " "};
    for (size_t i = 0; i < 300; i++) {
        type(f, edits[i * 7 % CF_ARRAY_SIZE(edits)]);
        type(f, edits[i % 5]);
        struct ui_grid grids[2] = {{0}, {0}};
        int x[2];
        int y[2];
        for (size_t k = 0; k < 2; k++) {
            ui_grid_resize(&grids[k], 17, 40);
            struct ui_rect rect = {.width = 17, .height = 40};
            ui_line_draw(f->line, &grids[k], rect, UI_STYLE_PLAIN, UI_STYLE_PLAIN, &x[k], &y[k]);
            if (k == 0) {
                ui_line_rows(f->line, 30);
            }
        }
        assert_int_equal(x[0], x[1]);
        assert_int_equal(y[0], y[1]);
        for (int row = 0; row < 40; row++) {
            assert_true(ui_grid_row_equal(&grids[0], &grids[1], row));
        }
        ui_grid_release(&grids[0]);
        ui_grid_release(&grids[1]);
    }
    close_line(f);
}

static void line__read__takes_many_arrows_for_the_wheel(void **state)
{
    struct fixture *f = *state;
    open_line(f, false);
    type(f, "\x1b[A\x1b[A\x1b[A");
    assert_string_equal(f->keys.data, "WheelUp ");
    type(f, "\x1bOB\x1bOB\x1bOB\x1bOB\x1bOB\x1bOB");
    assert_string_equal(f->keys.data, "WheelUp WheelDown WheelDown ");
    cf_buf_clear(&f->keys);
    type(f, "\x1b[A\x1b[A");
    type(f, "\x1b[A\x1b[B\x1b[A");
    assert_string_equal(f->keys.data, "Up Up Up Down Up ");
    close_line(f);
}

#define UNIT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT(line__read__edits_as_readline_does),
        UNIT(line__read__submits_on_enter_only),
        UNIT(line__read__offers_keys_to_the_owner_first),
        UNIT(line__read__quotes_one_key),
        UNIT(line__read__pastes_as_one_change),
        UNIT(line__read__reads_the_inputrc_of_confab),
        UNIT(line__read__completes_and_shows_candidates),
        UNIT(line__history__is_found_and_searched),
        UNIT(line__history__is_kept_in_a_private_file),
        UNIT(line__history__is_cut_when_it_has_grown),
        UNIT(line__history__that_cannot_be_opened_is_said_once),
        UNIT(line__set__and_replace_differ_in_undo),
        UNIT(line__edit__goes_through_a_private_file),
        UNIT(line__draw__wraps_and_scrolls),
        UNIT(line__draw__follows_every_edit),
        UNIT(line__read__takes_many_arrows_for_the_wheel),
        UNIT(line__read__knows_vi),
    };
    return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
