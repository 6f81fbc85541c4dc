/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Tab offers: the values of /commands as this face knows them. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "path.h"
#include "ui_state.h"

static void offer_conversations(struct ui *ui, struct cf_completions *offers)
{
    const struct cf_chat_listing *listing = cf_chat_listing(ui->chat);
    for (size_t i = 0; i < listing->n; i++) {
        char number[24];
        snprintf(number, sizeof number, "%" PRId64, listing->items[i].id);
        cf_completions_offer(offers, number, listing->items[i].title, true);
    }
}

static void offer_settings(struct cf_completions *offers)
{
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        if (info->flags & CF_SET_SLASH) {
            char name[64];
            snprintf(name, sizeof name, "%s ", info->name);
            cf_completions_offer(offers, name, info->help, false);
        }
    }
}

static void offer_presets(struct ui *ui, struct cf_completions *offers)
{
    const struct cf_presets *presets = &ui->params->config->presets;
    for (size_t i = 0; i < presets->n; i++) {
        cf_completions_offer(offers, presets->items[i].name, "", false);
    }
}

static void offer_templates(struct ui *ui, struct cf_completions *offers)
{
    const struct cf_config *config = ui->params->config;
    for (size_t i = 0; i < config->n_templates; i++) {
        cf_completions_offer(offers, config->templates[i].name, "of the config file", false);
    }
    for (size_t i = 0; cf_template_builtin_at(i) != NULL; i++) {
        cf_completions_offer(offers, cf_template_builtin_at(i)->name, "", false);
    }
}

static void offer_themes(struct cf_completions *offers)
{
    for (size_t i = 0; ui_theme_name(i) != NULL; i++) {
        cf_completions_offer(offers, ui_theme_name(i), "", false);
    }
}

static void offer_personas(const struct ui *ui, struct cf_completions *offers)
{
    const struct cf_preset *persona;
    for (size_t i = 0; (persona = cf_chat_persona(ui->chat, i)) != NULL; i++) {
        cf_completions_offer(offers, persona->name, persona->about != NULL ? persona->about : "",
                             false);
    }
}

/* The value there is, and for a choice all that there are. */
static void offer_values(struct ui *ui, const char *name, struct cf_completions *offers)
{
    const struct cf_setting_info *info = cf_setting_find(name);
    if (info == NULL) {
        return;
    }
    if (info->setting == CF_SETTING_THEME) {
        offer_themes(offers);
    } else if (info->setting == CF_SETTING_TEMPLATE) {
        offer_templates(ui, offers);
    } else if (info->setting == CF_SETTING_PRESET_NAME) {
        offer_presets(ui, offers);
    } else if (info->type == CF_TYPE_SWITCH) {
        cf_completions_offer(offers, "on", "", false);
        cf_completions_offer(offers, "off", "", false);
    } else {
        struct cf_buf range = CF_BUF_INIT;
        struct cf_buf value = CF_BUF_INIT;
        if (info->type == CF_TYPE_REAL || info->type == CF_TYPE_INT) {
            cf_setting_describe_range(info, &range);
        }
        cf_settings_format(cf_chat_settings(ui->chat), info->setting, &value);
        cf_completions_offer(offers, value.data, range.data, false);
        if (info->fallback[0] != '\0' && strcmp(info->fallback, value.data) != 0) {
            cf_completions_offer(offers, info->fallback, "default", false);
        }
        cf_buf_release(&range);
        cf_buf_release(&value);
    }
}

/* Files and folders that continue the path that is there. */
static void offer_files(struct cf_completions *offers)
{
    char *wanted = cf_memdup_str(offers->wanted, offers->end - offers->begin);
    char *slash = strrchr(wanted, '/');
    size_t head = slash != NULL ? (size_t)(slash - wanted) + 1 : 0;
    char *folder = cf_memdup_str(wanted, head);
    char *expanded = NULL;
    DIR *dir = NULL;
    if (cf_path_expand(&expanded, head > 0 ? folder : ".", NULL) == CF_OK) {
        dir = opendir(expanded);
    }
    struct cf_buf path = CF_BUF_INIT;
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' && wanted[head] != '.') {
            continue;
        }
        cf_buf_clear(&path);
        cf_buf_addf(&path, "%s%s%s", folder, entry->d_name, entry->d_type == DT_DIR ? "/" : "");
        cf_completions_offer(offers, path.data, "", false);
    }
    cf_buf_release(&path);
    if (dir != NULL) {
        closedir(dir);
    }
    free(expanded);
    free(folder);
    free(wanted);
}

static void list_values(void *context, enum cf_argument kind, const char *setting,
                        struct cf_completions *offers)
{
    struct ui *ui = context;
    switch (kind) {
    case CF_ARGUMENT_CONVERSATION:
        offer_conversations(ui, offers);
        break;
    case CF_ARGUMENT_SETTING:
        offer_settings(offers);
        break;
    case CF_ARGUMENT_VALUE:
        offer_values(ui, setting, offers);
        break;
    case CF_ARGUMENT_PRESET:
        offer_presets(ui, offers);
        break;
    case CF_ARGUMENT_TEMPLATE:
        offer_templates(ui, offers);
        break;
    case CF_ARGUMENT_PERSONA:
        offer_personas(ui, offers);
        break;
    case CF_ARGUMENT_THEME:
        offer_themes(offers);
        break;
    case CF_ARGUMENT_MODEL:
    case CF_ARGUMENT_FILE:
        offer_files(offers);
        break;
    case CF_ARGUMENT_NONE:
    case CF_ARGUMENT_TEXT:
    case CF_ARGUMENT_NUMBER:
    case CF_ARGUMENT_COMMAND:
        break;
    }
}

void ui_complete(void *context, struct ui_candidates *out, const char *text, size_t cursor)
{
    struct ui *ui = context;
    if (ui->asking != UI_ASK_MESSAGE && ui->asking != UI_ASK_WRITE) {
        return;
    }
    cf_completions_release(&ui->offers);
    char *line = cf_memdup_str(text, cursor);
    if (ui->asking == UI_ASK_WRITE) {
        ui->offers = (struct cf_completions){.end = cursor, .wanted = line};
        offer_files(&ui->offers);
    } else {
        cf_command_complete(&ui->offers, line, cursor, list_values, ui);
    }
    ui->offers.wanted = NULL;
    free(line);
    if (ui->offers.n == 0) {
        return;
    }
    out->words = cf_calloc(ui->offers.n, sizeof out->words[0]);
    for (size_t i = 0; i < ui->offers.n; i++) {
        out->words[i] = cf_strdup(ui->offers.items[i].text);
    }
    out->n = ui->offers.n;
    out->begin = ui->offers.begin;
    /* Where something follows, a space is in the word. */
    out->is_final = false;
}
