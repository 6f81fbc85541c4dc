/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /commands about settings, and the theme. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "mem.h"
#include "path.h"
#include "ui_state.h"

enum { THEME_MAX = 64 * 1024 };

/* --- the theme -------------------------------------------------------------------------------- */

/* Reads a theme file of the person. */
static enum cf_code read_theme(struct ui_theme *theme, const char *path, struct cf_err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return cf_err_set_errno(err, errno, "%s", path);
    }
    char *text = cf_malloc(THEME_MAX);
    size_t size = fread(text, 1, THEME_MAX, file);
    enum cf_code code = CF_OK;
    if (ferror(file)) {
        code = cf_err_set_errno(err, errno, "%s", path);
    } else if (size == THEME_MAX) {
        code = cf_err_set(err, CF_ERR_TOO_LARGE, "%s is too large for a theme", path);
    } else {
        text[size] = '\0';
        code = ui_theme_parse(theme, text, path, err);
    }
    free(text);
    fclose(file);
    return code;
}

/* "auto": what the terminal says of its ground, if it says anything. */
static const char *resolve_auto(const char *name)
{
    const char *colors = getenv("COLORFGBG");
    const char *ground = colors != NULL ? strrchr(colors, ';') : NULL;
    if (strcmp(name, "auto") != 0 || ground == NULL) {
        return name;
    }
    int number = atoi(ground + 1);
    return number == 7 || number == 15 ? "light" : "dark";
}

enum cf_code ui_use_theme(struct ui *ui, const char *name, struct cf_err *err)
{
    struct ui_theme theme;
    enum cf_code code = CF_ERR_NOT_FOUND;
    if (strchr(name, '/') == NULL) {
        char *path = NULL;
        struct cf_buf file = CF_BUF_INIT;
        cf_buf_addf(&file, "themes/%s.theme", name);
        code = cf_path_in(&path, CF_FOLDER_CONFIG, file.data, err);
        if (code == CF_OK) {
            code = read_theme(&theme, path, err);
        }
        cf_buf_release(&file);
        free(path);
    }
    if (code == CF_ERR_NOT_FOUND) {
        code = ui_theme_builtin(&theme, resolve_auto(name), err);
    }
    if (code != CF_OK) {
        return code;
    }
    free(ui->theme_name);
    ui->theme_name = cf_strdup(name);
    /* Where there is no colour, attributes have to do. */
    if (ui_term_n_colors(ui->term) == 0) {
        code = ui_theme_builtin(&theme, "mono", err);
    }
    ui->theme = theme;
    ui->is_dirty = true;
    return code;
}

void ui_do_theme(struct ui *ui, const char *name)
{
    struct cf_err err = CF_ERR_INIT;
    if (name[0] != '\0') {
        ui_check(ui, ui_use_theme(ui, name, &err), &err);
        return;
    }
    struct cf_buf names = CF_BUF_INIT;
    for (size_t i = 0; ui_theme_name(i) != NULL; i++) {
        cf_buf_addf(&names, "%s%s", i > 0 ? ", " : "", ui_theme_name(i));
    }
    ui_sayf(ui, false, "Theme %s; there are %s", ui->theme_name, names.data);
    cf_buf_release(&names);
}

/* --- settings --------------------------------------------------------------------------------- */

/* Says what a setting is, and what it may be. */
static void show_setting(struct ui *ui, const struct cf_setting_info *info)
{
    struct cf_buf text = CF_BUF_INIT;
    const struct cf_settings *settings = cf_chat_settings(ui->chat);
    cf_buf_addf(&text, "%s = ", info->name);
    cf_settings_format(settings, info->setting, &text);
    cf_buf_add_str(&text, " (");
    cf_settings_format_source(settings, info->setting, &text);
    cf_buf_addf(&text, ")\n%s", info->help);
    ui_answer_take(ui, cf_buf_take(&text));
}

/* Whether the chat acts on it, not the face. */
static bool is_of_chat(const struct cf_setting_info *info)
{
    return info->flags & (CF_SET_CONVERSATION | CF_SET_LIVE);
}

