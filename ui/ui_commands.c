/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is submitted: messages, and /commands about the conversation; those about settings are in
 * ui_settings.c. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mem.h"
#include "path.h"
#include "tokenizer.h"
#include "ui_state.h"

/* The last turn of ROLE; false: there is none. */
static bool find_turn(struct ui *ui, enum cf_role role, size_t *turn)
{
    for (size_t i = cf_chat_n_turns(ui->chat); i-- > 0;) {
        if (cf_chat_turn(ui->chat, i)->role == role) {
            *turn = i;
            return true;
        }
    }
    return false;
}

/* The same, with a sentence when there is none. */
static bool last_turn(struct ui *ui, enum cf_role role, size_t *turn)
{
    bool is_found = find_turn(ui, role, turn);
    if (!is_found) {
        ui_say(ui, false,
               role == CF_ROLE_USER ? "There is no message of yours yet" : "There is no reply yet");
    }
    return is_found;
}

/* --- conversations ---------------------------------------------------------------------------- */

static bool holds(const char *text, const char *part)
{
    size_t size = strlen(part);
    for (; *text != '\0'; text++) {
        if (strncasecmp(text, part, size) == 0) {
            return true;
        }
    }
    return false;
}

/* The conversation that a number or a title names; false with a sentence or an answer. */
static bool find_conversation(struct ui *ui, const char *name, int64_t *id)
{
    char *end;
    errno = 0;
    long long number = strtoll(name, &end, 10);
    if (end != name && *end == '\0' && errno == 0 && number > 0) {
        *id = number;
        return true;
    }
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    const struct cf_chat_list_item *items = listing->items;
    size_t n = listing->n;
    size_t n_found = 0;
    struct cf_buf found = CF_BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(items[i].title, name) == 0) {
            *id = items[i].id;
            n_found = 1;
            break;
        }
        if (holds(items[i].title, name)) {
            *id = items[i].id;
            n_found++;
            if (n_found <= 8) {
                cf_buf_addf(&found, "%s%5" PRId64 "  %s", found.size > 0 ? "\n" : "", items[i].id,
                            items[i].title);
            }
        }
    }
    if (n_found == 0) {
        ui_sayf(ui, true, "No conversation is called \"%.80s\"", name);
    } else if (n_found > 1) {
        ui_answer_take(ui, cf_buf_take(&found));
    }
    cf_buf_release(&found);
    return n_found == 1;
}

static void do_new(struct ui *ui, const char *title)
{
    struct cf_err err = CF_ERR_INIT;
    ui_new_conversation(ui);
    if (title[0] != '\0') {
        ui_check(ui, cf_chat_rename(ui->chat, 0, title, &err), &err);
    }
}

/* Whether the name is a number or a title of those at hand: more are stored than are listed. */
static bool is_listed(const struct cf_chat_listing *listing, const char *name)
{
    bool is_found = strspn(name, "0123456789") == strlen(name);
    for (size_t i = 0; i < listing->n && !is_found; i++) {
        is_found = strcasecmp(listing->items[i].title, name) == 0;
    }
    return is_found;
}

static bool has_title_with(const struct cf_chat_listing *listing, const char *name)
{
    bool is_found = false;
    for (size_t i = 0; i < listing->n && !is_found; i++) {
        is_found = holds(listing->items[i].title, name);
    }
    return is_found;
}

/* Shows those of all conversations that hold the name, where the list at hand can't tell which one
 * is meant: it holds some of them only.  One that is being asked for again is good enough to open
 * what it names, but not to delete it. */
static bool lists_instead(struct ui *ui, const char *name, bool is_to_delete)
{
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    bool has_all = !listing->has_older && !listing->has_newer && listing->match[0] == '\0' &&
                   listing->shelf == CF_CHAT_SHELF_ACTIVE;
    bool is_fresh = !ui->is_list_asked ||
                    (ui->is_list_asked_again && !is_to_delete && has_title_with(listing, name));
    if ((has_all && is_fresh) || is_listed(listing, name)) {
        return false;
    }
    ui_ask_list(ui, CF_CHAT_SHELF_ACTIVE, name);
    ui->list_edge = -1;
    ui->has_list = true;
    ui_set_focus(ui, UI_FOCUS_LIST);
    return true;
}

static void do_open(struct ui *ui, const char *name)
{
    int64_t id;
    if (name[0] == '\0') {
        ui_open_list(ui);
    } else if (!lists_instead(ui, name, false) && find_conversation(ui, name, &id)) {
        cf_chat_open(ui->chat, id);
    }
}

static void do_rename(struct ui *ui, const char *title)
{
    struct cf_err err = CF_ERR_INIT;
    if (title[0] == '\0') {
        const char *now = cf_chat_status(ui->chat)->title;
        ui_sayf(ui, false, "Title: %s", now[0] != '\0' ? now : "none yet");
    } else {
        ui_check(ui, cf_chat_rename(ui->chat, 0, title, &err), &err);
    }
}

