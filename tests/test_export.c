/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Out of one database and into another: nothing is lost, nothing comes twice. */
#include "port_test.h"

static void json__all__round_trips_row_for_row(void **state)
{
    const struct place *place = *state;
    struct place other;
    struct cf_buf json = CF_BUF_INIT;
    struct cf_buf again = CF_BUF_INIT;
    struct cf_store *store = open_store(place);
    port_fill(store);
    port_export_all(&json, store);
    cf_store_close(store);
    char *wanted = port_dump(place->path);
    place_init(&other);
    store = open_store(&other);
    port_import_ok(store, &other, json.data, json.size, 6, 0);
    assert_sound(store);
    port_export_all(&again, store);
    cf_store_close(store);
    port_assert_holds(other.path, wanted);
    assert_string_equal(again.data, json.data);
    place_release(&other);
    cf_buf_release(&json);
    cf_buf_release(&again);
    free(wanted);
}

static void json__imported_again__adds_nothing(void **state)
{
    const struct place *place = *state;
    struct cf_buf json = CF_BUF_INIT;
    struct cf_store *store = open_store(place);
    port_fill(store);
    port_export_all(&json, store);
    char *wanted = port_dump(place->path);
    for (int i = 0; i < 2; i++) {
        port_import_ok(store, place, json.data, json.size, 0, 6);
        port_assert_holds(place->path, wanted);
    }
    cf_store_close(store);
    cf_buf_release(&json);
    free(wanted);
}

static void json__purged_then_imported__is_there_again(void **state)
{
    const struct place *place = *state;
    struct cf_buf json = CF_BUF_INIT;
    struct cf_store *store = open_store(place);
    port_fill(store);
    port_export_all(&json, store);
    char *wanted = port_dump(place->path);
    for (int64_t id = 1; id <= 6; id++) {
        assert_ok(cf_store_conversation_delete(store, id, err));
    }
    struct cf_purge_result purged;
    assert_ok(cf_store_purge(&purged, store, err));
    assert_int_equal(purged.n_conversations, 6);
    assert_ok(cf_store_draft_save(store, 0, "", 0, 0, err));
    port_import_ok(store, place, json.data, json.size, 6, 0);
    assert_sound(store);
    cf_store_close(store);
    port_assert_holds(place->path, wanted);
    cf_buf_release(&json);
    free(wanted);
}

static void json__draft_of_none__gives_way_to_what_stands_there(void **state)
{
    const struct place *place = *state;
    struct place other;
    struct cf_buf json = CF_BUF_INIT;
    struct cf_buf draft = CF_BUF_INIT;
    struct cf_store *store = open_store(place);
    port_fill(store);
    port_export_all(&json, store);
    cf_store_close(store);
    place_init(&other);
    store = open_store(&other);
    assert_ok(cf_store_draft_save(store, 0, "mine", 4, 4, err));
    port_import_ok(store, &other, json.data, json.size, 6, 0);
    assert_ok(cf_store_draft_load(&draft, NULL, store, 0, err));
    assert_string_equal(draft.data, "mine");
    cf_store_close(store);
    place_release(&other);
    cf_buf_release(&draft);
    cf_buf_release(&json);
}

/* Only what was named, with the snapshots that its replies need and no others. */
static void json__one__brings_what_it_needs(void **state)
{
    const struct place *place = *state;
    struct cf_buf json = CF_BUF_INIT;
    struct cf_store *store = open_store(place);
    port_fill(store);
    const int64_t archived = 3;
    struct cf_export_spec spec = {.format = CF_EXPORT_JSON, .ids = &archived, .n_ids = 1};
    port_export(&json, store, &spec);
    assert_non_null(strstr(json.data, "Old talk about nothing"));
    assert_null(strstr(json.data, "drink"));
    assert_null(strstr(json.data, "be brief"));
    assert_null(strstr(json.data, "nobody's draft"));
    const int64_t fork = 2;
    spec.ids = &fork;
    cf_buf_clear(&json);
    port_export(&json, store, &spec);
    assert_non_null(strstr(json.data, "\"text\":\"be brief\""));
    cf_store_close(store);
    struct place other;
    place_init(&other);
    store = open_store(&other);
    /* What it was forked from is not there: the mark is gone, and nothing else. */
    port_import_ok(store, &other, json.data, json.size, 1, 0);
    assert_sound(store);
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, store, 1, err));
    assert_int_equal(one.items[0].forked_from, 0);
    assert_string_equal(one.items[0].tags[0], "weather");
    cf_conversations_release(&one);
    cf_store_close(store);
    place_release(&other);
    cf_buf_release(&json);
}

