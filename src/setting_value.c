/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "setting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "number.h"
#include "setting_field.h"
#include "text.h"

/* "top-p must be greater than 0 and at most 1, not 1.5" */
static enum cf_code refuse(const struct cf_setting_info *info, const char *kind, const char *text,
                           struct cf_err *err)
{
    struct cf_buf range = CF_BUF_INIT;
    cf_setting_describe_range(info, &range);
    cf_err_set(err, CF_ERR_RANGE, "%s must be %s%s, not %s", info->name, kind, range.data,
               text[0] != '\0' ? text : "empty");
    cf_buf_release(&range);
    return CF_ERR_RANGE;
}

static enum cf_code read_real(double *value, const struct cf_setting_info *info, const char *text,
                              struct cf_err *err)
{
    double number = 0.0;
    if (!cf_number_real(&number, text)) {
        return refuse(info, "a number, ", text, err);
    }
    bool is_low =
        (info->flags & CF_SET_OPEN_MIN) != 0 ? number <= info->least : number < info->least;
    if (is_low || number > info->greatest) {
        return refuse(info, "", text, err);
    }
    *value = number + 0.0; /* -0 becomes 0 */
    return CF_OK;
}

static enum cf_code read_int(int32_t *value, const struct cf_setting_info *info, const char *text,
                             struct cf_err *err)
{
    int64_t number = 0;
    bool is_number = false;
    if (!cf_number_int(&number, text, (int64_t)info->least, (int64_t)info->greatest, &is_number)) {
        return refuse(info, is_number ? "" : "a whole number, ", text, err);
    }
    *value = (int32_t)number;
    return CF_OK;
}

static enum cf_code read_seed(struct cf_settings *settings, const struct cf_setting_info *info,
                              const char *text, struct cf_err *err)
{
    uint64_t seed = 0;
    bool is_random = strcmp(text, "random") == 0;
    if (!is_random && !cf_number_uint64(&seed, text)) {
        return refuse(info, "", text, err);
    }
    settings->has_seed = !is_random;
    settings->seed = seed;
    return CF_OK;
}

static enum cf_code read_switch(bool *value, const struct cf_setting_info *info, const char *text,
                                struct cf_err *err)
{
    static const char *const words[] = {"off", "on", "false", "true", "no", "yes", "0", "1"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *value = i % 2 == 1;
            return CF_OK;
        }
    }
    return refuse(info, "", text, err);
}

static enum cf_code read_choice(int *value, const struct cf_setting_info *info, const char *text,
                                struct cf_err *err)
{
    int index = 0;
    for (const char *at = info->choices; *at != '\0'; index++) {
        size_t size = strcspn(at, "|");
        if (strlen(text) == size && memcmp(at, text, size) == 0) {
            *value = index;
            return CF_OK;
        }
        at += size + (at[size] == '|');
    }
    return refuse(info, "", text, err);
}

enum cf_code cf_setting_read(struct cf_settings *settings, enum cf_setting setting,
                             const char *text, struct cf_err *err)
{
    const struct cf_setting_info *info = cf_setting_info(setting);
    void *field = cf_setting_field(settings, setting);
    switch (info->type) {
    case CF_TYPE_SWITCH:
        return read_switch(field, info, text, err);
    case CF_TYPE_INT:
        return read_int(field, info, text, err);
    case CF_TYPE_REAL:
        return read_real(field, info, text, err);
    case CF_TYPE_SEED:
        return read_seed(settings, info, text, err);
    case CF_TYPE_CHOICE:
        return read_choice(field, info, text, err);
    case CF_TYPE_TEXT:
    case CF_TYPE_TEXTS:
        if (!cf_text_is_valid(text, strlen(text))) {
            return cf_err_set(err, CF_ERR_RANGE, "%s is not valid UTF-8", info->name);
        }
        break;
    case CF_TYPE_PATH:
        if (text[0] == '\0') {
            return cf_err_set(err, CF_ERR_RANGE, "%s must not be empty", info->name);
        }
        break;
    }
    if (info->type == CF_TYPE_TEXTS) {
        cf_texts_add(field, text);
    } else {
        char *copy = cf_strdup(text);
        free(*(char **)field);
        *(char **)field = copy;
    }
    return CF_OK;
}

