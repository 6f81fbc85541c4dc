/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The active path as Markdown, from memory. */
#include "chat_private.h"
#include "export.h"

void cf_chat_export(const struct cf_chat *chat, struct cf_buf *text)
{
    cf_export_markdown_head(text, chat->title, chat->settings.system);
    for (size_t i = 0; i < chat->tree->n_path; i++) {
        const struct cf_chat_turn *turn = &chat->tree->path[i]->turn;
        cf_export_markdown_message(text, turn->role, turn->model_name, turn->text, turn->size);
    }
}
