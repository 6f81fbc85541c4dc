/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list, show and search: the stored conversations as text or JSON lines. */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli_json.h"
#include "cli_store.h"
#include "mem.h"
#include "recipe.h"
#include "stats.h"
#include "when.h"

enum { DATE_SIZE = 32, LIMIT_MAX = 1000000 };

/* Local time, for people. */
static void format_date(char date[DATE_SIZE], int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(date, DATE_SIZE, "%Y-%m-%d %H:%M", &local) == 0) {
        memcpy(date, "?", 2);
    }
}

static enum cf_exit finish(struct cf_out *out, struct cf_store *store, enum cf_code code,
                           struct cf_err *err)
{
    enum cf_code written = cf_out_finish(out, code == CF_OK ? err : NULL);
    code = code != CF_OK ? code : written;
    cf_store_close(store);
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(err);
}

/* ---- list ---- */

static void write_conversation(struct cf_out *out, const struct cf_cli *cli,
                               const struct cf_conversation *conversation)
{
    if (cli->settings.json) {
        json_t *object =
            json_pack("{s:I, s:s, s:I, s:b, s:b, s:b}", "id", (json_int_t)conversation->id, "uuid",
                      conversation->uuid, "messages", (json_int_t)conversation->n_messages,
                      "pinned", conversation->is_pinned, "archived", conversation->is_archived,
                      "trashed", conversation->trashed_ms != 0);
        json_object_set_new(object, "title", cf_json_string(conversation->title));
        json_object_set_new(object, "model", cf_json_string(conversation->model));
        json_object_set_new(object, "created", cf_json_date(conversation->created_ms));
        json_object_set_new(object, "updated", cf_json_date(conversation->updated_ms));
        cf_out_add_json(out, object);
        return;
    }
    char date[DATE_SIZE];
    format_date(date, conversation->updated_ms);
    cf_out_addf(out, "%6lld  %s  %4lld  ", (long long)conversation->id, date,
                (long long)conversation->n_messages);
    cf_out_add_text(out, conversation->title, strlen(conversation->title));
    cf_out_end_text(out);
    cf_out_add(out, "\n", 1);
}

static void write_json_stats(struct cf_out *out, const struct cf_store_stats *stats)
{
    json_t *models = json_array();
    json_t *months = json_array();
    for (size_t i = 0; i < stats->n_models; i++) {
        const struct cf_stats_model *model = &stats->models[i];
        json_t *object = json_pack("{s:I, s:I}", "replies", (json_int_t)model->n_replies, "tokens",
                                   (json_int_t)model->n_tokens);
        json_object_set_new(object, "model",
                            cf_json_string(model->name[0] != '\0' ? model->name : NULL));
        json_array_append_new(models, object);
    }
    for (size_t i = 0; i < stats->n_months; i++) {
        const struct cf_stats_month *month = &stats->months[i];
        char name[DATE_SIZE];
        (void)snprintf(name, sizeof name, "%04d-%02d", month->year, month->month);
        json_array_append_new(months, json_pack("{s:s, s:I, s:I, s:I}", "month", name,
                                                "conversations", (json_int_t)month->n_conversations,
                                                "messages", (json_int_t)month->n_messages, "tokens",
                                                (json_int_t)month->n_tokens));
    }
    cf_out_add_json(
        out, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "conversations",
                       (json_int_t)stats->n_conversations, "archived",
                       (json_int_t)stats->n_archived, "trashed", (json_int_t)stats->n_trashed,
                       "messages", (json_int_t)stats->n_messages, "replies",
                       (json_int_t)stats->n_replies, "tokens", (json_int_t)stats->n_tokens, "bytes",
                       (json_int_t)stats->file_size, "models", models, "months", months));
}

/* list --stats */
static enum cf_exit list_stats(const struct cf_cli *cli)
{
    enum { WIDTH = 80, MONTHS = 24 };
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    struct cf_store_stats stats = {.n_models = 0};
    struct cf_out out;
    cf_out_init(&out, STDOUT_FILENO);
    enum cf_code code = cf_cli_store_open(&store, cli, CF_CLI_READS, &err);
    if (code == CF_OK && store != NULL) {
        code = cf_store_stats(&stats, store, &err);
    }
    if (code == CF_OK && cli->settings.json) {
        write_json_stats(&out, &stats);
    } else if (code == CF_OK) {
        struct cf_buf text = CF_BUF_INIT;
        cf_stats_write(&text, &stats, WIDTH, MONTHS);
        cf_out_add_text(&out, text.data, text.size);
        cf_out_end_text(&out);
        cf_buf_release(&text);
    }
    cf_store_stats_release(&stats);
    return finish(&out, store, code, &err);
}

