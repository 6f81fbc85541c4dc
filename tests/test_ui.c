/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The face, as a person uses it: the program itself in a pseudo-terminal, with a model that never
 * ends a reply by itself. */
#include "ui_harness.h"

#include <signal.h>

static bool is_first_row_gone(struct pty *pty, const void *text)
{
    struct cf_buf row = CF_BUF_INIT;
    pty_row(pty, 2, &row);
    bool is_gone = strstr(row.data, text) == NULL;
    cf_buf_release(&row);
    return is_gone;
}

/* Waits until so much has come that the message has left the view. */
static void wait_for_more_than_a_screen(struct pty *pty, const char *text)
{
    pty_wait_text(pty, text);
    pty_wait(pty, is_first_row_gone, text, "a screen full of tokens");
}

/* The body as it is, without the last three rows, which say how things go on. */
static void take_body(struct pty *pty, int height, struct cf_buf *body)
{
    cf_buf_clear(body);
    for (int y = 2; y < height - 3; y++) {
        pty_row(pty, y, body);
        cf_buf_add_char(body, '\n');
    }
}

static void ui__reply__streams_stops_and_has_alternatives(void **state)
{
    (void)state;
    struct pty *pty = start(80, 24);
    pty_wait_text(pty, "Write a message");
    send_message(pty, "hello there");
    pty_wait_row(pty, 2, " you   hello there");
    wait_for_tokens(pty);
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    pty_wait_no_text(pty, "Esc stop");
    /* In the transcript. */
    pty_type(pty, "\033");
    pty_wait_text(pty, "r again");
    pty_type(pty, "r");
    pty_wait_text(pty, "Esc stop");
    wait_for_tokens(pty);
    pty_type(pty, "\033");
    pty_wait_text(pty, "\xe2\x80\xb9"
                       "2/2\xe2\x80\xba \xc2\xb7 stopped");
    pty_type(pty, "h");
    pty_wait_text(pty, "1/2");
    pty_type(pty, "h");
    pty_wait_text(pty, "irst alternative");
    pty_type(pty, "l");
    pty_wait_text(pty, "2/2");
    /* Continue where it was stopped. */
    pty_type(pty, "c");
    pty_wait_text(pty, "Esc stop");
    pty_type(pty, "\033");
    pty_wait_text(pty, "2/2");
    pty_wait_no_text(pty, "Esc stop");
    /* Back in the line, and out. */
    pty_type(pty, "q");
    pty_wait_text(pty, "F3 list");
    pty_type(pty, "\004");
    leave(pty);
}

/* The rule below the view says something else than TEXT. */
static bool is_news_other(struct pty *pty, const void *text)
{
    struct cf_buf row = CF_BUF_INIT;
    pty_row(pty, 7, &row);
    bool is_other = strcmp(row.data, text) != 0;
    cf_buf_release(&row);
    return is_other;
}

static void ui__view__stands_still_while_a_reply_streams(void **state)
{
    enum { HEIGHT = 10 };
    (void)state;
    struct pty *pty = start(40, HEIGHT);
    send_message(pty, "go on for long");
    wait_for_more_than_a_screen(pty, "go on for long");
    pty_type(pty, "\033[5~");
    pty_wait_text(pty, "new token");
    struct cf_buf before = CF_BUF_INIT;
    struct cf_buf after = CF_BUF_INIT;
    take_body(pty, HEIGHT, &before);
    struct cf_buf news = CF_BUF_INIT;
    for (int i = 0; i < 5; i++) {
        /* Pictures in which the count of new tokens moves, and nothing else does. */
        cf_buf_clear(&news);
        pty_row(pty, HEIGHT - 3, &news);
        pty_wait(pty, is_news_other, news.data, "more new tokens");
        take_body(pty, HEIGHT, &after);
        assert_string_equal(before.data, after.data);
    }
    static const struct {
        int width;
        int height;
    } sizes[] = {{200, 60}, {20, 5}, {1, 1}, {80, 24}, {40, HEIGHT}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes); i++) {
        pty_resize(pty, sizes[i].width, sizes[i].height);
        pty_pause_ms(pty, 10);
    }
    pty_wait_text(pty, "new token");
    take_body(pty, HEIGHT, &after);
    assert_string_equal(before.data, after.data);
    /* End follows again. */
    pty_type(pty, "\033[F");
    pty_wait_text(pty, "\xe2\x96\x8c");
    pty_wait_no_text(pty, "new token");
    pty_type(pty, "\003");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "\003");
    leave(pty);
    cf_buf_release(&before);
    cf_buf_release(&after);
    cf_buf_release(&news);
}

