/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deleting, restoring, undoing, and erasing for good. */
#include "store_test.h"

#include <sqlite3.h>

struct fixture {
    struct place place;
    struct cf_store *store;
    int64_t conversation;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    place_init(&f->place);
    f->store = open_store(&f->place);
    f->conversation = new_conversation(f->store);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    cf_store_close(f->store);
    place_release(&f->place);
    free(f);
    return 0;
}

static int64_t add(struct fixture *f, int64_t parent, const char *text)
{
    return add_text(f->store, f->conversation, parent, CF_ROLE_USER, text);
}

static void assert_title(struct fixture *f, const char *wanted)
{
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, f->store, f->conversation, err));
    assert_string_equal(one.items[0].title, wanted);
    cf_conversations_release(&one);
}

static size_t n_in_tree(struct fixture *f, int64_t conversation)
{
    struct cf_messages messages;
    assert_ok(cf_store_tree_load(&messages, f->store, conversation, false, err));
    size_t n = messages.n;
    cf_messages_release(&messages);
    return n;
}

/* How many children of MESSAGE lie in the trash, as reading it tells. */
static int32_t n_trashed_below(struct fixture *f, int64_t message)
{
    struct cf_messages one;
    assert_ok(cf_store_message_load(&one, f->store, message, false, err));
    int32_t n = one.items[0].n_trashed_children;
    cf_messages_release(&one);
    return n;
}

static void assert_undoes(struct fixture *f, const char *label)
{
    struct cf_undone undone;
    assert_ok(cf_store_undo(&undone, f->store, err));
    assert_string_equal(undone.label, label);
    assert_sound(f->store);
}

/* ---- Deleting a part ---- */

static void prune__the_branch_shown__shows_another(void **state)
{
    struct fixture *f = *state;
    int64_t q = add(f, 0, "q");
    int64_t a = add(f, q, "a");
    int64_t b = add(f, q, "b");
    int64_t b1 = add(f, b, "b1");
    int64_t c = add(f, q, "c");
    int64_t c1 = add(f, c, "c1");
    assert_ok(cf_store_conversation_set_leaf(f->store, f->conversation, b1, err));
    /* Of the alternatives the nearest, by the children last shown. */
    assert_ok(cf_store_message_delete(f->store, b, err));
    int64_t leaf = active_leaf(f->store, f->conversation);
    assert_true(leaf == a || leaf == c1);
    assert_int_equal(n_in_tree(f, f->conversation), 4);
    assert_ok(cf_store_message_delete(f->store, a, err));
    assert_int_equal(active_leaf(f->store, f->conversation), c1);
    /* The last one: the parent is the end of the branch. */
    assert_int_equal(n_trashed_below(f, q), 2);
    assert_int_equal(n_trashed_below(f, c), 0);
    assert_ok(cf_store_message_delete(f->store, c, err));
    assert_int_equal(n_trashed_below(f, q), 3);
    assert_int_equal(active_leaf(f->store, f->conversation), q);
    assert_ok(cf_store_message_delete(f->store, q, err));
    assert_int_equal(active_leaf(f->store, f->conversation), 0);
    assert_int_equal(n_in_tree(f, f->conversation), 0);
    assert_sound(f->store);
    /* Twice is once. */
    assert_ok(cf_store_message_delete(f->store, q, err));
    assert_code(CF_ERR_NOT_FOUND, cf_store_message_delete(f->store, 4711, err));
    /* Step by step back, each with the branch that was shown. */
    assert_undoes(f, "deletion in ‘q’");
    assert_int_equal(active_leaf(f->store, f->conversation), q);
    assert_undoes(f, "deletion in ‘q’");
    assert_int_equal(active_leaf(f->store, f->conversation), c1);
    assert_undoes(f, "deletion in ‘q’");
    assert_undoes(f, "deletion in ‘q’");
    assert_int_equal(active_leaf(f->store, f->conversation), b1);
    assert_int_equal(n_in_tree(f, f->conversation), 6);
    struct cf_undone undone;
    assert_code(CF_ERR_NOT_FOUND, cf_store_undo(&undone, f->store, err));
}

