/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_file.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "path.h"
#include "text.h"

/* inih reads lines of some 200 bytes, cuts sections at 50 and takes a ';' for a comment even in
 * quotes, all as it was built.  So it is handed lines that are short and plain: each value is kept
 * back here and stands there as VALUE_MARK. */
#define VALUE_MARK "-"
enum { SECTION_MAX = 49, NAME_MAX_SIZE = 100, SECTIONS_MAX = 1000 };

struct parser {
    struct cf_config *config; /* being made */
    const char *path;
    const char *at; /* the next line */
    const char *end;
    int line;
    char *value; /* of the line being read, trimmed; NULL when it has none */
    char section[SECTION_MAX + 1];
    struct cf_template *template; /* of a [template NAME] section */
    size_t preset;                /* of a [preset NAME] or [persona NAME] section, its place */
    struct cf_presets *presets;   /* what it is a place of */
    enum cf_code code;            /* of the first mistake */
    struct cf_err *err;
};

void cf_config_init(struct cf_config *config)
{
    *config = (struct cf_config){.path = cf_strdup("")};
    cf_settings_init(&config->settings);
    cf_presets_init(&config->presets);
    cf_personas_init(&config->personas);
}

void cf_config_release(struct cf_config *config)
{
    free(config->path);
    cf_settings_release(&config->settings);
    cf_presets_release(&config->presets);
    cf_presets_release(&config->personas);
    for (size_t i = 0; i < config->n_templates; i++) {
        cf_template_release(&config->templates[i]);
    }
    free(config->templates);
    for (size_t i = 0; i < config->n_keys; i++) {
        free(config->keys[i].action);
        free(config->keys[i].key);
    }
    free(config->keys);
    config->path = NULL;
}

/* Records the first mistake, whose sentence is in err already, with its place. */
static int fail(struct parser *parser, enum cf_code code)
{
    if (parser->code == CF_OK) {
        parser->code = cf_err_prefix(parser->err, code, "%s:%d", parser->path, parser->line);
    }
    return 0;
}

static char *place_of(const struct parser *parser)
{
    struct cf_buf text = CF_BUF_INIT;
    cf_buf_addf(&text, "%s:%d", parser->path, parser->line);
    return cf_buf_take(&text);
}

/* Begins a preset or persona, which KIND says. */
static enum cf_code begin_preset(struct parser *parser, struct cf_presets *presets,
                                 const char *kind, const char *name)
{
    const struct cf_preset *known = cf_presets_find(presets, name);
    if (known != NULL && known->detail != NULL) {
        return cf_err_set(parser->err, CF_ERR_FORMAT, "%s %s is there already, at %s", kind, name,
                          known->detail);
    }
    if (presets->n >= SECTIONS_MAX) {
        return cf_err_set(parser->err, CF_ERR_TOO_LARGE, "there are more than %d %ss",
                          (int)SECTIONS_MAX, kind);
    }
    char *place = place_of(parser);
    struct cf_preset *preset = cf_presets_put(presets, name, place);
    parser->preset = (size_t)(preset - presets->items);
    parser->presets = presets;
    free(place);
    return CF_OK;
}

/* Every template that was begun is whole. */
static enum cf_code end_template(struct parser *parser)
{
    struct cf_template *template = parser->template;
    parser->template = NULL;
    return template != NULL ? cf_template_check(template, parser->err) : CF_OK;
}

static enum cf_code begin_template(struct parser *parser, const char *name)
{
    struct cf_config *config = parser->config;
    for (size_t i = 0; i < config->n_templates; i++) {
        if (strcmp(config->templates[i].name, name) == 0) {
            return cf_err_set(parser->err, CF_ERR_FORMAT, "template %s is there already", name);
        }
    }
    if (config->n_templates >= SECTIONS_MAX) {
        return cf_err_set(parser->err, CF_ERR_TOO_LARGE, "there are more than %d templates",
                          (int)SECTIONS_MAX);
    }
    config->templates =
        cf_realloc_array(config->templates, config->n_templates + 1, sizeof *config->templates);
    parser->template = &config->templates[config->n_templates++];
    *parser->template = CF_TEMPLATE_INIT;
    parser->template->name = cf_strdup(name);
    return CF_OK;
}

