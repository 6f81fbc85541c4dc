/* SPDX-License-Identifier: GPL-3.0-or-later */
/* storage at its header: real threads, one front. */
#include "store_test.h"

#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <time.h>

#include "storage.h"

struct fixture {
    struct place place;
    struct cf_wake wake;
    struct cf_storage *storage;
    struct cf_storage_events events; /* taken and not looked at yet */
    size_t at;
};

static void open_storage(struct fixture *f, int delay_ms, int busy_timeout_ms)
{
    const struct cf_storage_params params = {.path = f->place.path,
                                             .wake = &f->wake,
                                             .store = {.busy_timeout_ms = busy_timeout_ms},
                                             .test_commit_delay_ms = delay_ms};
    assert_ok(cf_storage_open(&f->storage, &params, err));
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    place_init(&f->place);
    f->wake = CF_WAKE_INIT;
    assert_ok(cf_wake_open(&f->wake, err));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)cf_storage_close(f->storage, 0, NULL);
    cf_storage_events_release(&f->events);
    cf_wake_close(&f->wake);
    place_release(&f->place);
    free(f);
    return 0;
}

/* The next event; waits for it.  Half a minute without one is a failure, not a flake. */
static struct cf_storage_event *next_event(struct fixture *f)
{
    while (f->at == f->events.n) {
        cf_storage_events_release(&f->events);
        f->at = 0;
        struct pollfd fd = {.fd = cf_wake_fd(&f->wake), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 30000), 1);
        (void)cf_wake_clear(&f->wake);
        cf_storage_take(f->storage, &f->events);
    }
    return &f->events.items[f->at++];
}

static struct cf_storage_event *wait_for(struct fixture *f, uint64_t job)
{
    for (;;) {
        struct cf_storage_event *event = next_event(f);
        if (event->job == job) {
            return event;
        }
    }
}

static struct cf_storage_event *wait_for_kind(struct fixture *f, enum cf_storage_kind kind)
{
    for (;;) {
        struct cf_storage_event *event = next_event(f);
        if (event->kind == kind) {
            return event;
        }
    }
}

static uint64_t post_message(struct fixture *f, int64_t self, int64_t conversation, int64_t parent,
                             const char *text)
{
    const struct cf_message_spec spec = {.conversation = conversation,
                                         .parent = parent,
                                         .role = CF_ROLE_USER,
                                         .text = text,
                                         .size = strlen(text)};
    return cf_storage_message_add(f->storage, self, &spec);
}

/* A conversation, a question and a reply that streams, all by reserved ids. */
static int64_t post_reply(struct fixture *f, int64_t *conversation, uint64_t *job)
{
    int64_t id = cf_storage_reserve(f->storage, 1);
    int64_t question = cf_storage_reserve(f->storage, 1);
    int64_t reply = cf_storage_reserve(f->storage, 2);
    const struct cf_conversation_spec spec = {.model = "tiny"};
    (void)cf_storage_conversation_create(f->storage, id, &spec);
    (void)post_message(f, question, id, 0, "what is tea?");
    const struct cf_reply_spec begin = {.conversation = id, .parent = question};
    *job = cf_storage_reply_begin(f->storage, reply, 2, &begin);
    *conversation = id;
    return reply;
}

