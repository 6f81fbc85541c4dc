/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "setting.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct value {
    const char *name;
    const char *text;
};

/* All of them set the same knobs, so that the next one undoes the last. */
static const struct {
    const char *name;
    struct value values[3];
} builtins[] = {
    {"precise", {{"temperature", "0.3"}, {"top-p", "0.9"}, {"top-k", "40"}}},
    {"balanced", {{"temperature", "0.8"}, {"top-p", "0.95"}, {"top-k", "50"}}},
    {"wild", {{"temperature", "1.3"}, {"top-p", "0.98"}, {"top-k", "0"}}},
    {CF_PRESET_MODEL, {{NULL, NULL}}},
};

/* Whether it stands for what the model recommends. */
static bool is_models(const struct cf_preset *preset)
{
    return strcmp(preset->name, CF_PRESET_MODEL) == 0 && preset->names.n == 0;
}

void cf_presets_init(struct cf_presets *presets)
{
    *presets = (struct cf_presets){.n = 0};
    for (size_t i = 0; i < CF_ARRAY_SIZE(builtins); i++) {
        struct cf_preset *preset = cf_presets_put(presets, builtins[i].name, NULL);
        size_t n = CF_ARRAY_SIZE(builtins[i].values);
        for (size_t k = 0; k < n && builtins[i].values[k].name != NULL; k++) {
            enum cf_code code =
                cf_preset_set(preset, builtins[i].values[k].name, builtins[i].values[k].text, NULL);
            assert(code == CF_OK);
            (void)code;
        }
    }
}

static void release_preset(struct cf_preset *preset)
{
    free(preset->name);
    free(preset->detail);
    free(preset->about);
    cf_texts_release(&preset->names);
    cf_texts_release(&preset->values);
}

void cf_presets_release(struct cf_presets *presets)
{
    for (size_t i = 0; i < presets->n; i++) {
        release_preset(&presets->items[i]);
    }
    free(presets->items);
    *presets = (struct cf_presets){.n = 0};
}

static struct cf_preset *find(const struct cf_presets *presets, const char *name)
{
    for (size_t i = 0; i < presets->n; i++) {
        if (strcmp(presets->items[i].name, name) == 0) {
            return &presets->items[i];
        }
    }
    return NULL;
}

const struct cf_preset *cf_presets_find(const struct cf_presets *presets, const char *name)
{
    return find(presets, name);
}

struct cf_preset *cf_presets_put(struct cf_presets *presets, const char *name, const char *detail)
{
    struct cf_preset made = {.name = cf_strdup(name),
                             .detail = detail != NULL ? cf_strdup(detail) : NULL};
    struct cf_preset *preset = find(presets, name);
    if (preset != NULL) {
        release_preset(preset);
    } else {
        presets->items = cf_realloc_array(presets->items, presets->n + 1, sizeof *presets->items);
        preset = &presets->items[presets->n++];
    }
    *preset = made;
    return preset;
}

static enum cf_code add_value(struct cf_preset *preset, const char *name, const char *text,
                              unsigned flags, struct cf_err *err)
{
    struct cf_settings trial;
    cf_settings_init(&trial);
    enum cf_code code =
        cf_settings_set_by_name(&trial, name, flags, text, CF_ORIGIN_CONFIG, NULL, err);
    if (code == CF_OK) {
        cf_texts_add(&preset->names, cf_setting_find(name)->name);
        cf_texts_add(&preset->values, text);
    }
    cf_settings_release(&trial);
    return code;
}

enum cf_code cf_preset_set(struct cf_preset *preset, const char *name, const char *text,
                           struct cf_err *err)
{
    return add_value(preset, name, text, CF_SET_PRESET, err);
}

/* --- personas --------------------------------------------------------------------------------- */

/* What people do with a small model: text that goes on, and tasks shown by examples. */
static const struct {
    const char *name;
    const char *about;
    struct value values[6];
} personas[] = {
    {"chat", "free chat, as the model was made for", {{NULL, NULL}}},
    {"story",
     "your text goes on where it ends, yours and the model's in turn",
     {{"template", "plain"},
      {"temperature", "0.9"},
      {"top-p", "0.95"},
      {"repeat-penalty", "1.1"},
      {"max-tokens", "320"}}},
    {"questions",
     "short answers to questions, shown how by two",
     {{"template", "questions"},
      {"system", "Q: What is the capital of France?\nA: Paris.\n\nQ: How many legs does a "
                 "spider have?\nA: It has eight legs."},
      {"temperature", "0.3"},
      {"top-p", "0.9"},
      {"max-tokens", "96"}}},
    {"translate",
     "English to French by examples; /system edit changes them, to any task",
     {{"template", "examples"},
      {"system", "Translate English to French:\n\nsea otter => loutre de mer\ncheese => "
                 "fromage\nGood morning. => Bonjour.\nI live in a small house. => J'habite dans "
                 "une petite maison."},
      {"temperature", "0.2"},
      {"top-p", "0.9"},
      {"max-tokens", "64"}}},
};