static void do_delete(struct ui *ui, const char *name)
{
    int64_t id = 0;
    if (name[0] != '\0' && (lists_instead(ui, name, true) || !find_conversation(ui, name, &id))) {
        return;
    }
    ui_delete_conversation(ui, id);
}

static void do_undo(struct ui *ui, const char *argument)
{
    (void)argument;
    ui_act_undo(ui, UI_UNDO);
}

/* --- turns ------------------------------------------------------------------------------------ */

static void do_retry(struct ui *ui, const char *argument)
{
    (void)argument;
    struct cf_err err = CF_ERR_INIT;
    size_t n = cf_chat_n_turns(ui->chat);
    if (n == 0) {
        ui_say(ui, false, "There is no message to answer yet");
    } else {
        ui_check(ui, cf_chat_regenerate(ui->chat, n - 1, &err), &err);
    }
}

static void do_continue(struct ui *ui, const char *argument)
{
    (void)argument;
    struct cf_err err = CF_ERR_INIT;
    size_t turn;
    if (last_turn(ui, CF_ROLE_ASSISTANT, &turn)) {
        ui_check(ui, cf_chat_continue(ui->chat, turn, &err), &err);
    }
}

static void do_edit(struct ui *ui, const char *argument)
{
    (void)argument;
    size_t turn;
    if (last_turn(ui, CF_ROLE_USER, &turn)) {
        ui_edit_turn(ui, turn);
    }
}

static void do_fork(struct ui *ui, const char *argument)
{
    (void)argument;
    struct cf_err err = CF_ERR_INIT;
    size_t n = cf_chat_n_turns(ui->chat);
    if (n == 0) {
        ui_say(ui, false, "There is nothing to fork yet");
    } else {
        ui_check(ui, cf_chat_fork(ui->chat, n - 1, &err), &err);
    }
}

static void do_copy(struct ui *ui, const char *argument)
{
    (void)argument;
    size_t turn;
    if (last_turn(ui, CF_ROLE_ASSISTANT, &turn)) {
        const struct cf_chat_turn *reply = cf_chat_turn(ui->chat, turn);
        ui_copy(ui, reply->text, reply->size);
    }
}

static void do_search(struct ui *ui, const char *query)
{
    ui_search(ui, query);
}

/* --- files ------------------------------------------------------------------------------------ */

enum cf_code ui_write_new(const char *path, const struct cf_buf *text, struct cf_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return errno == EEXIST
                   ? cf_err_set(err, CF_ERR_EXISTS, "%s exists already; choose another name", path)
                   : cf_err_set_errno(err, errno, "%s", path);
    }
    enum cf_code code = CF_OK;
    for (size_t done = 0; done < text->size && code == CF_OK;) {
        ssize_t n = write(fd, text->data + done, text->size - done);
        if (n > 0) {
            done += (size_t)n;
        } else if (n < 0 && errno != EINTR) {
            code = cf_err_set_errno(err, errno, "%s", path);
        }
    }
    if (close(fd) != 0 && code == CF_OK) {
        code = cf_err_set_errno(err, errno, "%s", path);
    }
    if (code != CF_OK) {
        unlink(path);
    }
    return code;
}

/* What works on a file that a person names. */
static void with_file(struct ui *ui, const char *name,
                      enum cf_code (*work)(struct cf_chat *chat, const char *path,
                                           struct cf_err *err))
{
    struct cf_err err = CF_ERR_INIT;
    char *path = NULL;
    enum cf_code code = cf_path_expand(&path, name, &err);
    if (code == CF_OK) {
        code = work(ui->chat, path, &err);
    }
    ui_check(ui, code, &err);
    free(path);
}

static void do_export(struct ui *ui, const char *name)
{
    with_file(ui, name, cf_chat_export_file);
}

static void do_import(struct ui *ui, const char *name)
{
    with_file(ui, name, cf_chat_import);
}

/* --- answers ---------------------------------------------------------------------------------- */

static void do_tokens(struct ui *ui, const char *text)
{
    const struct cf_tokenizer *tokenizer = cf_chat_tokenizer(ui->chat);
    const struct cf_chat_status *status = cf_chat_status(ui->chat);
    if (text[0] == '\0') {
        ui_sayf(ui, false, "The conversation has %d tokens; the context holds %d",
                status->n_used - status->n_draft, status->n_ctx);
    } else if (tokenizer == NULL) {
        ui_say(ui, true, "The model is not open yet");
    } else {
        struct cf_ids ids = {0};
        cf_tokenizer_encode(tokenizer, text, strlen(text), &ids);
        ui_sayf(ui, false, "%zu token%s, %zu bytes", ids.n, ids.n == 1 ? "" : "s", strlen(text));
        cf_ids_release(&ids);
    }
}