static void jobs__by_reserved_ids__come_true(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 0, 0);
    int64_t conversation;
    uint64_t begin;
    int64_t reply = post_reply(f, &conversation, &begin);
    const struct cf_reply_state text = reply_text("a leaf");
    uint64_t finish = cf_storage_reply_finish(f->storage, reply - 1, &text, CF_MESSAGE_COMPLETE,
                                              CF_END_STOP, NULL);
    uint64_t leaf = cf_storage_conversation_set_leaf(f->storage, conversation, reply - 1);
    uint64_t load = cf_storage_load(f->storage, conversation, 10, false);
    struct cf_storage_event *event = next_event(f);
    assert_int_equal(event->kind, CF_STORAGE_OPENED);
    assert_int_equal(event->code, CF_OK);
    event = wait_for(f, begin);
    assert_int_equal(event->code, CF_OK);
    assert_int_equal(event->n_ids, 2);
    assert_true(event->ids[0] > 0 && event->ids[1] == event->ids[0] + 1);
    assert_int_equal(event->id, event->ids[0]);
    int64_t second = event->ids[1];
    assert_int_equal(wait_for(f, finish)->code, CF_OK);
    assert_int_equal(wait_for(f, leaf)->code, CF_OK);
    event = wait_for(f, load);
    assert_int_equal(event->code, CF_OK);
    assert_int_equal(event->id, second);
    assert_int_equal(event->conversations.n, 1);
    assert_int_equal(event->messages.n, 2);
    assert_string_equal(event->messages.items[0].text, "what is tea?");
    assert_string_equal(event->messages.items[1].text, "a leaf");
    assert_int_equal(event->messages.items[1].state, CF_MESSAGE_COMPLETE);
    assert_int_equal(event->conversation, event->conversations.items[0].id);
}

static void saves__while_the_disk_is_slow__run_together(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 20, 0);
    int64_t conversation;
    uint64_t begin;
    int64_t reply = post_reply(f, &conversation, &begin);
    struct cf_buf text = CF_BUF_INIT;
    enum { N = 200 };
    uint64_t last = 0;
    for (int i = 0; i < N; i++) {
        cf_buf_addf(&text, "%d ", i);
        const struct cf_reply_state state_now = reply_text(text.data);
        last = cf_storage_reply_save(f->storage, reply, &state_now);
        (void)cf_storage_draft_save(f->storage, conversation, text.data, text.size, 1);
    }
    /* A read sees all that was submitted before it. */
    uint64_t tree = cf_storage_tree(f->storage, conversation, false);
    int n_saves = 0;
    for (struct cf_storage_event *event; (event = next_event(f))->job != tree;) {
        n_saves += event->kind == CF_STORAGE_SAVE ? 1 : 0;
        if (event->kind == CF_STORAGE_SAVE) {
            assert_int_equal(event->code, CF_OK);
        }
        last = event->job == last ? 0 : last;
    }
    struct cf_storage_event *event = &f->events.items[f->at - 1];
    assert_int_equal(last, 0); /* the newest save was done, and before the read */
    assert_true(n_saves >= 1 && n_saves < N / 2);
    assert_int_equal(event->messages.n, 3);
    assert_string_equal(event->messages.items[1].text, text.data);
    assert_int_equal(event->messages.items[1].state, CF_MESSAGE_STREAMING);
    uint64_t draft = cf_storage_draft_load(f->storage, conversation);
    event = wait_for(f, draft);
    assert_string_equal(event->text, text.data);
    assert_int_equal(event->size, text.size);
    cf_buf_release(&text);
}

static void save__before_finish_and_resume__stays_in_its_place(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 5, 0);
    int64_t conversation;
    uint64_t begin;
    int64_t reply = post_reply(f, &conversation, &begin);
    struct cf_reply_state text = reply_text("one");
    (void)cf_storage_reply_save(f->storage, reply, &text);
    text = reply_text("one two");
    (void)cf_storage_reply_finish(f->storage, reply, &text, CF_MESSAGE_CANCELLED, CF_END_CANCELLED,
                                  NULL);
    (void)cf_storage_reply_resume(f->storage, reply);
    text = reply_text("one two three");
    (void)cf_storage_reply_save(f->storage, reply, &text);
    uint64_t tree = cf_storage_tree(f->storage, conversation, false);
    struct cf_storage_event *event = wait_for(f, tree);
    assert_string_equal(event->messages.items[1].text, "one two three");
    assert_int_equal(event->messages.items[1].state, CF_MESSAGE_STREAMING);
}

