/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mem.h"
#include "ui_state.h"

/* How long a notice is shown: alone, as long as it takes to be read; while others wait, an error or
 * what a key was answered, and anything at least. */
enum {
    NOTICE_MS = 6000,
    NOTICE_LEAST_MS = 3000,
    CHARACTER_MS = 70,
    HURRIED_MS = 2500,
    LEAST_MS = 800
};

static void drop_first(struct ui *ui)
{
    free(ui->notices[0].text);
    ui->n_notices--;
    memmove(ui->notices, ui->notices + 1, ui->n_notices * sizeof ui->notices[0]);
}

/* What the chat says of itself makes place for the footer as soon as it can have been read; an
 * error stays. */
static int reading_ms(const struct ui_notice *notice)
{
    size_t ms = strlen(notice->text) * CHARACTER_MS;
    bool is_short = !notice->is_error && !notice->is_answer && ms < NOTICE_MS;
    return !is_short ? NOTICE_MS : ms < NOTICE_LEAST_MS ? NOTICE_LEAST_MS : (int)ms;
}

static int hurried_ms(const struct ui_notice *notice)
{
    return notice->is_error || notice->is_answer ? HURRIED_MS : LEAST_MS;
}

static void start_first(struct ui *ui)
{
    const struct ui_notice *first = &ui->notices[0];
    ui->notice_since_ms = cf_clock_ms();
    ui->notice_until_ms = ui->notice_since_ms + (ui->n_notices > 1    ? hurried_ms(first)
                                                 : ui->n_notices == 1 ? reading_ms(first)
                                                                      : 0);
}

/* Whether the notice shown makes place at once: it has been in a picture and could be read. */
static bool does_first_yield(const struct ui *ui)
{
    return ui->n_notices > 0 && ui->drawn_ms >= ui->notice_since_ms &&
           (ui->is_acting || cf_clock_ms() - ui->notice_since_ms >= LEAST_MS);
}

/* Whether a text goes on with the one before, as "chats.json: 12 %" does: it takes its place. */
static bool goes_on(const struct ui_notice *before, const char *text)
{
    const char *colon = strrchr(text, ':');
    return colon != NULL && colon[1] == ' ' && colon[2] >= '0' && colon[2] <= '9' &&
           strncmp(before->text, text, (size_t)(colon + 2 - text)) == 0;
}

/* Whether a sentence begins with an ordinary word: the names of files, settings and models stay as
 * they are written. */
static bool begins_plainly(const struct ui *ui, const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz'");
    if (size == 0 || (text[size] != ' ' && text[size] != '\0' && text[size] != ':')) {
        return false;
    }
    const char *model = cf_chat_status(ui->chat)->model_name;
    char *word = cf_memdup_str(text, size);
    bool is_name = cf_setting_find(word) != NULL ||
                   (strncmp(model, word, size) == 0 && strcspn(model, " ") == size);
    free(word);
    return !is_name;
}

void ui_say(struct ui *ui, bool is_error, const char *text)
{
    ui->is_dirty = true;
    ui->is_refused = ui->is_refused || (is_error && ui->is_acting);
    if (ui->n_notices > 0 && strcasecmp(ui->notices[0].text, text) == 0) {
        start_first(ui);
        return;
    }
    char *copy = cf_strdup(text);
    if (begins_plainly(ui, copy)) {
        copy[0] = (char)(copy[0] - 'a' + 'A');
    }
    const struct ui_notice notice = {copy, is_error, ui->is_acting};
    if (ui->n_notices > 0 && goes_on(&ui->notices[ui->n_notices - 1], copy)) {
        free(ui->notices[ui->n_notices - 1].text);
        ui->notices[ui->n_notices - 1] = notice;
        if (ui->n_notices == 1) {
            start_first(ui);
        }
        return;
    }
    bool is_dropped = does_first_yield(ui) || ui->n_notices == UI_NOTICES_MAX;
    if (is_dropped) {
        drop_first(ui);
    }
    /* The answer to a key or a command is shown at once; what else was to be said comes after. */
    size_t at = ui->is_acting ? 0 : ui->n_notices;
    memmove(ui->notices + at + 1, ui->notices + at, (ui->n_notices - at) * sizeof ui->notices[0]);
    ui->notices[at] = notice;
    ui->n_notices++;
    if (at == 0 || is_dropped) {
        start_first(ui);
    } else if (ui->notice_until_ms > ui->notice_since_ms + hurried_ms(&ui->notices[0])) {
        ui->notice_until_ms = ui->notice_since_ms + hurried_ms(&ui->notices[0]);
    }
}

void ui_sayf(struct ui *ui, bool is_error, const char *format, ...)
{
    struct cf_buf text = CF_BUF_INIT;
    va_list args;
    va_start(args, format);
    cf_buf_addv(&text, format, args);
    va_end(args);
    ui_say(ui, is_error, text.data);
    cf_buf_release(&text);
}

void ui_hush(struct ui *ui)
{
    while (ui->n_notices > 0) {
        drop_first(ui);
    }
}

void ui_hush_told(struct ui *ui)
{
    bool is_first = ui->n_notices > 0 && !ui->notices[0].is_answer;
    size_t n = 0;
    for (size_t i = 0; i < ui->n_notices; i++) {
        if (ui->notices[i].is_answer) {
            ui->notices[n++] = ui->notices[i];
        } else {
            free(ui->notices[i].text);
        }
    }
    ui->n_notices = n;
    if (is_first) {
        start_first(ui);
    }
}

void ui_act(struct ui *ui)
{
    ui->is_acting = true;
    while (ui->n_notices > 0 && ui->notices[0].is_answer) {
        drop_first(ui);
        start_first(ui);
        ui->is_dirty = true;
    }
}

bool ui_check(struct ui *ui, enum cf_code code, const struct cf_err *err)
{
    if (code != CF_OK) {
        ui_say(ui, true, err->text[0] != '\0' ? err->text : cf_code_text(code));
    }
    return code == CF_OK;
}

void ui_answer_take(struct ui *ui, char *text)
{
    free(ui->answer);
    ui->answer = text;
    ui->is_dirty = true;
}

int ui_notice_tick(struct ui *ui)
{
    if (ui->n_notices == 0) {
        return -1;
    }
    int64_t left = ui->notice_until_ms - cf_clock_ms();
    if (left <= 0) {
        drop_first(ui);
        ui->is_dirty = true;
        if (ui->n_notices == 0) {
            return -1;
        }
        start_first(ui);
        left = ui->notice_until_ms - cf_clock_ms();
    }
    return left > 0 ? (int)left : 0;
}
