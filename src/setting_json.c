/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "setting.h"

#include <jansson.h>
#include <stdlib.h>

#include "number.h"
#include "setting_field.h"
#include "text.h"

static json_t *texts_to_json(const struct cf_texts *texts)
{
    json_t *array = json_array();
    for (size_t i = 0; i < texts->n; i++) {
        json_array_append_new(array, json_string(texts->items[i]));
    }
    return array;
}

/* JSON numbers end at 2^63 - 1 here; greater seeds are strings. */
static json_t *seed_to_json(const struct cf_settings *settings)
{
    if (!settings->has_seed) {
        return json_string("random");
    }
    if (settings->seed <= INT64_MAX) {
        return json_integer((json_int_t)settings->seed);
    }
    struct cf_buf text = CF_BUF_INIT;
    cf_settings_format(settings, CF_SETTING_SEED, &text);
    json_t *value = json_string(text.data);
    cf_buf_release(&text);
    return value;
}

static json_t *value_to_json(const struct cf_settings *settings, enum cf_setting setting)
{
    const void *field = cf_setting_field_const(settings, setting);
    switch (cf_setting_info(setting)->type) {
    case CF_TYPE_SWITCH:
        return json_boolean(*(const bool *)field);
    case CF_TYPE_INT:
        return json_integer(*(const int32_t *)field);
    case CF_TYPE_REAL:
        return json_real(*(const double *)field);
    case CF_TYPE_SEED:
        return seed_to_json(settings);
    case CF_TYPE_TEXTS:
        return texts_to_json(field);
    case CF_TYPE_CHOICE:
    case CF_TYPE_TEXT:
    case CF_TYPE_PATH:
        break;
    }
    struct cf_buf text = CF_BUF_INIT;
    struct cf_buf valid = CF_BUF_INIT; /* a file's name may be any bytes, JSON is UTF-8 */
    cf_settings_format(settings, setting, &text);
    cf_text_make_valid(&valid, text.data, text.size);
    json_t *value = json_stringn(valid.data, valid.size);
    cf_buf_release(&valid);
    cf_buf_release(&text);
    return value;
}

static bool is_written(const struct cf_settings *settings, enum cf_setting setting, unsigned flags,
                       bool omit_defaults)
{
    return (cf_setting_info(setting)->flags & flags) != 0 &&
           cf_setting_has_value(settings, setting) &&
           !(omit_defaults && settings->sources[setting].origin <= CF_ORIGIN_MODEL);
}

json_t *cf_settings_to_json(const struct cf_settings *settings, unsigned flags, bool omit_defaults)
{
    json_t *object = json_object();
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        enum cf_setting setting = (enum cf_setting)i;
        if (is_written(settings, setting, flags, omit_defaults)) {
            json_object_set_new(object, cf_setting_info(setting)->name,
                                value_to_json(settings, setting));
        }
    }
    return object;
}

void cf_settings_to_json_text(const struct cf_settings *settings, unsigned flags,
                              bool omit_defaults, struct cf_buf *text)
{
    /* Put together here because jansson writes 0.8 as 0.80000000000000004. */
    cf_buf_add_char(text, '{');
    bool is_first = true;
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        enum cf_setting setting = (enum cf_setting)i;
        if (!is_written(settings, setting, flags, omit_defaults)) {
            continue;
        }
        const struct cf_setting_info *info = cf_setting_info(setting);
        cf_buf_addf(text, "%s\"%s\":", is_first ? "" : ",", info->name);
        is_first = false;
        if (info->type == CF_TYPE_REAL) {
            cf_settings_format(settings, setting, text);
            continue;
        }
        json_t *value = value_to_json(settings, setting);
        char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        cf_buf_add_str(text, dump);
        free(dump);
        json_decref(value);
    }
    cf_buf_add_char(text, '}');
}

/* A JSON value as the text that cf_settings_set reads; false for what is none. */
static bool text_of(const json_t *value, struct cf_buf *text)
{
    cf_buf_clear(text);
    if (json_is_string(value)) {
        cf_buf_add_str(text, json_string_value(value));
    } else if (json_is_integer(value)) {
        cf_buf_addf(text, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        cf_number_format(json_real_value(value), text);
    } else if (json_is_boolean(value)) {
        cf_buf_add_str(text, json_is_true(value) ? "on" : "off");
    } else {
        return false;
    }
    return true;
}

/* The whole list, in place of what was there. */
static enum cf_code set_list(struct cf_settings *settings, enum cf_setting setting,
                             const json_t *array, enum cf_origin origin, struct cf_err *err)
{
    const struct cf_setting_info *info = cf_setting_info(setting);
    bool is_wanted = settings->sources[setting].origin <= origin;
    if (is_wanted) {
        cf_settings_reset(settings, setting);
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        if (info->type != CF_TYPE_TEXTS || !json_is_string(item)) {
            return cf_err_set(err, CF_ERR_FORMAT, "%s is not a list of texts", info->name);
        }
        if (is_wanted) {
            enum cf_code code = cf_setting_read(settings, setting, json_string_value(item), err);
            if (code != CF_OK) {
                return code;
            }
            settings->sources[setting].origin = origin;
        }
    }
    return CF_OK;
}

static enum cf_code set_from_json(struct cf_settings *settings, enum cf_setting setting,
                                  const json_t *value, enum cf_origin origin, struct cf_err *err)
{
    if (json_is_array(value)) {
        return set_list(settings, setting, value, origin, err);
    }
    struct cf_buf text = CF_BUF_INIT;
    enum cf_code code = text_of(value, &text)
                            ? cf_settings_set(settings, setting, text.data, origin, NULL, err)
                            : cf_err_set(err, CF_ERR_FORMAT, "%s has no usable value",
                                         cf_setting_info(setting)->name);
    cf_buf_release(&text);
    return code;
}

enum cf_code cf_settings_from_json_text(struct cf_settings *settings, const char *text,
                                        enum cf_origin origin, struct cf_err *err)
{
    json_error_t problem;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(object)) {
        json_decref(object);
        return cf_err_set(err, CF_ERR_FORMAT, "stored settings are no JSON object");
    }
    struct cf_settings made;
    cf_settings_init(&made);
    cf_settings_copy(&made, settings);
    enum cf_code code = CF_OK;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        const struct cf_setting_info *info = cf_setting_find(name);
        if (code == CF_OK && info != NULL && (info->flags & CF_SET_CONVERSATION) != 0) {
            code = set_from_json(&made, info->setting, value, origin, err);
        }
    }
    if (code == CF_OK) {
        struct cf_settings old = *settings;
        *settings = made;
        made = old;
    }
    cf_settings_release(&made);
    json_decref(object);
    return code;
}