static void failure__of_what_others_need__fails_them(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 0, 0);
    int64_t self = cf_storage_reserve(f->storage, 1);
    int64_t child = cf_storage_reserve(f->storage, 1);
    uint64_t bad = post_message(f, self, 4711, 0, "nowhere");
    uint64_t worse = post_message(f, child, 4711, self, "below nowhere");
    uint64_t path = cf_storage_path(f->storage, child, 0, false);
    assert_int_equal(wait_for(f, bad)->code, CF_ERR_NOT_FOUND);
    assert_int_equal(wait_for(f, worse)->code, CF_ERR_NOT_FOUND);
    struct cf_storage_event *event = wait_for(f, path);
    assert_int_equal(event->code, CF_ERR_NOT_FOUND);
    assert_string_equal(event->err.text, "what this belongs to could not be stored");
}

static void every_kind__of_job__is_answered(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 0, 0);
    struct cf_storage *s = f->storage;
    const struct cf_conversation_spec spec = {.title = "t"};
    int64_t id = wait_for(f, cf_storage_conversation_create(s, 0, &spec))->id;
    int64_t message = wait_for(f, post_message(f, 0, id, 0, "tea and toast"))->id;
    int64_t other = wait_for(f, post_message(f, 0, id, 0, "tea again"))->id;
    const struct cf_conversation_change change = {.system = "brief"};
    const struct cf_list_query list = {.tag = "work"};
    const struct cf_search search = {.query = "tea"};
    const uint64_t jobs[] = {
        cf_storage_conversation_change(s, id, &change),
        cf_storage_conversation_rename(s, id, "other"),
        cf_storage_conversation_set_pinned(s, id, true),
        cf_storage_conversation_set_archived(s, id, true),
        cf_storage_conversation_set_unread(s, id, true),
        cf_storage_conversation_set_archived(s, id, false),
        cf_storage_tag_add(s, id, "work"),
        cf_storage_message_set_pinned(s, message, true),
        cf_storage_message_delete(s, message),
        cf_storage_message_restore(s, message),
        cf_storage_message_move(s, other, id, message),
        cf_storage_alternative(s, message, 0),
        cf_storage_conversation_delete(s, id),
        cf_storage_conversation_restore(s, id),
        cf_storage_undo(s),
        cf_storage_fork(s, 0, other),
        cf_storage_list(s, &list),
        cf_storage_search(s, &search),
        cf_storage_recover(s),
        cf_storage_purge(s),
    };
    size_t n_left = CF_ARRAY_SIZE(jobs);
    while (n_left > 0) {
        struct cf_storage_event *event = next_event(f);
        if (event->kind == CF_STORAGE_OPENED) {
            continue;
        }
        if (event->code != CF_OK) {
            fail_msg("kind %d: %s", (int)event->kind, event->err.text);
        }
        n_left--;
        if (event->kind == CF_STORAGE_LIST) {
            assert_int_equal(event->conversations.n, 1);
            assert_string_equal(event->conversations.items[0].title, "other");
        } else if (event->kind == CF_STORAGE_SEARCH) {
            assert_int_equal(event->hits.n, 4); /* two messages and the fork's copies */
        } else if (event->kind == CF_STORAGE_ALTERNATIVE) {
            assert_int_equal(event->id, other);
        } else if (event->kind == CF_STORAGE_UNDO) {
            assert_int_equal(event->undone.conversation, id);
        }
    }
    /* A read may see more than was submitted before it: so this one last. */
    assert_int_equal(wait_for(f, cf_storage_tag_remove(s, id, "work"))->code, CF_OK);
    assert_int_equal(wait_for(f, cf_storage_list(s, &list))->conversations.n, 0);
}

