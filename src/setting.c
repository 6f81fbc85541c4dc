/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "setting.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "near.h"
#include "number.h"
#include "setting_field.h"

static const struct cf_setting_info infos[] = {
#define CF_X(setting_, name_, letter_, type_, field_, flags_, least_, greatest_, step_, slider_,   \
             fallback_, argument_, unit_, choices_, help_)                                         \
    [setting_] = {.setting = setting_,                                                             \
                  .name = name_,                                                                   \
                  .letter = letter_,                                                               \
                  .type = type_,                                                                   \
                  .flags = flags_,                                                                 \
                  .least = least_,                                                                 \
                  .greatest = greatest_,                                                           \
                  .step = step_,                                                                   \
                  .slider = slider_,                                                               \
                  .fallback = fallback_,                                                           \
                  .argument = argument_,                                                           \
                  .unit = unit_,                                                                   \
                  .choices = choices_,                                                             \
                  .help = help_},
    CF_SETTINGS(CF_X)
#undef CF_X
};

static const size_t offsets[] = {
#define CF_X(setting, name, letter, type, field, flags, least, greatest, step, slider, fallback,   \
             argument, unit, choices, help)                                                        \
    [setting] = offsetof(struct cf_settings, field),
    CF_SETTINGS(CF_X)
#undef CF_X
};

void *cf_setting_field(struct cf_settings *settings, enum cf_setting setting)
{
    return (char *)settings + offsets[setting];
}

const void *cf_setting_field_const(const struct cf_settings *settings, enum cf_setting setting)
{
    return (const char *)settings + offsets[setting];
}

const struct cf_setting_info *cf_setting_info(enum cf_setting setting)
{
    assert(setting < CF_N_SETTINGS);
    return &infos[setting];
}

static bool is_same_name(const char *name, const char *known)
{
    for (; *name != '\0'; name++, known++) {
        if ((*name == '_' ? '-' : *name) != *known) {
            return false;
        }
    }
    return *known == '\0';
}

const struct cf_setting_info *cf_setting_find(const char *name)
{
    for (size_t i = 0; i < CF_N_SETTINGS; i++) {
        if (is_same_name(name, infos[i].name)) {
            return &infos[i];
        }
    }
    return NULL;
}

const struct cf_setting_info *cf_setting_find_letter(char letter)
{
    for (size_t i = 0; letter != '\0' && i < CF_N_SETTINGS; i++) {
        if (infos[i].letter == letter) {
            return &infos[i];
        }
    }
    return NULL;
}

const char *cf_setting_nearest(const char *name, unsigned flags)
{
    size_t size = strlen(name);
    if (size == 0 || size > CF_NEAR_MAX_SIZE) {
        return NULL;
    }
    int nearest = (int)size / 3 + 2; /* the first distance that is too far */
    const char *found = NULL;
    for (size_t i = 0; i < CF_N_SETTINGS; i++) {
        int far = cf_near_distance(name, size, infos[i].name, strlen(infos[i].name));
        if ((infos[i].flags & flags) != 0 && far < nearest) {
            nearest = far;
            found = infos[i].name;
        }
    }
    return found;
}

void cf_setting_describe_range(const struct cf_setting_info *info, struct cf_buf *text)
{
    switch (info->type) {
    case CF_TYPE_INT:
    case CF_TYPE_REAL:
        cf_buf_add_str(text, (info->flags & CF_SET_OPEN_MIN) != 0 ? "greater than " : "at least ");
        cf_number_format(info->least, text);
        cf_buf_add_str(text, " and at most ");
        cf_number_format(info->greatest, text);
        break;
    case CF_TYPE_SWITCH:
        cf_buf_add_str(text, "on or off");
        break;
    case CF_TYPE_SEED:
        cf_buf_add_str(text, "a whole number from 0 to 18446744073709551615, or random");
        break;
    case CF_TYPE_CHOICE:
        for (const char *at = info->choices; *at != '\0';) {
            size_t size = strcspn(at, "|");
            cf_buf_add(text, at, size);
            at += size + (at[size] == '|');
            const char *joint = strchr(at, '|') != NULL ? ", " : " or ";
            cf_buf_add_str(text, *at == '\0' ? "" : joint);
        }
        break;
    case CF_TYPE_TEXT:
    case CF_TYPE_TEXTS:
        cf_buf_add_str(text, "UTF-8 text");
        break;
    case CF_TYPE_PATH:
        cf_buf_add_str(text, "a file's name");
        break;
    }
}

