/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The active path as Markdown, from memory. */
#include <string.h>

#include "chat_private.h"

void cf_chat_export(const struct cf_chat *chat, struct cf_buf *text)
{
    if (chat->title[0] != '\0') {
        cf_buf_addf(text, "# %s\n\n", chat->title);
    }
    if (chat->settings.system != NULL && chat->settings.system[0] != '\0') {
        cf_buf_addf(text, "> %s\n\n", chat->settings.system);
    }
    for (size_t i = 0; i < chat->tree->n_path; i++) {
        const struct cf_chat_turn *turn = &chat->tree->path[i]->turn;
        const char *who = cf_role_name(turn->role);
        if (turn->role == CF_ROLE_ASSISTANT && turn->model_name != NULL) {
            who = turn->model_name;
        }
        cf_buf_addf(text, "**%s**\n\n", who);
        cf_buf_add(text, turn->text, turn->size);
        bool has_newline = turn->size > 0 && turn->text[turn->size - 1] == '\n';
        cf_buf_add_str(text, has_newline ? "\n" : "\n\n");
    }
}
