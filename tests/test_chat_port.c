/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A chat's conversations out into files and in from them. */
#include "test.h"

#include "chat_harness.h"
#include "damage.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const char *path_in(const struct chat_fixture *fixture, const char *name)
{
    static char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", fixture->folder, name);
    return path;
}

/* The next notice holds PART. */
static void expect_notice(struct chat_fixture *fixture, bool wants_error, const char *part)
{
    for (int i = 0; i < 1500; i++) {
        bool is_error = false;
        char *notice = cf_chat_notice_take(fixture->chat, &is_error);
        if (notice != NULL && strstr(notice, " %") == NULL) {
            if (is_error != wants_error || strstr(notice, part) == NULL) {
                fail_msg("%s", notice);
            }
            free(notice);
            return;
        }
        free(notice);
        wait_a_little(fixture);
        pump(fixture);
    }
    fail_msg("no notice");
}

static void expect_begin(const char *path, const char *begin)
{
    char text[64] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, strlen(begin), file) == strlen(begin));
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, begin);
}

static void chat__export__takes_the_format_of_the_name(void **state)
{
    static const struct {
        const char *name, *begin;
    } files[] = {{"a.md", "# export me\n\n**user**\n\nexport me\n"},
                 {"a.json", "{\"format\":\"confab\""},
                 {"a.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"export me\"}"},
                 {"a.HTML", "<!DOCTYPE html>"},
                 {"a", "# export me"},
                 {"on 2026.10", "# export me"}};
    struct chat_fixture *fixture = *state;
    struct cf_err err = CF_ERR_INIT;
    start(fixture, true);
    assert_int_equal(cf_chat_export_file(fixture->chat, path_in(fixture, "a.md"), &err),
                     CF_ERR_NOT_FOUND);
    send(fixture, "export me");
    settle(fixture);
    for (size_t i = 0; i < CF_ARRAY_SIZE(files); i++) {
        const char *path = path_in(fixture, files[i].name);
        assert_int_equal(cf_chat_export_file(fixture->chat, path, &err), CF_OK);
        expect_notice(fixture, false, "written to ");
        expect_begin(path, files[i].begin);
    }
    assert_int_equal(cf_chat_export_file(fixture->chat, path_in(fixture, "a.pdf"), &err),
                     CF_ERR_USAGE);
    assert_non_null(strstr(err.text, ".pdf is no format's ending; end it in .md, .json, "));
    assert_int_not_equal(access(path_in(fixture, "a.pdf"), F_OK), 0);
    assert_int_equal(cf_chat_export_file(fixture->chat, path_in(fixture, "a.md"), &err), CF_OK);
    expect_notice(fixture, true, "exists already; choose another name");
}

/* What can be read is written; that it is not all is said. */
static void chat__export__of_damage__says_so(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_err err = CF_ERR_INIT;
    static const char marker[] = " the marker ";
    char text[PAGE * 4] = ""; /* on several pages; of some, the page before tells where they are */
    memset(text, 'x', sizeof text - 1);
    for (size_t i = PAGE * 3 / 2; i < (size_t)PAGE * 3; i += 300) {
        memcpy(text + i, marker, sizeof marker - 1);
    }
    start(fixture, true);
    say(fixture, "whole");
    const int64_t conversation = cf_chat_status(fixture->chat)->conversation;
    say(fixture, text);
    cf_chat_free(fixture->chat);
    fixture->chat = NULL;
    struct cf_store *store = NULL; /* whoever closes last moves the journal into the file */
    const struct cf_store_options options = {.is_read_only = false};
    assert_int_equal(cf_store_open(&store, fixture->db, &options, &err), CF_OK);
    cf_store_close(store);
    damage_pages_of(fixture->db, marker, false);
    start(fixture, true);
    cf_chat_open(fixture->chat, conversation);
    settle(fixture);
    free(cf_chat_notice_take(fixture->chat, NULL));
    const char *path = path_in(fixture, "rest.md");
    assert_int_equal(cf_chat_export_file(fixture->chat, path, &err), CF_OK);
    expect_notice(fixture, true, "rest.md, but not whole: ");
    expect_begin(path, "# whole\n\n**user**\n\nwhole\n");
}

static void chat__export__unsaved_is_markdown(void **state)
{
    struct chat_fixture *fixture = *state;
    struct cf_err err = CF_ERR_INIT;
    start(fixture, false);
    send(fixture, "not saved");
    settle(fixture);
    assert_int_equal(cf_chat_export_file(fixture->chat, path_in(fixture, "b.json"), &err),
                     CF_ERR_UNSUPPORTED);
    assert_int_equal(cf_chat_import(fixture->chat, path_in(fixture, "b.json"), &err),
                     CF_ERR_UNSUPPORTED);
    assert_int_equal(cf_chat_export_file(fixture->chat, path_in(fixture, "b.md"), &err), CF_OK);
    expect_notice(fixture, false, "written to ");
    expect_begin(path_in(fixture, "b.md"), "# not saved\n\n**user**\n\nnot saved\n");
    assert_int_equal(cf_chat_export_file(fixture->chat, path_in(fixture, "b.md"), &err),
                     CF_ERR_EXISTS);
}

/* The list comes to hold N conversations: it may be told of an older state first. */
static void expect_listed(struct chat_fixture *fixture, size_t n)
{
    const struct cf_chat_list_query query = {.shelf = CF_CHAT_SHELF_ACTIVE};
    cf_chat_list(fixture->chat, &query);
    for (int i = 0; i < 1500 && cf_chat_listing(fixture->chat)->n != n; i++) {
        wait_a_little(fixture);
        pump(fixture);
    }
    assert_int_equal(cf_chat_listing(fixture->chat)->n, n);
}

/* What was exported comes back once, and only once; the conversation that is on stays on. */
static void chat__import__brings_and_tells(void **state)
{
    static const char lines[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"from elsewhere\"}]}\n"
        "{\"messages\":[{\"role\":\"user\"}]}\n";
    struct chat_fixture *fixture = *state;
    struct cf_err err = CF_ERR_INIT;
    start(fixture, true);
    send(fixture, "at home");
    settle(fixture);
    const char *path = path_in(fixture, "lines.jsonl");
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fwrite(lines, 1, sizeof lines - 1, file) == sizeof lines - 1);
    assert_int_equal(fclose(file), 0);
    const int64_t home = cf_chat_status(fixture->chat)->conversation;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cf_chat_import(fixture->chat, path, &err), CF_OK);
        expect_notice(fixture, false,
                      i == 0 ? "1 conversation with 1 message came from "
                             : "; 1 was there already; 1 left out, the first in line 2: ");
        expect_listed(fixture, 2);
    }
    assert_int_equal(cf_chat_status(fixture->chat)->conversation, home);
    assert_int_equal(cf_chat_import(fixture->chat, path_in(fixture, "nothing"), &err), CF_OK);
    expect_notice(fixture, true, "nothing: No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chat__export__takes_the_format_of_the_name),
        TEST(chat__export__of_damage__says_so),
        TEST(chat__export__unsaved_is_markdown),
        TEST(chat__import__brings_and_tells),
    };
    return cmocka_run_group_tests_name("chat port", tests, NULL, NULL);
}