enum cf_exit cf_cli_list(const struct cf_cli *cli)
{
    if (cf_cli_has(cli, CF_CLI_STATS)) {
        return list_stats(cli);
    }
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    struct cf_out out;
    int64_t limit = 0;
    cf_out_init(&out, STDOUT_FILENO);
    enum cf_code code = cf_cli_number(&limit, cli, CF_CLI_LIMIT, 1, LIMIT_MAX, LIMIT_MAX, &err);
    if (code == CF_OK) {
        code = cf_cli_store_open(&store, cli, CF_CLI_READS, &err);
    }
    struct cf_conversation after = {0};
    bool is_damaged = false;
    bool has_more = store != NULL;
    while (code == CF_OK && has_more && limit > 0 && !out.is_closed) {
        const size_t page = limit < 500 ? (size_t)limit : 500;
        struct cf_list_query query = {.shelf = cf_cli_has(cli, CF_CLI_TRASH)      ? CF_SHELF_TRASH
                                               : cf_cli_has(cli, CF_CLI_ARCHIVED) ? CF_SHELF_ARCHIVE
                                                                                  : CF_SHELF_OPEN,
                                      .limit = page,
                                      .after = after.id != 0 ? &after : NULL};
        struct cf_conversations list = {0};
        code = cf_store_list(&list, store, &query, &err);
        for (size_t i = 0; code == CF_OK && i < list.n && (int64_t)i < limit; i++) {
            write_conversation(&out, cli, &list.items[i]);
        }
        if (code == CF_OK && list.n > 0) {
            /* Only its place in the order is looked at for the next page. */
            after = list.items[list.n - 1];
            limit -= (int64_t)list.n;
        }
        has_more = code == CF_OK && list.has_more;
        is_damaged = is_damaged || (code == CF_OK && list.is_damaged);
        cf_conversations_release(&list);
        cf_out_flush(&out);
    }
    if (is_damaged) {
        cf_cli_warn(cli, "some conversations could not be read: run confab check");
    }
    return finish(&out, store, code, &err);
}

/* ---- show ---- */

static json_t *json_of_sampling(const struct cf_sampling *sampling)
{
    struct cf_settings settings;
    cf_settings_init(&settings);
    settings.sampling = *sampling;
    json_t *object = cf_settings_to_json(&settings, CF_SET_LIVE, false);
    cf_settings_release(&settings);
    return object;
}

static void add_changes(json_t *changes, const struct cf_recipe_knobs *before,
                        const struct cf_recipe_knobs *after)
{
    json_t *from = json_of_sampling(&before->sampling);
    json_t *to = json_of_sampling(&after->sampling);
    const char *name;
    json_t *value;
    json_object_foreach(to, name, value)
    {
        json_t *old = json_object_get(from, name);
        if (!json_equal(old, value)) {
            json_array_append_new(changes, json_pack("{s:i, s:s, s:O?, s:O}", "token", after->begin,
                                                     "name", name, "from", old, "to", value));
        }
    }
    json_decref(from);
    json_decref(to);
}

/* The knobs turned while the reply was written: from which token on, from what to what.  NULL where
 * nothing was recorded. */
static json_t *json_of_changes(const struct cf_message *message)
{
    struct cf_recipe recipe = {0};
    json_t *changes = NULL;
    if (message->recipe_size > 0 &&
        cf_recipe_decode(&recipe, message->recipe, message->recipe_size, NULL) == CF_OK) {
        changes = json_array();
        for (size_t i = 1; i < recipe.n_knobs; i++) {
            add_changes(changes, &recipe.knobs[i - 1], &recipe.knobs[i]);
        }
    }
    cf_recipe_release(&recipe);
    return changes;
}