static void json__running_reply__is_interrupted_there(void **state)
{
    const struct place *place = *state;
    struct cf_buf json = CF_BUF_INIT;
    struct cf_store *store = open_store(place);
    const int64_t c = new_conversation(store);
    const int64_t reply = begin_reply(store, c, add_text(store, c, 0, CF_ROLE_USER, "go on"));
    const struct cf_reply_state half = reply_text("half a reply");
    assert_ok(cf_store_reply_save(store, reply, &half, err));
    port_export_all(&json, store);
    struct place other;
    place_init(&other);
    struct cf_store *there = open_store(&other);
    port_import_ok(there, &other, json.data, json.size, 1, 0);
    struct cf_messages one;
    assert_ok(cf_store_message_load(&one, there, 2, false, err));
    assert_string_equal(one.items[0].text, "half a reply");
    assert_int_equal(one.items[0].state, CF_MESSAGE_INTERRUPTED);
    cf_messages_release(&one);
    cf_store_close(there);
    cf_store_close(store);
    place_release(&other);
    cf_buf_release(&json);
}

/* A message that stands in the database under its uuid, in another conversation by now, comes as a
 * copy with a uuid of its own. */
static void json__moved_since__comes_as_a_copy(void **state)
{
    const struct place *place = *state;
    struct cf_buf json = CF_BUF_INIT;
    struct cf_store *store = open_store(place);
    const int64_t from = new_conversation(store);
    const int64_t to = new_conversation(store);
    const int64_t root = add_text(store, from, 0, CF_ROLE_USER, "root");
    const int64_t moved = add_text(store, from, root, CF_ROLE_USER, "moved");
    const struct cf_export_spec spec = {.format = CF_EXPORT_JSON, .ids = &from, .n_ids = 1};
    port_export(&json, store, &spec);
    assert_ok(cf_store_message_move(store, moved, to, 0, err));
    assert_ok(cf_store_conversation_delete(store, from, err));
    struct cf_purge_result purged;
    assert_ok(cf_store_purge(&purged, store, err));
    port_import_ok(store, place, json.data, json.size, 1, 0);
    assert_sound(store);
    assert_branch(store, active_leaf(store, 3), "root|moved");
    assert_branch(store, moved, "moved");
    cf_store_close(store);
    cf_buf_release(&json);
}

/* ---- The other formats ---- */

static void assert_export(struct cf_store *store, enum cf_export_format format, const char *wanted)
{
    struct cf_buf out = CF_BUF_INIT;
    const struct cf_export_spec spec = {.format = format, .is_all = true};
    port_export(&out, store, &spec);
    assert_string_equal(out.data, wanted);
    cf_buf_release(&out);
}

static void set_up_talk(struct cf_store *store)
{
    const struct cf_conversation_spec spec = {.title = "A \"talk\"", .system = "Be\nbrief"};
    int64_t c = 0;
    assert_ok(cf_store_conversation_create(&c, store, &spec, err));
    const int64_t a = add_text(store, c, 0, CF_ROLE_USER, "1 < 2 & \"3\"\n\x1b[31m雪");
    const int64_t other = begin_reply(store, c, a);
    finish_reply(store, other, "the other branch");
    const int64_t b = begin_reply(store, c, a);
    finish_reply(store, b, " Yes \xff");
    assert_ok(cf_store_conversation_set_leaf(store, c, b, err));
    (void)new_conversation(store);
    const int64_t trashed = new_conversation(store);
    (void)add_text(store, trashed, 0, CF_ROLE_USER, "in the trash");
    assert_ok(cf_store_conversation_delete(store, trashed, err));
}

