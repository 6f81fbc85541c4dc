/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings of the conversation, the template they name, and what the model brings of both. */
#include <stdlib.h>
#include <string.h>

#include "chat_private.h"
#include "clock.h"
#include "mem.h"

static const struct cf_presets *presets_of(const struct cf_chat *chat)
{
    return chat->config != NULL ? &chat->config->presets : &chat->presets;
}

/* --- putting the layers on each other --- */

static void take_recommendations(struct cf_chat *chat)
{
    if (cf_chat_model(chat) != NULL) {
        cf_settings_take_model(&chat->settings, cf_model_metadata_answer, cf_chat_model(chat));
    }
}

static void rebuild(struct cf_chat *chat)
{
    struct cf_settings *settings = &chat->settings;
    cf_settings_copy(settings, &chat->base);
    take_recommendations(chat);
    cf_settings_take_over(settings, &chat->own, CF_ORIGIN_CONVERSATION);
    cf_settings_take_over(settings, &chat->own, CF_ORIGIN_USER);
    struct cf_err err = CF_ERR_INIT;
    if (cf_settings_apply_preset(settings, presets_of(chat), &err) != CF_OK) {
        cf_chat_say(chat, true, "%s", err.text);
        cf_settings_reset(settings, CF_SETTING_PRESET_NAME);
        (void)cf_settings_apply_preset(settings, presets_of(chat), NULL);
    }
    take_recommendations(chat); /* where the preset has given way to them */
    chat->is_prompt_told = false;
    cf_chat_idle_later(chat);
    cf_chat_mark(chat, CF_CHANGE_SETTINGS | CF_CHANGE_STATUS);
}

void cf_chat_reset_settings(struct cf_chat *chat, const char *settings, const char *system)
{
    cf_settings_release(&chat->own);
    cf_settings_init(&chat->own);
    if (system != NULL) {
        (void)cf_settings_set(&chat->own, CF_SETTING_SYSTEM, system, CF_ORIGIN_CONVERSATION, NULL,
                              NULL);
    }
    struct cf_err err = CF_ERR_INIT;
    if (settings != NULL &&
        cf_settings_from_json_text(&chat->own, settings, CF_ORIGIN_CONVERSATION, &err) != CF_OK) {
        cf_chat_say(chat, true, "the settings stored with the conversation: %s", err.text);
    }
    chat->is_settings_dirty = false;
    rebuild(chat);
}

/* --- changing --- */

/* What belongs to no conversation stays when another one is opened. */
static struct cf_settings *layer_of(struct cf_chat *chat, const struct cf_setting_info *info)
{
    return (info->flags & CF_SET_CONVERSATION) != 0 ? &chat->own : &chat->base;
}

static void after_change(struct cf_chat *chat, const struct cf_setting_info *info)
{
    if (info->setting == CF_SETTING_PACE) {
        cf_worker_set_pace(chat->worker, chat->settings.pace);
    } else if ((info->flags & CF_SET_LIVE) != 0 || info->setting == CF_SETTING_PRESET_NAME) {
        if (chat->reply != NULL && chat->reply->is_submitted) {
            (void)cf_worker_turn(chat->worker, chat->reply->job.number, &chat->settings.sampling);
        } else if (chat->reply != NULL) {
            chat->reply->job.sampling = chat->settings.sampling;
            chat->reply->samplings[0] = chat->settings.sampling;
        }
        cf_chat_look_turned(chat);
    } else {
        chat->is_prompt_told = false;
        cf_chat_idle_later(chat);
    }
    if ((info->flags & CF_SET_CONVERSATION) != 0) {
        chat->settings_dirty_at = chat->is_settings_dirty ? chat->settings_dirty_at : cf_clock_s();
        chat->is_settings_dirty = true;
    }
    cf_chat_mark(chat, CF_CHANGE_SETTINGS | CF_CHANGE_STATUS);
}

static enum cf_code find_info(const struct cf_setting_info **info, const char *name,
                              struct cf_err *err)
{
    const struct cf_setting_info *found = cf_setting_find(name);
    if (found != NULL && (found->flags & CF_SET_SLASH) != 0) {
        *info = found;
        return CF_OK;
    }
    const char *nearest = cf_setting_nearest(name, CF_SET_SLASH);
    if (found != NULL) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED, "%s can only be set at the start", found->name);
    }
    return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no setting %s%s%s", name,
                      nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "");
}

/* Names must mean something before they are taken. */
static enum cf_code check_name(const struct cf_chat *chat, const struct cf_setting_info *info,
                               const char *value, struct cf_err *err)
{
    if (info->setting == CF_SETTING_TEMPLATE && value != NULL && value[0] != '\0') {
        const struct cf_template *found = cf_template_builtin(value);
        if (chat->config != NULL) {
            return cf_config_find_template(&found, chat->config, value, err);
        }
        if (found == NULL) {
            return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no template %s", value);
        }
    }
    if (info->setting == CF_SETTING_PRESET_NAME && value != NULL &&
        cf_presets_find(presets_of(chat), value) == NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no preset %s", value);
    }
    return CF_OK;
}

