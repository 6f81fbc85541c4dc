/* SPDX-License-Identifier: GPL-3.0-or-later */
/* confab export and import, as a shell sees them. */
#include "port_test.h"

#include <jansson.h>
#include <signal.h>
#include <sys/wait.h>

#include "import_samples.h"
#include "program.h"
#include "pty.h"

#define RUN(...)                                                                                   \
    do {                                                                                           \
        struct program_result run_result;                                                          \
        PROGRAM(&run_result, 0, NULL, __VA_ARGS__);                                                \
        program_release(&run_result);                                                              \
    } while (0)

/* A database with something of everything, at the path returned. */
static const char *filled(void)
{
    const char *path = program_path("filled.db");
    struct cf_store *store = NULL;
    assert_ok(cf_store_open(&store, path, NULL, err));
    port_fill(store);
    cf_store_close(store);
    return path;
}

static void export__all__imports_into_an_empty_database(void **state)
{
    (void)state;
    RUN("ask", "-n", "12", "--seed", "7", "-t", "1", "Tea or coffee?");
    RUN("ask", "-c", "last", "--count", "2", "-n", "10", "-t", "1.2", "And when it snows?");
    const char *out = program_path("out.json");
    const char *db = program_path("other.db");
    RUN("export", "--all", "--format", "json", "-o", out);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "-d", db, "import", out);
    assert_non_null(strstr(result.out.data, "out.json: 1 conversation, 5 messages\n"));
    assert_string_equal(result.err.data, "");
    program_release(&result);
    /* The same rows, and a reply there can be made again. */
    char *wanted = port_dump(program_path(".local/share/confab/confab.db"));
    port_assert_holds(db, wanted);
    free(wanted);
    PROGRAM(&result, 0, NULL, "-d", db, "replay", "5");
    assert_memory_equal(result.out.data, "identical, ", 11);
    program_release(&result);
    PROGRAM(&result, 0, NULL, "-d", db, "import", "--json", out, out);
    json_t *line = json_loads(result.out.data, JSON_DISABLE_EOF_CHECK, NULL);
    assert_string_equal(json_string_value(json_object_get(line, "format")), "confab");
    assert_int_equal(json_integer_value(json_object_get(line, "conversations")), 0);
    assert_int_equal(json_integer_value(json_object_get(line, "known")), 1);
    json_decref(line);
    program_release(&result);
}

/* The format follows from --format, else from the name of the file. */
static void export__format__is_chosen(void **state)
{
    (void)state;
    const char *db = filled();
    struct program_result result;
    PROGRAM(&result, 0, NULL, "-d", db, "export", "1");
    assert_non_null(
        strstr(result.out.data, "# Tea in the rain \"quoted\" <b>&amp;\n\n> Be brief.\n"));
    program_release(&result);
    PROGRAM(&result, 0, NULL, "-d", db, "export", "1", "--format=text");
    assert_non_null(strstr(result.out.data, "What should I drink? 下雨天喝什么？\n"));
    program_release(&result);
    const char *page = program_path("page.html");
    RUN("-d", db, "export", "1", "-o", page);
    size_t size;
    char *bytes = program_read_file(page, &size);
    assert_memory_equal(bytes, "<!DOCTYPE html>", 15);
    free(bytes);
    RUN("-d", db, "export", "1", "--format", "jsonl", "-o", page);
    bytes = program_read_file(page, &size);
    assert_memory_equal(bytes, "{\"messages\":[", 13);
    free(bytes);
}

static void export__usage__is_told(void **state)
{
    (void)state;
    const char *db = filled();
    struct program_result result;
    PROGRAM(&result, 2, NULL, "-d", db, "export");
    program_assert_failed(&result, 2, "needs the ids of conversations, or --all");
    program_release(&result);
    PROGRAM(&result, 2, NULL, "-d", db, "export", "--all", "1");
    program_release(&result);
    PROGRAM(&result, 2, NULL, "-d", db, "export", "1", "--format", "pdf");
    program_assert_failed(&result, 2, "markdown, json, jsonl, sharegpt, text or html, not pdf");
    program_release(&result);
    const char *page = program_path("page.pdf");
    PROGRAM(&result, 2, NULL, "-d", db, "export", "1", "-o", page);
    program_assert_failed(&result, 2, ".txt or .html, or choose one with --format");
    program_release(&result);
    assert_int_not_equal(access(page, F_OK), 0);
    RUN("-d", db, "export", "1", "--format", "markdown", "-o", page);
    PROGRAM(&result, 1, NULL, "-d", db, "export", "99");
    program_assert_failed(&result, 1, "there is no conversation");
    program_release(&result);
    PROGRAM(&result, 1, NULL, "-d", db, "export", "1", "-o", "/nowhere/at/all");
    program_assert_failed(&result, 1, "/nowhere/at/all");
    program_release(&result);
    PROGRAM(&result, 1, NULL, "-d", db, "export", "1", "-o", "/dev/full");
    program_assert_failed(&result, 1, "/dev/full: No space left");
    program_release(&result);
}

static void import__streams__are_read(void **state)
{
    (void)state;
    struct program_result result;
    PROGRAM(&result, 0, sample_sharegpt, "import", "-");
    assert_string_equal(result.out.data, "-: 3 conversations, 6 messages\n");
    assert_non_null(strstr(result.err.data, "1 messages of tools, hidden or empty ones"));
    program_release(&result);
    PROGRAM(&result, 0, NULL, "search", "like tea");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "list");
    assert_non_null(strstr(result.out.data, "Who are you?"));
    program_release(&result);
}

