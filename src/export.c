/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "export_parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "path.h"

enum { PIECE_SIZE = 64 * 1024 };

static const struct {
    const char *name, *endings;
} formats[] = {
#define CF_X(format, name, endings) [format] = {name, endings},
    CF_EXPORT_FORMATS(CF_X)
#undef CF_X
};

static const struct cf_export_style *const styles[] = {
    [CF_EXPORT_MARKDOWN] = &cf_export_style_markdown,
    [CF_EXPORT_JSON] = &cf_export_style_json,
    [CF_EXPORT_JSONL] = &cf_export_style_jsonl,
    [CF_EXPORT_SHAREGPT] = &cf_export_style_sharegpt,
    [CF_EXPORT_TEXT] = &cf_export_style_text,
    [CF_EXPORT_HTML] = &cf_export_style_html,
};

const char cf_export_format_names[] = "markdown, json, jsonl, sharegpt, text or html";

bool cf_export_format_find(enum cf_export_format *format, const char *name)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(formats); i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *format = (enum cf_export_format)i;
            return true;
        }
    }
    return false;
}

bool cf_export_format_of_path(enum cf_export_format *format, const char *path)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(formats); i++) {
        for (const char *at = formats[i].endings; *at != '\0';) {
            const size_t size = strcspn(at, " ");
            const size_t n_path = strlen(path);
            if (n_path > size && strncasecmp(path + n_path - size, at, size) == 0) {
                *format = (enum cf_export_format)i;
                return true;
            }
            at += size + (at[size] == ' ');
        }
    }
    return false;
}

/* The ending of a file's name, with its dot; NULL: it has none.  What is but a number or holds a
 * blank ("v1.2", "Mr. Fox") is no ending. */
static const char *find_ending(const char *path)
{
    const char *base = cf_path_base(path);
    const char *dot = strrchr(base, '.');
    if (dot == NULL || dot == base || strpbrk(dot, " \t") != NULL ||
        dot[1 + strspn(dot + 1, "0123456789")] == '\0') {
        return NULL;
    }
    return dot;
}

enum cf_code cf_export_format_choose(enum cf_export_format *format, const char *path,
                                     const char *remedy, struct cf_err *err)
{
    if (cf_export_format_of_path(format, path)) {
        return CF_OK;
    }
    const char *ending = find_ending(path);
    if (ending == NULL) {
        *format = CF_EXPORT_MARKDOWN;
        return CF_OK;
    }
    struct cf_buf known = CF_BUF_INIT;
    for (size_t i = 0; i < CF_ARRAY_SIZE(formats); i++) {
        const size_t size = strcspn(formats[i].endings, " ");
        cf_buf_addf(&known, "%s%.*s",
                    i == 0                           ? ""
                    : i + 1 < CF_ARRAY_SIZE(formats) ? ", "
                                                     : " or ",
                    (int)size, formats[i].endings);
    }
    enum cf_code code =
        cf_err_set(err, CF_ERR_USAGE, "%s: %s is no format's ending; end it in %s%s", path, ending,
                   known.data, remedy);
    cf_buf_release(&known);
    return code;
}

const char *cf_export_text(size_t *size, enum cf_role role, const char *text, size_t whole)
{
    while (role == CF_ROLE_ASSISTANT && whole > 0 && *text == ' ') {
        text++;
        whole--;
    }
    *size = whole;
    return text;
}

void cf_export_date(char date[CF_EXPORT_DATE_SIZE], int64_t ms)
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(date, CF_EXPORT_DATE_SIZE, "%Y-%m-%d %H:%M", &local) == 0) {
        memcpy(date, "?", 2);
    }
}

/* ---- The sink ---- */

static enum cf_code flush(struct cf_export *export, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    if (export->out.size > 0) {
        code = export->sink->write(export->sink->context, export->out.data, export->out.size, err);
        cf_buf_clear(&export->out);
    }
    return code;
}

enum cf_code cf_export_flush_large(struct cf_export *export, struct cf_err *err)
{
    return export->out.size >= PIECE_SIZE ? flush(export, err) : CF_OK;
}

/* ---- Damage ---- */

enum cf_code cf_export_pass_damage(struct cf_export *export, enum cf_code code)
{
    export->report->n_damaged += code == CF_ERR_CORRUPT;
    return code == CF_ERR_CORRUPT ? CF_OK : code;
}