static void release_value(struct cf_settings *settings, enum cf_setting setting)
{
    void *field = cf_setting_field(settings, setting);
    if (infos[setting].type == CF_TYPE_TEXTS) {
        cf_texts_release(field);
    } else if (infos[setting].type == CF_TYPE_TEXT || infos[setting].type == CF_TYPE_PATH) {
        char **text = field;
        free(*text);
        *text = NULL;
    }
}

static void set_source(struct cf_settings *settings, enum cf_setting setting,
                       const struct cf_source *from)
{
    struct cf_source *source = &settings->sources[setting];
    char *detail = from->detail != NULL ? cf_strdup(from->detail) : NULL;
    *source = (struct cf_source){.origin = from->origin, .is_by_preset = from->is_by_preset};
    source->detail = detail;
}

void cf_settings_reset(struct cf_settings *settings, enum cf_setting setting)
{
    const struct cf_setting_info *info = &infos[setting];
    release_value(settings, setting);
    free(settings->sources[setting].detail);
    settings->sources[setting] = (struct cf_source){.origin = CF_ORIGIN_DEFAULT};
    if (info->fallback[0] != '\0') {
        enum cf_code code = cf_setting_read(settings, setting, info->fallback, NULL);
        assert(code == CF_OK);
        (void)code;
    } else if (info->type == CF_TYPE_INT) {
        *(int32_t *)cf_setting_field(settings, setting) = 0;
    }
}

void cf_settings_init(struct cf_settings *settings)
{
    *settings = (struct cf_settings){.has_seed = false};
    for (size_t i = 0; i < CF_N_SETTINGS; i++) {
        cf_settings_reset(settings, (enum cf_setting)i);
    }
}

void cf_settings_release(struct cf_settings *settings)
{
    for (size_t i = 0; i < CF_N_SETTINGS; i++) {
        release_value(settings, (enum cf_setting)i);
        free(settings->sources[i].detail);
        settings->sources[i].detail = NULL;
    }
}

static void copy_text(char **field, char *const *from)
{
    char *copy = *from != NULL ? cf_strdup(*from) : NULL;
    free(*field);
    *field = copy;
}

void cf_setting_copy(struct cf_settings *settings, const struct cf_settings *from,
                     enum cf_setting setting)
{
    void *field = cf_setting_field(settings, setting);
    const void *value = cf_setting_field_const(from, setting);
    switch (infos[setting].type) {
    case CF_TYPE_SWITCH:
        *(bool *)field = *(const bool *)value;
        break;
    case CF_TYPE_INT:
        *(int32_t *)field = *(const int32_t *)value;
        break;
    case CF_TYPE_REAL:
        *(double *)field = *(const double *)value;
        break;
    case CF_TYPE_CHOICE:
        *(int *)field = *(const int *)value;
        break;
    case CF_TYPE_SEED:
        settings->seed = from->seed;
        settings->has_seed = from->has_seed;
        break;
    case CF_TYPE_TEXT:
    case CF_TYPE_PATH:
        copy_text(field, value);
        break;
    case CF_TYPE_TEXTS:
        cf_texts_copy(field, value);
        break;
    }
    free(settings->sources[setting].detail);
    set_source(settings, setting, &from->sources[setting]);
}

void cf_settings_copy(struct cf_settings *settings, const struct cf_settings *from)
{
    for (size_t i = 0; settings != from && i < CF_N_SETTINGS; i++) {
        cf_setting_copy(settings, from, (enum cf_setting)i);
    }
}

void cf_settings_take_over(struct cf_settings *settings, const struct cf_settings *from,
                           enum cf_origin origin)
{
    for (size_t i = 0; settings != from && i < CF_N_SETTINGS; i++) {
        if (from->sources[i].origin == origin && settings->sources[i].origin <= origin) {
            cf_setting_copy(settings, from, (enum cf_setting)i);
        }
    }
}

bool cf_settings_weights(enum cf_dtype *dtype, const struct cf_settings *settings)
{
    const char *choices = cf_setting_info(CF_SETTING_WEIGHTS)->choices;
    char word[8];
    for (int i = 0; i < settings->weights; i++) {
        choices = strchr(choices, '|') + 1;
    }
    size_t size = strcspn(choices, "|");
    assert(size < sizeof word);
    memcpy(word, choices, size);
    word[size] = '\0';
    return settings->weights > 0 && cf_dtype_find(dtype, word);
}
