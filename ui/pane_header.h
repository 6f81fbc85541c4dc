/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_header: title on the left, model on the right; and the rules below and above the body, of
 * which the lower one says what is new below the view. */
#ifndef UI_PANE_HEADER_H
#define UI_PANE_HEADER_H

#include "chat.h"
#include "pane.h"

void ui_header_draw(const struct ui_paint *paint, struct ui_rect rect,
                    const struct cf_chat_status *status);
/* A rule across RECT with TEXT in it near the right, NULL for none. */
void ui_rule_draw(const struct ui_paint *paint, struct ui_rect rect, const char *text);
/* The line between two panes; HAS_FOCUS: of the pane in hand. */
/* The part of the rule above the pane that has the focus: heavy, with the pane's name, so that it
 * is seen without colours too.  RECT is a row of the pane's columns. */
void ui_focus_draw(const struct ui_paint *paint, struct ui_rect rect, const char *name);
void ui_divider_draw(const struct ui_paint *paint, struct ui_rect rect, bool has_focus);

#endif
