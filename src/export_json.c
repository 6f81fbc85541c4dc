/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The format that loses nothing; export.h describes it. */
#include "export_parts.h"

#include <inttypes.h>
#include <string.h>

#include "base64.h"
#include "text.h"

void cf_export_json_string(struct cf_buf *out, const char *text, size_t size)
{
    struct cf_buf valid = CF_BUF_INIT;
    if (!cf_text_is_valid(text, size)) {
        cf_text_make_valid(&valid, text, size);
        text = valid.data;
        size = valid.size;
    }
    cf_buf_add_char(out, '"');
    size_t begin = 0;
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) {
            continue;
        }
        cf_buf_add(out, text + begin, i - begin);
        begin = i + 1;
        if (c == '"' || c == '\\') {
            cf_buf_add_char(out, '\\');
            cf_buf_add_char(out, (char)c);
        } else if (c == '\n') {
            cf_buf_add(out, "\\n", 2);
        } else if (c == '\t') {
            cf_buf_add(out, "\\t", 2);
        } else {
            cf_buf_addf(out, "\\u%04x", (unsigned)c);
        }
    }
    cf_buf_add(out, text + begin, size - begin);
    cf_buf_add_char(out, '"');
    cf_buf_release(&valid);
}

/* ---- Members; each ends with a comma, which the last one loses ---- */

static void add_string(struct cf_buf *out, const char *key, const char *text, size_t size)
{
    cf_buf_addf(out, "\"%s\":", key);
    cf_export_json_string(out, text, size);
    cf_buf_add_char(out, ',');
    if (!cf_text_is_valid(text, size)) {
        cf_buf_addf(out, "\"%s_base64\":\"", key);
        cf_base64_encode(out, text, size);
        cf_buf_add(out, "\",", 2);
    }
}

/* Left out when it is NULL. */
static void add_text(struct cf_buf *out, const char *key, const char *text)
{
    if (text != NULL) {
        add_string(out, key, text, strlen(text));
    }
}

/* The next three: left out when it is 0, false or "". */
static void add_number(struct cf_buf *out, const char *key, int64_t number)
{
    if (number != 0) {
        cf_buf_addf(out, "\"%s\":%" PRId64 ",", key, number);
    }
}

static void add_flag(struct cf_buf *out, const char *key, bool flag)
{
    if (flag) {
        cf_buf_addf(out, "\"%s\":true,", key);
    }
}

static void add_uuid(struct cf_buf *out, const char *key, const char *uuid)
{
    if (uuid[0] != '\0') {
        add_text(out, key, uuid);
    }
}

static void add_digest(struct cf_buf *out, const char *key, const struct cf_digest *digest)
{
    char text[CF_DIGEST_TEXT_SIZE];
    cf_digest_format(text, digest);
    cf_buf_addf(out, "\"%s\":\"%s\",", key, text);
}

static void end_members(struct cf_buf *out, const char *end)
{
    if (out->data[out->size - 1] == ',') {
        cf_buf_truncate(out, out->size - 1);
    }
    cf_buf_add_str(out, end);
}

static void add_draft(struct cf_buf *out, const struct cf_draft_row *draft)
{
    cf_buf_add_str(out, "\"draft\":{");
    add_string(out, "text", draft->text, draft->size);
    add_number(out, "cursor", draft->cursor);
    add_number(out, "updated", draft->updated_ms);
    end_members(out, "},");
}

static enum cf_code add_draft_of(struct cf_export *export, int64_t conversation, struct cf_err *err)
{
    struct cf_arena arena = {.blocks = NULL};
    struct cf_draft_row draft;
    bool has_draft = false;
    enum cf_code code =
        cf_store_draft_row(&has_draft, &draft, &arena, export->store, conversation, err);
    if (code == CF_OK && has_draft) {
        add_draft(&export->out, &draft);
    }
    cf_arena_release(&arena);
    return cf_export_pass_damage(export, code);
}

/* ---- Snapshots ---- */