/* The name behind a section's kind, "preset wild": NULL when it is another kind or has no name. */
static const char *name_in(const char *section, const char *kind)
{
    size_t size = strlen(kind);
    if (strncmp(section, kind, size) != 0 || section[size] != ' ') {
        return NULL;
    }
    const char *name = section + size + strspn(section + size, " ");
    return name[0] != '\0' ? name : NULL;
}

static enum cf_code begin_section(struct parser *parser, const char *section)
{
    enum cf_code code = end_template(parser);
    if (code != CF_OK) {
        return code;
    }
    const char *preset = name_in(section, "preset");
    const char *persona = name_in(section, "persona");
    const char *template = name_in(section, "template");
    if (preset != NULL) {
        code = begin_preset(parser, &parser->config->presets, "preset", preset);
    } else if (persona != NULL) {
        code = begin_preset(parser, &parser->config->personas, "persona", persona);
    } else if (template != NULL) {
        code = begin_template(parser, template);
    } else if (strcmp(section, "keys") != 0) {
        code = cf_err_set(parser->err, CF_ERR_FORMAT,
                          "there is no section [%s], only [preset NAME], [persona NAME], "
                          "[template NAME] and [keys]",
                          section);
    }
    (void)snprintf(parser->section, sizeof parser->section, "%s", section);
    return code;
}

static void add_key(struct parser *parser, const char *action, const char *key)
{
    struct cf_config *config = parser->config;
    config->keys = cf_realloc_array(config->keys, config->n_keys + 1, sizeof *config->keys);
    config->keys[config->n_keys++] = (struct cf_key_binding){
        .action = cf_strdup(action), .key = cf_strdup(key), .line = parser->line};
}

static enum cf_code set_option(struct parser *parser, const char *name, const char *value)
{
    const struct cf_setting_info *info = cf_setting_find(name);
    char *expanded = NULL;
    if (info != NULL && info->type == CF_TYPE_PATH) {
        enum cf_code code = cf_path_expand(&expanded, value, parser->err);
        if (code != CF_OK) {
            return code;
        }
    }
    char *place = place_of(parser);
    enum cf_code code = cf_settings_set_by_name(&parser->config->settings, name, CF_SET_CONFIG,
                                                expanded != NULL ? expanded : value,
                                                CF_ORIGIN_CONFIG, place, parser->err);
    free(place);
    free(expanded);
    return code;
}