/* Begins a reply as soon as it is told to, says so, and never ends. */
static pid_t start_writer(const struct place *place, int *go, int *said)
{
    int told[2];
    int told_back[2];
    assert_int_equal(pipe(told), 0);
    assert_int_equal(pipe(told_back), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char byte = 0;
        struct cf_store *store = NULL;
        int64_t id = 0;
        const struct cf_conversation_spec spec = {.title = "theirs"};
        if (read(told[0], &byte, 1) == 1 &&
            cf_store_open(&store, place->path, NULL, NULL) == CF_OK &&
            cf_store_conversation_create(&id, store, &spec, NULL) == CF_OK) {
            const struct cf_reply_spec reply = {.conversation = id};
            byte = (char)cf_store_reply_begin(&id, 1, store, &reply, NULL);
            (void)(write(told_back[1], &byte, 1) == 1 && pause());
        }
        _exit(1);
    }
    (void)close(told[0]);
    (void)close(told_back[1]);
    *go = told[1];
    *said = told_back[0];
    return pid;
}

static int n_in_state(const struct place *place, const char *state)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT count(*) FROM message WHERE state = ?1", -1, &stmt, NULL),
        SQLITE_OK);
    (void)sqlite3_bind_text(stmt, 1, state, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int n = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return n;
}

static void others__that_die__are_recovered_while_we_run(void **state)
{
    struct fixture *f = *state;
    int go = -1;
    int said = -1;
    pid_t pid = start_writer(&f->place, &go, &said);
    const struct cf_storage_params params = {
        .path = f->place.path, .wake = &f->wake, .recover_ms = 20};
    assert_ok(cf_storage_open(&f->storage, &params, err));
    (void)wait_for_kind(f, CF_STORAGE_OPENED);
    char byte = 0;
    assert_int_equal(write(go, "g", 1), 1);
    assert_int_equal(read(said, &byte, 1), 1);
    assert_int_equal(byte, CF_OK);
    (void)wait_for_kind(f, CF_STORAGE_CHANGED);
    assert_int_equal(n_in_state(&f->place, "streaming"), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    while (n_in_state(&f->place, "interrupted") == 0) {
        (void)wait_for_kind(f, CF_STORAGE_CHANGED);
    }
    (void)close(go);
    (void)close(said);
}

static void begin__with_a_first_message__makes_both_or_none(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 0, 0);
    int64_t self = cf_storage_reserve(f->storage, 1);
    int64_t first = cf_storage_reserve(f->storage, 1);
    const struct cf_conversation_spec spec = {.model = "tiny"};
    const struct cf_message_spec message = {.role = CF_ROLE_USER, .text = "hello", .size = 5};
    uint64_t job = cf_storage_conversation_begin(f->storage, self, &spec, first, &message);
    uint64_t next = post_message(f, 0, self, first, "and on");
    const struct cf_storage_event *event = wait_for(f, job);
    assert_int_equal(event->code, CF_OK);
    assert_true(event->id > 0 && event->message > 0);
    int64_t conversation = event->id;
    assert_int_equal(wait_for(f, next)->code, CF_OK);
    event = wait_for(f, cf_storage_tree(f->storage, conversation, false));
    assert_int_equal(event->messages.n, 2);
    assert_string_equal(event->messages.items[0].text, "hello");
    assert_int_equal(event->messages.items[1].parent, event->messages.items[0].id);
}

static void search__by_a_newer_one__is_cancelled(void **state)
{
    struct fixture *f = *state;
    /* The write before them holds the searches back until all are submitted. */
    open_storage(f, 50, 0);
    const struct cf_conversation_spec spec = {.title = "t"};
    (void)cf_storage_conversation_create(f->storage, 0, &spec);
    const struct cf_search search = {.query = "tea"};
    uint64_t first = cf_storage_search(f->storage, &search);
    uint64_t second = cf_storage_search(f->storage, &search);
    const struct cf_list_query query = {.limit = 3};
    uint64_t list = cf_storage_list(f->storage, &query);
    cf_storage_cancel(f->storage, list);
    uint64_t third = cf_storage_search(f->storage, &search);
    assert_int_equal(wait_for(f, first)->code, CF_ERR_CANCELLED);
    assert_int_equal(wait_for(f, second)->code, CF_ERR_CANCELLED);
    assert_int_equal(wait_for(f, list)->code, CF_ERR_CANCELLED);
    assert_int_equal(wait_for(f, third)->code, CF_OK);
}