/* "name = value"; a long value in short. */
static void add_setting(const struct cf_settings *settings, const struct cf_setting_info *info,
                        struct cf_buf *text)
{
    enum { VALUE_COLUMNS = 30 };
    struct cf_buf value = CF_BUF_INIT;
    cf_settings_format(settings, info->setting, &value);
    cf_buf_addf(text, "%s%s = ", text->size > 0 ? " · " : "", info->name);
    if (info->setting == CF_SETTING_PRESET_NAME &&
        settings->sources[info->setting].origin == CF_ORIGIN_DEFAULT) {
        cf_buf_add_str(text, "none chosen"); /* what the model recommends goes before it */
    } else if (value.size > 0) {
        cf_text_ellipsize(text, value.data, value.size, VALUE_COLUMNS);
    } else {
        cf_buf_add_str(text, info->setting == CF_SETTING_SYSTEM ? "none" : "as the model has it");
    }
    cf_buf_release(&value);
}

static void show_settings(struct ui *ui)
{
    struct cf_buf text = CF_BUF_INIT;
    const struct cf_settings *settings = cf_chat_settings(ui->chat);
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        if (info->flags & CF_SET_SLASH && is_of_chat(info)) {
            add_setting(settings, info, &text);
        }
    }
    ui_answer_take(ui, cf_buf_take(&text));
}

/* Options of the face itself; false: it is one of the conversation. */
static bool set_of_face(struct ui *ui, const struct cf_setting_info *info, const char *value)
{
    struct cf_err err = CF_ERR_INIT;
    if (is_of_chat(info)) {
        return false;
    }
    if (info->setting == CF_SETTING_THEME) {
        ui_do_theme(ui, value);
        return true;
    }
    struct cf_settings settings;
    cf_settings_init(&settings);
    enum cf_code code = cf_settings_set_by_name(&settings, info->name, CF_SET_SLASH, value,
                                                CF_ORIGIN_USER, NULL, &err);
    if (ui_check(ui, code, &err)) {
        if (info->setting == CF_SETTING_MOUSE) {
            ui_term_set_mouse(ui->term, settings.mouse);
        } else if (info->setting == CF_SETTING_SHOW_LIST) {
            ui->has_list = settings.show_list;
        } else if (info->setting == CF_SETTING_SHOW_KNOBS) {
            ui->has_knobs = settings.show_knobs;
        } else if (info->setting == CF_SETTING_MARKS) {
            ui->hides_marks = !settings.marks;
        } else if (info->setting == CF_SETTING_MARKDOWN) {
            ui->is_raw = !settings.markdown;
        } else if (info->setting == CF_SETTING_SURPRISE) {
            ui_shade(ui, settings.surprise);
        } else {
            ui_sayf(ui, false, "%s takes effect from the config file, at the next start",
                    info->name);
        }
    }
    cf_settings_release(&settings);
    return true;
}

void ui_set(struct ui *ui, const char *name, const char *value)
{
    struct cf_err err = CF_ERR_INIT;
    const struct cf_setting_info *info = cf_setting_find(name);
    if (info == NULL || !(info->flags & CF_SET_SLASH)) {
        const char *nearest = cf_setting_nearest(name, CF_SET_SLASH);
        ui_sayf(ui, true, "There is no setting %.40s%s%s%s", name,
                nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
                nearest != NULL ? "?" : "; /set lists them");
    } else if (value[0] == '\0') {
        show_setting(ui, info);
    } else if (set_of_face(ui, info, value)) {
        return;
    } else if (strcmp(value, "default") == 0) {
        ui_check(ui, cf_chat_unset(ui->chat, info->name, &err), &err);
    } else {
        ui_check(ui, cf_chat_set(ui->chat, info->name, value, &err), &err);
    }
}

void ui_do_set(struct ui *ui, const char *argument)
{
    if (argument[0] == '\0') {
        show_settings(ui);
        return;
    }
    size_t size = strcspn(argument, " \t\n=");
    char *name = cf_memdup_str(argument, size);
    const char *value = argument + size + strspn(argument + size, " \t\n=");
    ui_set(ui, name, value);
    free(name);
}

void ui_do_temperature(struct ui *ui, const char *value)
{
    ui_set(ui, "temperature", value);
}

void ui_do_top_p(struct ui *ui, const char *value)
{
    ui_set(ui, "top-p", value);
}