const struct cf_export_node *cf_export_node_find(const struct cf_export_nodes *nodes, int64_t id)
{
    size_t low = 0;
    size_t high = nodes->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (nodes->items[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < nodes->n && nodes->items[low].id == id ? &nodes->items[low] : NULL;
}

static enum cf_code find_nodes(struct cf_export_nodes *nodes, struct cf_export *export,
                               struct cf_err *err)
{
    struct cf_buf ids = CF_BUF_INIT;
    struct cf_err why = CF_ERR_INIT;
    enum cf_code code = cf_store_message_ids(&ids, export->store, export->conversation->id, &why);
    code = code == CF_ERR_CORRUPT ? CF_OK : code;
    for (size_t at = 0; code == CF_OK && at < ids.size; at += sizeof(int64_t)) {
        struct cf_arena arena = {.blocks = NULL};
        struct cf_message_row row;
        int64_t id;
        memcpy(&id, ids.data + at, sizeof id);
        code = cf_store_row_load(&row, &arena, export->store, id, &why);
        if (code == CF_OK) {
            nodes->items =
                cf_grow(nodes->items, nodes->n, &nodes->capacity, 1, sizeof *nodes->items);
            struct cf_export_node *node = &nodes->items[nodes->n++];
            *node = (struct cf_export_node){
                .id = id, .parent = row.message.parent, .is_trashed = row.message.trashed_ms != 0};
            memcpy(node->uuid, row.message.uuid, sizeof node->uuid);
        }
        code = code == CF_ERR_CORRUPT || code == CF_ERR_NOT_FOUND ? CF_OK : code;
        cf_arena_release(&arena);
    }
    cf_buf_release(&ids);
    return code == CF_OK ? CF_OK : cf_err_set(err, code, "%s", why.text);
}

/* A parent that is not written is none, nor is a deleted one of what is not deleted. */
static void settle_parent(struct cf_export *export, struct cf_message_row *row)
{
    const struct cf_export_node *parent =
        row->message.parent != 0 ? cf_export_node_find(export->nodes, row->message.parent) : NULL;
    if (parent != NULL && !(parent->is_trashed && row->message.trashed_ms == 0)) {
        memcpy(row->parent, parent->uuid, sizeof row->parent);
    } else {
        export->report->n_loose += row->message.parent != 0;
        row->parent[0] = '\0';
    }
}

static void note_lost(struct cf_export *export, int64_t id)
{
    struct cf_export_report *report = export->report;
    if (report->n_lost < CF_EXPORT_LOST_MAX) {
        report->lost[report->n_lost] = id;
    }
    report->n_lost++;
}

/* ---- Conversations ---- */

static enum cf_code put_message(struct cf_export *export, const struct cf_export_style *style,
                                int64_t id, struct cf_err *err)
{
    struct cf_arena arena = {.blocks = NULL};
    struct cf_message_row row;
    enum cf_code code = cf_store_row_load(&row, &arena, export->store, id, err);
    if (code == CF_ERR_CORRUPT || code == CF_ERR_NOT_FOUND) {
        export->report->n_damaged++; /* the others can be read */
        export->is_cut = true;
        code = CF_OK;
    } else if (code == CF_OK) {
        export->report->n_damaged += row.message.is_damaged;
        export->is_cut = export->is_cut || row.is_cut || row.message.is_damaged;
        if (export->nodes != NULL) {
            settle_parent(export, &row);
        }
        style->message(export, &row);
        export->n_messages++;
        export->report->n_messages++;
        code = style->is_branch ? cf_export_flush_large(export, err) : CF_OK;
    }
    cf_arena_release(&arena);
    const struct cf_export_spec *spec = export->spec;
    if (code == CF_OK && spec->on_progress != NULL && export->report->n_messages % 64 == 0 &&
        !spec->on_progress(spec->context, export->report->n_messages, export->n_all)) {
        code = cf_err_set(err, CF_ERR_CANCELLED, "cancelled");
    }
    return code;
}

static enum cf_code put_messages(struct cf_export *export, const struct cf_export_style *style,
                                 struct cf_err *err)
{
    struct cf_buf ids = CF_BUF_INIT;
    const struct cf_conversation *conversation = export->conversation;
    enum cf_code code =
        style->is_branch ? cf_store_branch_ids(&ids, export->store, conversation->active_leaf, err)
                         : cf_store_message_ids(&ids, export->store, conversation->id, err);
    for (size_t at = 0; code == CF_OK && at < ids.size; at += sizeof(int64_t)) {
        int64_t id;
        memcpy(&id, ids.data + at, sizeof id);
        code = put_message(export, style, id, err);
    }
    cf_buf_release(&ids);
    if (code == CF_ERR_CORRUPT) {
        export->report->n_damaged++; /* which messages it has is lost; the rest is not */
        export->is_cut = true;
        code = CF_OK;
    }
    return code;
}

static enum cf_code write_conversation(struct cf_export *export,
                                       const struct cf_export_style *style, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    export->n_messages = 0;
    export->is_cut = false;
    if (style->begin_conversation != NULL) {
        code = style->begin_conversation(export, err);
    }
    if (code == CF_OK) {
        code = put_messages(export, style, err);
    }
    if (code == CF_OK && style->end_conversation != NULL) {
        style->end_conversation(export);
    }
    export->report->n_conversations += code == CF_OK;
    return code;
}

/* The format that loses nothing names messages before and besides where they stand: where there is
 * damage, which of them can be written is found out first, and then it is written anew. */
static enum cf_code write_whole(struct cf_export *export, const struct cf_export_style *style,
                                struct cf_err *err)
{
    const struct cf_export_report before = *export->report;
    const size_t begin = export->out.size;
    enum cf_code code = write_conversation(export, style, err);
    if (code != CF_OK || !export->is_cut) {
        return code;
    }
    struct cf_export_nodes nodes = {.n = 0};
    *export->report = before;
    cf_buf_truncate(&export->out, begin);
    code = find_nodes(&nodes, export, err);
    if (code == CF_OK) {
        export->nodes = &nodes;
        code = write_conversation(export, style, err);
        export->nodes = NULL;
    }
    free(nodes.items);
    return code;
}

static enum cf_code put_conversation(struct cf_export *export, const struct cf_export_style *style,
                                     int64_t id, struct cf_err *err)
{
    struct cf_conversations one = {.n = 0};
    struct cf_err why = CF_ERR_INIT;
    const bool is_one = !export->spec->is_all && export->spec->n_ids == 1;
    enum cf_code code = cf_store_conversation_load(&one, export->store, id, &why);
    if (code == CF_ERR_CORRUPT && !is_one) {
        note_lost(export, id);
        return CF_OK;
    }
    if (code == CF_ERR_NOT_FOUND && export->spec->is_all) {
        return CF_OK; /* a number that none has, counted through for want of a list */
    }
    if (code != CF_OK) {
        return cf_err_set(err, code, "%s", why.text);
    }
    export->conversation = &one.items[0];
    /* Where all is asked for, people do not mean the trash, nor what holds nothing. */
    const bool is_left_out = style->is_branch && export->spec->is_all &&
                             (one.items[0].trashed_ms != 0 || one.items[0].active_leaf == 0);
    if (!is_left_out) {
        const size_t begin = export->out.size;
        code = style->is_branch ? write_conversation(export, style, &why)
                                : write_whole(export, style, &why);
        if (code == CF_ERR_CORRUPT && !is_one && export->n_messages == 0) {
            cf_buf_truncate(&export->out, begin);
            note_lost(export, id);
            code = CF_OK;
        }
    }
    export->conversation = NULL;
    cf_conversations_release(&one);
    return code == CF_OK ? cf_export_flush_large(export, err)
                         : cf_err_set(err, code, "%s", why.text);
}

static enum cf_code put_all(struct cf_export *export, const struct cf_export_style *style,
                            struct cf_err *err)
{
    int64_t id = 0;
    enum cf_code code = cf_store_conversation_next(&id, export->store, 0, err);
    while (code == CF_OK && id != 0) {
        code = put_conversation(export, style, id, err);
        if (code == CF_OK) {
            code = cf_store_conversation_next(&id, export->store, id, err);
        }
    }
    return code;
}

enum cf_code cf_export_run(struct cf_export_report *report, struct cf_store *store,
                           const struct cf_export_spec *spec, const struct cf_export_sink *sink,
                           struct cf_err *err)
{
    const struct cf_export_style *style = styles[spec->format];
    struct cf_export_report made = {0};
    struct cf_export export = {.store = store,
                               .spec = spec,
                               .sink = sink,
                               .out = CF_BUF_INIT,
                               .digests = CF_BUF_INIT,
                               .report = &made};
    enum cf_code code = cf_store_freeze(store, err);
    if (code == CF_OK && spec->is_all && spec->on_progress != NULL) {
        code = cf_store_message_count(&export.n_all, store, err);
        code = code == CF_ERR_CORRUPT ? CF_OK : code; /* it only measures how far it has come */
    }
    if (code == CF_OK && style->begin != NULL) {
        style->begin(&export);
    }
    if (code == CF_OK && spec->is_all) {
        code = put_all(&export, style, err);
    }
    for (size_t i = 0; code == CF_OK && !spec->is_all && i < spec->n_ids; i++) {
        code = put_conversation(&export, style, spec->ids[i], err);
    }
    if (code == CF_OK && style->end != NULL) {
        code = style->end(&export, err);
    }
    if (code == CF_OK) {
        code = flush(&export, err);
    }
    cf_store_thaw(store);
    cf_buf_release(&export.out);
    cf_buf_release(&export.digests);
    if (code == CF_OK) {
        *report = made;
    }
    return code;
}

/* ---- A file ---- */

static enum cf_code write_file(void *context, const char *bytes, size_t size, struct cf_err *err)
{
    return cf_path_file_add(context, bytes, size, err);
}

enum cf_code cf_export_file(struct cf_export_report *report, struct cf_store *store,
                            const struct cf_export_spec *spec, const char *path, bool is_replacing,
                            struct cf_err *err)
{
    struct cf_path_file file;
    const struct cf_export_sink sink = {.write = write_file, .context = &file};
    struct cf_export_report made;
    enum cf_code code = cf_path_file_open(&file, path, err);
    if (code != CF_OK) {
        return code;
    }
    code = cf_export_run(&made, store, spec, &sink, err);
    if (code != CF_OK) {
        cf_path_file_abandon(&file);
        return code;
    }
    code = cf_path_file_commit(&file, is_replacing, err);
    if (code == CF_OK) {
        *report = made;
    }
    return code;
}