static void do_context(struct ui *ui, const char *argument)
{
    (void)argument;
    const struct cf_chat_status *status = cf_chat_status(ui->chat);
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_addf(&text, "%d of %d tokens are in use, %d of them evaluated already.\n",
                status->n_used - status->n_draft, status->n_ctx, status->n_cached);
    if (status->first_visible > 0) {
        cf_buf_addf(&text, "The model sees the conversation from message %zu on.",
                    status->first_visible + 1);
    } else {
        cf_buf_add_str(&text, "The model sees the whole conversation.");
    }
    if (status->drops_next) {
        cf_buf_add_str(&text, " The next message makes it forget the oldest ones.");
    }
    ui_answer_take(ui, cf_buf_take(&text));
}

static void do_stats(struct ui *ui, const char *argument)
{
    (void)argument;
    size_t turn;
    ui->wants_stats = true;
    cf_chat_count(ui->chat);
    if (!find_turn(ui, CF_ROLE_ASSISTANT, &turn)) {
        return;
    }
    const struct cf_chat_turn *reply = cf_chat_turn(ui->chat, turn);
    const struct cf_chat_status *status = cf_chat_status(ui->chat);
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_addf(&text, "model   %s\n", reply->model_name != NULL ? reply->model_name : "unknown");
    int32_t pace = cf_chat_settings(ui->chat)->pace;
    cf_buf_addf(&text, "reply   %zu tokens, %.1f tokens/s", reply->n_tokens,
                reply->tokens_per_second);
    if (pace > 0) {
        cf_buf_addf(&text, " (held to a pace of %d)", (int)pace);
    }
    cf_buf_addf(&text, ", the first after %.0f ms\n", reply->seconds_to_first * 1000);
    cf_buf_addf(&text, "prompt  %d tokens, %d cached, %d evaluated\n", status->n_prompt,
                status->n_reused, status->n_evaluated);
    cf_buf_addf(&text, "seed    %" PRIu64, reply->seed);
    ui_answer_take(ui, cf_buf_take(&text));
}

void ui_show_stats(struct ui *ui)
{
    /* As many months as fit over the rest. */
    enum { ROWS_ELSE = 26, MONTHS_MIN = 3 };
    int room = ui->grid.height - ROWS_ELSE;
    struct cf_buf text = CF_BUF_INIT;
    if (ui->answer != NULL) {
        cf_buf_addf(&text, "%s\n\n", ui->answer);
    }
    cf_chat_counted(ui->chat, ui->grid.width - 2, room > MONTHS_MIN ? (size_t)room : MONTHS_MIN,
                    &text);
    text.data[--text.size] = '\0'; /* the last newline */
    ui_answer_take(ui, cf_buf_take(&text));
    ui->is_dirty = true;
}

static void do_help(struct ui *ui, const char *name)
{
    enum cf_command command;
    if (name[0] == '\0') {
        ui->screen.help_top = UI_HELP_COMMANDS;
        ui_set_focus(ui, UI_FOCUS_HELP);
        return;
    }
    name += name[0] == '/';
    if (!cf_command_find(&command, name, strlen(name))) {
        ui_sayf(ui, true, "There is no command /%.40s", name);
        return;
    }
    const struct cf_command_info *info = cf_command_info(command);
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_addf(&text, "/%s %s\n%s", info->name, info->usage, info->help);
    if (info->synonyms[0] != '\0') {
        cf_buf_addf(&text, "\nalso: %s", info->synonyms);
    }
    ui_answer_take(ui, cf_buf_take(&text));
}

static void do_quit(struct ui *ui, const char *argument)
{
    (void)argument;
    ui->is_done = true;
}

/* --- dispatch --------------------------------------------------------------------------------- */