static void formats__active_branch__is_written(void **state)
{
    struct cf_store *store = open_store(*state);
    set_up_talk(store);
    assert_export(store, CF_EXPORT_JSONL,
                  "{\"messages\":[{\"role\":\"system\",\"content\":\"Be\\nbrief\"},"
                  "{\"role\":\"user\",\"content\":\"1 < 2 & \\\"3\\\"\\n\\u001b[31m雪\"},"
                  "{\"role\":\"assistant\",\"content\":\"Yes \xEF\xBF\xBD\"}]}\n");
    assert_export(store, CF_EXPORT_MARKDOWN,
                  "# A \"talk\"\n\n> Be\n> brief\n\n**user**\n\n1 < 2 & \"3\"\n\x1b[31m雪\n\n"
                  "**tiny**\n\nYes \xff\n\n");
    struct cf_buf out = CF_BUF_INIT;
    struct cf_export_spec spec = {.format = CF_EXPORT_HTML, .is_all = true};
    port_export(&out, store, &spec);
    assert_non_null(strstr(out.data, "<h1 dir=\"auto\">A &quot;talk&quot;</h1>"));
    assert_non_null(strstr(out.data, "1 &lt; 2 &amp; &quot;3&quot;\n\\x1b[31m雪</div>"));
    assert_non_null(strstr(out.data, "<b>tiny</b>"));
    assert_null(strstr(out.data, "the other branch"));
    assert_null(strstr(out.data, "in the trash"));
    assert_true(cf_text_is_safe(out.data, out.size));
    cf_buf_clear(&out);
    spec.format = CF_EXPORT_SHAREGPT;
    port_export(&out, store, &spec);
    assert_non_null(strstr(out.data, "\"title\":\"A \\\"talk\\\"\",\"system\":\"Be\\nbrief\","
                                     "\"conversations\":[{\"from\":\"human\",\"value\":\"1 < 2"));
    assert_non_null(strstr(out.data, "{\"from\":\"gpt\",\"value\":\"Yes "));
    cf_buf_clear(&out);
    spec.format = CF_EXPORT_TEXT;
    port_export(&out, store, &spec);
    assert_non_null(strstr(out.data, "A \"talk\"\n"));
    assert_non_null(strstr(out.data, ":\nYes \xff\n\n"));
    assert_null(strstr(out.data, "in the trash"));
    cf_buf_release(&out);
    cf_store_close(store);
}

/* ---- Files ---- */

static void file__failing__leaves_what_was_there(void **state)
{
    const struct place *place = *state;
    struct cf_store *store = open_store(place);
    set_up_talk(store);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/out.json", place->folder);
    write_file(path, "before", 6);
    assert_int_equal(chmod(path, 0640), 0);
    const int64_t ids[] = {1, 99};
    struct cf_export_spec spec = {.format = CF_EXPORT_JSON, .ids = ids, .n_ids = 2};
    struct cf_export_report report;
    assert_code(CF_ERR_NOT_FOUND, cf_export_file(&report, store, &spec, path, true, err));
    size_t size;
    char *bytes = test_read_file(path, &size);
    assert_int_equal(size, 6);
    free(bytes);
    spec.n_ids = 1;
    assert_code(CF_ERR_EXISTS, cf_export_file(&report, store, &spec, path, false, err));
    assert_ok(cf_export_file(&report, store, &spec, path, true, err));
    assert_int_equal(report.n_conversations, 1);
    assert_int_equal(report.n_messages, 3);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_int_equal(unlink(path), 0);
    assert_ok(cf_export_file(&report, store, &spec, path, false, err));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_ok(cf_export_file(&report, store, &spec, "/dev/null", true, err));
    cf_store_close(store);
    /* Nothing but these files is left in the folder. */
    DIR *dir = opendir(place->folder);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        assert_true(entry->d_name[0] == '.' || strncmp(entry->d_name, "confab.db", 9) == 0 ||
                    strcmp(entry->d_name, "out.json") == 0);
    }
    (void)closedir(dir);
}