/* The place of the first digest that is not below DIGEST. */
static size_t place_of(const struct cf_buf *digests, const struct cf_digest *digest)
{
    size_t low = 0;
    size_t high = digests->size / CF_DIGEST_SIZE;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (memcmp(digests->data + middle * CF_DIGEST_SIZE, digest->bytes, CF_DIGEST_SIZE) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low * CF_DIGEST_SIZE;
}

static void note_digest(struct cf_export *export, const struct cf_digest *digest)
{
    struct cf_buf *digests = &export->digests;
    const size_t at = place_of(digests, digest);
    const bool is_there =
        at < digests->size && memcmp(digests->data + at, digest->bytes, CF_DIGEST_SIZE) == 0;
    if (is_there || export->spec->is_all) {
        return;
    }
    cf_buf_add(digests, digest->bytes, CF_DIGEST_SIZE);
    memmove(digests->data + at + CF_DIGEST_SIZE, digests->data + at,
            digests->size - CF_DIGEST_SIZE - at);
    memcpy(digests->data + at, digest->bytes, CF_DIGEST_SIZE);
}

static void add_snapshot(struct cf_export *export, const struct cf_snapshot_row *row, bool is_first)
{
    struct cf_buf *out = &export->out;
    cf_buf_add_str(out, is_first ? "\n{" : ",\n{");
    add_digest(out, "digest", &row->digest);
    add_number(out, "created", row->created_ms);
    add_string(out, "text", row->text, row->size);
    end_members(out, "}");
}

/* All there are, or those that were named. */
static enum cf_code add_snapshots(struct cf_export *export, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    bool is_first = true;
    int64_t last = 0;
    const size_t n = export->digests.size / CF_DIGEST_SIZE;
    for (size_t i = 0; code == CF_OK && (export->spec->is_all || i < n); i++) {
        struct cf_arena arena = {.blocks = NULL};
        struct cf_snapshot_row row;
        if (export->spec->is_all) {
            code = cf_store_snapshot_next(&row, &arena, export->store, last, err);
        } else {
            struct cf_digest digest;
            memcpy(digest.bytes, export->digests.data + i * CF_DIGEST_SIZE, CF_DIGEST_SIZE);
            code = cf_store_snapshot_find(&row, &arena, export->store, &digest, err);
        }
        const bool has_one = code == CF_OK && row.id != 0;
        if (has_one) {
            add_snapshot(export, &row, is_first);
            is_first = false;
            last = row.id;
            code = cf_export_flush_large(export, err);
        }
        cf_arena_release(&arena);
        code = cf_export_pass_damage(export, code);
        if (!has_one && export->spec->is_all) {
            break;
        }
    }
    return code;
}

/* ---- The document ---- */

static void begin(struct cf_export *export)
{
    cf_buf_addf(&export->out,
                "{\"format\":\"confab\",\"version\":%d,\"program\":\"%s\",\n\"conversations\":[",
                CF_EXPORT_VERSION, PACKAGE_STRING);
}

/* Of a damaged conversation: the one it shows, or else the last that can be shown. */
static const char *active_of(const struct cf_export_nodes *nodes,
                             const struct cf_conversation *conversation)
{
    const bool is_gone = conversation->trashed_ms != 0;
    const struct cf_export_node *active = cf_export_node_find(nodes, conversation->active_leaf);
    for (size_t i = nodes->n; i > 0 && (active == NULL || (active->is_trashed && !is_gone)); i--) {
        active = &nodes->items[i - 1];
    }
    return active == NULL || (active->is_trashed && !is_gone) ? "" : active->uuid;
}

static enum cf_code begin_conversation(struct cf_export *export, struct cf_err *err)
{
    struct cf_buf *out = &export->out;
    const struct cf_conversation *from = export->conversation;
    char uuid[CF_UUID_SIZE];
    cf_buf_add_str(out, export->report->n_conversations > 0 ? ",\n{" : "\n{");
    add_uuid(out, "uuid", from->uuid);
    add_number(out, "created", from->created_ms);
    add_number(out, "updated", from->updated_ms);
    add_text(out, "title", from->title);
    add_flag(out, "title_is_own", from->is_title_own);
    add_flag(out, "pinned", from->is_pinned);
    add_flag(out, "archived", from->is_archived);
    add_flag(out, "unread", from->is_unread);
    add_number(out, "trashed", from->trashed_ms);
    add_text(out, "model", from->model);
    add_text(out, "template", from->template_name);
    add_text(out, "system", from->system);
    add_text(out, "settings", from->settings);
    add_text(out, "origin", from->origin);
    add_text(out, "origin_id", from->origin_id);
    if (from->n_tags > 0) {
        cf_buf_add_str(out, "\"tags\":[");
        for (size_t i = 0; i < from->n_tags; i++) {
            cf_export_json_string(out, from->tags[i], strlen(from->tags[i]));
            cf_buf_add_char(out, ',');
        }
        end_members(out, "],");
    }
    enum cf_code code = CF_OK;
    if (from->forked_from != 0) {
        code = cf_store_message_uuid(uuid, export->store, from->forked_from, err);
        add_uuid(out, "forked_from", uuid);
    }
    if (code == CF_OK) {
        code = add_draft_of(export, from->id, err);
    }
    if (code == CF_OK && export->nodes != NULL) {
        add_uuid(out, "active", active_of(export->nodes, from));
    } else if (code == CF_OK && from->active_leaf != 0) {
        code = cf_store_message_uuid(uuid, export->store, from->active_leaf, err);
        add_uuid(out, "active", uuid);
    }
    cf_buf_add_str(out, "\"messages\":[");
    return code;
}

static void add_recipe(struct cf_export *export, const struct cf_message_row *row)
{
    struct cf_buf *out = &export->out;
    cf_buf_add_str(out, "\"recipe\":{");
    if (row->has_template) {
        note_digest(export, &row->template_digest);
        add_digest(out, "template", &row->template_digest);
    }
    if (row->has_system) {
        note_digest(export, &row->system_digest);
        add_digest(out, "system", &row->system_digest);
    }
    if (row->message.recipe != NULL) {
        cf_buf_add_str(out, "\"body\":\"");
        cf_base64_encode(out, row->message.recipe, row->message.recipe_size);
        cf_buf_add(out, "\",", 2);
    }
    end_members(out, "},");
}

static void message(struct cf_export *export, const struct cf_message_row *row)
{
    struct cf_buf *out = &export->out;
    const struct cf_message *from = &row->message;
    const enum cf_message_state state =
        from->state == CF_MESSAGE_STREAMING ? CF_MESSAGE_INTERRUPTED : from->state;
    cf_buf_add_str(out, export->n_messages > 0 ? ",\n{" : "\n{");
    add_uuid(out, "uuid", from->uuid);
    add_uuid(out, "parent", row->parent);
    add_text(out, "role", cf_role_name(from->role));
    add_text(out, "state", cf_message_state_name(state));
    add_uuid(out, "reason", cf_end_reason_name(from->reason));
    add_number(out, "created", from->created_ms);
    add_number(out, "updated", from->updated_ms);
    add_flag(out, "pinned", from->is_pinned);
    add_number(out, "trashed", from->trashed_ms);
    if (from->trashed_ms != 0) {
        add_uuid(out, "trash_root", row->trash_root);
    }
    add_uuid(out, "shown", row->shown);
    add_number(out, "tokens", from->n_tokens);
    add_number(out, "prompt_tokens", from->n_prompt);
    add_number(out, "cached_tokens", from->n_cached);
    add_number(out, "first_us", from->first_us);
    add_number(out, "total_us", from->total_us);
    add_text(out, "model", from->model);
    add_text(out, "error", from->error);
    add_text(out, "origin_id", from->origin_id);
    add_string(out, "text", from->text, from->size);
    if (row->has_recipe) {
        add_recipe(export, row);
    }
    end_members(out, "}");
}

static void end_conversation(struct cf_export *export)
{
    cf_buf_add_str(&export->out, "]}");
}

static enum cf_code end(struct cf_export *export, struct cf_err *err)
{
    struct cf_buf *out = &export->out;
    cf_buf_add_str(out, "],\n\"snapshots\":[");
    enum cf_code code = add_snapshots(export, err);
    cf_buf_add_str(out, "],");
    if (code == CF_OK && export->spec->is_all) {
        cf_buf_add_char(out, '\n');
        code = add_draft_of(export, 0, err);
    }
    while (out->data[out->size - 1] == '\n') {
        cf_buf_truncate(out, out->size - 1);
    }
    end_members(out, "}\n");
    return code;
}

const struct cf_export_style cf_export_style_json = {
    .begin = begin,
    .begin_conversation = begin_conversation,
    .message = message,
    .end_conversation = end_conversation,
    .end = end,
};
