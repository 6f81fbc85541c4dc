/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui_bind.h"

/* The defaults alone don't clash: one of the two is in the file. */
static int line_of_clash(const struct cf_config *config, const enum ui_action both[2])
{
    int line = 0;
    for (size_t i = 0; i < config->n_keys; i++) {
        enum ui_action action = ui_action_find(config->keys[i].action);
        if (action == both[0] || action == both[1]) {
            line = config->keys[i].line;
        }
    }
    return line;
}

enum cf_code ui_bind_keys(struct ui_keys *keys, const struct cf_config *config, struct cf_err *err)
{
    ui_keys_init(keys);
    for (size_t i = 0; i < config->n_keys; i++) {
        const struct cf_key_binding *binding = &config->keys[i];
        enum cf_code code = ui_keys_bind(keys, binding->action, binding->key, err);
        if (code != CF_OK) {
            return cf_err_prefix(err, code, "%s:%d", config->path, binding->line);
        }
    }
    enum ui_action both[2] = {UI_NONE, UI_NONE};
    enum cf_code code = ui_keys_check(keys, both, err);
    return code == CF_OK
               ? CF_OK
               : cf_err_prefix(err, code, "%s:%d", config->path, line_of_clash(config, both));
}
