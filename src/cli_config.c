/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config: the effective settings and where each comes from. */
#include "base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cli_json.h"
#include "model.h"

/* The settings with what the model recommends, where it can be opened: as ask and the face have
 * them. */
static void take_model(struct cf_settings *settings, const struct cf_cli *cli)
{
    char *path = NULL;
    struct cf_model *model = NULL;
    if (cf_cli_model_path(&path, cli, NULL) == CF_OK &&
        cf_model_open(&model, path, NULL) == CF_OK) {
        cf_settings_take_model(settings, cf_model_metadata_answer, model);
        (void)cf_settings_apply_preset(settings, &cli->config.presets, NULL);
        cf_settings_take_model(settings, cf_model_metadata_answer, model);
        cf_model_free(model);
    }
    free(path);
}

static void write_setting(struct cf_out *out, const struct cf_cli *cli,
                          const struct cf_settings *settings, const struct cf_setting_info *info)
{
    struct cf_buf value = CF_BUF_INIT;
    struct cf_buf source = CF_BUF_INIT;
    cf_settings_format(settings, info->setting, &value);
    if (value.size == 0 && info->setting == CF_SETTING_DB) {
        cf_buf_add_str(&value, cli->db_path);
    } else if (value.size == 0 && info->setting == CF_SETTING_CONFIG && cli->config.path != NULL) {
        cf_buf_add_str(&value, cli->config.path);
    }
    cf_settings_format_source(settings, info->setting, &source);
    if (cli->settings.json) {
        json_t *object = json_object();
        json_object_set_new(object, "name", json_string(info->name));
        json_object_set_new(object, "value", cf_json_text(value.data, value.size));
        json_object_set_new(object, "source", cf_json_text(source.data, source.size));
        cf_out_add_json(out, object);
    } else {
        cf_out_addf(out, "%s = ", info->name);
        cf_out_add_text(out, value.data, value.size);
        cf_out_end_text(out);
        int width = (int)strlen(info->name) + 3 + cf_text_width(value.data, value.size, 0);
        cf_out_addf(out, "%*s# ", width < 40 ? 40 - width : 1, "");
        cf_out_add_text(out, source.data, source.size);
        cf_out_end_text(out);
        cf_out_add(out, "\n", 1);
    }
    cf_buf_release(&value);
    cf_buf_release(&source);
}

enum cf_exit cf_cli_config(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_out out;
    struct cf_settings settings;
    cf_out_init(&out, STDOUT_FILENO);
    cf_settings_init(&settings);
    cf_settings_copy(&settings, &cli->settings);
    take_model(&settings, cli);
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        if ((info->flags & CF_SET_CONFIG) != 0 || info->setting == CF_SETTING_CONFIG) {
            write_setting(&out, cli, &settings, info);
        }
    }
    cf_settings_release(&settings);
    return cf_out_finish(&out, &err) == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}
