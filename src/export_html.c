/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTML: one page that needs nothing from elsewhere, follows the reader's light or dark, and in
 * which no text of a conversation is markup. */
#include "export_parts.h"

#include <string.h>

#include "text.h"

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html>\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"generator\" content=\"" PACKAGE_STRING "\">\n"
    "<meta http-equiv=\"Content-Security-Policy\""
    " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<title>confab</title>\n"
    "<style>\n"
    ":root { color-scheme: light dark; --back: #fdfdfb; --text: #1d1d1b; --faint: #6b6b66;"
    " --line: #ddddd6; --user: #eef2f7; --system: #f6f0dd; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  :root { --back: #171716; --text: #e6e6e1; --faint: #9a9a93; --line: #3a3a37;"
    " --user: #222a33; --system: #302b1b; }\n"
    "}\n"
    "body { margin: 0 auto; max-width: 46rem; padding: 1rem; background: var(--back);"
    " color: var(--text); font: 1rem/1.55 system-ui, sans-serif; }\n"
    "article + article { border-top: 2px solid var(--line); margin-top: 3rem; }\n"
    "h1 { font-size: 1.4rem; line-height: 1.25; margin: 1.5rem 0 0; }\n"
    "time, h2 { color: var(--faint); font-size: .8rem; font-weight: normal; }\n"
    "h2 { margin: 0 0 .25rem; }\n"
    "h2 b { color: var(--text); }\n"
    "section { margin: 1rem 0; padding: .6rem .9rem; border-radius: .5rem; }\n"
    "section.user { background: var(--user); }\n"
    "section.system { background: var(--system); }\n"
    "div { white-space: pre-wrap; overflow-wrap: anywhere; }\n"
    "@media print { body { max-width: none; } section { break-inside: avoid-page; } }\n"
    "</style>\n</head>\n<body>\n";

static void add_text(struct cf_buf *out, const char *text, size_t size)
{
    struct cf_buf safe = CF_BUF_INIT;
    cf_text_make_safe(&safe, text, size);
    size_t begin = 0;
    for (size_t i = 0; i < safe.size; i++) {
        const char *entity = NULL;
        switch (safe.data[i]) {
        case '&':
            entity = "&amp;";
            break;
        case '<':
            entity = "&lt;";
            break;
        case '>':
            entity = "&gt;";
            break;
        case '"':
            entity = "&quot;";
            break;
        case '\'':
            entity = "&#39;";
            break;
        default:
            continue;
        }
        cf_buf_add(out, safe.data + begin, i - begin);
        cf_buf_add_str(out, entity);
        begin = i + 1;
    }
    cf_buf_add(out, safe.data + begin, safe.size - begin);
    cf_buf_release(&safe);
}

static void add_section(struct cf_buf *out, const char *class, const char *name, int64_t time_ms,
                        const char *text, size_t size)
{
    cf_buf_addf(out, "<section class=\"%s\">\n<h2><b>", class);
    add_text(out, name, strlen(name));
    cf_buf_add_str(out, "</b>");
    if (time_ms != 0) {
        char date[CF_EXPORT_DATE_SIZE];
        cf_export_date(date, time_ms);
        cf_buf_addf(out, " %s", date);
    }
    cf_buf_add_str(out, "</h2>\n<div dir=\"auto\">");
    add_text(out, text, size);
    cf_buf_add_str(out, "</div>\n</section>\n");
}

static void begin(struct cf_export *export)
{
    cf_buf_add_str(&export->out, head);
}

static enum cf_code begin_conversation(struct cf_export *export, struct cf_err *err)
{
    (void)err;
    struct cf_buf *out = &export->out;
    const struct cf_conversation *conversation = export->conversation;
    const char *title = conversation->title[0] != '\0' ? conversation->title : "(no title)";
    char date[CF_EXPORT_DATE_SIZE];
    cf_export_date(date, conversation->created_ms);
    cf_buf_add_str(out, "<article>\n<h1 dir=\"auto\">");
    add_text(out, title, strlen(title));
    cf_buf_addf(out, "</h1>\n<time>%s</time>\n", date);
    if (conversation->system != NULL && conversation->system[0] != '\0') {
        add_section(out, "system", "system", 0, conversation->system, strlen(conversation->system));
    }
    return CF_OK;
}

static void put_message(struct cf_export *export, const struct cf_message_row *row)
{
    const struct cf_message *message = &row->message;
    size_t size;
    const char *text = cf_export_text(&size, message->role, message->text, message->size);
    const char *role = cf_role_name(message->role);
    const bool has_model = message->role == CF_ROLE_ASSISTANT && message->model != NULL;
    add_section(&export->out, role, has_model ? message->model : role, message->created_ms, text,
                size);
}

static void end_conversation(struct cf_export *export)
{
    cf_buf_add_str(&export->out, "</article>\n");
}

static enum cf_code end(struct cf_export *export, struct cf_err *err)
{
    (void)err;
    cf_buf_add_str(&export->out, "</body>\n</html>\n");
    return CF_OK;
}

const struct cf_export_style cf_export_style_html = {
    .is_branch = true,
    .begin = begin,
    .begin_conversation = begin_conversation,
    .message = put_message,
    .end_conversation = end_conversation,
    .end = end,
};
