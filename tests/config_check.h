/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must hold for a config file made of any bytes; the fuzz target and the tests share it. */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include <base.h>

#include <stdlib.h>
#include <string.h>

#include "config_file.h"
#include "mem.h"

static inline void config_check_that(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* A template is the same again after it was written as lines and read. */
static inline void config_check_template(const struct cf_template *template)
{
    struct cf_template again = CF_TEMPLATE_INIT;
    struct cf_buf lines = CF_BUF_INIT;
    struct cf_buf lines_again = CF_BUF_INIT;
    cf_config_format_template(template, &lines);
    config_check_that(cf_config_parse_template(&again, lines.data, lines.size, NULL) == CF_OK);
    cf_config_format_template(&again, &lines_again);
    config_check_that(lines.size == lines_again.size &&
                      memcmp(lines.data, lines_again.data, lines.size) == 0);
    cf_buf_release(&lines);
    cf_buf_release(&lines_again);
    cf_template_release(&again);
}

/* What was quoted is the same after it is unquoted. */
static inline void config_check_quotes(const char *text)
{
    struct cf_buf quoted = CF_BUF_INIT;
    struct cf_buf again = CF_BUF_INIT;
    cf_config_quote(text, &quoted);
    config_check_that(memchr(quoted.data, '\n', quoted.size) == NULL);
    config_check_that(cf_config_unquote(&again, quoted.data, NULL) == CF_OK);
    config_check_that(strcmp(again.data, text) == 0);
    cf_buf_release(&quoted);
    cf_buf_release(&again);
}

/* The bytes as a file, as the lines of a template and as a value. */
static inline void config_check_bytes(const uint8_t *bytes, size_t size)
{
    struct cf_config config;
    struct cf_template template = CF_TEMPLATE_INIT;
    struct cf_err err = CF_ERR_INIT;
    /* Copies of exactly this size: reading past the end is seen. */
    char *copy = cf_malloc(size);
    memcpy(copy, bytes, size);
    char *value = cf_memdup_str(copy, size);
    cf_config_init(&config);
    if (cf_config_parse(&config, "fuzz", copy, size, &err) == CF_OK) {
        for (size_t i = 0; i < config.n_templates; i++) {
            config_check_template(&config.templates[i]);
        }
    } else {
        config_check_that(strncmp(err.text, "fuzz:", 5) == 0);
        config_check_that(config.n_templates == 0 && config.n_keys == 0);
    }
    cf_config_release(&config);
    if (cf_config_parse_template(&template, copy, size, NULL) == CF_OK) {
        config_check_template(&template);
    }
    cf_template_release(&template);
    config_check_quotes(value);
    free(value);
    free(copy);
}

#endif
