/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config_file: reads the config file: an INI file (inih) of options by their long names, then
 * [preset NAME], [persona NAME], [template NAME] and [keys].
 *
 * A line is NAME = VALUE; '#' and ';' begin a comment at the start of a line, and behind a space
 * after a value that is not quoted.  A value in double quotes may use \n, \t, \", \\ and \u{HEX};
 * everything else is taken as it stands.  The file is UTF-8 without NULs, a line at most
 * CF_CONFIG_MAX_LINE bytes, the file at most CF_CONFIG_MAX_SIZE.  Every mistake is an error that
 * names file and line, at the first one nothing is taken.
 *
 * (The file is not called config.h: that is what autoconf writes.) */
#ifndef CF_CONFIG_FILE_H
#define CF_CONFIG_FILE_H

#include "setting.h"
#include "template.h"

enum { CF_CONFIG_MAX_LINE = 64 * 1024, CF_CONFIG_MAX_SIZE = 4 * 1024 * 1024 };

/* A row of [keys], unread: what ACTION and KEY mean is the screen's business. */
struct cf_key_binding {
    char *action;
    char *key;
    int line;
};

struct cf_config {
    char *path;                  /* as given; "" for none */
    struct cf_settings settings; /* what the file sets is at CF_ORIGIN_CONFIG, all else default */
    struct cf_presets presets;   /* the built-in ones and the file's */
    struct cf_presets personas;  /* likewise */
    struct cf_template *templates;
    size_t n_templates;
    struct cf_key_binding *keys;
    size_t n_keys;
};

/* An empty configuration: defaults, the built-in presets and personas. */
void cf_config_init(struct cf_config *config);
void cf_config_release(struct cf_config *config);

/* Reads the file PATH into an initialised CONFIG, which is unchanged on failure.
 * CF_ERR_NOT_FOUND when there is no such file; CF_ERR_FORMAT, CF_ERR_RANGE, CF_ERR_TOO_LARGE. */
enum cf_code cf_config_read(struct cf_config *config, const char *path, struct cf_err *err);
/* The same from memory; PATH is what messages call it. */
enum cf_code cf_config_parse(struct cf_config *config, const char *path, const void *bytes,
                             size_t size, struct cf_err *err);

/* The template of that name: the file's, else the built-in one.  CF_ERR_NOT_FOUND names all that
 * there are.  Owned by config or constant. */
enum cf_code cf_config_find_template(const struct cf_template **template,
                                     const struct cf_config *config, const char *name,
                                     struct cf_err *err);

/* Writes the knobs of SETTINGS as [preset NAME] into the file PATH, which is made where it is
 * missing: a section of that name is replaced, all else keeps its bytes.  The file is replaced as a
 * whole, so it is never half written; a symbolic link is followed.  CF_ERR_USAGE for a name that
 * cannot stand in a section's head. */
enum cf_code cf_config_save_preset(const char *path, const char *name,
                                   const struct cf_settings *settings, struct cf_err *err);

/* Appends a template's parts as lines of a config file, the same for the same template: how it is
 * kept beside the replies that it made. */
void cf_config_format_template(const struct cf_template *template, struct cf_buf *text);
/* Reads such lines into an initialised TEMPLATE, which is unchanged on failure.  CF_ERR_FORMAT. */
enum cf_code cf_config_parse_template(struct cf_template *template, const char *text, size_t size,
                                      struct cf_err *err);

/* Appends TEXT as a value of a config file, in quotes where it needs them. */
void cf_config_quote(const char *text, struct cf_buf *out);
/* Undoes quotes and escapes: appends the text that VALUE stands for.  CF_ERR_FORMAT. */
enum cf_code cf_config_unquote(struct cf_buf *text, const char *value, struct cf_err *err);

#endif
