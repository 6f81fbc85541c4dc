/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store when things go wrong under it: killed at any moment, the power cut, the disk full,
 * other processes at the same database. */
#include "store_test.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "recipe.h"
#include "store_db.h"
#include "store_vfs.h"

static int set_up(void **state)
{
    struct place *place = malloc(sizeof *place);
    place_init(place);
    store_vfs_init();
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    place_release(*state);
    free(*state);
    return 0;
}

/* The text of number N, long enough to need several pages now and then. */
static void make_text(struct cf_buf *text, int64_t n)
{
    cf_buf_clear(text);
    int64_t n_words = 3 + n % 7 * (n % 13 == 0 ? 200 : 1);
    for (int64_t i = 0; i < n_words; i++) {
        cf_buf_addf(text, "word%" PRId64 " ", n * 31 + i);
    }
}

static void assert_text(struct cf_store *store, int64_t id, int64_t n)
{
    struct cf_buf text = CF_BUF_INIT;
    make_text(&text, n);
    struct cf_messages one;
    assert_ok(cf_store_message_load(&one, store, id, false, err));
    assert_string_equal(one.items[0].text, text.data);
    cf_messages_release(&one);
    cf_buf_release(&text);
}

/* The stored reply is the beginning of text N and has at least SIZE bytes. */
static void assert_reply(struct cf_store *store, int64_t id, int64_t n, size_t size,
                         bool is_finished)
{
    struct cf_buf text = CF_BUF_INIT;
    make_text(&text, n);
    struct cf_messages one;
    assert_ok(cf_store_message_load(&one, store, id, true, err));
    const struct cf_message *item = &one.items[0];
    assert_true(item->size >= size && item->size <= text.size);
    assert_memory_equal(item->text, text.data, item->size);
    if (is_finished) {
        assert_int_equal(item->state, CF_MESSAGE_COMPLETE);
        assert_int_equal(item->size, text.size);
    } else {
        assert_true(item->state == CF_MESSAGE_INTERRUPTED || item->size == text.size);
    }
    /* The recipe is of the same moment as the text: here its length tells. */
    if (item->size > 0) {
        struct cf_recipe recipe;
        assert_ok(cf_recipe_decode(&recipe, item->recipe, item->recipe_size, err));
        assert_int_equal(recipe.n_tokens, item->size / 8);
        cf_recipe_release(&recipe);
    }
    cf_messages_release(&one);
    cf_buf_release(&text);
}

/* A reply's first SIZE bytes with a recipe of as many tokens as there are whole words of 8. */
static struct cf_reply_state beginning(const struct cf_buf *text, size_t size)
{
    static struct cf_buf blob = {.data = cf_buf_empty};
    cf_buf_clear(&blob);
    add_recipe(&blob, size / 8);
    return (struct cf_reply_state){
        .text = text->data, .size = size, .recipe = blob.data, .recipe_size = blob.size};
}

/* ---- Killed ---- */

/* What the child has been told is stored. */
struct note {
    enum { NOTE_MESSAGE, NOTE_BEGUN, NOTE_SAVED, NOTE_FINISHED } what;
    int64_t id, n;
    size_t size;
};

static void tell(int fd, const struct note *note)
{
    if (write(fd, note, sizeof *note) != (ssize_t)sizeof *note) {
        _exit(9);
    }
}

/* Talks and streams until it is killed. */
static CF_NORETURN void child_talks(const char *path, int fd, int64_t first)
{
    struct cf_store *store = NULL;
    if (cf_store_open(&store, path, NULL, NULL) != CF_OK) {
        _exit(1);
    }
    const struct cf_conversation_spec spec = {.model = "tiny"};
    int64_t conversation = 0;
    struct cf_buf text = CF_BUF_INIT;
    if (cf_store_conversation_create(&conversation, store, &spec, NULL) != CF_OK) {
        _exit(2);
    }
    int64_t parent = 0;
    for (int64_t n = first;; n += 2) {
        make_text(&text, n);
        const struct cf_message_spec message = {.conversation = conversation,
                                                .parent = parent,
                                                .role = CF_ROLE_USER,
                                                .text = text.data,
                                                .size = text.size};
        struct note note = {.what = NOTE_MESSAGE, .n = n};
        if (cf_store_message_add(&note.id, store, &message, NULL) != CF_OK) {
            _exit(3);
        }
        tell(fd, &note);
        const struct cf_reply_spec begin = {
            .conversation = conversation, .parent = note.id, .template_text = "t"};
        if (cf_store_reply_begin(&parent, 1, store, &begin, NULL) != CF_OK) {
            _exit(4);
        }
        note = (struct note){.what = NOTE_BEGUN, .id = parent, .n = n + 1};
        tell(fd, &note);
        make_text(&text, n + 1);
        for (note.size = 7; note.size < text.size; note.size += text.size / 5 + 3) {
            const struct cf_reply_state reply = beginning(&text, note.size);
            if (cf_store_reply_save(store, parent, &reply, NULL) != CF_OK) {
                _exit(5);
            }
            note.what = NOTE_SAVED;
            tell(fd, &note);
        }
        const struct cf_reply_state reply = beginning(&text, text.size);
        if (cf_store_reply_finish(store, parent, &reply, CF_MESSAGE_COMPLETE, CF_END_STOP, NULL,
                                  NULL) != CF_OK) {
            _exit(6);
        }
        note.what = NOTE_FINISHED;
        note.size = text.size;
        tell(fd, &note);
    }
}

