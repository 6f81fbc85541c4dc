/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane.h"

#include <string.h>

int ui_pane_put(const struct ui_paint *paint, int x, int y, int end, const char *text,
                enum ui_style_name style)
{
    if (x >= end) {
        return x;
    }
    struct cf_buf safe = CF_BUF_INIT;
    struct cf_buf cut = CF_BUF_INIT;
    cf_text_make_safe(&safe, text, strlen(text));
    cf_text_ellipsize(&cut, safe.data, safe.size, end - x);
    x = ui_grid_put(paint->grid, x, y, end, cut.data, cut.size, ui_paint_style(paint, style));
    cf_buf_release(&safe);
    cf_buf_release(&cut);
    return x;
}

void ui_pane_put_right(const struct ui_paint *paint, int begin, int y, int end, const char *text,
                       enum ui_style_name style)
{
    struct cf_buf safe = CF_BUF_INIT;
    cf_text_make_safe(&safe, text, strlen(text));
    int width = cf_text_width(safe.data, safe.size, 0);
    cf_buf_release(&safe);
    ui_pane_put(paint, end - width > begin ? end - width : begin, y, end, text, style);
}

int ui_pane_scroll(int top, int selected, int n, int height)
{
    if (height < 1) {
        return 0;
    }
    if (selected < top) {
        top = selected;
    }
    if (selected >= top + height) {
        top = selected - height + 1;
    }
    int last = n > height ? n - height : 0;
    return top > last ? last : top < 0 ? 0 : top;
}

struct ui_pane_places ui_pane_divide(struct ui_rect rect, int detail_from, int detail_height)
{
    struct ui_pane_places places = {.rows = rect};
    if (rect.height >= 3) {
        places.heading = (struct ui_rect){rect.x, rect.y, rect.width, 1};
        places.rows.y++;
        places.rows.height--;
    }
    if (rect.height >= detail_from) {
        places.rows.height -= detail_height;
        places.detail =
            (struct ui_rect){rect.x, places.rows.y + places.rows.height, rect.width, detail_height};
    }
    return places;
}