static void writes__while_another_holds_the_lock__wait_in_memory(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 0, 1);
    int64_t conversation;
    uint64_t begin;
    int64_t reply = post_reply(f, &conversation, &begin);
    assert_int_equal(wait_for(f, begin)->code, CF_OK);
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(f->place.path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct cf_reply_state text = reply_text("kept in memory");
    uint64_t save = cf_storage_reply_save(f->storage, reply, &text);
    struct cf_storage_event *event = wait_for_kind(f, CF_STORAGE_HELD_UP);
    assert_int_equal(event->code, CF_ERR_BUSY);
    assert_non_null(strstr(event->err.text, "another program"));
    assert_true(cf_storage_is_busy(f->storage));
    assert_code(CF_ERR_BUSY, cf_storage_flush(f->storage, 20, err));
    /* Reads go on, and the reply grows. */
    uint64_t tree = cf_storage_tree(f->storage, conversation, false);
    event = wait_for(f, tree);
    assert_int_equal(event->code, CF_OK);
    assert_string_equal(event->messages.items[1].text, "");
    text = reply_text("kept in memory and grown");
    save = cf_storage_reply_save(f->storage, reply, &text);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(other);
    assert_ok(cf_storage_flush(f->storage, 30000, err));
    bool is_resumed = false;
    while ((event = next_event(f))->job != save) {
        is_resumed = is_resumed || event->kind == CF_STORAGE_RESUMED;
        assert_int_not_equal(event->kind, CF_STORAGE_SAVE);
    }
    assert_true(is_resumed);
    assert_int_equal(event->code, CF_OK);
    assert_false(cf_storage_is_busy(f->storage));
    tree = cf_storage_tree(f->storage, conversation, false);
    assert_string_equal(wait_for(f, tree)->messages.items[1].text, "kept in memory and grown");
}

static void close__with_writes_waiting__writes_them(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 3, 0);
    int64_t conversation;
    uint64_t begin;
    int64_t reply = post_reply(f, &conversation, &begin);
    for (int i = 0; i < 20; i++) {
        (void)post_message(f, 0, conversation, reply, "more");
    }
    assert_ok(cf_storage_close(f->storage, 30000, err));
    f->storage = NULL;
    struct cf_store *store = open_store(&f->place);
    struct cf_store_counts counts;
    assert_ok(cf_store_counts(&counts, store, err));
    assert_int_equal(counts.n_messages, 23);
    assert_sound(store);
    cf_store_close(store);
}

static void open__what_cannot_be__is_told(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir(f->place.path, 0700), 0);
    open_storage(f, 0, 0);
    struct cf_storage_event *event = next_event(f);
    assert_int_equal(event->kind, CF_STORAGE_OPENED);
    assert_int_equal(event->code, CF_ERR_FORMAT);
    const struct cf_list_query query = {.limit = 3};
    assert_int_equal(wait_for(f, cf_storage_list(f->storage, &query))->code, CF_ERR_FORMAT);
    assert_int_equal(wait_for(f, cf_storage_undo(f->storage))->code, CF_ERR_FORMAT);
    assert_ok(cf_storage_flush(f->storage, 1000, err));
    assert_ok(cf_storage_close(f->storage, 1000, err));
    f->storage = NULL;
    assert_int_equal(rmdir(f->place.path), 0);
}

static void others__writing__are_noticed(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 0, 0);
    (void)wait_for_kind(f, CF_STORAGE_OPENED);
    struct cf_store *other = open_store(&f->place);
    (void)new_conversation(other);
    (void)wait_for_kind(f, CF_STORAGE_CHANGED);
    cf_store_close(other);
}

