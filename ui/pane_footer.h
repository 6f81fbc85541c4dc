/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_footer: the settings in force (temperature, top-p, and what else a person set), the speed,
 * how full the context is, and the keys that matter now; or, for a while, what confab has to say.
 */
#ifndef UI_PANE_FOOTER_H
#define UI_PANE_FOOTER_H

#include "chat.h"
#include "keys.h"
#include "pane.h"

/* What the person is doing, for the choice of keys. */
struct ui_footer_data {
    const struct cf_chat_status *status;
    const struct cf_settings *settings;
    const struct ui_keys *keys;
    unsigned place;     /* of enum ui_place: where the focus is */
    enum cf_chat_shelf shelf; /* that the list shows */
    const char *asking; /* "edit", "title"...: what the input line is for; NULL: a message */
    const char *notice; /* NULL: none */
    bool is_error;
};

void ui_footer_draw(const struct ui_paint *paint, struct ui_rect rect,
                    const struct ui_footer_data *data);

#endif