void ui_do_seed(struct ui *ui, const char *value)
{
    if (value[0] != '\0') {
        ui_set(ui, "seed", value);
        return;
    }
    for (size_t i = cf_chat_n_turns(ui->chat); i-- > 0;) {
        const struct cf_chat_turn *turn = cf_chat_turn(ui->chat, i);
        if (turn->role == CF_ROLE_ASSISTANT) {
            ui_sayf(ui, false, "The last reply was drawn with seed %" PRIu64, turn->seed);
            return;
        }
    }
    ui_set(ui, "seed", "");
}

void ui_do_template(struct ui *ui, const char *name)
{
    struct cf_err err = CF_ERR_INIT;
    if (name[0] == '\0') {
        ui->screen.help_top = 0;
        ui_set_focus(ui, UI_FOCUS_HELP);
        ui->shows_prompt = true;
    } else if (ui_check(ui, cf_chat_set(ui->chat, "template", name, &err), &err)) {
        ui_sayf(ui, false, "Template %s, from the next reply on; /template shows what it makes",
                name);
    }
}

void ui_do_model(struct ui *ui, const char *name)
{
    struct cf_err err = CF_ERR_INIT;
    const char *now = cf_chat_status(ui->chat)->model_name;
    if (name[0] == '\0') {
        ui_sayf(ui, false, "Model %s", now[0] != '\0' ? now : "none");
        return;
    }
    char *expanded = NULL;
    char *path = NULL;
    enum cf_code code = cf_path_expand(&expanded, name, &err);
    if (code == CF_OK) {
        code = cf_catalog_find(&path, expanded, &err);
    }
    if (code == CF_ERR_NOT_FOUND) {
        ui_sayf(ui, true, "%s; /model takes a .gguf file, a model folder or an installed name",
                err.text);
    } else if (code == CF_OK) {
        ui_check(ui, cf_chat_use_model(ui->chat, path, &err), &err);
    } else {
        ui_check(ui, code, &err);
    }
    free(path);
    free(expanded);
}

/* --- presets ---------------------------------------------------------------------------------- */

void ui_do_preset(struct ui *ui, const char *name)
{
    struct cf_err err = CF_ERR_INIT;
    if (name[0] != '\0') {
        if (ui_check(ui, cf_chat_use_preset(ui->chat, name, &err), &err)) {
            ui_sayf(ui, false, "Preset %s", name);
        }
        return;
    }
    const struct cf_presets *presets = &ui->params->config->presets;
    struct cf_buf text = CF_BUF_INIT;
    for (size_t i = 0; i < presets->n; i++) {
        const struct cf_preset *preset = &presets->items[i];
        cf_buf_addf(&text, "%s%s:", i > 0 ? "\n" : "", preset->name);
        for (size_t k = 0; k < preset->names.n; k++) {
            cf_buf_addf(&text, " %s %s", preset->names.items[k], preset->values.items[k]);
        }
        if (preset->names.n == 0) {
            cf_buf_add_str(&text, strcmp(preset->name, CF_PRESET_MODEL) == 0
                                      ? " what the model recommends"
                                      : " nothing");
        }
    }
    ui_answer_take(ui, cf_buf_take(&text));
}

/* Makes the knobs a preset of the running program too. */
static void remember_preset(struct ui *ui, const char *name)
{
    const struct cf_settings *settings = cf_chat_settings(ui->chat);
    struct cf_preset *preset = cf_presets_put(&ui->params->config->presets, name, NULL);
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        if (info->flags & CF_SET_PRESET) {
            struct cf_buf value = CF_BUF_INIT;
            cf_settings_format(settings, info->setting, &value);
            cf_preset_set(preset, info->name, value.data, NULL);
            cf_buf_release(&value);
        }
    }
}

void ui_do_save_preset(struct ui *ui, const char *name)
{
    struct cf_err err = CF_ERR_INIT;
    const char *path = ui->params->config_path;
    if (path == NULL) {
        ui_say(ui, true, "There is no config file to keep a preset in");
        return;
    }
    enum cf_code code = cf_config_save_preset(path, name, cf_chat_settings(ui->chat), &err);
    if (ui_check(ui, code, &err)) {
        remember_preset(ui, name);
        ui_sayf(ui, false, "Preset %s is kept in %s", name, path);
    }
}
