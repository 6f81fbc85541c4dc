/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "theme.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const char *text;
} builtins[] = {
#include "ui/themes.inc"
};

static const char *const style_names[] = {
#define UI_X(style, name) [style] = name,
    UI_STYLES(UI_X)
#undef UI_X
};

static const struct {
    const char *name;
    uint16_t attr;
} attrs[] = {
    {"bold", UI_ATTR_BOLD},           {"dim", UI_ATTR_DIM},         {"italic", UI_ATTR_ITALIC},
    {"underline", UI_ATTR_UNDERLINE}, {"reverse", UI_ATTR_REVERSE},
};

static const char *const colors[] = {"black", "red",     "green", "yellow",
                                     "blue",  "magenta", "cyan",  "white"};

struct parse {
    struct ui_theme theme;
    enum cf_code code;
    const char *path;
    struct cf_err *err;
    int line;
};

const char *ui_theme_name(size_t i)
{
    return i < CF_ARRAY_SIZE(builtins) ? builtins[i].name : NULL;
}

/* Reads a colour; false: WORD is none. */
static bool parse_color(int16_t *color, const char *word)
{
    if (strcmp(word, "default") == 0) {
        *color = UI_COLOR_DEFAULT;
        return true;
    }
    int bright = strncmp(word, "bright-", 7) == 0 ? 8 : 0;
    for (size_t i = 0; i < CF_ARRAY_SIZE(colors); i++) {
        if (strcmp(word + (bright ? 7 : 0), colors[i]) == 0) {
            *color = (int16_t)(bright + (int)i);
            return true;
        }
    }
    if (word[0] < '0' || word[0] > '9') {
        return false;
    }
    char *end;
    long number = strtol(word, &end, 10);
    if (*end != '\0' || number > 255) {
        return false;
    }
    *color = (int16_t)number;
    return true;
}

static uint16_t parse_attr(const char *word)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(attrs); i++) {
        if (strcmp(word, attrs[i].name) == 0) {
            return attrs[i].attr;
        }
    }
    return 0;
}

/* Reads the value of a line into STYLE; false with the word at fault in WRONG. */
static bool parse_style(struct ui_style *style, const char *value, char wrong[32])
{
    *style = UI_STYLE_PLAIN;
    int16_t *color = &style->fg;
    bool is_on = false;
    for (const char *at = value + strspn(value, " \t"); *at != '\0'; at += strspn(at, " \t")) {
        size_t size = strcspn(at, " \t");
        char word[32];
        snprintf(word, sizeof word, "%.*s", (int)size, at);
        at += size;
        uint16_t attr = is_on ? 0 : parse_attr(word);
        style->attrs = (uint16_t)(style->attrs | attr);
        if (attr != 0) {
            continue;
        }
        if (!is_on && strcmp(word, "on") == 0) {
            is_on = true;
            color = &style->bg;
            continue;
        }
        if (color == NULL || !parse_color(color, word)) {
            memcpy(wrong, word, sizeof word);
            return false;
        }
        color = NULL;
    }
    if (is_on && color != NULL) {
        memcpy(wrong, "on", 3);
        return false;
    }
    return true;
}

/* inih's handler: 1 goes on, 0 stops at this line. */
static int handle(void *user, const char *section, const char *name, const char *value)
{
    struct parse *parse = user;
    if (section[0] != '\0') {
        parse->code = cf_err_set(parse->err, CF_ERR_FORMAT, "a theme has no sections");
        return 0;
    }
    for (size_t i = 0; i < UI_N_STYLES; i++) {
        if (strcmp(name, style_names[i]) == 0) {
            char wrong[32];
            if (!parse_style(&parse->theme.styles[i], value, wrong)) {
                parse->code =
                    cf_err_set(parse->err, CF_ERR_FORMAT,
                               "%s: '%s' is neither an attribute nor a colour", name, wrong);
                return 0;
            }
            return 1;
        }
    }
    parse->code = cf_err_set(parse->err, CF_ERR_FORMAT, "there is no style '%s'", name);
    return 0;
}

enum cf_code ui_theme_parse(struct ui_theme *theme, const char *text, const char *path,
                            struct cf_err *err)
{
    struct parse parse = {.code = CF_OK, .path = path, .err = err};
    for (size_t i = 0; i < UI_N_STYLES; i++) {
        parse.theme.styles[i] = UI_STYLE_PLAIN;
    }
    int line = ini_parse_string(text, handle, &parse);
    if (parse.code != CF_OK) {
        return cf_err_prefix(err, parse.code, "%s:%d", path, line);
    }
    if (line != 0) {
        return cf_err_set(err, CF_ERR_FORMAT, "%s:%d: not a line `NAME = STYLE'", path, line);
    }
    *theme = parse.theme;
    return CF_OK;
}

enum cf_code ui_theme_builtin(struct ui_theme *theme, const char *name, struct cf_err *err)
{
    struct cf_buf names = CF_BUF_INIT;
    for (size_t i = 0; i < CF_ARRAY_SIZE(builtins); i++) {
        if (strcmp(builtins[i].name, name) == 0) {
            cf_buf_release(&names);
            return ui_theme_parse(theme, builtins[i].text, builtins[i].name, err);
        }
        cf_buf_addf(&names, "%s%s", i > 0 ? ", " : "", builtins[i].name);
    }
    enum cf_code code = cf_err_set(err, CF_ERR_NOT_FOUND, "there is no theme '%.40s'; there are %s",
                                   name, names.data);
    cf_buf_release(&names);
    return code;
}