static void ui__keys__all_work_while_a_reply_streams(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "stream");
    pty_wait_text(pty, "T 0.80");
    pty_type(pty, "\033[1;3A"); /* Alt-Up */
    pty_wait_text(pty, "T 0.85");
    pty_type(pty, "\033[15~"); /* F5 */
    pty_wait_text(pty, "T 0.80");
    pty_type(pty, "\033[18~"); /* F7 */
    pty_wait_text(pty, "top-p 0.94");
    pty_type(pty, "\033OQ"); /* F2 */
    pty_wait_text(pty, "next token");
    pty_wait_text(pty, "temperature");
    pty_type(pty, "\033[C\033[C");
    pty_wait_text(pty, "T 0.90");
    pty_type(pty, "\033OQ");
    pty_wait_no_text(pty, "next token");
    pty_type(pty, "\033OR"); /* F3 */
    pty_wait_text(pty, "Conversations");
    pty_type(pty, "\033OR");
    pty_wait_no_text(pty, "Conversations");
    pty_type(pty, "\033OP"); /* F1 */
    pty_wait_text(pty, "Anywhere");
    pty_type(pty, "\033OP");
    pty_wait_no_text(pty, "Anywhere");
    pty_type(pty, "/help\r");
    pty_wait_text(pty, "/new [TITLE]");
    assert_false(pty_has_text(pty, "Anywhere"));
    pty_type(pty, "\033OP");
    pty_wait_no_text(pty, "/new [TITLE]");
    /* The line is edited, what is sent waits, another draft follows. */
    pty_type(pty, "this one wxits");
    pty_type(pty, "\033[D\033[D\033[D\177a\005");
    pty_wait_text(pty, "this one waits");
    pty_type(pty, "\r");
    pty_wait_text(pty, "1 waiting");
    pty_type(pty, "a draft");
    pty_wait_text(pty, "a draft");
    pty_wait_text(pty, "Esc stop");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "\003\004");
    pty_wait_exit(pty);
}

static void ui__list__opens_renames_deletes_and_undoes(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "first one");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "\033OS"); /* F4 */
    pty_wait_text(pty, "New conversation");
    send_message(pty, "second one");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "\033OR");
    pty_wait_text(pty, "Conversations");
    pty_wait_text(pty, "you   second one");
    pty_wait_text(pty, "second one           2 "); /* it has come into the list */
    pty_type(pty, "r");
    pty_wait_text(pty, "title");
    pty_type(pty, "\025a better title\r");
    pty_wait_text(pty, " a better title");
    /* The title asked for, the list has the keys again. */
    pty_wait_no_text(pty, "title ›");
    /* What is said last is shown at once, whatever was said before. */
    pty_type(pty, "d");
    pty_wait_text(pty, "Deleted ‘a better title’; u brings it back");
    pty_type(pty, "u");
    pty_wait_text(pty, "Undone: deletion of ‘a better title’");
    pty_wait_no_text(pty, "brings it back");
    pty_type(pty, "j\r");
    pty_wait_text(pty, "you   first one");
    pty_type(pty, "/delete\r");
    pty_wait_text(pty, "Deleted ‘first one’; /undo brings it back");
    pty_wait_no_text(pty, "you   first one");
    pty_type(pty, "/undo\r");
    pty_wait_text(pty, "Undone: deletion of ‘first one’");
    pty_type(pty, "/open better\r");
    pty_wait_text(pty, "you   second one");
    pty_type(pty, "\004");
    leave(pty);
}

static void ui__start__goes_on_where_it_was_left(void **state)
{
    (void)state;
    struct pty *pty = start(80, 24);
    send_message(pty, "remember me");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "a draft \xe6\x88\x91\xe6\xad\xa3");
    pty_wait_text(pty, "a draft \xe6\x88\x91\xe6\xad\xa3");
    pty_signal(pty, SIGTERM);
    leave(pty);
    pty = start_with(80, 24, NULL);
    pty_wait_text(pty, "remember me");
    pty_wait_text(pty, "stopped");
    pty_wait_text(pty, "a draft \xe6\x88\x91\xe6\xad\xa3");
    /* Stopped in the middle of a reply: what there is of it is kept. */
    pty_type(pty, "\003");
    send_message(pty, "once more");
    pty_wait_text(pty, "tok/s");
    pty_hang_up(pty);
    assert_int_equal(pty_wait_exit(pty), 0);
    pty_end(pty);
    pty = start_with(80, 24, NULL);
    pty_wait_text(pty, "once more");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "\004");
    leave(pty);
}

