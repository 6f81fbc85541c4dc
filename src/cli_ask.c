/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ask and complete: one reply, or several as a batch, streamed to standard output. */
#include "base.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat.h"
#include "cli_engine.h"
#include "cli_json.h"
#include "mem.h"
#include "path.h"
#include "store.h"
#include "text.h"

enum { COUNT_MAX = 64, FLUSH_MS = 8000, FLUSH_FULL_MS = 1600, FLUSH_STEP_MS = 400 };

/* What has come of one alternative.  Alternative 0 streams; the others wait for their turn. */
struct alternative {
    struct cf_buf text;     /* not yet written */
    bool has_text;          /* something was written */
    size_t n_newlines_held; /* at the end of what was written: only the next text brings them out */
    bool has_ended;
};

struct asking {
    const struct cf_cli *cli;
    struct cf_chat *chat;
    struct cf_out out;
    struct alternative *alternatives;
    int32_t n;       /* alternatives */
    int32_t writing; /* the one that standard output is at */
    int32_t n_ended;
    bool has_failed;
    bool is_said;              /* why it failed stands on standard error already */
    bool is_stopped;           /* by a signal, or because the reader is gone */
    const struct cf_buf *echo; /* written before each alternative; NULL: nothing is */
};

static void write_echo(struct asking *asking)
{
    if (asking->echo != NULL) {
        cf_out_add_text(&asking->out, asking->echo->data, asking->echo->size);
    }
}

/* Writes text, but holds newlines at its end back: a reply ends with one. */
static void write_text(struct asking *asking, struct alternative *alternative, const char *text,
                       size_t size)
{
    size_t n_newlines = 0;
    while (n_newlines < size && text[size - 1 - n_newlines] == '\n') {
        n_newlines++;
    }
    if (n_newlines < size) {
        for (; alternative->n_newlines_held > 0; alternative->n_newlines_held--) {
            cf_out_add(&asking->out, "\n", 1);
        }
        cf_out_add_text(&asking->out, text, size - n_newlines);
        alternative->has_text = true;
    }
    alternative->n_newlines_held += n_newlines;
}

/* Writes what can be written by now: all of the alternative whose turn it is, and of the following
 * ones when those before have ended. */
static void write_ready(struct asking *asking)
{
    while (asking->writing < asking->n) {
        struct alternative *alternative = &asking->alternatives[asking->writing];
        write_text(asking, alternative, alternative->text.data, alternative->text.size);
        cf_buf_clear(&alternative->text);
        if (!alternative->has_ended) {
            return;
        }
        cf_out_end_text(&asking->out);
        if (alternative->has_text || !asking->has_failed) {
            cf_out_add(&asking->out, "\n", 1);
        }
        asking->writing++;
        if (asking->writing < asking->n) {
            cf_out_add(&asking->out, "---\n", 4);
            write_echo(asking);
        }
    }
}

static json_t *json_of_start(const struct asking *asking, const struct cf_chat_event *event)
{
    const struct cf_chat_status *status = cf_chat_status(asking->chat);
    json_t *object = json_pack("{s:s}", "event", "start");
    json_object_set_new(object, "conversation",
                        cf_json_id(event->conversation > 0 ? event->conversation : 0));
    json_object_set_new(object, "message", cf_json_id(event->message > 0 ? event->message : 0));
    json_object_set_new(object, "model", cf_json_string(status->model_name));
    json_object_set_new(object, "seed", cf_json_seed(event->seed));
    json_object_set_new(object, "settings",
                        cf_settings_to_json(cf_chat_settings(asking->chat),
                                            CF_SET_CONVERSATION | CF_SET_PRESET, false));
    json_object_set_new(object, "prompt_tokens", json_integer(event->n_prompt));
    json_object_set_new(object, "cached_tokens", json_integer(event->n_reused));
    return object;
}

static json_t *json_of_token(const struct cf_chat_event *event)
{
    json_t *object =
        json_pack("{s:s, s:i, s:i}", "event", "token", "index", event->index, "id", event->id);
    json_object_set_new(object, "text", cf_json_text(event->text, event->size));
    json_object_set_new(object, "p", json_real((double)event->p));
    json_object_set_new(object, "rank", json_integer(event->rank));
    return object;
}