/* Everything that the child was told is there; returns how much that was. */
static int check_notes(struct cf_store *store, const struct note *notes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct note *note = &notes[i];
        bool is_last = i + 1 == n || notes[i + 1].id != note->id;
        if (note->what == NOTE_MESSAGE) {
            assert_text(store, note->id, note->n);
        } else if (is_last) {
            assert_reply(store, note->id, note->n, note->what == NOTE_BEGUN ? 0 : note->size,
                         note->what == NOTE_FINISHED);
        }
    }
    return (int)n;
}

static void kill__at_any_moment__loses_nothing_that_was_stored(void **state)
{
    const struct place *place = *state;
    uint32_t random = 20240229;
    int n_notes = 0;
    for (int round = 0; round < 100; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)close(ends[0]);
            child_talks(place->path, ends[1], round * 100000);
        }
        (void)close(ends[1]);
        random = random * 1664525U + 1013904223U;
        /* From before the database is open to well into the talk. */
        struct timespec pause = {.tv_nsec = (long)(random >> 16) % 24 * 1000000L};
        (void)nanosleep(&pause, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        static struct note notes[20000];
        size_t size = 0;
        for (ssize_t got; size < sizeof notes &&
                          (got = read(ends[0], (char *)notes + size, sizeof notes - size)) > 0;) {
            size += (size_t)got;
        }
        (void)close(ends[0]);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        struct cf_store *store = open_store(place);
        n_notes += check_notes(store, notes, size / sizeof notes[0]);
        int64_t n_recovered = -1;
        assert_ok(cf_store_recover(store, &n_recovered, err));
        assert_int_equal(n_recovered, 0); /* opening has done it */
        if (round % 20 == 19) {
            assert_sound(store);
        }
        cf_store_close(store);
    }
    assert_true(n_notes > 0);
}

static bool is_listed_as_interrupted(struct cf_store *store)
{
    const struct cf_list_query query = {.limit = 10};
    struct cf_conversations list;
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_store_list(&list, store, &query, &err), CF_OK);
    assert_int_equal(list.n, 1);
    bool is_interrupted = list.items[0].is_interrupted;
    cf_conversations_release(&list);
    return is_interrupted;
}

static void recover__a_living_process__is_left_alone(void **state)
{
    const struct place *place = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        struct cf_store *store = NULL;
        struct note note = {.what = NOTE_BEGUN};
        const struct cf_conversation_spec spec = {.model = "tiny"};
        int64_t conversation = 0;
        if (cf_store_open(&store, place->path, NULL, NULL) != CF_OK ||
            cf_store_conversation_create(&conversation, store, &spec, NULL) != CF_OK) {
            _exit(1);
        }
        const struct cf_reply_spec begin = {.conversation = conversation};
        if (cf_store_reply_begin(&note.id, 1, store, &begin, NULL) != CF_OK) {
            _exit(2);
        }
        tell(ends[1], &note);
        for (;;) {
            (void)pause();
        }
    }
    (void)close(ends[1]);
    struct note note;
    assert_int_equal(read(ends[0], &note, sizeof note), sizeof note);
    (void)close(ends[0]);
    struct cf_store *store = open_store(place);
    assert_null(cf_store_notice(store));
    struct cf_messages one;
    assert_ok(cf_store_message_load(&one, store, note.id, false, err));
    assert_int_equal(one.items[0].state, CF_MESSAGE_STREAMING);
    cf_messages_release(&one);
    assert_code(CF_ERR_BUSY, cf_store_reply_resume(store, note.id, err));
    assert_sound(store);
    assert_false(is_listed_as_interrupted(store));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(is_listed_as_interrupted(store));
    int64_t n_recovered = 0;
    assert_ok(cf_store_recover(store, &n_recovered, err));
    assert_int_equal(n_recovered, 1);
    assert_ok(cf_store_message_load(&one, store, note.id, false, err));
    assert_int_equal(one.items[0].state, CF_MESSAGE_INTERRUPTED);
    cf_messages_release(&one);
    assert_true(is_listed_as_interrupted(store));
    assert_ok(cf_store_reply_resume(store, note.id, err));
    finish_reply(store, note.id, "continued");
    assert_false(is_listed_as_interrupted(store));
    cf_store_close(store);
}