/* Ctrl-C takes everything back, also while more is waited for. */
static void import__interrupted__leaves_nothing(void **state)
{
    (void)state;
    struct program program;
    struct cf_buf lines = CF_BUF_INIT;
    for (int i = 0; i < 3000; i++) {
        cf_buf_addf(&lines, "{\"messages\":[{\"role\":\"user\",\"content\":\"question %d\"}]}\n",
                    i);
    }
    program_start(&program, (const char *const[]){"import", "-", NULL}, NULL, NULL);
    for (size_t done = 0; done < lines.size;) {
        const ssize_t n = write(program.in, lines.data + done, lines.size - done);
        assert_true(n > 0);
        done += (size_t)n;
    }
    /* It has read all but what the pipe holds, and waits or is at work. */
    assert_int_equal(kill(program.pid, SIGINT), 0);
    program_wait(&program);
    assert_int_equal(program.result.status, 130);
    assert_string_equal(program.result.out.data, "");
    assert_non_null(strstr(program.result.err.data, "confab: cancelled\n"));
    program_release(&program.result);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "list");
    assert_string_equal(result.out.data, "");
    program_release(&result);
    PROGRAM(&result, 0, NULL, "check");
    program_release(&result);
    cf_buf_release(&lines);
}

static void import__failing__says_where(void **state)
{
    (void)state;
    static const char broken[] = "[{\"conversations\":[]},\n{\"conversations\":}]";
    const char *path = program_path("bro\nken.json");
    program_write_file(path, broken, sizeof broken - 1);
    struct program_result result;
    PROGRAM(&result, 1, NULL, "import", path);
    program_assert_failed(&result, 1, "bro\\nken.json, line 2, byte 41: no sound JSON");
    program_release(&result);
    PROGRAM(&result, 1, NULL, "import", program_path("nothing.json"));
    program_assert_failed(&result, 1, "nothing.json: No such file");
    program_release(&result);
    /* The other files come all the same. */
    static const char line[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"Any news?\"}]}\n";
    const char *good = program_path("good.jsonl");
    program_write_file(good, line, sizeof line - 1);
    PROGRAM(&result, 1, NULL, "import", program_path("nothing.json"), path, good);
    assert_non_null(strstr(result.err.data, "nothing.json: No such file"));
    assert_non_null(strstr(result.err.data, "line 2, byte 41: no sound JSON"));
    assert_non_null(strstr(result.out.data, "good.jsonl: 1 conversation, 1 message\n"));
    program_release(&result);
    PROGRAM(&result, 1, NULL, "import", program_home());
    program_assert_failed(&result, 1, "is a folder");
    program_release(&result);
}

/* What can be read goes out; a script must not take it for everything. */
static void export__of_damage__fails_with_the_rest_written(void **state)
{
    (void)state;
    struct place place;
    place_init(&place);
    int64_t conversation;
    (void)fill(&place, 300, &conversation);
    char text[100];
    (void)snprintf(text, sizeof text, marker, 150);
    damage_pages_of(place.path, text, false);
    const char *out = program_path("rest.json");
    struct program_result result;
    PROGRAM(&result, 1, NULL, "-d", place.path, "export", "--all", "--format", "json", "-o", out);
    assert_non_null(strstr(result.err.data, "confab: the export is not whole: "));
    assert_non_null(strstr(result.err.data, "; confab check "));
    program_release(&result);
    PROGRAM(&result, 0, NULL, "import", out);
    assert_non_null(strstr(result.out.data, "rest.json: 1 conversation, "));
    program_release(&result);
    place_release(&place);
}

/* To a terminal nothing of a conversation moves the cursor; to a pipe it is as it was written. */
static void export__to_a_terminal__is_safe(void **state)
{
    (void)state;
    static const char line[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"\\u001b[31mred\\u0007 \\u202e\"}]}";
    const char *path = program_path("in.jsonl");
    program_write_file(path, line, sizeof line - 1);
    RUN("import", path);
    struct program_result result;
    PROGRAM(&result, 0, NULL, "export", "1");
    assert_non_null(strstr(result.out.data, "\n\x1b[31mred\x07 \xE2\x80\xAE\n"));
    program_release(&result);
    const char *const argv[] = {getenv("CONFAB_PROGRAM"), "export", "1", NULL};
    const struct pty_options options = {.width = 80, .height = 24};
    struct pty *pty = pty_start(argv, &options);
    pty_wait_text(pty, "\\x1b[31mred\\x07 \\u{202e}");
    assert_int_equal(pty_wait_exit(pty), 0);
    assert_false(pty_has_output(pty, "\x1b[31m"));
    pty_end(pty);
}

/* An independent program reads what was written. */
static void export__shapes__are_read_by_python(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int n;
    } formats[] = {{"json", 6}, {"jsonl", 4}, {"sharegpt", 4}};
    if (system("python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null") != 0) {
        skip();
    }
    const char *db = filled();
    for (size_t i = 0; i < CF_ARRAY_SIZE(formats); i++) {
        const char *out = program_path("out");
        RUN("-d", db, "export", "--all", "--format", formats[i].format, "-o", out);
        struct cf_buf command = CF_BUF_INIT;
        cf_buf_addf(&command, "test \"$(python3 '%s/tests/export_shapes.py' %s '%s')\" = %d",
                    TEST_SRCDIR, formats[i].format, out, formats[i].n);
        assert_int_equal(system(command.data), 0);
        cf_buf_release(&command);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, program_set_up, program_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(export__all__imports_into_an_empty_database),
        TEST(export__format__is_chosen),
        TEST(export__usage__is_told),
        TEST(import__streams__are_read),
        TEST(import__interrupted__leaves_nothing),
        TEST(import__failing__says_where),
        TEST(export__of_damage__fails_with_the_rest_written),
        TEST(export__to_a_terminal__is_safe),
        TEST(export__shapes__are_read_by_python),
    };
    return cmocka_run_group_tests_name("cli_export", tests, NULL, NULL);
}