static json_t *json_of_end(const struct cf_chat_event *event)
{
    json_t *object = json_pack("{s:s, s:s, s:i}", "event", "end", "reason",
                               cf_end_reason_name(event->reason), "tokens", event->index);
    if (event->size > 0) {
        json_object_set_new(object, "text", cf_json_text(event->text, event->size));
    }
    json_object_set_new(object, "seconds_to_first", json_real(event->seconds_to_first));
    json_object_set_new(object, "tokens_per_second", json_real(event->tokens_per_second));
    return object;
}

static void write_json(struct asking *asking, const struct cf_chat_event *event)
{
    json_t *object = NULL;
    switch (event->kind) {
    case CF_CHAT_EVENT_START:
        object = json_of_start(asking, event);
        break;
    case CF_CHAT_EVENT_TOKEN:
        object = json_of_token(event);
        break;
    case CF_CHAT_EVENT_END:
        object = json_of_end(event);
        break;
    }
    if (cf_cli_has(asking->cli, CF_CLI_COUNT)) {
        json_object_set_new(object, "choice", json_integer(event->alternative));
    }
    cf_out_add_json(&asking->out, object);
}

/* What of the conversation the model does not see. */
static void warn_of_what_is_cut(const struct asking *asking)
{
    const struct cf_chat_status *status = cf_chat_status(asking->chat);
    for (size_t i = 0; i < cf_chat_n_turns(asking->chat); i++) {
        if (cf_chat_turn(asking->chat, i)->is_cut) {
            cf_cli_warn(asking->cli,
                        "the message is longer than what %s can see at once (%d tokens): only its "
                        "end was read",
                        status->model_name, (int)status->n_ctx);
        }
    }
    if (status->first_visible > 0 && asking->cli->settings.verbose) {
        cf_cli_warn(asking->cli, "the first %zu messages are no longer seen by the model",
                    status->first_visible);
    }
}

static void take_events(struct asking *asking)
{
    size_t n = 0;
    const struct cf_chat_event *events = cf_chat_events(asking->chat, &n);
    for (size_t i = 0; i < n; i++) {
        const struct cf_chat_event *event = &events[i];
        if (event->kind == CF_CHAT_EVENT_START && event->alternative == 0) {
            warn_of_what_is_cut(asking);
        }
        if (event->kind == CF_CHAT_EVENT_END) {
            asking->n_ended++;
            asking->has_failed = asking->has_failed || event->reason == CF_END_ERROR;
        }
        if (asking->cli->settings.json) {
            write_json(asking, event);
            continue;
        }
        struct alternative *alternative = &asking->alternatives[event->alternative];
        if (event->kind != CF_CHAT_EVENT_START) {
            cf_buf_add(&alternative->text, event->text, event->size);
        }
        alternative->has_ended = alternative->has_ended || event->kind == CF_CHAT_EVENT_END;
    }
    if (!asking->cli->settings.json) {
        write_ready(asking);
    }
    cf_out_flush(&asking->out);
}

/* Sentences of the chat: errors end the asking, others are for standard error. */
static void take_notices(struct asking *asking)
{
    bool is_error = false;
    for (;;) {
        char *notice = cf_chat_notice_take(asking->chat, &is_error);
        if (notice == NULL) {
            return;
        }
        /* What is tried again may still be saved before the end, which then tells. */
        if (is_error && !cf_chat_status(asking->chat)->is_retrying) {
            asking->has_failed = true;
            asking->is_said = true;
            (void)cf_cli_fail_with(CF_ERR_IO, "%s", notice);
        } else {
            cf_cli_warn(asking->cli, "%s", notice);
        }
        free(notice);
    }
}

/* Also a reply that begins only now: the signal may have come before it. */
static void stop(struct asking *asking)
{
    asking->is_stopped = true;
    (void)cf_chat_stop(asking->chat, NULL);
}

/* Whether the question waits for the model, which nobody who wants to leave does. */
static bool is_waiting(const struct asking *asking)
{
    return cf_chat_status(asking->chat)->n_queued > 0;
}