static void write_changes(struct cf_out *out, const struct cf_message *message, int indent)
{
    json_t *changes = json_of_changes(message);
    for (size_t i = 0; i < json_array_size(changes); i++) {
        json_t *change = json_array_get(changes, i);
        cf_out_addf(out, "%*s· from token %d on: %s %g, before %g\n", indent, "",
                    (int)json_integer_value(json_object_get(change, "token")),
                    json_string_value(json_object_get(change, "name")),
                    json_number_value(json_object_get(change, "to")),
                    json_number_value(json_object_get(change, "from")));
    }
    json_decref(changes);
}

static json_t *json_of_message(const struct cf_message *message)
{
    json_t *object = json_pack("{s:I, s:s, s:s, s:s, s:i, s:i}", "id", (json_int_t)message->id,
                               "uuid", message->uuid, "role", cf_role_name(message->role), "state",
                               cf_message_state_name(message->state), "alternative",
                               message->alternative + 1, "alternatives", message->n_alternatives);
    json_object_set_new(object, "parent", cf_json_id(message->parent));
    json_object_set_new(object, "text", cf_json_text(message->text, message->size));
    json_object_set_new(object, "created", cf_json_date(message->created_ms));
    json_object_set_new(object, "model", cf_json_string(message->model));
    if (message->role == CF_ROLE_ASSISTANT) {
        json_object_set_new(object, "reason", json_string(cf_end_reason_name(message->reason)));
        json_object_set_new(object, "tokens", json_integer(message->n_tokens));
        json_t *changes = json_of_changes(message);
        if (changes != NULL) {
            json_object_set_new(object, "changes", changes);
        }
    }
    return object;
}

/* What is remarkable about a message, in brackets. */
static void write_remarks(struct cf_out *out, const struct cf_message *message)
{
    if (message->n_alternatives > 1) {
        cf_out_addf(out, " [%d/%d]", message->alternative + 1, message->n_alternatives);
    }
    if (message->state != CF_MESSAGE_COMPLETE) {
        cf_out_addf(out, " [%s]", cf_message_state_name(message->state));
    }
    if (message->is_damaged) {
        cf_out_addf(out, " [damaged]");
    }
}

/* The text, each line behind INDENT columns of space. */
static void write_indented(struct cf_out *out, const char *text, size_t size, int indent)
{
    size_t begin = 0;
    while (begin < size) {
        const char *newline = memchr(text + begin, '\n', size - begin);
        size_t end = newline != NULL ? (size_t)(newline - text) : size;
        if (end > begin) {
            cf_out_addf(out, "%*s", indent, "");
            cf_out_add_text(out, text + begin, end - begin);
            cf_out_end_text(out);
        }
        cf_out_add(out, "\n", 1);
        begin = end + 1;
    }
}

static void write_message(struct cf_out *out, const struct cf_cli *cli,
                          const struct cf_message *message, int indent)
{
    char date[DATE_SIZE];
    format_date(date, message->created_ms);
    cf_out_addf(out, "%*s%s, %s (%lld)", indent, "", cf_role_name(message->role), date,
                (long long)message->id);
    write_remarks(out, message);
    cf_out_add(out, "\n", 1);
    /* The leading space of a reply belongs to its first token, not to what is read. */
    const char *text = message->text;
    size_t size = message->size;
    while (message->role == CF_ROLE_ASSISTANT && size > 0 && *text == ' ') {
        text++;
        size--;
    }
    write_indented(out, text, size, indent);
    if (cli->settings.verbose) {
        write_changes(out, message, indent);
    }
    cf_out_add(out, "\n", 1);
}

/* How deep a branch lies: a message stands deeper than its parent only where alternatives part. */
static void write_tree(struct cf_out *out, const struct cf_cli *cli,
                       const struct cf_messages *messages)
{
    int *depths = cf_calloc(messages->n > 0 ? messages->n : 1, sizeof *depths);
    for (size_t i = 0; i < messages->n; i++) {
        const struct cf_message *message = &messages->items[i];
        int depth = 0;
        for (size_t k = i; k-- > 0;) {
            if (messages->items[k].id == message->parent) {
                depth = depths[k] + (message->n_alternatives > 1 ? 1 : 0);
                break;
            }
        }
        depths[i] = depth;
        write_message(out, cli, message, 4 * (depth < 12 ? depth : 12));
    }
    free(depths);
}

