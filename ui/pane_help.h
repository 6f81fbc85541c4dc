/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_help: all keys and commands, made from their tables; and short texts over the bottom of the
 * body: what Tab offers, what a command answered. */
#ifndef UI_PANE_HELP_H
#define UI_PANE_HELP_H

#include "command.h"
#include "keys.h"
#include "pane.h"

/* As *top: where the commands begin. */
enum { UI_HELP_COMMANDS = -1000000 };

/* Draws from row *top, which is kept within what there is. */
void ui_help_draw(const struct ui_paint *paint, struct ui_rect rect, const struct ui_keys *keys,
                  int *top);

/* What Tab offers, a row each below a rule; the last row counts those that found no room. */
void ui_offers_draw(const struct ui_paint *paint, struct ui_rect rect,
                    const struct cf_completions *offers);

/* A text over the bottom rows of RECT, with a rule above it; the rows that it takes of WIDTH. */
int ui_answer_height(const char *text, int width);
void ui_answer_draw(const struct ui_paint *paint, struct ui_rect rect, const char *text,
                    enum ui_style_name style);

#endif