/* inih has found NAME = VALUE in SECTION; the value is the one kept back. */
static int handle(void *user, const char *section, const char *name, const char *mark)
{
    struct parser *parser = user;
    (void)mark;
    if (parser->code != CF_OK) {
        return 0;
    }
    struct cf_buf value = CF_BUF_INIT;
    enum cf_code code = cf_config_unquote(&value, parser->value, parser->err);
    if (code != CF_OK) {
        /* The sentence is there. */
    } else if (section[0] == '\0') {
        code = set_option(parser, name, value.data);
    } else if (parser->template != NULL) {
        code = cf_template_set(parser->template, name, value.data, parser->err);
    } else if (strcmp(section, "keys") == 0) {
        add_key(parser, name, value.data);
    } else {
        struct cf_preset *preset = &parser->presets->items[parser->preset];
        code = parser->presets == &parser->config->personas
                   ? cf_persona_set(preset, name, value.data, parser->err)
                   : cf_preset_set(preset, name, value.data, parser->err);
    }
    cf_buf_release(&value);
    return code == CF_OK ? 1 : fail(parser, code);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static const char *trim(const char *begin, const char **end)
{
    while (begin < *end && is_blank(*begin)) {
        begin++;
    }
    while (*end > begin && is_blank((*end)[-1])) {
        (*end)--;
    }
    return begin;
}

/* Rewrites "[section]" for inih and begins it. */
static enum cf_code rewrite_section(struct parser *parser, const char *begin, const char *end,
                                    char *line, size_t room)
{
    const char *close = memchr(begin, ']', (size_t)(end - begin));
    if (close == NULL) {
        return cf_err_set(parser->err, CF_ERR_FORMAT, "the ] of the section is missing");
    }
    const char *rest = close + 1;
    const char *rest_end = end;
    rest = trim(rest, &rest_end);
    if (rest < rest_end && *rest != '#' && *rest != ';') {
        return cf_err_set(parser->err, CF_ERR_FORMAT, "there is more behind the section's ]");
    }
    const char *name_end = close;
    const char *name = trim(begin + 1, &name_end);
    if (name_end - name > SECTION_MAX) {
        return cf_err_set(parser->err, CF_ERR_FORMAT, "the section's name is longer than %d bytes",
                          (int)SECTION_MAX);
    }
    char section[SECTION_MAX + 1];
    (void)snprintf(section, sizeof section, "%.*s", (int)(name_end - name), name);
    (void)snprintf(line, room, "[%s]\n", section);
    return begin_section(parser, section);
}

/* Rewrites one line for inih: without blanks at its ends, the value kept back. */
static enum cf_code rewrite(struct parser *parser, const char *begin, const char *end, char *line,
                            size_t room)
{
    line[0] = '\n';
    line[1] = '\0';
    begin = trim(begin, &end);
    if (begin == end || *begin == '#' || *begin == ';') {
        return CF_OK;
    }
    size_t size = (size_t)(end - begin);
    if (memchr(begin, '\0', size) != NULL || !cf_text_is_valid(begin, size)) {
        return cf_err_set(parser->err, CF_ERR_FORMAT, "the line is not UTF-8 text");
    }
    if (*begin == '[') {
        return rewrite_section(parser, begin, end, line, room);
    }
    const char *equals = memchr(begin, '=', size);
    if (equals == NULL || equals == begin) {
        return cf_err_set(parser->err, CF_ERR_FORMAT, "a line must be NAME = VALUE");
    }
    const char *name_end = equals;
    (void)trim(begin, &name_end);
    if (name_end - begin > NAME_MAX_SIZE ||
        memchr(begin, ':', (size_t)(name_end - begin)) != NULL) {
        return cf_err_set(parser->err, CF_ERR_FORMAT, "there is no setting '%.*s'",
                          (int)(name_end - begin), begin);
    }
    free(parser->value);
    parser->value = cf_memdup_str(equals + 1, (size_t)(end - equals - 1));
    (void)snprintf(line, room, "%.*s = " VALUE_MARK "\n", (int)(name_end - begin), begin);
    return CF_OK;
}

/* inih asks for the next line. */
static char *next_line(char *line, int room, void *user)
{
    struct parser *parser = user;
    if (parser->at >= parser->end || parser->code != CF_OK) {
        return NULL;
    }
    const char *begin = parser->at;
    const char *end = memchr(begin, '\n', (size_t)(parser->end - begin));
    end = end != NULL ? end : parser->end;
    parser->at = end < parser->end ? end + 1 : end;
    parser->line++;
    enum cf_code code = CF_OK;
    if (end - begin > CF_CONFIG_MAX_LINE) {
        code = cf_err_set(parser->err, CF_ERR_TOO_LARGE, "the line is longer than %d bytes",
                          (int)CF_CONFIG_MAX_LINE);
    } else {
        code = rewrite(parser, begin, end, line, (size_t)room);
    }
    if (code != CF_OK) {
        (void)fail(parser, code);
        return NULL;
    }
    return line;
}

/* The template and the preset that a persona of the file names. */
static enum cf_code check_persona(const struct cf_config *config, const struct cf_preset *persona,
                                  struct cf_err *err)
{
    for (size_t i = 0; i < persona->names.n && persona->detail != NULL; i++) {
        const char *value = persona->values.items[i];
        enum cf_setting setting = cf_setting_find(persona->names.items[i])->setting;
        const struct cf_template *template;
        if (setting == CF_SETTING_TEMPLATE &&
            cf_config_find_template(&template, config, value, err) != CF_OK) {
            return cf_err_prefix(err, CF_ERR_NOT_FOUND, "%s: persona %s", persona->detail,
                                 persona->name);
        }
        if (setting == CF_SETTING_PRESET_NAME && cf_presets_find(&config->presets, value) == NULL) {
            return cf_err_set(err, CF_ERR_NOT_FOUND, "%s: persona %s: there is no preset '%s'",
                              persona->detail, persona->name, value);
        }
    }
    return CF_OK;
}

/* Names that may be defined below the line that uses them. */
static enum cf_code check_names(const struct cf_config *config, struct cf_err *err)
{
    const struct cf_settings *settings = &config->settings;
    const struct cf_source *source = &settings->sources[CF_SETTING_TEMPLATE];
    if (settings->template_name != NULL) {
        const struct cf_template *template;
        enum cf_code code =
            cf_config_find_template(&template, config, settings->template_name, err);
        if (code != CF_OK) {
            return cf_err_prefix(err, code, "%s", source->detail);
        }
    }
    if (cf_presets_find(&config->presets, settings->preset) == NULL) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "%s: there is no preset '%s'",
                          settings->sources[CF_SETTING_PRESET_NAME].detail, settings->preset);
    }
    for (size_t i = 0; i < config->personas.n; i++) {
        enum cf_code code = check_persona(config, &config->personas.items[i], err);
        if (code != CF_OK) {
            return code;
        }
    }
    return CF_OK;
}