static void write_messages(struct cf_out *out, const struct cf_cli *cli,
                           const struct cf_conversation *conversation,
                           const struct cf_messages *messages)
{
    if (!cli->settings.json) {
        const char *title = conversation->title[0] != '\0' ? conversation->title : "(no title)";
        cf_out_add_text(out, title, strlen(title));
        cf_out_end_text(out);
        cf_out_addf(out, "  (%lld)\n\n", (long long)conversation->id);
        if (conversation->system != NULL && conversation->system[0] != '\0') {
            cf_out_addf(out, "system\n");
            write_indented(out, conversation->system, strlen(conversation->system), 0);
            cf_out_add(out, "\n", 1);
        }
        if (cf_cli_has(cli, CF_CLI_ALL)) {
            write_tree(out, cli, messages);
            return;
        }
    }
    for (size_t i = 0; i < messages->n; i++) {
        if (cli->settings.json) {
            cf_out_add_json(out, json_of_message(&messages->items[i]));
        } else {
            write_message(out, cli, &messages->items[i], 0);
        }
    }
}

enum cf_exit cf_cli_show(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    struct cf_conversations one = {0};
    struct cf_messages messages = {0};
    struct cf_out out;
    int64_t id = 0;
    bool with_recipes = cli->settings.json || cli->settings.verbose;
    cf_out_init(&out, STDOUT_FILENO);
    enum cf_code code = cf_cli_store_open(&store, cli, CF_CLI_READS, &err);
    if (code == CF_OK && store == NULL) {
        code = cf_err_set(&err, CF_ERR_NOT_FOUND, "there is no conversation %s", cli->args[0]);
    }
    if (code == CF_OK) {
        code = cf_store_conversation_find(&id, store, cli->args[0], &err);
    }
    if (code == CF_OK) {
        code = cf_store_conversation_load(&one, store, id, &err);
    }
    if (code == CF_OK && cf_cli_has(cli, CF_CLI_ALL)) {
        code = cf_store_tree_load(&messages, store, id, with_recipes, &err);
    } else if (code == CF_OK && one.items[0].active_leaf != 0) {
        code =
            cf_store_path_load(&messages, store, one.items[0].active_leaf, 0, with_recipes, &err);
    }
    if (code == CF_OK) {
        write_messages(&out, cli, &one.items[0], &messages);
        if (messages.is_damaged) {
            cf_cli_warn(cli, "some messages could not be read whole: run confab check");
        }
    }
    cf_messages_release(&messages);
    cf_conversations_release(&one);
    return finish(&out, store, code, &err);
}

/* ---- search ---- */

/* The words and filters of the arguments; the options go before filters. */
static enum cf_code read_search(struct cf_search *search, struct cf_search_text *text,
                                const struct cf_cli *cli, struct cf_err *err)
{
    struct cf_buf query = CF_BUF_INIT;
    int64_t limit = 0;
    int64_t end_ms = 0;
    for (int i = 0; i < cli->n_args; i++) {
        cf_buf_addf(&query, "%s%s", i > 0 ? " " : "", cli->args[i]);
    }
    *search = (struct cf_search){.query = ""};
    int64_t now_ms = (int64_t)time(NULL) * 1000;
    enum cf_code code = cf_search_parse(search, text, query.data, now_ms, err);
    cf_buf_release(&query);
    if (code != CF_OK) {
        return code;
    }
    code = cf_cli_number(&limit, cli, CF_CLI_LIMIT, 1, LIMIT_MAX, 50, err);
    search->limit = (size_t)limit;
    const char *role = cli->values[CF_CLI_ROLE];
    if (code == CF_OK && role != NULL) {
        search->has_role = cf_role_find(&search->role, role);
        if (!search->has_role) {
            code = cf_err_set(err, CF_ERR_USAGE, "--role must be user, assistant or system, not %s",
                              role);
        }
    }
    const char *since = cli->values[CF_CLI_SINCE];
    if (code == CF_OK && since != NULL &&
        !cf_store_read_date(since, now_ms, &search->since_ms, &end_ms)) {
        code =
            cf_err_set(err, CF_ERR_USAGE, "--since needs a day such as 2026-01-31, not %s", since);
    }
    if (code != CF_OK) {
        cf_search_text_release(text);
    }
    return code;
}