static void (*const doers[CF_N_COMMANDS])(struct ui *ui, const char *argument) = {
    [CF_COMMAND_NEW] = do_new,
    [CF_COMMAND_OPEN] = do_open,
    [CF_COMMAND_RENAME] = do_rename,
    [CF_COMMAND_DELETE] = do_delete,
    [CF_COMMAND_UNDO] = do_undo,
    [CF_COMMAND_RETRY] = do_retry,
    [CF_COMMAND_CONTINUE] = do_continue,
    [CF_COMMAND_EDIT] = do_edit,
    [CF_COMMAND_FORK] = do_fork,
    [CF_COMMAND_TREE] = ui_open_tree,
    [CF_COMMAND_SYSTEM] = ui_do_system,
    [CF_COMMAND_PERSONA] = ui_do_persona,
    [CF_COMMAND_TEMPLATE] = ui_do_template,
    [CF_COMMAND_MODEL] = ui_do_model,
    [CF_COMMAND_SET] = ui_do_set,
    [CF_COMMAND_PRESET] = ui_do_preset,
    [CF_COMMAND_COMPARE] = ui_do_compare,
    [CF_COMMAND_SAVE_PRESET] = ui_do_save_preset,
    [CF_COMMAND_TEMPERATURE] = ui_do_temperature,
    [CF_COMMAND_TOP_P] = ui_do_top_p,
    [CF_COMMAND_SEED] = ui_do_seed,
    [CF_COMMAND_SEARCH] = do_search,
    [CF_COMMAND_GOTO] = ui_do_goto,
    [CF_COMMAND_EXPORT] = do_export,
    [CF_COMMAND_IMPORT] = do_import,
    [CF_COMMAND_COPY] = do_copy,
    [CF_COMMAND_TOKENS] = do_tokens,
    [CF_COMMAND_CONTEXT] = do_context,
    [CF_COMMAND_STATS] = do_stats,
    [CF_COMMAND_THEME] = ui_do_theme,
    [CF_COMMAND_HELP] = do_help,
    [CF_COMMAND_QUIT] = do_quit,
};

static void run_command(struct ui *ui, const char *text, size_t size)
{
    struct cf_command_line line;
    struct cf_err err = CF_ERR_INIT;
    if (!ui_check(ui, cf_command_parse(&line, text, &err), &err)) {
        ui_put_back(ui, cf_memdup_str(text, size));
        return;
    }
    char *argument = cf_memdup_str(line.argument, line.size);
    ui->is_refused = false;
    doers[line.command](ui, argument);
    if (ui->is_refused && line.size > 0 && ui->put_back == NULL && ui->asking == UI_ASK_MESSAGE) {
        ui_put_back(ui, cf_memdup_str(text, size));
    }
    free(argument);
}

static void submit_edit(struct ui *ui, const char *text, size_t size)
{
    struct cf_err err = CF_ERR_INIT;
    for (size_t i = 0; i < cf_chat_n_turns(ui->chat); i++) {
        /* One that was on its way to the disk when it was asked about has got another id since. */
        bool is_place = ui->asked_id < 0 && i == ui->asked_turn;
        if (cf_chat_turn(ui->chat, i)->id != ui->asked_id && !is_place) {
            continue;
        }
        if (ui_check(ui, cf_chat_edit(ui->chat, i, text, size, &err), &err)) {
            ui_ask_end(ui);
            ui_set_focus(ui, UI_FOCUS_INPUT);
            ui_transcript_reset(&ui->screen.transcript);
        } else {
            ui_put_back(ui, cf_memdup_str(text, size));
        }
        return;
    }
    ui_say(ui, true, "The message that was edited is no longer there; this is now a new one");
    ui_ask_end(ui);
    ui_set_focus(ui, UI_FOCUS_INPUT);
    ui_put_back(ui, cf_memdup_str(text, size));
}

static void submit_message(struct ui *ui, const char *text, size_t size)
{
    struct cf_err err = CF_ERR_INIT;
    if (cf_command_is(text)) {
        run_command(ui, text, size);
        return;
    }
    const char *message = cf_command_text(text);
    enum cf_code code = cf_chat_send(ui->chat, message, size - (size_t)(message - text), &err);
    if (ui_check(ui, code, &err)) {
        ui_transcript_reset(&ui->screen.transcript);
    } else {
        ui_put_back(ui, cf_memdup_str(text, size));
    }
}

void ui_submit(void *context, const char *text, size_t size)
{
    struct ui *ui = context;
    struct cf_err err = CF_ERR_INIT;
    char *copy = cf_memdup_str(text, size);
    ui->is_dirty = true;
    ui_act(ui);
    switch (ui->asking) {
    case UI_ASK_MESSAGE:
        submit_message(ui, copy, size);
        break;
    case UI_ASK_EDIT:
        submit_edit(ui, copy, size);
        break;
    case UI_ASK_TITLE:
        ui->n_undoes = 0;
        ui_ask_end(ui);
        ui_check(ui, cf_chat_rename(ui->chat, ui->asked_id, copy, &err), &err);
        break;
    case UI_ASK_VALUE:
        ui_ask_end(ui);
        ui_set(ui, cf_setting_info((enum cf_setting)ui->asked_id)->name, copy);
        break;
    case UI_ASK_SEARCH:
        ui_ask_end(ui);
        if (!ui_search_is_blank(copy)) {
            ui_search_open(ui, copy);
        }
        break;
    case UI_ASK_FILTER:
        ui_ask_end(ui);
        break;
    case UI_ASK_GOTO:
    case UI_ASK_CODE:
    case UI_ASK_WRITE:
    case UI_ASK_PIPE:
        ui_submit_asked(ui, copy);
        break;
    }
    ui->is_acting = false;
    free(copy);
}
