/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_screen.h"

#include "pane_header.h"

enum { OFFERS_MAX = 8 };

void ui_screen_release(struct ui_screen *screen)
{
    ui_transcript_release(&screen->transcript);
}

static int over_height(const struct ui_screen_data *data, int width)
{
    if (data->offers != NULL && data->offers->n > 0) {
        return 1 + (data->offers->n < OFFERS_MAX ? (int)data->offers->n : OFFERS_MAX);
    }
    return data->answer != NULL ? ui_answer_height(data->answer, width) : 0;
}

static void draw_body(struct ui_screen *screen, const struct ui_paint *paint,
                      const struct ui_screen_data *data, const struct ui_layout *layout)
{
    switch (data->focus) {
    case UI_PANE_HELP:
        if (data->prompt != NULL) {
            ui_prompt_draw(paint, layout->whole, data->prompt, &screen->help_top);
            return;
        }
        ui_help_draw(paint, layout->whole, data->footer.keys, &screen->help_top);
        return;
    case UI_PANE_SEARCH:
        ui_search_draw(paint, layout->whole, &data->search, &screen->search_top);
        return;
    case UI_PANE_COMPARE:
        ui_compare_draw(&screen->compare, paint, layout->whole, &data->compare);
        return;
    case UI_PANE_TREE:
        ui_tree_draw(paint, layout->whole, &data->tree, &screen->tree_top);
        return;
    case UI_PANE_DIFF:
        ui_diff_draw(paint, layout->whole, &data->diff, &screen->diff_top);
        return;
    case UI_PANE_TRANSCRIPT:
    case UI_PANE_LIST:
    case UI_PANE_KNOBS:
        break;
    }
    ui_transcript_draw(&screen->transcript, paint, layout->transcript, &data->transcript);
    ui_list_draw(paint, layout->list, &data->list, &screen->list);
    ui_knobs_draw(paint, layout->knobs, &data->knobs, &screen->knobs_top);
    ui_divider_draw(paint, layout->list_line, data->list.has_focus);
    ui_divider_draw(paint, layout->knobs_line, data->knobs.has_focus);
}

static void draw_over(const struct ui_paint *paint, const struct ui_screen_data *data,
                      struct ui_rect rect)
{
    if (data->offers != NULL && data->offers->n > 0) {
        ui_offers_draw(paint, rect, data->offers);
    } else if (data->answer != NULL) {
        ui_answer_draw(paint, rect, data->answer, UI_STYLE_NOTICE);
    }
}

/* Which pane has the focus, on the rule above it. */
static void draw_focus(const struct ui_paint *paint, const struct ui_screen_data *data,
                       const struct ui_layout *layout)
{
    const struct {
        bool has_focus;
        struct ui_rect rect;
        const char *name;
    } panes[] = {
        {data->transcript.has_focus, layout->transcript, "transcript"},
        {data->list.has_focus, layout->list, "list"},
        {data->knobs.has_focus, layout->knobs, "knobs"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(panes) && layout->rule_above.height > 0; i++) {
        if (panes[i].has_focus) {
            const struct ui_rect row = {panes[i].rect.x, layout->rule_above.y, panes[i].rect.width,
                                        1};
            ui_focus_draw(paint, row, panes[i].name);
        }
    }
}

/* What is new below the view: on the rule, or over the transcript's last row when there is none. */
static void draw_news(struct ui_screen *screen, const struct ui_paint *paint,
                      const struct ui_screen_data *data, const struct ui_layout *layout)
{
    struct cf_buf text = CF_BUF_INIT;
    bool has_news = ui_transcript_news(&screen->transcript, &data->transcript, &text);
    if (layout->rule_below.height > 0) {
        ui_rule_draw(paint, layout->rule_below, has_news ? text.data : NULL);
    } else if (has_news && layout->transcript.height > 0) {
        struct ui_rect rect = layout->transcript;
        int width = cf_text_width(text.data, text.size, 0) + 2;
        int x = rect.width > width ? rect.x + rect.width - width : rect.x;
        ui_grid_putf(paint->grid, x, rect.y + rect.height - 1, rect.x + rect.width,
                     ui_paint_style(paint, UI_STYLE_NOTICE), " %s ", text.data);
    }
    cf_buf_release(&text);
}

void ui_screen_draw(struct ui_screen *screen, const struct ui_paint *paint,
                    const struct ui_screen_data *data, struct ui_layout *layout)
{
    struct ui_layout_want want = {
        .width = paint->grid->width,
        .height = paint->grid->height,
        .has_list = data->has_list,
        .has_knobs = data->has_knobs,
        .focus = data->focus,
        .n_input_rows = data->n_input_rows,
        .n_over_rows = over_height(data, paint->grid->width),
    };
    ui_layout_make(layout, &want);
    int above = layout->over.y - layout->transcript.y;
    if (data->makes_room && above > 0 && above < layout->transcript.height) {
        layout->transcript.height = above;
    }
    ui_grid_clear(paint->grid);
    ui_header_draw(paint, layout->header, data->footer.status);
    ui_rule_draw(paint, layout->rule_above, NULL);
    draw_focus(paint, data, layout);
    draw_body(screen, paint, data, layout);
    draw_news(screen, paint, data, layout);
    draw_over(paint, data, layout->over);
    ui_footer_draw(paint, layout->footer, &data->footer);
}