/* Many jobs of all sorts with cancels in between: every job ends once (saves may be replaced). */
static void stress__random_jobs__each_ends_once(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 0, 0);
    enum { N = 600 };
    unsigned char *n_ends = calloc(N * 2 + 10, 1);
    unsigned char *is_save = calloc(N * 2 + 10, 1);
    int64_t conversation;
    uint64_t begin;
    int64_t reply = post_reply(f, &conversation, &begin);
    uint32_t random = 12345;
    uint64_t last = begin;
    for (int i = 0; i < N; i++) {
        random = random * 1664525U + 1013904223U;
        char words[32];
        (void)snprintf(words, sizeof words, "tea %d", i);
        const struct cf_search search = {.query = "tea"};
        const struct cf_reply_state text = reply_text(words);
        switch (random >> 29) {
        case 0:
            last = post_message(f, 0, conversation, 0, words);
            break;
        case 1:
            last = cf_storage_search(f->storage, &search);
            break;
        case 2:
            last = cf_storage_tree(f->storage, conversation, true);
            break;
        case 3:
            cf_storage_cancel(f->storage, last);
            continue;
        default:
            last = cf_storage_reply_save(f->storage, reply, &text);
            is_save[last] = 1;
            break;
        }
        if ((random >> 8 & 15) == 0) {
            cf_storage_take(f->storage, &f->events);
        }
    }
    assert_ok(cf_storage_flush(f->storage, 30000, err));
    uint64_t barrier = cf_storage_list(f->storage, &(struct cf_list_query){.limit = 1});
    for (struct cf_storage_event *event; (event = next_event(f))->job != barrier;) {
        n_ends[event->job]++;
    }
    for (uint64_t job = 1; job < barrier; job++) {
        assert_true(n_ends[job] == 1 || (n_ends[job] == 0 && is_save[job]));
    }
    free(n_ends);
    free(is_save);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* ---- Files ---- */

static struct cf_storage_event *wait_for_port(struct fixture *f, uint64_t job, int *n_progress)
{
    for (;;) {
        struct cf_storage_event *event = next_event(f);
        if (event->job == job && event->kind != CF_STORAGE_PROGRESS) {
            return event;
        }
        if (event->job == job) {
            assert_true(event->count >= 0 && event->count <= 100);
            (*n_progress)++;
        }
    }
}

static void write_lines(const char *path, int n)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (int i = 0; i < n; i++) {
        (void)fprintf(file,
                      "{\"messages\":[{\"role\":\"user\",\"content\":\"question %d\"},"
                      "{\"role\":\"assistant\",\"content\":\"answer %d\"}]}\n",
                      i, i);
    }
    assert_int_equal(fclose(file), 0);
}

/* What was submitted before is in the file, also what has only a reserved number yet. */
static void port__export__sees_what_was_written_before(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 30, 0);
    char path[128];
    int n_progress = 0;
    (void)snprintf(path, sizeof path, "%s/out.md", f->place.folder);
    const int64_t self = cf_storage_reserve(f->storage, 2);
    const struct cf_conversation_spec spec = {.title = "Written late"};
    const struct cf_message_spec first = {.role = CF_ROLE_USER, .text = "hello", .size = 5};
    (void)cf_storage_conversation_begin(f->storage, self, &spec, self - 1, &first);
    uint64_t job = cf_storage_export(f->storage, self, CF_EXPORT_MARKDOWN, path);
    struct cf_storage_event *event = wait_for_port(f, job, &n_progress);
    assert_int_equal(event->code, CF_OK);
    assert_int_equal(event->exported.n_messages, 1);
    assert_string_equal(event->text, path);
    size_t size;
    char *bytes = test_read_file(path, &size);
    bytes[size] = '\0';
    assert_string_equal(bytes, "# Written late\n\n**user**\n\nhello\n\n");
    free(bytes);
    job = cf_storage_export(f->storage, self, CF_EXPORT_MARKDOWN, path);
    assert_int_equal(wait_for_port(f, job, &n_progress)->code, CF_ERR_EXISTS);
}