/* Waits for the chat or a signal, which is let in only while waiting. */
static unsigned wait_and_pump(struct asking *asking, const sigset_t *while_waiting)
{
    struct pollfd pollfd = {.fd = cf_chat_fd(asking->chat), .events = POLLIN};
    int timeout_ms = cf_chat_timeout_ms(asking->chat);
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = (timeout_ms % 1000) * 1000000L};
    (void)ppoll(&pollfd, 1, timeout_ms >= 0 ? &timeout : NULL, while_waiting);
    unsigned changes = cf_chat_pump(asking->chat);
    take_notices(asking);
    take_events(asking);
    if (cf_cli_signal() != 0 || asking->out.is_closed || asking->out.error != 0) {
        stop(asking);
    }
    return changes;
}

/* Opens the conversation that -c names. */
static enum cf_code open_conversation(struct asking *asking, const sigset_t *while_waiting,
                                      struct cf_err *err)
{
    const char *reference = asking->cli->values[CF_CLI_CONVERSATION];
    if (asking->cli->settings.no_save) {
        return cf_err_set(err, CF_ERR_USAGE, "--conversation and --no-save exclude each other");
    }
    struct cf_store *store = NULL;
    int64_t id = 0;
    enum cf_code code = cf_store_open(&store, asking->cli->db_path,
                                      &(struct cf_store_options){.must_exist = true}, err);
    if (code == CF_OK) {
        code = cf_store_conversation_find(&id, store, reference, err);
        cf_store_close(store);
    }
    if (code != CF_OK) {
        return code;
    }
    cf_chat_open(asking->chat, id);
    while (!asking->has_failed && !asking->is_stopped &&
           (wait_and_pump(asking, while_waiting) & CF_CHANGE_OPENED) == 0) {
    }
    return CF_OK;
}

/* complete needs the model at once: waits until it is open. */
static void wait_for_model(struct asking *asking, const sigset_t *while_waiting)
{
    while (cf_chat_model(asking->chat) == NULL && !asking->has_failed && !asking->is_stopped) {
        (void)wait_and_pump(asking, while_waiting);
    }
}

/* Waits until all is saved, as long as that makes sense; a second Ctrl-C gives it up. */
static enum cf_code save_all(struct asking *asking, const sigset_t *while_waiting,
                             struct cf_err *err)
{
    struct cf_err why = CF_ERR_INIT;
    enum cf_code code = CF_ERR_BUSY;
    pthread_sigmask(SIG_SETMASK, while_waiting, NULL);
    for (int i = 0; i < FLUSH_MS / FLUSH_STEP_MS && code != CF_OK; i++) {
        /* Another program lets go of the database soon; a disk rarely gets room by itself. */
        int limit_ms = i == 0 || code == CF_ERR_BUSY ? FLUSH_MS : FLUSH_FULL_MS;
        if (i * FLUSH_STEP_MS >= limit_ms || (i > 0 && cf_cli_n_interrupts() > 1)) {
            break;
        }
        code = cf_chat_flush(asking->chat, FLUSH_STEP_MS, &why);
    }
    return code == CF_OK ? CF_OK
                         : cf_err_set(err, code, "%s; not all of it could be saved", why.text);
}

static enum cf_exit finish(struct asking *asking, enum cf_code code, const sigset_t *while_waiting,
                           struct cf_err *err)
{
    bool is_closed = asking->out.is_closed;
    if (asking->chat != NULL) {
        const struct cf_err *failure = cf_chat_failure(asking->chat);
        if (code == CF_OK && asking->n_ended < asking->n && failure->code != CF_OK) {
            code = cf_err_set(err, failure->code, "%s", failure->text);
        } else if (code == CF_OK && asking->has_failed && failure->code != CF_OK) {
            code = cf_err_set(err, failure->code, "%s", failure->text);
        }
        struct cf_err unsaved = CF_ERR_INIT;
        enum cf_code saved = save_all(asking, while_waiting, &unsaved);
        if (code == CF_OK && saved != CF_OK) {
            code = saved;
            *err = unsaved;
        }
        cf_chat_free(asking->chat);
    }
    if (code == CF_OK) {
        code = cf_out_finish(&asking->out, err);
    } else {
        (void)cf_out_finish(&asking->out, NULL);
    }
    for (int32_t i = 0; i < asking->n; i++) {
        cf_buf_release(&asking->alternatives[i].text);
    }
    free(asking->alternatives);
    if (cf_cli_signal() != 0) {
        return cf_cli_signal() == SIGINT ? CF_EXIT_INTERRUPTED
                                         : (enum cf_exit)(128 + cf_cli_signal());
    }
    if (code != CF_OK) {
        return asking->is_said ? CF_EXIT_FAILED : cf_cli_fail(err);
    }
    if (is_closed) {
        return CF_EXIT_DONE;
    }
    return asking->has_failed ? CF_EXIT_FAILED : CF_EXIT_DONE;
}