void cf_personas_init(struct cf_presets *made)
{
    *made = (struct cf_presets){.n = 0};
    for (size_t i = 0; i < CF_ARRAY_SIZE(personas); i++) {
        struct cf_preset *persona = cf_presets_put(made, personas[i].name, NULL);
        persona->about = cf_strdup(personas[i].about);
        for (const struct value *value = personas[i].values; value->name != NULL; value++) {
            enum cf_code code = cf_persona_set(persona, value->name, value->text, NULL);
            assert(code == CF_OK);
            (void)code;
        }
    }
}

bool cf_setting_is_of_persona(const struct cf_setting_info *info)
{
    return (info->flags & CF_SET_CONVERSATION) != 0 && info->setting != CF_SETTING_SEED;
}

enum cf_code cf_persona_set(struct cf_preset *persona, const char *name, const char *text,
                            struct cf_err *err)
{
    if (strcmp(name, "about") == 0) {
        free(persona->about);
        persona->about = cf_strdup(text);
        return CF_OK;
    }
    const struct cf_setting_info *info = cf_setting_find(name);
    if (info != NULL && !cf_setting_is_of_persona(info)) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "'%s' can't be set by a persona", info->name);
    }
    return add_value(persona, name, text, CF_SET_CONVERSATION, err);
}

static enum cf_code refuse_unknown(const char *name, const struct cf_presets *presets,
                                   struct cf_err *err)
{
    struct cf_buf names = CF_BUF_INIT;
    for (size_t i = 0; i < presets->n; i++) {
        cf_buf_addf(&names, "%s%s", i > 0 ? ", " : "", presets->items[i].name);
    }
    cf_err_set(err, CF_ERR_NOT_FOUND, "there is no preset '%s'; there are %s", name, names.data);
    cf_buf_release(&names);
    return CF_ERR_NOT_FOUND;
}

/* Whether a value of the preset, whose name came from ORIGIN, replaces what is there. */
static bool replaces(const struct cf_source *source, enum cf_origin origin)
{
    return source->origin < origin ||
           (source->origin == origin && (source->is_by_preset || origin == CF_ORIGIN_DEFAULT));
}

static bool sets(const struct cf_preset *preset, enum cf_setting setting)
{
    const struct cf_setting_info *info = cf_setting_info(setting);
    bool is_set = is_models(preset) && (info->flags & CF_SET_PRESET) != 0;
    for (size_t i = 0; i < preset->names.n; i++) {
        is_set = is_set || strcmp(preset->names.items[i], info->name) == 0;
    }
    return is_set;
}

enum cf_code cf_settings_use_preset(struct cf_settings *settings, const struct cf_presets *presets,
                                    const char *name, struct cf_err *err)
{
    const struct cf_preset *preset = find(presets, name);
    if (preset == NULL) {
        return refuse_unknown(name, presets, err);
    }
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        if (settings->sources[i].origin == CF_ORIGIN_USER && sets(preset, (enum cf_setting)i)) {
            cf_settings_reset(settings, (enum cf_setting)i);
        }
    }
    enum cf_code code =
        cf_settings_set(settings, CF_SETTING_PRESET_NAME, name, CF_ORIGIN_USER, NULL, err);
    return code == CF_OK ? cf_settings_apply_preset(settings, presets, err) : code;
}

enum cf_code cf_settings_apply_preset(struct cf_settings *settings,
                                      const struct cf_presets *presets, struct cf_err *err)
{
    enum cf_origin origin = settings->sources[CF_SETTING_PRESET_NAME].origin;
    const char *detail = settings->sources[CF_SETTING_PRESET_NAME].detail;
    const struct cf_preset *preset = find(presets, settings->preset);
    if (preset == NULL) {
        return refuse_unknown(settings->preset, presets, err);
    }
    for (size_t i = 0; i < CF_N_SETTINGS; i++) {
        /* What an earlier preset of this origin gave and this one may not. */
        const struct cf_source *source = &settings->sources[i];
        bool is_of_model = is_models(preset) && sets(preset, (enum cf_setting)i);
        if ((source->is_by_preset && source->origin == origin) ||
            (is_of_model && replaces(source, origin))) {
            cf_settings_reset(settings, (enum cf_setting)i);
        }
    }
    for (size_t i = 0; i < preset->names.n; i++) {
        enum cf_setting setting = cf_setting_find(preset->names.items[i])->setting;
        struct cf_source *source = &settings->sources[setting];
        if (replaces(source, origin)) {
            enum cf_code code =
                cf_settings_set(settings, setting, preset->values.items[i], origin, detail, NULL);
            assert(code == CF_OK);
            (void)code;
            source->is_by_preset = origin != CF_ORIGIN_DEFAULT;
        }
    }
    return CF_OK;
}
