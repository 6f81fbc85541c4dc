/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The message in the input line, and the draft that the chat keeps of it.
 *
 * The draft is what stands in the line, but for a /command: that would come back once it was
 * carried out.  A draft that comes to the conversation while a /command is typed, or while an
 * editor has the line, waits until the line is empty, and is part of the draft meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "ui_state.h"

/* What the draft is while TEXT is the message; from malloc. */
static char *draft_of(const struct ui *ui, const char *text)
{
    struct cf_buf draft = CF_BUF_INIT;
    cf_buf_add_str(&draft, ui->waiting_draft != NULL ? ui->waiting_draft : "");
    if (!cf_command_is(text)) {
        text = draft.size > 0 ? cf_command_text(text) : text;
        cf_buf_add_paragraph(&draft, text, strlen(text));
    }
    return cf_buf_take(&draft);
}

/* The message, where it stands: behind a question, on its way into the line, or there. */
static const char *message_text(struct ui *ui)
{
    if (ui->asking != UI_ASK_MESSAGE) {
        return ui->kept_draft != NULL ? ui->kept_draft : "";
    }
    if (ui->put_back != NULL) {
        return ui->put_back;
    }
    struct ui_line_view view;
    ui_line_view(ui->line, &view);
    return view.text;
}

static void set_message(struct ui *ui, const char *text)
{
    if (ui->asking != UI_ASK_MESSAGE) {
        char *kept = cf_strdup(text);
        free(ui->kept_draft);
        ui->kept_draft = kept;
    } else if (ui->put_back != NULL) {
        ui_put_back(ui, cf_strdup(text));
    } else {
        ui_set_line(ui, text);
    }
}

void ui_set_line(struct ui *ui, const char *text)
{
    ui->is_setting_line = true;
    ui_line_set(ui->line, text, strlen(text));
    ui->is_setting_line = false;
}

void ui_put_back(struct ui *ui, char *text)
{
    free(ui->put_back);
    ui->put_back = text;
}

void ui_send_draft(struct ui *ui)
{
    char *draft;
    if (ui->waiting_draft != NULL && message_text(ui)[0] == '\0') {
        draft = ui->waiting_draft;
        ui->waiting_draft = NULL;
        set_message(ui, draft);
    } else {
        draft = draft_of(ui, message_text(ui));
    }
    cf_chat_set_draft(ui->chat, draft, strlen(draft));
    free(draft);
}

void ui_show_draft(struct ui *ui)
{
    const char *draft = cf_chat_draft(ui->chat);
    const char *text = message_text(ui);
    char *expected = draft_of(ui, text);
    bool is_known = strcmp(draft, expected) == 0; /* then the cursor stays where it is */
    free(expected);
    if (is_known) {
        return;
    }
    bool is_edited = ui_term_is_given(ui->term) && ui->child == UI_CHILD_LINE;
    bool is_busy = is_edited || cf_command_is(text);
    free(ui->waiting_draft);
    ui->waiting_draft = is_busy && draft[0] != '\0' ? cf_strdup(draft) : NULL;
    if (!is_busy) {
        struct cf_buf shown = CF_BUF_INIT;
        cf_buf_addf(&shown, "%s%s", cf_command_is(draft) ? "/" : "", draft);
        set_message(ui, shown.data);
        cf_buf_release(&shown);
        ui_send_draft(ui); /* as it stands there: not all that can be stored can be typed */
    }
}

void ui_settle_line(struct ui *ui)
{
    if (!ui_line_is_pending(ui->line)) {
        ui_show_draft(ui);
    }
    if (ui->put_back != NULL) {
        char *text = ui->put_back;
        ui->put_back = NULL;
        ui_set_line(ui, text);
        free(text);
        if (ui->asking == UI_ASK_MESSAGE) {
            ui_send_draft(ui);
        }
    }
}