/* A question about what stands on standard input is what a new conversation is called by, not the
 * beginning of that. */
static void name_by_question(struct asking *asking, const struct cf_buf *prompt)
{
    enum { TITLE_COLUMNS = 60 };
    const struct cf_cli *cli = asking->cli;
    const char *question = cli->n_args > 0 ? cli->args[0] : "";
    bool is_both = strcmp(question, "-") != 0 && prompt->size > strlen(question);
    if (cf_cli_has(cli, CF_CLI_CONVERSATION) || !is_both) {
        return;
    }
    struct cf_buf title = CF_BUF_INIT;
    question += strspn(question, " \t\r\n");
    cf_text_ellipsize(&title, question, strcspn(question, "\r\n"), TITLE_COLUMNS);
    if (title.size > 0) {
        (void)cf_chat_rename(asking->chat, 0, title.data, NULL);
    }
    cf_buf_release(&title);
}

static enum cf_exit ask(const struct cf_cli *cli, bool is_template)
{
    struct cf_err err = CF_ERR_INIT;
    struct asking asking = {.cli = cli};
    struct cf_buf prompt = CF_BUF_INIT;
    int64_t n = 1;
    char *model_path = NULL;
    char *cache_path = NULL;
    cf_out_init(&asking.out, STDOUT_FILENO);
    enum cf_code code = cf_cli_number(&n, cli, CF_CLI_COUNT, 1, COUNT_MAX, 1, &err);
    asking.n = (int32_t)n;
    asking.alternatives = cf_calloc((size_t)n, sizeof *asking.alternatives);
    for (int32_t i = 0; i < asking.n; i++) {
        cf_buf_init(&asking.alternatives[i].text);
    }
    if (code == CF_OK) {
        code = cf_cli_read_text(&prompt, cli, 0, is_template, &err);
    }
    if (code == CF_OK) {
        code = cf_cli_model_path(&model_path, cli, &err);
    }
    sigset_t ours;
    sigset_t others;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ours, &others);
    cf_cli_catch_signals();
    if (code == CF_OK) {
        (void)cf_path_in(&cache_path, CF_FOLDER_CACHE, "digests", NULL);
        const struct cf_chat_params params = {
            .model_path = model_path,
            .db_path = cli->settings.no_save || !is_template ? NULL : cli->db_path,
            .makes_db_folder = cli->settings.db == NULL,
            .digest_cache_path = cache_path,
            .settings = &cli->settings,
            .config = &cli->config,
            .awaits_ids = cli->settings.json,
        };
        code = cf_chat_new(&asking.chat, &params, &err);
    }
    if (code == CF_OK && cf_cli_has(cli, CF_CLI_CONVERSATION)) {
        code = open_conversation(&asking, &others, &err);
    }
    if (code == CF_OK && is_template) {
        name_by_question(&asking, &prompt);
    }
    if (code == CF_OK && !is_template) {
        wait_for_model(&asking, &others);
    }
    if (code == CF_OK && !asking.has_failed && !asking.is_stopped) {
        code = is_template
                   ? cf_chat_send_many(asking.chat, prompt.data, prompt.size, asking.n, &err)
                   : cf_chat_complete(asking.chat, prompt.data, prompt.size, asking.n, &err);
        if (code == CF_OK && cf_cli_has(cli, CF_CLI_ECHO) && !cli->settings.json) {
            asking.echo = &prompt;
            write_echo(&asking);
            cf_out_flush(&asking.out);
        }
        while (code == CF_OK && !cf_chat_is_settled(asking.chat) &&
               !(asking.is_stopped && is_waiting(&asking))) {
            (void)wait_and_pump(&asking, &others);
        }
    }
    free(model_path);
    free(cache_path);
    cf_buf_release(&prompt);
    return finish(&asking, code, &others, &err);
}

enum cf_exit cf_cli_ask(const struct cf_cli *cli)
{
    return ask(cli, true);
}

enum cf_exit cf_cli_complete(const struct cf_cli *cli)
{
    return ask(cli, false);
}