static bool stop_at_once(void *context, int64_t n_done, int64_t n_all)
{
    (void)context;
    assert_true(n_done <= n_all);
    return false;
}

static void export__cancelled__says_so(void **state)
{
    const struct place *place = *state;
    int64_t conversation;
    (void)fill(place, 200, &conversation);
    struct cf_store *store = open_store(place);
    struct cf_buf out = CF_BUF_INIT;
    const struct cf_export_sink sink = {.write = port_keep, .context = &out};
    const struct cf_export_spec spec = {
        .format = CF_EXPORT_JSON, .is_all = true, .on_progress = stop_at_once};
    struct cf_export_report report;
    assert_code(CF_ERR_CANCELLED, cf_export_run(&report, store, &spec, &sink, err));
    /* And the store is usable as before. */
    (void)new_conversation(store);
    cf_store_close(store);
    cf_buf_release(&out);
}

struct meddler {
    struct cf_store *other;
    int n;
};

static bool meddle(void *context, int64_t n_done, int64_t n_all)
{
    struct meddler *meddler = context;
    assert_true(n_done > 0 && n_all == 200);
    (void)add_text(meddler->other, 1, 0, CF_ROLE_USER, "said while it was written");
    (void)add_text(meddler->other, new_conversation(meddler->other), 0, CF_ROLE_USER, "and this");
    assert_ok(cf_store_conversation_delete(meddler->other, 1, err));
    meddler->n++;
    return true;
}

/* What is exported is the database of one moment, and nobody waits for it. */
static void export__while_others_write__is_of_one_moment(void **state)
{
    const struct place *place = *state;
    int64_t conversation;
    (void)fill(place, 200, &conversation);
    struct cf_store *store = open_store(place);
    struct meddler meddler = {.other = open_store(place)};
    struct cf_buf before = CF_BUF_INIT;
    struct cf_buf during = CF_BUF_INIT;
    struct cf_export_spec spec = {.format = CF_EXPORT_JSON, .is_all = true};
    port_export(&before, store, &spec);
    spec.on_progress = meddle;
    spec.context = &meddler;
    port_export(&during, store, &spec);
    assert_int_equal(meddler.n, 3);
    assert_string_equal(during.data, before.data);
    spec.on_progress = NULL;
    cf_buf_clear(&during);
    port_export(&during, store, &spec);
    assert_non_null(strstr(during.data, "said while it was written"));
    cf_store_close(meddler.other);
    cf_store_close(store);
    cf_buf_release(&before);
    cf_buf_release(&during);
}

static void formats__names_and_endings__are_found(void **state)
{
    (void)state;
    enum cf_export_format format = CF_EXPORT_MARKDOWN;
    assert_true(cf_export_format_find(&format, "sharegpt"));
    assert_int_equal(format, CF_EXPORT_SHAREGPT);
    assert_false(cf_export_format_find(&format, "pdf"));
    assert_true(cf_export_format_of_path(&format, "/tmp/a.jsonl"));
    assert_int_equal(format, CF_EXPORT_JSONL);
    assert_true(cf_export_format_of_path(&format, "a.htm"));
    assert_int_equal(format, CF_EXPORT_HTML);
    assert_true(cf_export_format_of_path(&format, "a.json"));
    assert_int_equal(format, CF_EXPORT_JSON);
    assert_false(cf_export_format_of_path(&format, "a.pdf"));
    assert_false(cf_export_format_of_path(&format, ".json"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(json__all__round_trips_row_for_row),
        TEST(json__imported_again__adds_nothing),
        TEST(json__purged_then_imported__is_there_again),
        TEST(json__draft_of_none__gives_way_to_what_stands_there),
        TEST(json__one__brings_what_it_needs),
        TEST(json__running_reply__is_interrupted_there),
        TEST(json__moved_since__comes_as_a_copy),
        TEST(formats__active_branch__is_written),
        TEST(file__failing__leaves_what_was_there),
        TEST(export__cancelled__says_so),
        TEST(export__while_others_write__is_of_one_moment),
        cmocka_unit_test(formats__names_and_endings__are_found),
    };
    return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