/* An import holds up neither writes nor reads, is told of, and can be ended. */
static void port__import__runs_beside_writes_and_reads(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 0, 0);
    char path[128];
    int n_progress = 0;
    (void)snprintf(path, sizeof path, "%s/lines.jsonl", f->place.folder);
    write_lines(path, 6000);
    const uint64_t job = cf_storage_import(f->storage, path);
    const struct cf_conversation_spec spec = {.title = "beside"};
    const uint64_t create = cf_storage_conversation_create(f->storage, 0, &spec);
    const struct cf_list_query query = {.limit = 10000};
    const uint64_t list = cf_storage_list(f->storage, &query);
    /* Both come before the import has ended. */
    bool has_created = false;
    bool has_listed = false;
    for (struct cf_storage_event *event; (event = next_event(f))->kind != CF_STORAGE_IMPORT;) {
        has_created = has_created || event->job == create;
        if (event->job == list) {
            has_listed = true;
            assert_int_equal(event->conversations.n, 1);
        }
        n_progress += event->kind == CF_STORAGE_PROGRESS;
        if (has_created && has_listed) {
            break;
        }
    }
    assert_true(has_created && has_listed);
    struct cf_storage_event *event = wait_for_port(f, job, &n_progress);
    assert_int_equal(event->code, CF_OK);
    assert_int_equal(event->imported.n_conversations, 6000);
    const uint64_t again = cf_storage_list(f->storage, &query);
    assert_int_equal(wait_for(f, again)->conversations.n, 6001);
}

static void port__import__can_be_cancelled(void **state)
{
    struct fixture *f = *state;
    open_storage(f, 0, 0);
    char path[128];
    int n_progress = 0;
    (void)snprintf(path, sizeof path, "%s/lines.jsonl", f->place.folder);
    write_lines(path, 20000);
    uint64_t job = cf_storage_import(f->storage, path);
    cf_storage_cancel(f->storage, job);
    assert_int_equal(wait_for_port(f, job, &n_progress)->code, CF_ERR_CANCELLED);
    const struct cf_list_query query = {.limit = 10};
    assert_int_equal(wait_for(f, cf_storage_list(f->storage, &query))->conversations.n, 0);
    /* Closing ends one that runs. */
    (void)cf_storage_import(f->storage, path);
    const struct cf_conversation_spec spec = {.title = "mine"};
    assert_int_equal(wait_for(f, cf_storage_conversation_create(f->storage, 0, &spec))->code,
                     CF_OK);
    assert_ok(cf_storage_close(f->storage, 5000, err));
    f->storage = NULL;
    struct cf_store *store = open_store(&f->place);
    recover_all(store);
    assert_sound(store);
    struct cf_store_counts counts;
    assert_ok(cf_store_counts(&counts, store, err));
    assert_int_equal(counts.n_open, 1);
    cf_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(jobs__by_reserved_ids__come_true),
        TEST(saves__while_the_disk_is_slow__run_together),
        TEST(save__before_finish_and_resume__stays_in_its_place),
        TEST(failure__of_what_others_need__fails_them),
        TEST(every_kind__of_job__is_answered),
        TEST(others__that_die__are_recovered_while_we_run),
        TEST(begin__with_a_first_message__makes_both_or_none),
        TEST(search__by_a_newer_one__is_cancelled),
        TEST(writes__while_another_holds_the_lock__wait_in_memory),
        TEST(close__with_writes_waiting__writes_them),
        TEST(open__what_cannot_be__is_told),
        TEST(others__writing__are_noticed),
        TEST(stress__random_jobs__each_ends_once),
        TEST(port__export__sees_what_was_written_before),
        TEST(port__import__runs_beside_writes_and_reads),
        TEST(port__import__can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
