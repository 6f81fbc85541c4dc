/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A chat with a tiny model, in memory or with a database of its own. */
#ifndef CHAT_HARNESS_H
#define CHAT_HARNESS_H

#include "tiny_model.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "buf.h"
#include "chat.h"
#include "config_file.h"
#include "mem.h"
#include "store.h"

struct chat_fixture {
    char *model;  /* folder */
    char *folder; /* of the database */
    char *db;
    struct cf_settings settings;
    struct cf_config config;
    struct cf_chat *chat;
    unsigned changes; /* since they were last cleared */
    /* Of the events since then: */
    int n_starts, n_tokens, n_ends;
    struct cf_buf streamed; /* text of alternative 0 */
};

static inline void set_option(struct chat_fixture *fixture, const char *name, const char *value)
{
    struct cf_err err = CF_ERR_INIT;
    if (cf_settings_set_by_name(&fixture->settings, name, CF_SET_OPTION, value, CF_ORIGIN_OPTION,
                                name, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
}

static inline struct cf_chat_params params_of(const struct chat_fixture *fixture, bool saves)
{
    return (struct cf_chat_params){.model_path = fixture->model,
                                   .db_path = saves ? fixture->db : NULL,
                                   .settings = &fixture->settings,
                                   .config = &fixture->config,
                                   .keeps_drafts = true};
}

static inline void open_chat(struct chat_fixture *fixture, const struct cf_chat_params *params)
{
    struct cf_err err = CF_ERR_INIT;
    if (cf_chat_new(&fixture->chat, params, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
}

static inline void fixture_init(struct chat_fixture *fixture, const struct tiny_spec *spec)
{
    *fixture = (struct chat_fixture){.streamed = CF_BUF_INIT};
    fixture->model = tiny_model_write(spec);
    fixture->folder = tiny_folder();
    struct cf_buf path = CF_BUF_INIT;
    cf_buf_addf(&path, "%s/test.db", fixture->folder);
    fixture->db = cf_buf_take(&path);
    cf_settings_init(&fixture->settings);
    cf_config_init(&fixture->config);
    set_option(fixture, "temperature", "0");
    set_option(fixture, "top-k", "0");
    set_option(fixture, "top-p", "1");
    set_option(fixture, "max-tokens", "20");
    set_option(fixture, "threads", "1");
    set_option(fixture, "seed", "5");
}

static inline int set_up(void **state)
{
    struct chat_fixture *fixture = cf_malloc(sizeof *fixture);
    const struct tiny_spec spec = {.seed = 21, .n_ctx = 512, .eos_bias = -1000};
    fixture_init(fixture, &spec);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    struct chat_fixture *fixture = *state;
    cf_chat_free(fixture->chat);
    tiny_model_remove(fixture->model);
    tiny_model_remove(fixture->folder);
    free(fixture->db);
    cf_settings_release(&fixture->settings);
    cf_config_release(&fixture->config);
    cf_buf_release(&fixture->streamed);
    free(fixture);
    return 0;
}

static inline void pump(struct chat_fixture *fixture)
{
    fixture->changes |= cf_chat_pump(fixture->chat);
    size_t n = 0;
    const struct cf_chat_event *events = cf_chat_events(fixture->chat, &n);
    for (size_t i = 0; i < n; i++) {
        fixture->n_starts += events[i].kind == CF_CHAT_EVENT_START;
        fixture->n_tokens += events[i].kind == CF_CHAT_EVENT_TOKEN;
        fixture->n_ends += events[i].kind == CF_CHAT_EVENT_END;
        if (events[i].alternative == 0 && events[i].kind != CF_CHAT_EVENT_START) {
            cf_buf_add(&fixture->streamed, events[i].text, events[i].size);
        }
    }
}

static inline void wait_a_little(struct chat_fixture *fixture)
{
    int timeout_ms = cf_chat_timeout_ms(fixture->chat);
    struct pollfd fd = {.fd = cf_chat_fd(fixture->chat), .events = POLLIN};
    (void)poll(&fd, 1, timeout_ms < 0 || timeout_ms > 20 ? 20 : timeout_ms);
}

/* Pumps until IS_SO holds. */
static inline void pump_until(struct chat_fixture *fixture,
                              bool (*is_so)(const struct chat_fixture *fixture))
{
    pump(fixture);
    for (int i = 0; !is_so(fixture); i++) {
        if (i > 4000) {
            char *notice = cf_chat_notice_take(fixture->chat, NULL);
            fail_msg("it never happens (%s)", notice != NULL ? notice : "no notice");
        }
        wait_a_little(fixture);
        pump(fixture);
    }
}

static inline bool is_settled(const struct chat_fixture *fixture)
{
    return cf_chat_is_settled(fixture->chat);
}

static inline void settle(struct chat_fixture *fixture)
{
    pump_until(fixture, is_settled);
}

static inline void restart(struct chat_fixture *fixture)
{
    cf_chat_free(fixture->chat);
    const struct cf_chat_params params = params_of(fixture, true);
    open_chat(fixture, &params);
}

/* Continues the last reply. */
static inline enum cf_code go_on(struct chat_fixture *fixture, struct cf_err *err)
{
    return cf_chat_continue(fixture->chat, cf_chat_n_turns(fixture->chat) - 1, err);
}

static inline void start(struct chat_fixture *fixture, bool saves)
{
    const struct cf_chat_params params = params_of(fixture, saves);
    open_chat(fixture, &params);
}

static inline void send(struct chat_fixture *fixture, const char *text)
{
    struct cf_err err = CF_ERR_INIT;
    if (cf_chat_send(fixture->chat, text, strlen(text), &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
}

static inline void say(struct chat_fixture *fixture, const char *text)
{
    send(fixture, text);
    settle(fixture);
}

static inline const struct cf_chat_turn *turn_at(const struct chat_fixture *fixture, size_t i)
{
    assert_true(i < cf_chat_n_turns(fixture->chat));
    return cf_chat_turn(fixture->chat, i);
}

/* The last turn. */
static inline const struct cf_chat_turn *last_turn(const struct chat_fixture *fixture)
{
    return turn_at(fixture, cf_chat_n_turns(fixture->chat) - 1);
}

/* A reply is being written and has N tokens or more. */
static inline bool has_tokens(const struct chat_fixture *fixture, size_t n)
{
    size_t n_turns = cf_chat_n_turns(fixture->chat);
    return n_turns > 0 && cf_chat_turn(fixture->chat, n_turns - 1)->n_tokens >= n;
}

static inline bool is_paused(const struct chat_fixture *fixture)
{
    return cf_chat_status(fixture->chat)->phase == CF_PHASE_PAUSED;
}

/* Sends a message whose reply holds when it has N tokens. */
static inline void send_held(struct chat_fixture *fixture, const char *text, size_t n)
{
    cf_chat_start_held(fixture->chat, true);
    send(fixture, text);
    pump_until(fixture, is_paused);
    cf_chat_start_held(fixture->chat, false);
    for (size_t k = 0; k < n; k++) {
        assert_int_equal(cf_chat_step(fixture->chat, -1, NULL), CF_OK);
        while (!has_tokens(fixture, k + 1)) {
            wait_a_little(fixture);
            pump(fixture);
        }
    }
}

static inline void no_notice(struct chat_fixture *fixture)
{
    char *notice = cf_chat_notice_take(fixture->chat, NULL);
    if (notice != NULL) {
        fail_msg("unexpected notice: %s", notice);
    }
}

static inline bool is_open(const struct chat_fixture *fixture)
{
    return (fixture->changes & CF_CHANGE_OPENED) != 0;
}

static inline void open_last(struct chat_fixture *fixture)
{
    settle(fixture);
    fixture->changes = 0;
    cf_chat_open(fixture->chat, CF_CHAT_LAST);
    pump_until(fixture, is_open);
    settle(fixture);
}

static inline struct cf_store *open_store(const struct chat_fixture *fixture)
{
    struct cf_store *store = NULL;
    struct cf_err err = CF_ERR_INIT;
    const struct cf_store_options options = {.is_read_only = true};
    if (cf_store_open(&store, fixture->db, &options, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    return store;
}

/* The stored message, which the caller releases. */
static inline void load_message(const struct chat_fixture *fixture, int64_t id,
                                struct cf_messages *one)
{
    struct cf_store *store = open_store(fixture);
    *one = (struct cf_messages){0};
    assert_int_equal(cf_store_message_load(one, store, id, true, NULL), CF_OK);
    assert_int_equal(one->n, 1);
    cf_store_close(store);
}

/* Where a model is so large that its digest takes for ever: a file of it that nobody else
 * reads. */
static inline char *make_endless_model(const struct chat_fixture *fixture)
{
    struct cf_buf path = CF_BUF_INIT;
    cf_buf_addf(&path, "%s/tokenizer.json", fixture->model);
    int file = open(path.data, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, (off_t)1 << 40), 0);
    (void)close(file);
    return cf_buf_take(&path);
}

static inline bool has_end_event(const struct chat_fixture *fixture)
{
    return fixture->n_ends > 0;
}

static inline char *copy_of(const struct cf_chat_turn *turn)
{
    return cf_memdup_str(turn->text, turn->size);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