static void owner__of_other_runs_and_places__is_judged(void **state)
{
    (void)state;
    char own[CF_OWNER_SIZE];
    cf_owner_self(own);
    int64_t now = cf_db_now_ms();
    assert_true(cf_owner_is_alive(own, 0));
    char boot[64];
    unsigned long long space;
    long long pid;
    unsigned long long start;
    assert_int_equal(sscanf(own, "%63s %llu %lld %llu", boot, &space, &pid, &start), 4);
    assert_true(start > 0);
    char other[CF_OWNER_SIZE];
    (void)snprintf(other, sizeof other, "%s %llu %lld %llu", "another-boot", space, pid, start);
    assert_false(cf_owner_is_alive(other, now));
    (void)snprintf(other, sizeof other, "%s %llu %lld %llu", boot, space, pid, start + 1);
    assert_false(cf_owner_is_alive(other, now)); /* the pid came again */
    /* In another container it can't be seen: by its last save. */
    (void)snprintf(other, sizeof other, "%s %llu %lld %llu", boot, space + 1, pid, start);
    assert_true(cf_owner_is_alive(other, now));
    assert_false(cf_owner_is_alive(other, now - 3600 * 1000));
    assert_false(cf_owner_is_alive("", now));
    assert_false(cf_owner_is_alive("x y z", now));
}

/* ---- The power cut ---- */

