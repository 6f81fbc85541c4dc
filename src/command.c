/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "near.h"

static const struct cf_command_info commands[] = {
#define CF_X(command, name, synonyms, argument, usage, help)                                       \
    [command] = {name, synonyms, argument, usage, help},
    CF_COMMANDS(CF_X)
#undef CF_X
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_required(const struct cf_command_info *info)
{
    return info->usage[0] != '\0' && info->usage[0] != '[';
}

const struct cf_command_info *cf_command_info(enum cf_command command)
{
    assert(command < CF_N_COMMANDS);
    return &commands[command];
}

/* Calls for the name (k = 0) and each synonym: the word and its size; false behind the last. */
static bool word_of(const struct cf_command_info *info, int k, const char **word, size_t *size)
{
    *word = info->name;
    *size = strlen(info->name);
    if (k == 0) {
        return true;
    }
    const char *at = info->synonyms;
    while (*at != '\0') {
        *word = at;
        *size = strcspn(at, " ");
        if (--k == 0) {
            return true;
        }
        at += *size + strspn(at + *size, " ");
    }
    return false;
}

bool cf_command_find(enum cf_command *command, const char *name, size_t size)
{
    for (int i = 0; i < CF_N_COMMANDS; i++) {
        const char *word;
        size_t length;
        for (int k = 0; word_of(&commands[i], k, &word, &length); k++) {
            if (length == size && strncasecmp(word, name, size) == 0) {
                *command = (enum cf_command)i;
                return true;
            }
        }
    }
    return false;
}

bool cf_command_nearest(enum cf_command *command, const char *name, size_t size)
{
    if (size == 0 || size > CF_NEAR_MAX_SIZE) {
        return false;
    }
    int nearest = (int)size / 3 + 2; /* first distance that is too far */
    bool is_found = false;
    for (int i = 0; i < CF_N_COMMANDS; i++) {
        const char *word;
        size_t length;
        for (int k = 0; word_of(&commands[i], k, &word, &length); k++) {
            int far = cf_near_distance(name, size, word, length);
            bool is_begun = size < length && strncasecmp(word, name, size) == 0;
            far = is_begun ? 1 : far >= (int)length ? nearest : far;
            if (far < nearest) {
                nearest = far;
                *command = (enum cf_command)i;
                is_found = true;
            }
        }
    }
    return is_found;
}

bool cf_command_is(const char *line)
{
    return line[0] == '/' && line[1] != '/';
}

const char *cf_command_text(const char *line)
{
    return line[0] == '/' && line[1] == '/' ? line + 1 : line;
}

static size_t name_size(const char *name)
{
    size_t size = 0;
    while (name[size] != '\0' && !is_blank(name[size])) {
        size++;
    }
    return size;
}

enum cf_code cf_command_parse(struct cf_command_line *parsed, const char *line, struct cf_err *err)
{
    assert(cf_command_is(line));
    const char *name = line + 1;
    size_t size = name_size(name);
    enum cf_command command;
    if (!cf_command_find(&command, name, size)) {
        int shown = size < CF_NEAR_MAX_SIZE ? (int)size : CF_NEAR_MAX_SIZE;
        if (cf_command_nearest(&command, name, size)) {
            return cf_err_set(err, CF_ERR_NOT_FOUND,
                              "There is no command /%.*s; did you mean /%s? (// sends a slash)",
                              shown, name, commands[command].name);
        }
        return cf_err_set(err, CF_ERR_NOT_FOUND,
                          "There is no command /%.*s; /help lists them (// sends a slash)", shown,
                          name);
    }
    const char *argument = name + size;
    while (is_blank(*argument)) {
        argument++;
    }
    size_t left = strlen(argument);
    while (left > 0 && is_blank(argument[left - 1])) {
        left--;
    }
    const struct cf_command_info *info = &commands[command];
    if (left == 0 && is_required(info)) {
        return cf_err_set(err, CF_ERR_USAGE, "Usage: /%s %s", info->name, info->usage);
    }
    if (left > 0 && info->argument == CF_ARGUMENT_NONE) {
        return cf_err_set(err, CF_ERR_USAGE, "/%s takes no argument", info->name);
    }
    *parsed = (struct cf_command_line){command, argument, left};
    return CF_OK;
}

void cf_completions_release(struct cf_completions *completions)
{
    for (size_t i = 0; i < completions->n; i++) {
        free(completions->items[i].text);
        free(completions->items[i].help);
    }
    free(completions->items);
    *completions = (struct cf_completions){0};
}

static bool holds(const char *text, const char *part, size_t size)
{
    for (; *text != '\0'; text++) {
        if (strncasecmp(text, part, size) == 0) {
            return true;
        }
    }
    return size == 0;
}

void cf_completions_offer(struct cf_completions *completions, const char *text, const char *help,
                          bool match_help)
{
    size_t size = completions->end - completions->begin;
    if (strncasecmp(text, completions->wanted, size) != 0 &&
        !(match_help && holds(help, completions->wanted, size))) {
        return;
    }
    completions->items =
        cf_realloc_array(completions->items, completions->n + 1, sizeof completions->items[0]);
    completions->items[completions->n++] = (struct cf_completion){cf_strdup(text), cf_strdup(help)};
}

static void offer_commands(struct cf_completions *completions, const char *slash)
{
    for (int i = 0; i < CF_N_COMMANDS; i++) {
        struct cf_buf text = CF_BUF_INIT;
        cf_buf_addf(&text, "%s%s%s", slash, commands[i].name,
                    slash[0] != '\0' && commands[i].argument != CF_ARGUMENT_NONE ? " " : "");
        cf_completions_offer(completions, text.data, commands[i].help, false);
        cf_buf_release(&text);
    }
}

/* The setting that a command with CF_ARGUMENT_VALUE is named after. */
static const char *setting_of(enum cf_command command)
{
    return command == CF_COMMAND_TEMPERATURE ? "temperature" : commands[command].name;
}

/* Offers values for the argument that begins at BEGIN of the line. */
static void complete_argument(struct cf_completions *completions, enum cf_command command,
                              const char *line, size_t begin, cf_command_values *values,
                              void *context)
{
    enum cf_argument kind = commands[command].argument;
    if (kind == CF_ARGUMENT_COMMAND) {
        offer_commands(completions, "");
        return;
    }
    if (values == NULL) {
        return;
    }
    if (kind == CF_ARGUMENT_SETTING) {
        size_t size = name_size(line + begin);
        if (begin + size < completions->end) {
            char *name = cf_memdup_str(line + begin, size);
            completions->begin = begin + size;
            while (completions->begin < completions->end && is_blank(line[completions->begin])) {
                completions->begin++;
            }
            completions->wanted = line + completions->begin;
            values(context, CF_ARGUMENT_VALUE, name, completions);
            free(name);
            return;
        }
    }
    values(context, kind, kind == CF_ARGUMENT_VALUE ? setting_of(command) : "", completions);
}

void cf_command_complete(struct cf_completions *completions, const char *line, size_t cursor,
                         cf_command_values *values, void *context)
{
    *completions = (struct cf_completions){.end = cursor, .wanted = line};
    if (!cf_command_is(line) || cursor == 0) {
        return;
    }
    size_t size = name_size(line + 1);
    if (cursor <= size + 1) {
        offer_commands(completions, "/");
        return;
    }
    enum cf_command command;
    if (!cf_command_find(&command, line + 1, size)) {
        return;
    }
    size_t begin = size + 1;
    while (begin < cursor && is_blank(line[begin])) {
        begin++;
    }
    completions->begin = begin;
    completions->wanted = line + begin;
    complete_argument(completions, command, line, begin, values, context);
}