enum cf_code cf_chat_set(struct cf_chat *chat, const char *name, const char *value,
                         struct cf_err *err)
{
    const struct cf_setting_info *info = NULL;
    enum cf_code code = find_info(&info, name, err);
    if (code == CF_OK) {
        code = check_name(chat, info, value, err);
    }
    if (code != CF_OK) {
        return code;
    }
    if (info->setting == CF_SETTING_PRESET_NAME && value != NULL) {
        code = cf_settings_use_preset(&chat->settings, presets_of(chat), value, err);
        take_recommendations(chat);
        (void)cf_settings_use_preset(&chat->own, presets_of(chat), value, NULL);
    } else {
        code = cf_settings_set(&chat->settings, info->setting, value, CF_ORIGIN_USER, NULL, err);
        (void)cf_settings_set(layer_of(chat, info), info->setting, value, CF_ORIGIN_USER, NULL,
                              NULL);
    }
    if (code != CF_OK) {
        return code;
    }
    after_change(chat, info);
    return CF_OK;
}

enum cf_code cf_chat_try_preset(const struct cf_chat *chat, struct cf_settings *settings,
                                const char *name, struct cf_err *err)
{
    enum cf_code code = cf_settings_use_preset(settings, presets_of(chat), name, err);
    if (code == CF_OK && cf_chat_model(chat) != NULL) {
        cf_settings_take_model(settings, cf_model_metadata_answer, cf_chat_model(chat));
    }
    return code;
}

enum cf_code cf_chat_use_preset(struct cf_chat *chat, const char *name, struct cf_err *err)
{
    return cf_chat_set(chat, cf_setting_info(CF_SETTING_PRESET_NAME)->name, name, err);
}

static const struct cf_presets *personas_of(const struct cf_chat *chat)
{
    return chat->config != NULL ? &chat->config->personas : &chat->personas;
}

const struct cf_preset *cf_chat_persona(const struct cf_chat *chat, size_t i)
{
    const struct cf_presets *personas = personas_of(chat);
    return i < personas->n ? &personas->items[i] : NULL;
}

static enum cf_code refuse_persona(const struct cf_presets *personas, const char *name,
                                   struct cf_err *err)
{
    struct cf_buf names = CF_BUF_INIT;
    for (size_t i = 0; i < personas->n; i++) {
        cf_buf_addf(&names, "%s%s", i > 0 ? ", " : "", personas->items[i].name);
    }
    enum cf_code code = cf_err_set(err, CF_ERR_NOT_FOUND, "there is no persona %.40s; there are %s",
                                   name, names.data);
    cf_buf_release(&names);
    return code;
}

enum cf_code cf_chat_use_persona(struct cf_chat *chat, const char *name, struct cf_err *err)
{
    const struct cf_preset *persona = cf_presets_find(personas_of(chat), name);
    if (persona == NULL) {
        return refuse_persona(personas_of(chat), name, err);
    }
    for (size_t i = 0; i < persona->names.n; i++) {
        enum cf_code code = check_name(chat, cf_setting_find(persona->names.items[i]),
                                       persona->values.items[i], err);
        if (code != CF_OK) {
            return code;
        }
    }
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        if (cf_setting_is_of_persona(cf_setting_info((enum cf_setting)i))) {
            cf_settings_reset(&chat->own, (enum cf_setting)i);
        }
    }
    for (size_t i = 0; i < persona->names.n; i++) {
        enum cf_code code =
            cf_settings_set(&chat->own, cf_setting_find(persona->names.items[i])->setting,
                            persona->values.items[i], CF_ORIGIN_USER, NULL, NULL);
        assert(code == CF_OK);
        (void)code;
    }
    rebuild(chat);
    after_change(chat, cf_setting_info(CF_SETTING_TEMPERATURE));
    after_change(chat, cf_setting_info(CF_SETTING_SYSTEM));
    return CF_OK;
}

enum cf_code cf_chat_unset(struct cf_chat *chat, const char *name, struct cf_err *err)
{
    const struct cf_setting_info *info = NULL;
    enum cf_code code = find_info(&info, name, err);
    if (code == CF_OK) {
        cf_settings_reset(layer_of(chat, info), info->setting);
        rebuild(chat);
        after_change(chat, info);
    }
    return code;
}