static void restore__inside_a_deleted_part__brings_back_its_own(void **state)
{
    struct fixture *f = *state;
    int64_t q = add(f, 0, "q");
    int64_t a = add(f, q, "a");
    int64_t a1 = add(f, a, "a1");
    add(f, a1, "a2");
    int64_t b = add(f, q, "b");
    assert_ok(cf_store_message_delete(f->store, a1, err));
    assert_ok(cf_store_message_delete(f->store, a, err));
    assert_int_equal(n_in_tree(f, f->conversation), 2);
    /* What was deleted with a comes back; what had been deleted before stays. */
    assert_ok(cf_store_message_restore(f->store, a, err));
    assert_int_equal(n_in_tree(f, f->conversation), 3);
    assert_ok(cf_store_message_delete(f->store, q, err));
    /* Restoring what hangs on a deleted one brings back what it hangs on. */
    assert_ok(cf_store_message_restore(f->store, a1, err));
    assert_int_equal(n_in_tree(f, f->conversation), 4);
    struct cf_messages one;
    assert_ok(cf_store_message_load(&one, f->store, b, false, err));
    assert_true(one.items[0].trashed_ms != 0);
    cf_messages_release(&one);
    assert_sound(f->store);
}

/* ---- Undo ---- */

static void undo__everything__step_by_step_after_a_restart(void **state)
{
    struct fixture *f = *state;
    int64_t q = add(f, 0, "first words");
    int64_t a = add(f, q, "a");
    assert_ok(cf_store_conversation_rename(f->store, f->conversation, "one", err));
    assert_ok(cf_store_conversation_rename(f->store, f->conversation, "two", err));
    assert_ok(cf_store_conversation_set_archived(f->store, f->conversation, true, err));
    assert_ok(cf_store_conversation_set_archived(f->store, f->conversation, true, err));
    assert_ok(cf_store_conversation_set_pinned(f->store, f->conversation, true, err));
    assert_ok(cf_store_message_set_pinned(f->store, a, true, err));
    assert_ok(cf_store_conversation_delete(f->store, f->conversation, err));
    assert_ok(cf_store_conversation_delete(f->store, f->conversation, err));
    cf_store_close(f->store);
    f->store = open_store(&f->place);
    assert_undoes(f, "deletion of ‘two’");
    struct cf_conversations one;
    assert_ok(cf_store_conversation_load(&one, f->store, f->conversation, err));
    assert_int_equal(one.items[0].trashed_ms, 0);
    assert_true(one.items[0].is_pinned && one.items[0].is_archived);
    cf_conversations_release(&one);
    assert_undoes(f, "pinning in ‘two’");
    assert_undoes(f, "pinning in ‘two’");
    cf_store_close(f->store);
    f->store = open_store(&f->place);
    assert_undoes(f, "archiving of ‘two’");
    assert_undoes(f, "renaming to ‘two’");
    assert_title(f, "one");
    assert_undoes(f, "renaming to ‘one’");
    assert_title(f, "first words");
    struct cf_undone undone;
    assert_code(CF_ERR_NOT_FOUND, cf_store_undo(&undone, f->store, err));
    assert_ok(cf_store_conversation_load(&one, f->store, f->conversation, err));
    assert_false(one.items[0].is_title_own || one.items[0].is_pinned || one.items[0].is_archived);
    cf_conversations_release(&one);
}

static void undo__a_long_title__is_cut_at_a_character(void **state)
{
    struct fixture *f = *state;
    assert_ok(cf_store_conversation_rename(
        f->store, f->conversation, "我正在学习人工智能我正在学习人工智能我正在学习人工智能", err));
    assert_undoes(f, "renaming to ‘我正在学习人工智能我正在学习人工智能我正…’");
}

