/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "setting.h"

/* "top-p" is "confab.top_p" in a model's metadata. */
static const char *recommendation(const char *(*find)(const void *model, const char *key),
                                  const void *model, const char *name)
{
    struct cf_buf key = CF_BUF_INIT;
    cf_buf_addf(&key, "confab.%s", name);
    for (size_t i = 0; i < key.size; i++) {
        key.data[i] = key.data[i] == '-' ? '_' : key.data[i];
    }
    const char *value = find(model, key.data);
    cf_buf_release(&key);
    return value;
}

void cf_settings_take_model(struct cf_settings *settings,
                            const char *(*find)(const void *model, const char *key),
                            const void *model)
{
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        bool is_wanted =
            (info->flags & CF_SET_PRESET) != 0 || info->setting == CF_SETTING_MAX_TOKENS;
        const char *value = is_wanted ? recommendation(find, model, info->name) : NULL;
        if (value != NULL) {
            /* A recommendation that makes no sense is none. */
            (void)cf_settings_set(settings, info->setting, value, CF_ORIGIN_MODEL, NULL, NULL);
        }
    }
}