static bool has_left(struct pty *pty, const void *ctx)
{
    (void)ctx;
    return !pty_is_alternate(pty) || pty_has_ended(pty);
}

/* A terminal that closes, a shell and a session that end: each of them sends its signal. */
static void ui__signals__do_not_cut_the_saving_short(void **state)
{
    (void)state;
    static const char *const slow[] = {"CONFAB_TEST_COMMIT_DELAY_MS=100", NULL};
    struct pty *pty = start_with(80, 24, slow);
    pty_wait_text(pty, "0/4096");
    send_message(pty, "keep me");
    pty_signal(pty, SIGTERM);
    pty_wait(pty, has_left, NULL, "the terminal given back");
    while (!pty_has_ended(pty)) {
        pty_signal(pty, SIGTERM);
        pty_signal(pty, SIGHUP);
        pty_signal(pty, SIGINT);
        pty_pause_ms(pty, 10);
    }
    leave(pty);
    pty = start_with(80, 24, NULL);
    pty_wait_text(pty, "keep me");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "\004");
    leave(pty);
}

static void ui__commands__answer_and_complain(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    pty_type(pty, "/tmep 1\r");
    pty_wait_text(pty, "did you mean /temp?");
    /* It is back in the line, to be corrected. */
    pty_wait_text(pty, "/tmep 1");
    pty_type(pty, "\025/temp 1.25\r");
    pty_wait_text(pty, "T 1.25");
    /* What went wrong before is over with the next command. */
    assert_false(pty_has_text(pty, "did you mean"));
    pty_type(pty, "/set top-k\r");
    pty_wait_text(pty, "top-k = 50");
    pty_type(pty, "/model nosuch\r");
    pty_wait_text(pty,
                  "There is no file, folder or installed model called nosuch (installed: none)");
    pty_wait_no_text(pty, "top-k = 50");
    pty_wait_text(pty, "/model nosuch");
    pty_type(pty, ".gguf\r");
    pty_wait_text(pty, "Cannot open model nosuch.gguf: No such file");
    pty_type(pty, "\025/temp many\r");
    pty_wait_text(pty, "temperature must be");
    pty_wait_text(pty, "/temp many");
    pty_type(pty, "\025/se\t");
    pty_wait_text(pty, "/search");
    pty_type(pty, "\025/help set\r");
    pty_wait_text(pty, "/set [NAME [VALUE]]");
    pty_type(pty, "/theme mono\r");
    pty_type(pty, "/set temperature default\r");
    pty_wait_text(pty, "T 0.80");
    pty_type(pty, "//slash");
    pty_type(pty, "\r");
    pty_wait_text(pty, " /slash");
    pty_wait_text(pty, "Esc stop");
    pty_type(pty, "/quit\r");
    leave(pty);
}

/* A command that waits for what is typed says so. */
static void ask__on_a_terminal__says_what_it_waits_for(void **state)
{
    (void)state;
    char model[2300];
    snprintf(model, sizeof model, "%s/slow", here);
    const char *argv[] = {
        getenv("CONFAB_PROGRAM"), "ask", "--no-save", "-m", model, "-n", "3", NULL};
    struct pty_options options = {.width = 80, .height = 10};
    struct pty *pty = pty_start(argv, &options);
    pty_wait_text(pty, "confab: reading the message from standard input, end with Ctrl-D");
    pty_type(pty, "hello\n\004");
    assert_int_equal(pty_wait_exit(pty), 0);
    pty_end(pty);
}

static void ui__search__finds_marks_and_opens(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    send_message(pty, "about marmalade");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "\033OS");
    pty_wait_text(pty, "New conversation");
    send_message(pty, "about \xe4\xba\xba\xe5\xb7\xa5\xe6\x99\xba\xe8\x83\xbd");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    /* From the transcript, with its own prompt; one Chinese character is enough. */
    pty_type(pty, "\033");
    pty_wait_text(pty, "r again");
    pty_type(pty, "/");
    pty_wait_text(pty, "search \xe2\x80\xba");
    pty_type(pty, "\xe6\x99\xba\r"); /* Enter opens it, also when it comes before the answer */
    pty_wait_no_text(pty, "Search:");
    pty_wait_text(pty, "r again");
    pty_type(pty, "q");
    pty_wait_text(pty, "F3 list");
    pty_type(pty, "/search marmalade\r");
    pty_wait_text(pty, "Search: marmalade (1)");
    pty_type(pty, "\r");
    pty_wait_text(pty, "you   about marmalade");
    pty_wait_no_text(pty, "Search:");
    pty_type(pty, "n");
    pty_wait_text(pty, "r again");
    pty_type(pty, "q");
    pty_wait_text(pty, "F3 list");
    pty_type(pty, "\004");
    leave(pty);
}