enum cf_code cf_config_parse(struct cf_config *config, const char *path, const void *bytes,
                             size_t size, struct cf_err *err)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    if (size > CF_CONFIG_MAX_SIZE) {
        return cf_err_set(err, CF_ERR_TOO_LARGE, "%s: the file is larger than 4 MiB", path);
    }
    struct cf_err own = CF_ERR_INIT;
    struct cf_config made;
    cf_config_init(&made);
    free(made.path);
    made.path = cf_strdup(path);
    const char *begin = bytes;
    bool has_mark = size >= 3 && memcmp(begin, byte_order_mark, 3) == 0;
    struct parser parser = {.config = &made,
                            .path = path,
                            .at = begin + (has_mark ? 3 : 0),
                            .end = begin + size,
                            .err = &own};
    int problem = size > 0 ? ini_parse_stream(next_line, &parser, handle, &parser) : 0;
    if (parser.code == CF_OK && problem != 0) {
        parser.code = cf_err_set(&own, CF_ERR_FORMAT, "%s:%d: the line cannot be read", path,
                                 problem > 0 ? problem : parser.line);
    }
    if (parser.code == CF_OK) {
        enum cf_code code = end_template(&parser);
        parser.code =
            code == CF_OK ? check_names(&made, &own) : cf_err_prefix(&own, code, "%s", path);
    }
    free(parser.value);
    if (parser.code != CF_OK) {
        cf_config_release(&made);
        return cf_err_set(err, parser.code, "%s", own.text);
    }
    cf_config_release(config);
    *config = made;
    return CF_OK;
}

enum cf_code cf_config_read(struct cf_config *config, const char *path, struct cf_err *err)
{
    struct cf_buf bytes = CF_BUF_INIT;
    enum cf_code code = cf_path_read_file(&bytes, path, CF_CONFIG_MAX_SIZE, err);
    if (code == CF_OK) {
        code = cf_config_parse(config, path, bytes.data, bytes.size, err);
    }
    cf_buf_release(&bytes);
    return code;
}

enum cf_code cf_config_find_template(const struct cf_template **template,
                                     const struct cf_config *config, const char *name,
                                     struct cf_err *err)
{
    struct cf_buf names = CF_BUF_INIT;
    const struct cf_template *found = NULL;
    for (size_t i = 0; config != NULL && i < config->n_templates; i++) {
        bool is_it = strcmp(config->templates[i].name, name) == 0;
        found = is_it ? &config->templates[i] : found;
        cf_buf_addf(&names, "%s, ", config->templates[i].name);
    }
    found = found != NULL ? found : cf_template_builtin(name);
    enum cf_code code = CF_OK;
    if (found == NULL) {
        code = cf_err_set(err, CF_ERR_NOT_FOUND,
                          "there is no template '%s'; there are %stranscript, dialogpt, chatml, "
                          "alpaca, questions, examples and plain",
                          name, names.data);
    } else {
        *template = found;
    }
    cf_buf_release(&names);
    return code;
}
