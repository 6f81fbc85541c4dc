/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading in the program itself: Markdown and raw, going to messages, selecting, copying out. */
#include "ui_harness.h"

#include <fcntl.h>

static const char talk[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Show me **two** functions\"},"
    "{\"role\":\"assistant\",\"content\":\"# Two of them\\n\\nThe *first*:\\n\\n```c\\nint one;\\n"
    "```\\n\\nthe second, 第二个:\\n\\n```python\\ndef two():\\n    return 2\\n```\\nand no "
    "more.\"},{\"role\":\"user\",\"content\":\"Thanks\"},"
    "{\"role\":\"assistant\",\"content\":\"- you\\n- are welcome\"}]}\n";

/* Starts the program on that conversation, with the transcript in hand. */
static struct pty *start_reading(int width, int height)
{
    char command[14000];
    char path[2300];
    snprintf(path, sizeof path, "%s/talk%d.jsonl", here, n_homes);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(talk, file);
    fclose(file);
    snprintf(command, sizeof command,
             "XDG_DATA_HOME='%s/home%d/data' XDG_CONFIG_HOME='%s/home%d/config' "
             "XDG_STATE_HOME='%s/home%d/state' XDG_CACHE_HOME='%s/home%d/cache' '%s' -q import "
             "'%s' >/dev/null",
             here, n_homes, here, n_homes, here, n_homes, here, n_homes, getenv("CONFAB_PROGRAM"),
             path);
    assert_int_equal(system(command), 0);
    struct pty *pty = start_with(width, height, NULL);
    pty_wait_text(pty, "are welcome");
    pty_wait_text(pty, "/4096");
    pty_type(pty, "\033");
    pty_wait_text(pty, "q back");
    return pty;
}

static bool has_cursor(struct pty *pty, const void *ctx)
{
    (void)ctx;
    return pty_is_cursor_shown(pty);
}

/* A child has the terminal. */
static bool is_given(struct pty *pty, const void *ctx)
{
    (void)ctx;
    return !pty_is_alternate(pty);
}

/* What was copied has reached the terminal. */
static bool has_copied(struct pty *pty, const void *bytes)
{
    return pty_has_output(pty, bytes);
}

static void wait_copy(struct pty *pty, const char *base64)
{
    char bytes[200];
    snprintf(bytes, sizeof bytes, "\033]52;c;%s\a", base64);
    pty_wait(pty, has_copied, bytes, "the copy");
}

static void pager__raw__shows_what_was_written(void **state)
{
    (void)state;
    struct pty *pty = start_reading(80, 30);
    pty_wait_text(pty, "Show me two functions");
    pty_wait_text(pty, "• you");
    pty_wait_text(pty, "‹python›");
    assert_false(pty_has_text(pty, "```"));
    pty_type(pty, "m");
    pty_wait_text(pty, "Messages as they were written");
    pty_wait_text(pty, "Show me **two** functions");
    pty_wait_text(pty, "- you");
    pty_wait_text(pty, "```python");
    pty_type(pty, "m");
    pty_wait_text(pty, "• you");
    pty_wait_no_text(pty, "```");
    pty_type(pty, "q/set markdown off\r");
    pty_wait_text(pty, "```python");
    pty_type(pty, "\004");
    leave(pty);
}

static void pager__goto__finds_messages(void **state)
{
    (void)state;
    struct pty *pty = start_reading(60, 12);
    pty_type(pty, "{");
    pty_wait_text(pty, "▎you");
    pty_type(pty, "{");
    pty_wait_text(pty, "Show me two functions");
    pty_type(pty, "{");
    pty_wait_text(pty, "No message of yours before");
    pty_type(pty, "}");
    pty_wait_no_text(pty, "Show me two");
    pty_type(pty, ":");
    pty_wait_text(pty, "go to ›");
    pty_type(pty, "2\r");
    pty_wait_text(pty, "Message 2 of 4");
    pty_wait_text(pty, "Two of them");
    pty_type(pty, "$");
    pty_wait_text(pty, "and no more.");
    pty_type(pty, "0");
    pty_wait_text(pty, "Two of them");
    pty_type(pty, ":nonsense\r");
    pty_wait_text(pty, "\"nonsense\" is neither a day");
    pty_type(pty, ":");
    pty_wait_text(pty, "go to ›");
    pty_type(pty, "tomorrow");
    pty_wait_text(pty, "tomorrow");
    pty_type(pty, "\033");
    pty_wait_text(pty, "q back");
    pty_type(pty, "q/goto 2000-01-01\r");
    pty_wait_text(pty, "Message 1 of 4");
    pty_type(pty, "q\004");
    leave(pty);
}

static void pager__yank_code__asks_which(void **state)
{
    (void)state;
    struct pty *pty = start_reading(80, 24);
    pty_type(pty, "Y");
    pty_wait_text(pty, "There is no block of code");
    pty_type(pty, "kkY");
    pty_wait_text(pty, "2  def two(): …");
    pty_wait_text(pty, "block ›");
    pty_type(pty, "\033");
    pty_wait_text(pty, "q back");
    pty_wait_no_text(pty, "def two(): …");
    pty_type(pty, "Y");
    pty_wait_text(pty, "block ›");
    pty_type(pty, "7\r");
    pty_wait_text(pty, "There are blocks 1 to 2");
    pty_type(pty, "\033");
    pty_wait_text(pty, "q back");
    pty_type(pty, "Y");
    pty_wait_text(pty, "block ›");
    pty_type(pty, "2\r");
    pty_wait_text(pty, "Copied");
    /* def two():\n    return 2\n */
    wait_copy(pty, "ZGVmIHR3bygpOgogICAgcmV0dXJuIDIK");
    pty_type(pty, "q\004");
    leave(pty);
}

static void pager__select__copies_what_is_shown(void **state)
{
    (void)state;
    struct pty *pty = start_reading(80, 24);
    pty_type(pty, "{{jV");
    pty_wait_text(pty, "> file");
    pty_wait_text(pty, "# Two of them");
    pty_type(pty, "jjy");
    pty_wait_text(pty, "Copied");
    /* # Two of them\n\nThe *first*: */
    wait_copy(pty, "IyBUd28gb2YgdGhlbQoKVGhlICpmaXJzdCo6");
    pty_wait_text(pty, "The first:");
    pty_type(pty, "v");
    pty_wait_text(pty, "> file");
    pty_wait(pty, has_cursor, NULL, "the cursor");
    pty_type(pty, "ww");
    pty_type(pty, "oe\r");
    pty_wait_text(pty, "q back");
    /* From "of" back, the ends exchanged, on to the end of "Two": "o o". */
    wait_copy(pty, "byBv");
    /* Over messages, with Han; Esc leaves without a trace. */
    pty_type(pty, "vG");
    pty_wait_text(pty, "- are welcome");
    pty_type(pty, "\033");
    pty_wait_text(pty, "• are welcome");
    pty_type(pty, "q\004");
    leave(pty);
}

static void read_back(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void pager__write_and_pipe__take_the_message(void **state)
{
    (void)state;
    char path[2300];
    char text[400];
    struct pty *pty = start_reading(200, 24); /* room for a long path in a notice */
    snprintf(path, sizeof path, "%s/out%d.txt", here, n_homes);
    pty_type(pty, "w");
    pty_wait_text(pty, "file ›");
    pty_type(pty, path);
    pty_type(pty, "\r");
    pty_wait_text(pty, "Written to");
    read_back(path, text, sizeof text);
    assert_string_equal(text, "- you\n- are welcome\n");
    /* What is there already is left alone, and the name comes again. */
    pty_type(pty, "w");
    pty_wait_text(pty, "file ›");
    /* Tab completes the path. */
    pty_send(pty, path, strlen(path) - 3);
    pty_type(pty, "\t");
    pty_wait_text(pty, ".txt");
    pty_type(pty, "\r");
    pty_wait_text(pty, "exists already");
    pty_wait_text(pty, "file › ");
    pty_type(pty, "\033");
    pty_wait_text(pty, "q back");
    assert_int_equal(unlink(path), 0);
    char command[2400];
    snprintf(command, sizeof command, "tr a-z A-Z | tee %s", path);
    pty_type(pty, "|");
    pty_wait_text(pty, "command ›");
    pty_type(pty, command);
    pty_type(pty, "\r");
    pty_wait_text(pty, "Enter goes back to confab");
    assert_false(pty_is_alternate(pty));
    assert_true(pty_has_text(pty, "- ARE WELCOME"));
    pty_type(pty, "\r");
    pty_wait_alternate(pty);
    pty_wait_text(pty, "q back");
    read_back(path, text, sizeof text);
    assert_string_equal(text, "- YOU\n- ARE WELCOME");
    /* The command comes again; one that fails is told. */
    pty_type(pty, "|");
    pty_wait_text(pty, "command › tr a-z A-Z");
    pty_type(pty, "\025exit 3\r");
    pty_wait_text(pty, "The command failed with status 3");
    pty_wait_alternate(pty);
    pty_type(pty, "q\004");
    leave(pty);
}

/* --- who the model is to be ------------------------------------------------------------------- */

static void persona__command__lists_and_picks(void **state)
{
    (void)state;
    struct pty *pty = start(100, 24);
    pty_type(pty, "/persona\r");
    pty_wait_text(pty, "● chat");
    pty_wait_text(pty, "translate  English to French by examples");
    pty_type(pty, "/persona st\t\r");
    pty_wait_text(pty, "Persona story, from the next reply on");
    pty_type(pty, "/persona\r");
    pty_wait_text(pty, "● story");
    /* What it makes of the conversation, token by token. */
    pty_type(pty, "once");
    pty_wait_text(pty, "+");
    pty_type(pty, "\025/template\r");
    pty_wait_text(pty, "template    plain");
    pty_wait_text(pty, "it reads");
    pty_type(pty, "q");
    pty_wait_no_text(pty, "it reads");
    pty_type(pty, "/persona nix\r");
    pty_wait_text(pty, "There is no persona nix; there are chat, story");
    pty_type(pty, "\025\004");
    leave(pty);
}

static bool is_asked_twice(struct pty *pty, const void *ctx)
{
    (void)ctx;
    int n = 0;
    for (int y = 0; y < 24; y++) {
        n += pty_column_of(pty, y, "who is it to be") == 0;
    }
    return n == 2;
}

static void system__edit__goes_through_the_editor(void **state)
{
    (void)state;
    char script[2300];
    char editor[2400];
    snprintf(script, sizeof script, "%s/edit%d.sh", here, n_homes);
    FILE *file = fopen(script, "w");
    assert_non_null(file);
    fputs("cat \"$1\"\necho who is it to be\nread -r answer </dev/tty\n[ \"$answer\" = no ] && "
          "exit 1\n"
          "printf 'You are %s.\\nAnd calm.\\n' \"$answer\" > \"$1\"\n",
          file);
    fclose(file);
    snprintf(editor, sizeof editor, "VISUAL=sh '%s'", script);
    const char *const more[] = {editor, NULL};
    struct pty *pty = start_with(80, 24, more);
    pty_wait_text(pty, "0/4096");
    pty_type(pty, "/system You are old.\r");
    pty_wait_text(pty, "holds from the next reply on");
    pty_type(pty, "/system\r"); /* its answer takes the notice's place: the next one is new */
    pty_wait_text(pty, "System prompt: You are old.");
    pty_wait_no_text(pty, "holds from the next reply on");
    pty_type(pty, "/system edit\r");
    pty_wait(pty, is_given, NULL, "the editor");
    pty_wait_text(pty, "You are old.");
    pty_wait_text(pty, "who is it to be");
    pty_type(pty, "kind\r");
    pty_wait_alternate(pty);
    pty_wait_text(pty, "holds from the next reply on");
    pty_type(pty, "/system\r");
    pty_wait_text(pty, "System prompt: You are kind.");
    pty_wait_text(pty, " And calm.");
    /* An editor that fails leaves the prompt, and its file. */
    pty_type(pty, "/system edit\r");
    pty_wait(pty, is_given, NULL, "the editor");
    pty_wait(pty, is_asked_twice, NULL, "the question below the one before");
    pty_type(pty, "no\r");
    pty_wait_text(pty, "The editor failed; its file is");
    pty_type(pty, "/system none\r");
    pty_wait_text(pty, "No system prompt of its own");
    pty_type(pty, "\004");
    leave(pty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pager__raw__shows_what_was_written),
        TEST(pager__goto__finds_messages),
        TEST(pager__yank_code__asks_which),
        TEST(pager__select__copies_what_is_shown),
        TEST(pager__write_and_pipe__take_the_message),
        TEST(persona__command__lists_and_picks),
        TEST(system__edit__goes_through_the_editor),
    };
    return cmocka_run_group_tests_name("ui_pager", tests, make_folder, remove_folder);
}
