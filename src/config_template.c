/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A template as the text that is kept beside the replies made with it. */
#include "config_file.h"

static void add_line(struct cf_buf *text, const char *key, const char *value)
{
    cf_buf_addf(text, "%s = ", key);
    cf_config_quote(value, text);
    cf_buf_add_char(text, '\n');
}

void cf_config_format_template(const struct cf_template *template, struct cf_buf *text)
{
    const char *const parts[][2] = {
        {"system", template->system}, {"user", template->user}, {"assistant", template->assistant}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(parts); i++) {
        if (parts[i][1] != NULL && parts[i][1][0] != '\0') {
            add_line(text, parts[i][0], parts[i][1]);
        }
    }
    for (size_t i = 0; i < template->stop.n; i++) {
        add_line(text, "stop", template->stop.items[i]);
    }
    if (template->is_verbatim) {
        add_line(text, "verbatim", "on");
    }
}

enum cf_code cf_config_parse_template(struct cf_template *template, const char *text, size_t size,
                                      struct cf_err *err)
{
    struct cf_config config;
    struct cf_buf lines = CF_BUF_INIT;
    cf_config_init(&config);
    cf_buf_add_str(&lines, "[template stored]\n");
    cf_buf_add(&lines, text, size);
    enum cf_code code =
        cf_config_parse(&config, "the stored template", lines.data, lines.size, err);
    if (code == CF_OK) {
        cf_template_copy(template, &config.templates[0]);
    }
    cf_config_release(&config);
    cf_buf_release(&lines);
    return code;
}