static void ui__export__writes_a_new_file_only(void **state)
{
    (void)state;
    struct pty *pty = start(120, 24);
    send_message(pty, "export me");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    char text[2400];
    snprintf(text, sizeof text, "/export %s/out.md\r", here);
    pty_type(pty, text);
    pty_wait_text(pty, "Written to");
    pty_type(pty, text);
    pty_wait_text(pty, "exists already");
    snprintf(text, sizeof text, "\025/import %s/out.md\r", here);
    pty_type(pty, text);
    pty_wait_text(pty, "is no JSON");
    char name[2200];
    snprintf(name, sizeof name, "%s/in.jsonl", here);
    FILE *lines = fopen(name, "we");
    assert_non_null(lines);
    (void)fputs("{\"messages\":[{\"role\":\"user\",\"content\":\"Kam von draußen\"}]}\n", lines);
    assert_int_equal(fclose(lines), 0);
    snprintf(text, sizeof text, "\025/import %s\r", name);
    pty_type(pty, text);
    pty_wait_text(pty, "1 conversation with 1 message came from");
    pty_type(pty, "\033OR"); /* F3: it is in the list */
    pty_wait_text(pty, "Kam von draußen");
    pty_type(pty, "\033OR");
    pty_wait_no_text(pty, "Kam von draußen");
    pty_type(pty, "\025/stats\r");
    pty_wait_text(pty, "tokens/s");
    pty_type(pty, "/context\r");
    pty_wait_text(pty, "The model sees the whole conversation");
    pty_type(pty, "/tokens abc\r");
    pty_wait_text(pty, "3 tokens, 3 bytes");
    pty_type(pty, "/copy\r");
    pty_wait_text(pty, "Copied");
    assert_true(pty_has_output(pty, "\033]52;c;"));
    pty_type(pty, "/exit\r");
    leave(pty);
    snprintf(text, sizeof text, "%s/out.md", here);
    FILE *file = fopen(text, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    fclose(file);
    assert_non_null(strstr(text, "export me"));
}

static void ui__suspend__comes_back_while_a_reply_streams(void **state)
{
    (void)state;
    struct pty *pty = start(60, 16);
    send_message(pty, "suspend me");
    pty_type(pty, "\032");
    pty_wait_stopped(pty);
    assert_false(pty_is_alternate(pty));
    pty_assert_modes_as_before(pty);
    pty_foreground(pty);
    pty_wait_alternate(pty);
    pty_wait_text(pty, "Esc stop");
    pty_type(pty, "\033");
    pty_wait_text(pty, "stopped");
    pty_type(pty, "\004");
    leave(pty);
}

/* 100 kB are one change of the line, and nothing of it is sent. */
static void ui__paste__is_text_and_nothing_else(void **state)
{
    (void)state;
    struct pty *pty = start(80, 24);
    struct cf_buf paste = CF_BUF_INIT;
    cf_buf_add_str(&paste, "\033[200~");
    while (paste.size < 100 * 1024) {
        cf_buf_add_str(&paste, "pasted line \033\r\n/quit\r");
    }
    cf_buf_add_str(&paste, "the end\033[201~");
    pty_send(pty, paste.data, paste.size);
    pty_wait_text(pty, "the end");
    pty_wait_text(pty, "New conversation");
    pty_type(pty, "\003");
    pty_wait_no_text(pty, "the end");
    pty_type(pty, "\004");
    leave(pty);
    cf_buf_release(&paste);
}

static void ui__wide__stands_in_its_columns_in_any_locale(void **state)
{
    (void)state;
    static const char *const locales[] = {"LC_ALL=C", "LC_ALL=C.UTF-8", "LC_ALL=de_DE.UTF-8"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(locales); i++) {
        const char *more[] = {locales[i], NULL};
        n_homes++;
        struct pty *pty = start_with(40, 10, more);
        pty_wait_text(pty, "0/4096");
        /* U+6B63 and U+1F600 take two columns each. */
        pty_type(pty, "\xe6\xad\xa3"
                      "a\xf0\x9f\x98\x80z");
        pty_wait_cursor(pty, 8, 8);
        assert_int_equal(pty_column_of(pty, 8, "z"), 7);
        /* Left over one of them, split in the middle of the sequence. */
        pty_type(pty, "\033");
        pty_pause_ms(pty, 30);
        pty_type(pty, "[D");
        pty_wait_cursor(pty, 7, 8);
        pty_type(pty, "\033[D");
        pty_wait_cursor(pty, 5, 8);
        pty_type(pty, "\r");
        pty_wait_text(pty, "Esc stop");
        pty_wait_row(pty, 2,
                     " you  \xe6\xad\xa3"
                     "a\xf0\x9f\x98\x80z");
        assert_int_equal(pty_column_of(pty, 2, "z"), 11);
        pty_type(pty, "\003"); /* a lone Esc takes 300 ms once a sequence came in parts */
        pty_wait_no_text(pty, "Esc stop");
        pty_type(pty, "\004");
        leave(pty);
    }
}

struct passes {
    long long n;
    long long longest_us;
    long long longest_cpu_us; /* the front thread's own work */
};

/* A conversation with a reply that fills the screen, stopped and left; how long the passes of the
 * loop were while it streamed. */
static struct passes measure(const char *delay)
{
    char variable[2300];
    char path[2200];
    snprintf(path, sizeof path, "%s/loop.log", here);
    snprintf(variable, sizeof variable, "CONFAB_TEST_LOOP_LOG=%s", path);
    const char *more[] = {variable, delay, NULL};
    struct pty *pty = start_with(40, 10, more);
    pty_wait_text(pty, "0/4096");
    send_message(pty, "measure");
    wait_for_more_than_a_screen(pty, "measure");
    pty_type(pty, "a draft that is typed meanwhile");
    pty_wait_text(pty, "typed meanwhile");
    pty_type(pty, "\003\003\003");
    leave(pty);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct passes other = {0};
    struct passes streaming = {0};
    assert_int_equal(fscanf(file,
                            "other %lld longest_us %lld longest_cpu_us %lld\n"
                            "streaming %lld longest_us %lld longest_cpu_us %lld",
                            &other.n, &other.longest_us, &other.longest_cpu_us, &streaming.n,
                            &streaming.longest_us, &streaming.longest_cpu_us),
                     6);
    fclose(file);
    assert_true(streaming.n > 10);
    assert_true(streaming.longest_cpu_us > 0);
    print_message("# longest pass of %lld while streaming: %lld us, own work %lld us\n",
                  streaming.n, streaming.longest_us, streaming.longest_cpu_us);
    return streaming;
}

static void ui__loop__works_little_at_a_time(void **state)
{
    (void)state;
    /* The thread's own work: what others on a busy machine take is not counted. */
    assert_true(measure(NULL).longest_cpu_us < 5000 || IS_SANITIZED);
}

static void ui__loop__never_waits_for_the_disk(void **state)
{
    (void)state;
    struct passes passes = measure("CONFAB_TEST_COMMIT_DELAY_MS=200");
    assert_true(passes.longest_cpu_us < 5000 || IS_SANITIZED);
    assert_true(passes.longest_us < 190000);
}

/* With an argument: the tests whose names match this pattern. */
int main(int argc, char **argv)
{
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    const struct CMUnitTest tests[] = {
        TEST(ui__reply__streams_stops_and_has_alternatives),
        TEST(ui__view__stands_still_while_a_reply_streams),
        TEST(ui__keys__all_work_while_a_reply_streams),
        TEST(ui__list__opens_renames_deletes_and_undoes),
        TEST(ui__start__goes_on_where_it_was_left),
        TEST(ui__signals__do_not_cut_the_saving_short),
        TEST(ui__commands__answer_and_complain),
        TEST(ask__on_a_terminal__says_what_it_waits_for),
        TEST(ui__search__finds_marks_and_opens),
        TEST(ui__export__writes_a_new_file_only),
        TEST(ui__suspend__comes_back_while_a_reply_streams),
        TEST(ui__paste__is_text_and_nothing_else),
        TEST(ui__wide__stands_in_its_columns_in_any_locale),
        TEST(ui__loop__works_little_at_a_time),
        TEST(ui__loop__never_waits_for_the_disk),
    };
    return cmocka_run_group_tests_name("ui", tests, make_folder, remove_folder);
}
