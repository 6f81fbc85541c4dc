/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mem.h"
#include "ui_state.h"

/* How long a notice is shown: alone; while others wait; before a new one takes its place. */
enum { NOTICE_MS = 6000, HURRIED_MS = 2500, LEAST_MS = 800 };

int64_t ui_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void drop_first(struct ui *ui)
{
    free(ui->notices[0].text);
    ui->n_notices--;
    memmove(ui->notices, ui->notices + 1, ui->n_notices * sizeof ui->notices[0]);
}

static void start_first(struct ui *ui)
{
    ui->notice_since_ms = ui_now_ms();
    ui->notice_until_ms = ui->notice_since_ms + (ui->n_notices > 1 ? HURRIED_MS : NOTICE_MS);
}

void ui_say(struct ui *ui, bool is_error, const char *text)
{
    ui->is_dirty = true;
    if (ui->n_notices > 0 && strcasecmp(ui->notices[0].text, text) == 0) {
        start_first(ui);
        return;
    }
    if (ui->n_notices == UI_NOTICES_MAX ||
        (ui->n_notices == 1 && ui_now_ms() - ui->notice_since_ms >= LEAST_MS)) {
        drop_first(ui);
    }
    char *copy = cf_strdup(text);
    if (copy[0] >= 'a' && copy[0] <= 'z' && strcspn(copy, "/.") > strcspn(copy, " ")) {
        copy[0] = (char)(copy[0] - 'a' + 'A'); /* a sentence, not a path */
    }
    /* The answer to a key or a command is shown at once; what else was to be said comes after. */
    size_t at = ui->is_acting ? 0 : ui->n_notices;
    memmove(ui->notices + at + 1, ui->notices + at, (ui->n_notices - at) * sizeof ui->notices[0]);
    ui->notices[at] = (struct ui_notice){copy, is_error};
    ui->n_notices++;
    if (at == 0) {
        start_first(ui);
    } else if (ui->notice_until_ms > ui->notice_since_ms + HURRIED_MS) {
        ui->notice_until_ms = ui->notice_since_ms + HURRIED_MS;
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
    int64_t left = ui->notice_until_ms - ui_now_ms();
    if (left <= 0) {
        drop_first(ui);
        ui->is_dirty = true;
        if (ui->n_notices == 0) {
            return -1;
        }
        start_first(ui);
        left = ui->notice_until_ms - ui_now_ms();
    }
    return left > 0 ? (int)left : 0;
}
