/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_header.h"

#include <string.h>

enum { TITLE_MIN = 16 }; /* columns that the model's name leaves the title */

void ui_header_draw(const struct ui_paint *paint, struct ui_rect rect,
                    const struct cf_chat_status *status)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    const char *model = status->model_name;
    enum ui_style_name style = UI_STYLE_MODEL;
    if (status->phase == CF_PHASE_OPENING || status->phase == CF_PHASE_LOADING) {
        model = "loading the model…";
    } else if (status->phase == CF_PHASE_NO_MODEL) {
        model = "no model";
        style = UI_STYLE_ERROR;
    }
    int right = rect.x + rect.width - 1;
    int width = cf_text_width(model, strlen(model), 0);
    int end = right;
    if (rect.width - width - 4 >= TITLE_MIN) {
        ui_pane_put_right(paint, right - width, rect.y, right, model, style);
        end = right - width - 2;
    }
    const char *title = status->title[0] != '\0'    ? status->title
                        : status->conversation != 0 ? "Untitled"
                                                    : "New conversation";
    ui_pane_put(paint, rect.x + 1, rect.y, end, title, UI_STYLE_TITLE);
}

void ui_rule_draw(const struct ui_paint *paint, struct ui_rect rect, const char *text)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    ui_grid_hline(paint->grid, rect.x, rect.y, rect.width, ui_paint_style(paint, UI_STYLE_RULE));
    if (text == NULL) {
        return;
    }
    int width = cf_text_width(text, strlen(text), 0) + 2;
    int x = rect.x + rect.width - width - 2;
    if (x < rect.x) {
        x = rect.x;
    }
    int end = rect.x + rect.width;
    ui_grid_putf(paint->grid, x, rect.y, end, ui_paint_style(paint, UI_STYLE_NOTICE), " %s ", text);
}

void ui_focus_draw(const struct ui_paint *paint, struct ui_rect rect, const char *name)
{
    struct ui_style style = ui_paint_style(paint, UI_STYLE_RULE_FOCUS);
    int end = rect.x + rect.width;
    for (int x = rect.x; x < end; x++) {
        ui_grid_put_str(paint->grid, x, rect.y, end, "━", style);
    }
    if (rect.width >= cf_text_width(name, strlen(name), 0) + 4) {
        ui_grid_putf(paint->grid, rect.x + 1, rect.y, end, style, " %s ", name);
    }
}

void ui_divider_draw(const struct ui_paint *paint, struct ui_rect rect, bool has_focus)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    if (!has_focus) {
        ui_grid_vline(paint->grid, rect.x, rect.y, rect.height,
                      ui_paint_style(paint, UI_STYLE_RULE));
        return;
    }
    for (int y = rect.y; y < rect.y + rect.height; y++) {
        ui_grid_put_str(paint->grid, rect.x, y, rect.x + rect.width, "┃",
                        ui_paint_style(paint, UI_STYLE_RULE_FOCUS));
    }
}