static void set_source(struct cf_source *source, enum cf_origin origin, const char *detail)
{
    char *copy = detail != NULL ? cf_strdup(detail) : NULL;
    free(source->detail);
    *source = (struct cf_source){.origin = origin, .detail = copy};
}

enum cf_code cf_settings_set(struct cf_settings *settings, enum cf_setting setting,
                             const char *text, enum cf_origin origin, const char *detail,
                             struct cf_err *err)
{
    const struct cf_setting_info *info = cf_setting_info(setting);
    if (text == NULL && info->type != CF_TYPE_SWITCH) {
        return cf_err_set(err, CF_ERR_RANGE, "%s needs a value", info->name);
    }
    const char *value = text != NULL ? text : "on";
    struct cf_source *source = &settings->sources[setting];
    if (origin < source->origin) {
        /* It must still be a value: a mistake in the config file is one under an option too. */
        struct cf_settings unused;
        cf_settings_init(&unused);
        enum cf_code checked = cf_setting_read(&unused, setting, value, err);
        cf_settings_release(&unused);
        return checked;
    }
    bool is_list = info->type == CF_TYPE_TEXTS;
    struct cf_texts before = {.n = 0};
    if (is_list && (origin > source->origin || origin == CF_ORIGIN_USER)) {
        struct cf_texts *field = cf_setting_field(settings, setting);
        before = *field;
        *field = (struct cf_texts){.n = 0};
    }
    enum cf_code code = cf_setting_read(settings, setting, value, err);
    if (code != CF_OK) {
        if (before.n > 0) {
            *(struct cf_texts *)cf_setting_field(settings, setting) = before;
        }
        return code;
    }
    cf_texts_release(&before);
    set_source(source, origin, detail);
    return CF_OK;
}

enum cf_code cf_settings_set_by_name(struct cf_settings *settings, const char *name, unsigned flags,
                                     const char *text, enum cf_origin origin, const char *detail,
                                     struct cf_err *err)
{
    const struct cf_setting_info *info = cf_setting_find(name);
    if (info != NULL && (info->flags & flags) != 0) {
        return cf_settings_set(settings, info->setting, text, origin, detail, err);
    }
    if (info != NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "%s cannot be set here", info->name);
    }
    const char *nearest = cf_setting_nearest(name, flags);
    if (nearest != NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no setting '%s'; did you mean '%s'?",
                          name, nearest);
    }
    return cf_err_set(err, CF_ERR_NOT_FOUND, "there is no setting '%s'", name);
}

/* A knob's value as a number. */
static double number_of(const struct cf_settings *settings, const struct cf_setting_info *info)
{
    const void *field = cf_setting_field_const(settings, info->setting);
    return info->type == CF_TYPE_INT ? *(const int32_t *)field : *(const double *)field;
}

static bool is_knob(const struct cf_setting_info *info)
{
    return info->step > 0.0 && (info->type == CF_TYPE_INT || info->type == CF_TYPE_REAL);
}

bool cf_settings_turn(struct cf_settings *settings, enum cf_setting setting, int n,
                      enum cf_origin origin)
{
    const struct cf_setting_info *info = cf_setting_info(setting);
    if (!is_knob(info) || origin < settings->sources[setting].origin) {
        return false;
    }
    double before = number_of(settings, info);
    double after = (floor(before / info->step + 0.5) + n) * info->step;
    bool is_open = (info->flags & CF_SET_OPEN_MIN) != 0;
    double least = is_open ? info->least + info->step : info->least;
    double greatest = info->slider > before ? info->slider : before;
    least = before < least ? before : least;
    after = after < least ? least : after;
    after = after > greatest ? greatest : after;
    struct cf_buf text = CF_BUF_INIT;
    /* Steps are decimal: no digits behind those that a person would write. */
    cf_number_format(floor(after * 1e6 + 0.5) / 1e6, &text);
    enum cf_code code = cf_settings_set(settings, setting, text.data, origin, NULL, NULL);
    cf_buf_release(&text);
    return code == CF_OK && number_of(settings, info) != before;
}