enum cf_code cf_chat_nudge(struct cf_chat *chat, const char *name, int n, struct cf_err *err)
{
    const struct cf_setting_info *info = NULL;
    enum cf_code code = find_info(&info, name, err);
    if (code != CF_OK) {
        return code;
    }
    if (info->step <= 0) {
        return cf_err_set(err, CF_ERR_RANGE, "%s is no knob", info->name);
    }
    if (cf_settings_turn(&chat->settings, info->setting, n, CF_ORIGIN_USER)) {
        struct cf_buf value = CF_BUF_INIT;
        cf_settings_format(&chat->settings, info->setting, &value);
        (void)cf_settings_set(layer_of(chat, info), info->setting, value.data, CF_ORIGIN_USER, NULL,
                              NULL);
        cf_buf_release(&value);
        after_change(chat, info);
    }
    return CF_OK;
}

/* --- storing --- */

void cf_chat_format_settings(struct cf_chat *chat, struct cf_buf *json)
{
    cf_settings_to_json_text(&chat->own, CF_SET_CONVERSATION, true, json);
}

void cf_chat_save_settings(struct cf_chat *chat)
{
    if (!chat->is_settings_dirty || chat->conversation == 0 || !cf_chat_saves(chat)) {
        chat->is_settings_dirty = false;
        return;
    }
    struct cf_buf json = CF_BUF_INIT;
    cf_chat_format_settings(chat, &json);
    const struct cf_conversation_change change = {
        .model = chat->is_loaded ? chat->model_name : NULL,
        .template_name = chat->is_loaded ? cf_chat_template(chat)->name : NULL,
        .system = chat->settings.system != NULL ? chat->settings.system : "",
        .settings = json.data};
    uint64_t job = cf_storage_conversation_change(chat->storage, chat->conversation, &change);
    cf_chat_expect(chat, job, CF_WHAT_OTHER, NULL);
    cf_buf_release(&json);
    chat->is_settings_dirty = false;
}

/* --- the template and the model --- */

const struct cf_template *cf_chat_template(const struct cf_chat *chat)
{
    const char *name = chat->settings.template_name;
    const struct cf_template *found = NULL;
    if (name != NULL && name[0] != '\0') {
        found = cf_template_builtin(name);
        if (chat->config != NULL) {
            (void)cf_config_find_template(&found, chat->config, name, NULL);
        }
    }
    if (found == NULL && chat->is_loaded) {
        found = &chat->model_template;
    }
    return found != NULL ? found : cf_template_builtin("transcript");
}

void cf_chat_take_model(struct cf_chat *chat)
{
    const struct cf_model *model = cf_chat_model(chat);
    struct cf_buf name = CF_BUF_INIT;
    cf_buf_addf(&name, "%s %s", model->name, cf_dtype_name(model->dtype));
    free(chat->model_name);
    chat->model_name = cf_buf_take(&name);
    enum cf_template_match match =
        cf_template_of_model(&chat->model_template, cf_model_metadata_answer, model);
    const char *wanted = chat->settings.template_name;
    if (match == CF_TEMPLATE_UNKNOWN && (wanted == NULL || wanted[0] == '\0')) {
        cf_chat_say(chat, false,
                    "the chat template of %s is not understood; using %s, /template changes it",
                    model->name, cf_chat_template(chat)->name);
    }
    for (size_t i = 1; i < chat->tree->n_nodes; i++) {
        struct cf_chat_node *node = chat->tree->nodes[i];
        if (node->blob == NULL && node->turn.role == CF_ROLE_ASSISTANT) {
            cf_chat_node_place(node, cf_chat_tokenizer(chat));
        }
    }
    cf_chat_start_digest(chat);
    rebuild(chat);
    cf_chat_mark(chat, CF_CHANGE_MODEL | CF_CHANGE_STATUS);
}

/* Idle work of the worker that is gone has ended with it. */
static void free_works(struct cf_chat *chat)
{
    while (chat->works != NULL) {
        struct cf_chat_work *next = chat->works->next;
        cf_chat_work_free(chat->works);
        chat->works = next;
    }
}

void cf_chat_switch_model(struct cf_chat *chat)
{
    if (chat->is_next_failed) {
        cf_worker_free(chat->next_worker);
        chat->next_worker = NULL;
        chat->is_next_failed = false;
    }
    if (!chat->is_next_loaded || chat->reply != NULL || chat->n_unfinished > 0) {
        return;
    }
    cf_worker_free(chat->worker);
    cf_chat_look_release(chat);
    free_works(chat);
    chat->worker = chat->next_worker;
    chat->next_worker = NULL;
    chat->is_next_loaded = false;
    free(chat->model_path);
    chat->model_path = chat->next_model_path;
    chat->next_model_path = NULL;
    chat->is_loaded = true;
    chat->is_load_failed = false;
    if (chat->base.sources[CF_SETTING_PACE].origin == CF_ORIGIN_MODEL) {
        cf_settings_reset(&chat->base, CF_SETTING_PACE); /* it was for the model before */
    }
    chat->has_choice = false; /* it was of the model before */
    cf_chat_mark(chat, CF_CHANGE_CHOICE | CF_CHANGE_TURN);
    cf_chat_take_model(chat);
    chat->settings_dirty_at = cf_clock_s();
    chat->is_settings_dirty = true;
}