static void move__a_part__to_another_conversation_and_back(void **state)
{
    struct fixture *f = *state;
    int64_t q = add(f, 0, "q");
    int64_t a = add(f, q, "a");
    int64_t a1 = add(f, a, "a1");
    int64_t other = new_conversation(f->store);
    int64_t there = add_text(f->store, other, 0, CF_ROLE_USER, "there");
    assert_ok(cf_store_message_move(f->store, a, other, there, err));
    assert_int_equal(n_in_tree(f, f->conversation), 1);
    assert_int_equal(n_in_tree(f, other), 3);
    assert_int_equal(active_leaf(f->store, f->conversation), q);
    assert_branch(f->store, a1, "there|a|a1");
    assert_sound(f->store);
    assert_undoes(f, "moving a message to ‘there’");
    assert_branch(f->store, a1, "q|a|a1");
    assert_int_equal(active_leaf(f->store, f->conversation), a1);
    assert_int_equal(n_in_tree(f, other), 1);
    /* Not below itself, not below what is not there. */
    assert_code(CF_ERR_RANGE, cf_store_message_move(f->store, q, f->conversation, a1, err));
    assert_code(CF_ERR_RANGE, cf_store_message_move(f->store, q, f->conversation, q, err));
    assert_code(CF_ERR_NOT_FOUND, cf_store_message_move(f->store, q, other, a1, err));
    assert_code(CF_ERR_NOT_FOUND, cf_store_message_move(f->store, q, 4711, 0, err));
    /* As a root. */
    assert_ok(cf_store_message_move(f->store, a, f->conversation, 0, err));
    assert_branch(f->store, a1, "a|a1");
    assert_sound(f->store);
}

/* ---- Purging ---- */

static bool file_holds(const char *path, const char *needle)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        return false;
    }
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    char *bytes = malloc((size_t)info.st_size + 1);
    assert_int_equal(read(fd, bytes, (size_t)info.st_size), info.st_size);
    bool holds = memmem(bytes, (size_t)info.st_size, needle, strlen(needle)) != NULL;
    free(bytes);
    (void)close(fd);
    return holds;
}

/* Whether any file of the folder holds the bytes. */
static bool folder_holds(const struct place *place, const char *needle)
{
    DIR *dir = opendir(place->folder);
    assert_non_null(dir);
    bool holds = false;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", place->folder, entry->d_name);
        holds = holds || (entry->d_name[0] != '.' && file_holds(path, needle));
    }
    (void)closedir(dir);
    return holds;
}

