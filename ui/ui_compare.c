/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two replies side by side: /compare, and what becomes of them. */
#include <string.h>

#include "ui_state.h"

/* The next word of TEXT into WORD; false behind the last. */
static bool next_word(const char **text, char word[64])
{
    const char *at = *text + strspn(*text, " \t=");
    size_t size = strcspn(at, " \t=");
    *text = at + size;
    size = size < 63 ? size : 63;
    memcpy(word, at, size);
    word[size] = '\0';
    return size > 0;
}

/* What ARGUMENT makes of the settings: a preset, or names and values. */
static enum cf_code apply(struct ui *ui, struct cf_settings *settings, const char *argument,
                          struct cf_err *err)
{
    const struct cf_presets *presets = &ui->params->config->presets;
    char name[64];
    char value[64];
    enum cf_code code = CF_OK;
    bool is_any = false;
    while (code == CF_OK && next_word(&argument, name)) {
        is_any = true;
        if (cf_presets_find(presets, name) != NULL) {
            code = cf_chat_try_preset(ui->chat, settings, name, err);
        } else if (next_word(&argument, value)) {
            code = cf_settings_set_by_name(settings, name, CF_SET_PRESET, value, CF_ORIGIN_USER,
                                           NULL, err);
        } else {
            code = cf_err_set(err, CF_ERR_USAGE,
                              "%s is no preset, and as a setting it lacks a value", name);
        }
    }
    return code == CF_OK && !is_any
               ? cf_err_set(err, CF_ERR_USAGE,
                            "compare with what? /compare wild, or /compare temperature 1.2")
               : code;
}

void ui_do_compare(struct ui *ui, const char *argument)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_settings settings;
    cf_settings_init(&settings);
    cf_settings_copy(&settings, cf_chat_settings(ui->chat));
    enum cf_code code = apply(ui, &settings, argument, &err);
    if (code == CF_OK) {
        code = cf_chat_compare(ui->chat, &settings.sampling, &err);
    }
    if (ui_check(ui, code, &err)) {
        ui->screen.compare.is_scrolled = false;
        ui_set_focus(ui, UI_FOCUS_COMPARE);
    }
    cf_settings_release(&settings);
}

void ui_act_keep(struct ui *ui, enum ui_action action)
{
    struct cf_err err = CF_ERR_INIT;
    int keeps = action == UI_KEEP_FIRST ? 0 : action == UI_KEEP_SECOND ? 1 : -1;
    if (ui_check(ui, cf_chat_compare_end(ui->chat, keeps, &err), &err)) {
        ui_set_focus(ui, UI_FOCUS_TRANSCRIPT);
        ui_say(ui, false,
               keeps < 0 ? "Both are kept: h and l walk between them"
                         : "The other one is in the trash; u brings it back");
    }
}
