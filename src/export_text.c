/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Markdown and text for people; OpenAI's lines and ShareGPT's array for programs.  All of the
 * active branch. */
#include "export_parts.h"

#include <string.h>

/* ---- Markdown ---- */

static void add_quoted(struct cf_buf *out, const char *text)
{
    while (*text != '\0') {
        const size_t size = strcspn(text, "\n");
        cf_buf_addf(out, "> %.*s\n", (int)size, text);
        text += size + (text[size] == '\n');
    }
    cf_buf_add_char(out, '\n');
}

void cf_export_markdown_head(struct cf_buf *out, const char *title, const char *system)
{
    if (title[0] != '\0') {
        cf_buf_addf(out, "# %s\n\n", title);
    }
    if (system != NULL && system[0] != '\0') {
        add_quoted(out, system);
    }
}

void cf_export_markdown_message(struct cf_buf *out, enum cf_role role, const char *model,
                                const char *text, size_t size)
{
    const bool has_model = role == CF_ROLE_ASSISTANT && model != NULL;
    cf_buf_addf(out, "**%s**\n\n", has_model ? model : cf_role_name(role));
    cf_buf_add(out, text, size);
    cf_buf_add_str(out, size > 0 && text[size - 1] == '\n' ? "\n" : "\n\n");
}

static enum cf_code begin_markdown(struct cf_export *export, struct cf_err *err)
{
    (void)err;
    if (export->report->n_conversations > 0) {
        cf_buf_add_str(&export->out, "---\n\n");
    }
    cf_export_markdown_head(&export->out, export->conversation->title,
                            export->conversation->system);
    return CF_OK;
}

static void put_markdown(struct cf_export *export, const struct cf_message_row *row)
{
    const struct cf_message *message = &row->message;
    size_t size;
    const char *text = cf_export_text(&size, message->role, message->text, message->size);
    cf_export_markdown_message(&export->out, message->role, message->model, text, size);
}

const struct cf_export_style cf_export_style_markdown = {
    .is_branch = true,
    .begin_conversation = begin_markdown,
    .message = put_markdown,
};

/* ---- Text ---- */

static enum cf_code begin_text(struct cf_export *export, struct cf_err *err)
{
    (void)err;
    const struct cf_conversation *conversation = export->conversation;
    char date[CF_EXPORT_DATE_SIZE];
    cf_export_date(date, conversation->created_ms);
    cf_buf_addf(&export->out, "%s%s\n%s\n\n", export->report->n_conversations > 0 ? "\f\n" : "",
                conversation->title[0] != '\0' ? conversation->title : "(no title)", date);
    if (conversation->system != NULL && conversation->system[0] != '\0') {
        cf_buf_addf(&export->out, "system:\n%s\n\n", conversation->system);
    }
    return CF_OK;
}

static void put_text(struct cf_export *export, const struct cf_message_row *row)
{
    const struct cf_message *message = &row->message;
    char date[CF_EXPORT_DATE_SIZE];
    size_t size;
    const char *text = cf_export_text(&size, message->role, message->text, message->size);
    cf_export_date(date, message->created_ms);
    const bool has_model = message->role == CF_ROLE_ASSISTANT && message->model != NULL;
    cf_buf_addf(&export->out, "%s, %s:\n", has_model ? message->model : cf_role_name(message->role),
                date);
    cf_buf_add(&export->out, text, size);
    cf_buf_add_str(&export->out, size > 0 && text[size - 1] == '\n' ? "\n" : "\n\n");
}

const struct cf_export_style cf_export_style_text = {
    .is_branch = true,
    .begin_conversation = begin_text,
    .message = put_text,
};

/* ---- OpenAI: {"messages":[{"role":...,"content":...}]} a line ---- */

/* A conversation without messages is no line: its beginning is written with its first message. */
static void begin_openai(struct cf_export *export)
{
    const char *system = export->conversation->system;
    cf_buf_add_str(&export->out, "{\"messages\":[");
    if (system != NULL && system[0] != '\0') {
        cf_buf_add_str(&export->out, "{\"role\":\"system\",\"content\":");
        cf_export_json_string(&export->out, system, strlen(system));
        cf_buf_add_str(&export->out, "},");
    }
}

static void put_openai(struct cf_export *export, const struct cf_message_row *row)
{
    const struct cf_message *message = &row->message;
    size_t size;
    const char *text = cf_export_text(&size, message->role, message->text, message->size);
    if (export->n_messages == 0) {
        begin_openai(export);
    } else {
        cf_buf_add_char(&export->out, ',');
    }
    cf_buf_addf(&export->out, "{\"role\":\"%s\",\"content\":", cf_role_name(message->role));
    cf_export_json_string(&export->out, text, size);
    cf_buf_add_char(&export->out, '}');
}

static void end_openai(struct cf_export *export)
{
    if (export->n_messages > 0) {
        cf_buf_add_str(&export->out, "]}\n");
    }
}

const struct cf_export_style cf_export_style_jsonl = {
    .is_branch = true,
    .message = put_openai,
    .end_conversation = end_openai,
};

/* ---- ShareGPT: [{"id":...,"conversations":[{"from":...,"value":...}]}] ---- */

static void begin_sharegpt(struct cf_export *export)
{
    cf_buf_add_char(&export->out, '[');
}

static enum cf_code begin_sharegpt_conversation(struct cf_export *export, struct cf_err *err)
{
    (void)err;
    const struct cf_conversation *conversation = export->conversation;
    struct cf_buf *out = &export->out;
    cf_buf_add_str(out, export->report->n_conversations > 0 ? ",\n{\"id\":" : "\n{\"id\":");
    cf_export_json_string(out, conversation->uuid, strlen(conversation->uuid));
    if (conversation->title[0] != '\0') {
        cf_buf_add_str(out, ",\"title\":");
        cf_export_json_string(out, conversation->title, strlen(conversation->title));
    }
    if (conversation->system != NULL && conversation->system[0] != '\0') {
        cf_buf_add_str(out, ",\"system\":");
        cf_export_json_string(out, conversation->system, strlen(conversation->system));
    }
    cf_buf_add_str(out, ",\"conversations\":[");
    return CF_OK;
}

static void put_sharegpt(struct cf_export *export, const struct cf_message_row *row)
{
    static const char *const names[] = {
        [CF_ROLE_SYSTEM] = "system", [CF_ROLE_USER] = "human", [CF_ROLE_ASSISTANT] = "gpt"};
    const struct cf_message *message = &row->message;
    size_t size;
    const char *text = cf_export_text(&size, message->role, message->text, message->size);
    cf_buf_addf(&export->out, "%s{\"from\":\"%s\",\"value\":", export->n_messages > 0 ? "," : "",
                names[message->role]);
    cf_export_json_string(&export->out, text, size);
    cf_buf_add_char(&export->out, '}');
}

static void end_sharegpt_conversation(struct cf_export *export)
{
    cf_buf_add_str(&export->out, "]}");
}

static enum cf_code end_sharegpt(struct cf_export *export, struct cf_err *err)
{
    (void)err;
    cf_buf_add_str(&export->out, "\n]\n");
    return CF_OK;
}

const struct cf_export_style cf_export_style_sharegpt = {
    .is_branch = true,
    .begin = begin_sharegpt,
    .begin_conversation = begin_sharegpt_conversation,
    .message = put_sharegpt,
    .end_conversation = end_sharegpt_conversation,
    .end = end_sharegpt,
};