static void purge__the_trash__leaves_no_byte_of_it(void **state)
{
    struct fixture *f = *state;
    int64_t q = add(f, 0, "keepsake question");
    int64_t secret = add(f, q, "xyzzysecretpart and more");
    int64_t kept = add(f, q, "keepsake answer");
    int64_t doomed = new_conversation(f->store);
    int64_t in_doomed =
        add_text(f->store, doomed, 0, CF_ROLE_USER, "plughsecrettitle is asked for");
    struct cf_buf big = CF_BUF_INIT; /* overflow pages, and many words in the index */
    for (int i = 0; i < 3000; i++) {
        cf_buf_addf(&big, "frobozzsecret%d ", i);
    }
    const struct cf_reply_spec spec = {.conversation = doomed,
                                       .parent = in_doomed,
                                       .template_text = "secrettemplate {text}",
                                       .system = "secretsystem"};
    int64_t reply = 0;
    assert_ok(cf_store_reply_begin(&reply, 1, f->store, &spec, err));
    struct cf_reply_state text = {.text = big.data, .size = big.size};
    text.recipe = "secretrecipe";
    text.recipe_size = 12;
    assert_ok(cf_store_reply_save(f->store, reply, &text, err));
    assert_ok(
        cf_store_reply_finish(f->store, reply, &text, CF_MESSAGE_COMPLETE, CF_END_STOP, NULL, err));
    assert_ok(cf_store_draft_save(f->store, doomed, "secretdraft", 11, 0, err));
    assert_ok(cf_store_tag_add(f->store, doomed, "secrettag", err));
    assert_ok(cf_store_conversation_rename(f->store, doomed, "secretname", err));
    const struct cf_conversation_change change = {.system = "secretpersona"};
    assert_ok(cf_store_conversation_change(f->store, doomed, &change, err));
    char backup[160];
    (void)snprintf(backup, sizeof backup, "%s.1.backup", f->place.path);
    assert_ok(cf_store_backup(f->store, backup, false, err));
    assert_true(folder_holds(&f->place, "frobozzsecret"));
    assert_ok(cf_store_conversation_delete(f->store, doomed, err));
    assert_ok(cf_store_message_delete(f->store, secret, err));
    struct cf_purge_result result;
    assert_ok(cf_store_purge(&result, f->store, err));
    assert_int_equal(result.n_conversations, 1);
    assert_int_equal(result.n_messages, 3);
    static const char *const traces[] = {"xyzzysecretpart", "frobozzsecret", "frobozz",
                                         "plughsecret",     "secretdraft",   "secrettag",
                                         "secretname",      "secretrecipe",  "secretsystem",
                                         "secrettemplate",  "secretpersona"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(traces); i++) {
        if (folder_holds(&f->place, traces[i])) {
            fail_msg("'%s' is still there", traces[i]);
        }
    }
    assert_true(folder_holds(&f->place, "keepsake"));
    assert_int_equal(access(backup, F_OK), -1);
    assert_branch(f->store, kept, "keepsake question|keepsake answer");
    struct cf_conversations gone;
    assert_code(CF_ERR_NOT_FOUND, cf_store_conversation_load(&gone, f->store, doomed, err));
    assert_sound(f->store);
    /* Its number never means something else. */
    assert_true(new_conversation(f->store) > doomed);
    assert_ok(cf_store_purge(&result, f->store, err));
    assert_int_equal(result.n_conversations + result.n_messages, 0);
    cf_buf_release(&big);
}

static void purge__a_reply_being_written__waits_for_it(void **state)
{
    struct fixture *f = *state;
    int64_t q = add(f, 0, "q");
    int64_t reply = begin_reply(f->store, f->conversation, q);
    assert_ok(cf_store_conversation_delete(f->store, f->conversation, err));
    struct cf_purge_result result;
    assert_ok(cf_store_purge(&result, f->store, err));
    assert_int_equal(result.n_conversations, 0);
    finish_reply(f->store, reply, "done");
    assert_ok(cf_store_purge(&result, f->store, err));
    assert_int_equal(result.n_conversations, 1);
    assert_int_equal(result.n_messages, 2);
    assert_sound(f->store);
}

static void purge__with_another_reading__says_so(void **state)
{
    struct fixture *f = *state;
    add(f, 0, "secretword");
    assert_ok(cf_store_conversation_delete(f->store, f->conversation, err));
    cf_store_close(f->store);
    const struct cf_store_options hasty = {.busy_timeout_ms = 20};
    assert_ok(cf_store_open(&f->store, f->place.path, &hasty, err));
    /* A reader that holds on to an old state of the database. */
    sqlite3 *reader = NULL;
    assert_int_equal(sqlite3_open(f->place.path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM message", NULL, NULL, NULL),
                     SQLITE_OK);
    struct cf_purge_result result;
    assert_code(CF_ERR_BUSY, cf_store_purge(&result, f->store, err));
    assert_int_equal(result.n_conversations, 1);
    (void)sqlite3_close_v2(reader);
    assert_ok(cf_store_purge(&result, f->store, err));
    assert_false(folder_holds(&f->place, "secretword"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(prune__the_branch_shown__shows_another),
        TEST(restore__inside_a_deleted_part__brings_back_its_own),
        TEST(undo__everything__step_by_step_after_a_restart),
        TEST(undo__a_long_title__is_cut_at_a_character),
        TEST(move__a_part__to_another_conversation_and_back),
        TEST(purge__the_trash__leaves_no_byte_of_it),
        TEST(purge__a_reply_being_written__waits_for_it),
        TEST(purge__with_another_reading__says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