static void power_cut__at_any_write__keeps_what_was_synced(void **state)
{
    const struct place *place = *state;
    struct cf_buf text = CF_BUF_INIT;
    const struct cf_store_options options = {.vfs = STORE_VFS, .busy_timeout_ms = 1};
    enum { ROUNDS = 120 };
    int64_t first = 0;
    int n_kept = 0;
    for (int round = 0; round < ROUNDS; round++) {
        store_vfs.tracks = true;
        store_vfs.random = (uint32_t)round * 2654435761U + 7;
        struct cf_store *store = NULL;
        struct note notes[64];
        size_t n_notes = 0;
        /* The first rounds cut while the database is being made. */
        store_vfs.steps_left = round < 40 ? round * 2 : 5 + (round * 37) % 160;
        int64_t conversation = 0;
        int64_t parent = 0;
        const struct cf_conversation_spec spec = {.model = "tiny"};
        enum cf_code code = cf_store_open(&store, place->path, &options, NULL);
        if (code == CF_OK) {
            code = cf_store_conversation_create(&conversation, store, &spec, NULL);
        }
        for (int64_t n = first; code == CF_OK && n_notes + 8 < CF_ARRAY_SIZE(notes); n += 2) {
            make_text(&text, n);
            struct note *note = &notes[n_notes];
            *note = (struct note){.what = NOTE_MESSAGE, .n = n};
            const struct cf_message_spec message = {.conversation = conversation,
                                                    .parent = parent,
                                                    .role = CF_ROLE_USER,
                                                    .text = text.data,
                                                    .size = text.size};
            code = cf_store_message_add(&note->id, store, &message, NULL);
            if (code != CF_OK) {
                break;
            }
            const struct cf_reply_spec begin = {.conversation = conversation, .parent = note->id};
            code = cf_store_reply_begin(&parent, 1, store, &begin, NULL);
            note = &notes[++n_notes];
            *note = (struct note){.what = NOTE_BEGUN, .n = n + 1, .id = parent};
            make_text(&text, n + 1);
            size_t unsynced = 0;
            for (size_t size = 7; code == CF_OK && size < text.size; size += text.size / 4 + 3) {
                n_notes += note == &notes[n_notes] ? 1 : 0;
                const struct cf_reply_state reply = beginning(&text, size);
                code = cf_store_reply_save(store, parent, &reply, NULL);
                unsynced = size;
                if (code == CF_OK && size % 2 == 0) {
                    code = cf_store_sync(store, NULL);
                    if (code == CF_OK) {
                        note->what = NOTE_SAVED;
                        note->size = unsynced;
                    }
                }
            }
            if (code == CF_OK) {
                const struct cf_reply_state reply = beginning(&text, text.size);
                code = cf_store_reply_finish(store, parent, &reply, CF_MESSAGE_COMPLETE,
                                             CF_END_STOP, NULL, NULL);
                n_notes += note == &notes[n_notes] ? 1 : 0;
                note->what = code == CF_OK ? NOTE_FINISHED : note->what;
            }
        }
        store_vfs_cut();
        cf_store_close(store);
        store_vfs_restart();
        /* What dead processes leave: here this process left it, and it lives. */
        struct cf_store *after = open_store(place);
        assert_int_equal(sqlite3_exec(after->db,
                                      "UPDATE message SET owner = '- 0 1 1'"
                                      " WHERE owner IS NOT NULL",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_ok(cf_store_recover(after, NULL, err));
        n_kept += check_notes(after, notes, n_notes);
        if (round % 10 == 9) {
            assert_sound(after);
        }
        cf_store_close(after);
        first += 1000;
    }
    assert_true(n_kept > ROUNDS);
    cf_buf_release(&text);
}

static void save__unsynced_for_long__is_synced_with_the_next(void **state)
{
    struct cf_store *store = open_store(*state);
    int64_t reply = begin_reply(store, new_conversation(store), 0);
    assert_int_equal(cf_store_unsynced_since_ms(store), 0);
    const struct cf_reply_state text = reply_text("x");
    assert_ok(cf_store_reply_save(store, reply, &text, err));
    assert_int_equal(store->synchronous, 1);
    assert_true(store->unsynced_since_ms != 0);
    store->unsynced_since_ms -= CF_DB_SYNC_MS;
    assert_ok(cf_store_reply_save(store, reply, &text, err));
    assert_int_equal(store->synchronous, 2);
    assert_int_equal(store->unsynced_since_ms, 0);
    cf_store_close(store);
}

/* ---- The disk ---- */

static void full_disk__any_write__fails_whole_and_works_again(void **state)
{
    const struct place *place = *state;
    const struct cf_store_options options = {.vfs = STORE_VFS};
    struct cf_store *store = NULL;
    assert_ok(cf_store_open(&store, place->path, &options, err));
    int64_t conversation = new_conversation(store);
    int64_t reply = begin_reply(store, conversation, 0);
    struct cf_buf text = CF_BUF_INIT;
    make_text(&text, 13 * 6);
    int n_failed = 0;
    for (int64_t room = 0; room < 40000; room += 1500) {
        const struct cf_message_spec spec = {.conversation = conversation,
                                             .parent = reply,
                                             .role = CF_ROLE_USER,
                                             .text = text.data,
                                             .size = text.size};
        int64_t id = 0;
        store_vfs.bytes_left = room;
        struct cf_err why = CF_ERR_INIT;
        enum cf_code code = cf_store_message_add(&id, store, &spec, &why);
        store_vfs.bytes_left = -1;
        if (code == CF_OK) {
            assert_text(store, id, 13 * 6);
            continue;
        }
        n_failed++;
        assert_int_equal(code, CF_ERR_FULL);
        assert_non_null(strstr(why.text, "no space left"));
        assert_non_null(strstr(why.text, place->path));
        assert_int_equal(id, 0);
        /* The reply that streams is only later. */
        store_vfs.bytes_left = 0;
        const struct cf_reply_state state_now = beginning(&text, text.size);
        assert_code(CF_ERR_FULL, cf_store_reply_save(store, reply, &state_now, err));
        store_vfs.bytes_left = -1;
        assert_ok(cf_store_reply_save(store, reply, &state_now, err));
    }
    assert_true(n_failed > 3);
    assert_sound(store);
    cf_store_close(store);
    cf_buf_release(&text);
}

static void full_disk__new_database__is_told(void **state)
{
    const struct place *place = *state;
    const struct cf_store_options options = {.vfs = STORE_VFS};
    store_vfs.bytes_left = 10000;
    struct cf_store *store = NULL;
    assert_code(CF_ERR_FULL, cf_store_open(&store, place->path, &options, err));
    store_vfs.bytes_left = -1;
    assert_ok(cf_store_open(&store, place->path, &options, err));
    assert_sound(store);
    cf_store_close(store);
}

static void no_shared_memory__a_rollback_journal__serves_and_is_told_once(void **state)
{
    const struct place *place = *state;
    const struct cf_store_options options = {.vfs = STORE_VFS};
    store_vfs.has_no_shm = true;
    struct cf_store *store = NULL;
    assert_ok(cf_store_open(&store, place->path, &options, err));
    assert_non_null(cf_store_notice(store));
    assert_non_null(strstr(cf_store_notice(store), "no write-ahead log"));
    int64_t id = new_conversation(store);
    int64_t reply = begin_reply(store, id, add_text(store, id, 0, CF_ROLE_USER, "q"));
    const struct cf_reply_state text = reply_text("half");
    assert_ok(cf_store_reply_save(store, reply, &text, err));
    /* Never unsynced: that could tear the file. */
    assert_int_equal(cf_store_unsynced_since_ms(store), 0);
    finish_reply(store, reply, "whole");
    assert_ok(cf_store_conversation_delete(store, id, err));
    struct cf_purge_result result;
    assert_ok(cf_store_purge(&result, store, err));
    assert_sound(store);
    cf_store_close(store);
    assert_ok(cf_store_open(&store, place->path, &options, err));
    assert_null(cf_store_notice(store));
    cf_store_close(store);
}

/* ---- Others ---- */

static void lock__held_by_another__ends_with_a_sentence(void **state)
{
    const struct place *place = *state;
    const struct cf_store_options hasty = {.busy_timeout_ms = 30};
    struct cf_store *store = NULL;
    assert_ok(cf_store_open(&store, place->path, &hasty, err));
    int64_t conversation = new_conversation(store);
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(place->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct cf_err why = CF_ERR_INIT;
    assert_int_equal(cf_store_conversation_rename(store, conversation, "x", &why), CF_ERR_BUSY);
    assert_non_null(strstr(why.text, "another program is writing"));
    /* Reading does not wait. */
    assert_int_equal(active_leaf(store, conversation), 0);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_ok(cf_store_conversation_rename(store, conversation, "x", err));
    (void)sqlite3_close(other);
    cf_store_close(store);
}

static void processes__at_once__all_get_their_turn(void **state)
{
    const struct place *place = *state;
    enum { CHILDREN = 4, MESSAGES = 60 };
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            /* Also the making of the database is raced for. */
            struct cf_store *store = NULL;
            struct cf_err err = CF_ERR_INIT;
            int64_t conversation = 0;
            const struct cf_conversation_spec spec = {.model = "tiny"};
            enum cf_code code = cf_store_open(&store, place->path, NULL, &err);
            if (code == CF_OK) {
                code = cf_store_conversation_create(&conversation, store, &spec, &err);
            }
            int64_t parent = 0;
            for (int n = 0; code == CF_OK && n < MESSAGES; n++) {
                const struct cf_message_spec message = {
                    .conversation = conversation, .parent = parent, .text = "tea", .size = 3};
                code = cf_store_message_add(&parent, store, &message, &err);
            }
            cf_store_close(store);
            if (code != CF_OK) {
                (void)fprintf(stderr, "# %s\n", err.text);
            }
            _exit(code == CF_OK ? 0 : 1);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    struct cf_store *store = open_store(place);
    struct cf_store_counts counts;
    assert_ok(cf_store_counts(&counts, store, err));
    assert_int_equal(counts.n_open, CHILDREN);
    assert_int_equal(counts.n_messages, CHILDREN * MESSAGES);
    assert_sound(store);
    cf_store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(kill__at_any_moment__loses_nothing_that_was_stored),
        TEST(recover__a_living_process__is_left_alone),
        TEST(owner__of_other_runs_and_places__is_judged),
        TEST(power_cut__at_any_write__keeps_what_was_synced),
        TEST(save__unsynced_for_long__is_synced_with_the_next),
        TEST(full_disk__any_write__fails_whole_and_works_again),
        TEST(full_disk__new_database__is_told),
        TEST(no_shared_memory__a_rollback_journal__serves_and_is_told_once),
        TEST(lock__held_by_another__ends_with_a_sentence),
        TEST(processes__at_once__all_get_their_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