/* The snippet with its matches marked: in bold on a terminal, in [brackets] otherwise. */
static void write_snippet(struct cf_out *out, const struct cf_hit *hit)
{
    struct cf_buf flat = CF_BUF_INIT;
    cf_buf_add(&flat, hit->snippet, hit->snippet_size);
    for (size_t i = 0; i < flat.size; i++) {
        if (flat.data[i] == '\n' || flat.data[i] == '\r' || flat.data[i] == '\t') {
            flat.data[i] = ' ';
        }
    }
    const char *terminal = getenv("TERM");
    bool is_bold = out->is_terminal && terminal != NULL && strcmp(terminal, "dumb") != 0;
    cf_out_addf(out, "%s", hit->is_cut_before ? "…" : "");
    size_t at = 0;
    for (size_t i = 0; i < hit->n_marks; i++) {
        const struct cf_span *mark = &hit->marks[i];
        cf_out_add_text(out, flat.data + at, mark->begin - at);
        cf_out_end_text(out);
        cf_out_addf(out, "%s", is_bold ? "\033[1m" : "[");
        cf_out_add_text(out, flat.data + mark->begin, mark->end - mark->begin);
        cf_out_end_text(out);
        cf_out_addf(out, "%s", is_bold ? "\033[0m" : "]");
        at = mark->end;
    }
    cf_out_add_text(out, flat.data + at, flat.size - at);
    cf_out_end_text(out);
    cf_out_addf(out, "%s\n", hit->is_cut_after ? "…" : "");
    cf_buf_release(&flat);
}

/* Where the first SIZE bytes of the snippet end once its invalid ones are replaced. */
static size_t valid_size(const struct cf_hit *hit, size_t size)
{
    struct cf_buf valid = CF_BUF_INIT;
    cf_text_make_valid(&valid, hit->snippet, size);
    size = valid.size;
    cf_buf_release(&valid);
    return size;
}

static void write_hit(struct cf_out *out, const struct cf_cli *cli, const struct cf_hit *hit)
{
    if (cli->settings.json) {
        json_t *object = json_pack(
            "{s:I, s:I, s:s, s:f}", "conversation", (json_int_t)hit->conversation, "message",
            (json_int_t)hit->message, "role", cf_role_name(hit->role), "score", hit->score);
        json_object_set_new(object, "title", cf_json_string(hit->title));
        json_object_set_new(object, "created", cf_json_date(hit->created_ms));
        json_object_set_new(object, "snippet", cf_json_text(hit->snippet, hit->snippet_size));
        json_t *marks = json_array();
        for (size_t i = 0; i < hit->n_marks; i++) {
            json_array_append_new(marks, json_pack("[I, I]",
                                                   (json_int_t)valid_size(hit, hit->marks[i].begin),
                                                   (json_int_t)valid_size(hit, hit->marks[i].end)));
        }
        json_object_set_new(object, "marks", marks);
        cf_out_add_json(out, object);
        return;
    }
    cf_out_addf(out, "%6lld  %6lld  ", (long long)hit->conversation, (long long)hit->message);
    write_snippet(out, hit);
}

enum cf_exit cf_cli_search(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_store *store = NULL;
    struct cf_search search;
    struct cf_search_text text;
    struct cf_hits hits = {0};
    struct cf_out out;
    cf_out_init(&out, STDOUT_FILENO);
    enum cf_code code = read_search(&search, &text, cli, &err);
    bool is_read = code == CF_OK;
    if (code == CF_OK) {
        code = cf_cli_store_open(&store, cli, CF_CLI_READS, &err);
    }
    if (code == CF_OK && store != NULL) {
        code = cf_store_search(&hits, store, &search, &err);
    }
    for (size_t i = 0; code == CF_OK && i < hits.n; i++) {
        write_hit(&out, cli, &hits.items[i]);
    }
    if (code == CF_OK && hits.is_limited) {
        cf_cli_warn(cli, "more than %d messages match: these are the best of the newest",
                    (int)CF_SEARCH_RANKED_MAX);
    }
    cf_hits_release(&hits);
    if (is_read) {
        cf_search_text_release(&text);
    }
    return finish(&out, store, code, &err);
}