double cf_settings_slider(const struct cf_settings *settings, enum cf_setting setting)
{
    const struct cf_setting_info *info = cf_setting_info(setting);
    if (!is_knob(info)) {
        return 0.0;
    }
    double place = (number_of(settings, info) - info->least) / (info->slider - info->least);
    place = place < 0.0 ? 0.0 : place;
    return place > 1.0 ? 1.0 : place;
}

bool cf_setting_has_value(const struct cf_settings *settings, enum cf_setting setting)
{
    const struct cf_setting_info *info = cf_setting_info(setting);
    const void *field = cf_setting_field_const(settings, setting);
    switch (info->type) {
    case CF_TYPE_TEXT:
    case CF_TYPE_PATH:
        return *(char *const *)field != NULL;
    case CF_TYPE_TEXTS:
        return ((const struct cf_texts *)field)->n > 0;
    case CF_TYPE_INT:
        return info->fallback[0] != '\0' || *(const int32_t *)field != 0;
    case CF_TYPE_SWITCH:
    case CF_TYPE_REAL:
    case CF_TYPE_SEED:
    case CF_TYPE_CHOICE:
        return true;
    }
    return true;
}

static void format_choice(const struct cf_setting_info *info, int value, struct cf_buf *text)
{
    const char *at = info->choices;
    for (int i = 0; i < value && strchr(at, '|') != NULL; i++) {
        at = strchr(at, '|') + 1;
    }
    cf_buf_add(text, at, strcspn(at, "|"));
}

/* A text of a list, so that it can be told from its neighbours. */
static void format_quoted(const char *value, struct cf_buf *text)
{
    cf_buf_add_char(text, '"');
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\t') {
            cf_buf_add_str(text, *at == '\n' ? "\\n" : "\\t");
            continue;
        }
        if (*at == '"' || *at == '\\') {
            cf_buf_add_char(text, '\\');
        }
        cf_buf_add_char(text, *at);
    }
    cf_buf_add_char(text, '"');
}

void cf_settings_format(const struct cf_settings *settings, enum cf_setting setting,
                        struct cf_buf *text)
{
    const struct cf_setting_info *info = cf_setting_info(setting);
    const void *field = cf_setting_field_const(settings, setting);
    if (!cf_setting_has_value(settings, setting)) {
        return;
    }
    switch (info->type) {
    case CF_TYPE_SWITCH:
        cf_buf_add_str(text, *(const bool *)field ? "on" : "off");
        break;
    case CF_TYPE_INT:
    case CF_TYPE_REAL:
        cf_number_format(number_of(settings, info), text);
        break;
    case CF_TYPE_SEED:
        if (settings->has_seed) {
            cf_buf_addf(text, "%llu", (unsigned long long)settings->seed);
        } else {
            cf_buf_add_str(text, "random");
        }
        break;
    case CF_TYPE_CHOICE:
        format_choice(info, *(const int *)field, text);
        break;
    case CF_TYPE_TEXT:
    case CF_TYPE_PATH:
        cf_buf_add_str(text, *(char *const *)field);
        break;
    case CF_TYPE_TEXTS: {
        const struct cf_texts *texts = field;
        for (size_t i = 0; i < texts->n; i++) {
            cf_buf_add_str(text, i > 0 ? " " : "");
            format_quoted(texts->items[i], text);
        }
        break;
    }
    }
}

void cf_settings_format_source(const struct cf_settings *settings, enum cf_setting setting,
                               struct cf_buf *text)
{
    static const char *const names[] = {
        [CF_ORIGIN_DEFAULT] = "default",
        [CF_ORIGIN_MODEL] = "model",
        [CF_ORIGIN_CONFIG] = "config",
        [CF_ORIGIN_ENVIRONMENT] = "environment",
        [CF_ORIGIN_CONVERSATION] = "conversation",
        [CF_ORIGIN_OPTION] = "option",
        [CF_ORIGIN_USER] = "set by hand",
    };
    const struct cf_source *source = &settings->sources[setting];
    cf_buf_add_str(text, names[source->origin]);
    if (source->detail != NULL) {
        cf_buf_addf(text, " %s", source->detail);
    }
    if (source->is_by_preset && settings->preset != NULL) {
        cf_buf_addf(text, ", preset %s", settings->preset);
    }
}
