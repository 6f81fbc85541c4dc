/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The GNU form of a command line: options before or behind the command, --name=value or
 * --name value, bundled letters, unambiguous beginnings of long names, -- ends the options. */
#include "base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "mem.h"
#include "path.h"

static const struct cf_cli_option_info option_infos[] = {
#define CF_X(option, name, letter, argument, help) {name, letter, argument, help},
    CF_CLI_OPTIONS(CF_X)
#undef CF_X
};

const struct cf_cli_option_info *cf_cli_option_info(enum cf_cli_option option)
{
    return &option_infos[option];
}

/* An option of either kind. */
struct option {
    int setting; /* enum cf_setting, or -1 */
    int command; /* enum cf_cli_option, or -1 */
    const char *name;
    bool has_argument;
};

static struct option option_of_setting(const struct cf_setting_info *info)
{
    return (struct option){.setting = (int)info->setting,
                           .command = -1,
                           .name = info->name,
                           .has_argument = info->argument[0] != '\0'};
}

static struct option option_of_command(size_t i)
{
    return (struct option){.setting = -1,
                           .command = (int)i,
                           .name = option_infos[i].name,
                           .has_argument = option_infos[i].argument[0] != '\0'};
}

static bool find_letter(struct option *option, char letter)
{
    const struct cf_setting_info *info = cf_setting_find_letter(letter);
    if (info != NULL && (info->flags & CF_SET_OPTION) != 0) {
        *option = option_of_setting(info);
        return true;
    }
    for (size_t i = 0; i < CF_CLI_N_OPTIONS; i++) {
        if (option_infos[i].letter == letter) {
            *option = option_of_command(i);
            return true;
        }
    }
    return false;
}

/* Finds the option whose long name is, or alone begins with, name[0..size). */
static enum cf_code find_name(struct option *option, const char *name, size_t size,
                              struct cf_err *err)
{
    struct option found = {0};
    int n_found = 0;
    for (size_t i = 0; i < (size_t)CF_N_SETTINGS + CF_CLI_N_OPTIONS; i++) {
        struct option candidate;
        if (i < (size_t)CF_N_SETTINGS) {
            const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
            if ((info->flags & CF_SET_OPTION) == 0) {
                continue;
            }
            candidate = option_of_setting(info);
        } else {
            candidate = option_of_command(i - (size_t)CF_N_SETTINGS);
        }
        if (strncmp(candidate.name, name, size) != 0) {
            continue;
        }
        if (candidate.name[size] == '\0') {
            *option = candidate;
            return CF_OK;
        }
        n_found++;
        found = candidate;
    }
    if (n_found == 1) {
        *option = found;
        return CF_OK;
    }
    char *typed = cf_memdup_str(name, size);
    enum cf_code code;
    const char *nearest = cf_setting_nearest(typed, CF_SET_OPTION);
    if (n_found > 1) {
        code = cf_err_set(err, CF_ERR_USAGE, "option --%s could mean several", typed);
    } else if (nearest != NULL) {
        code = cf_err_set(err, CF_ERR_USAGE, "unknown option --%s, the nearest is --%s", typed,
                          nearest);
    } else {
        code = cf_err_set(err, CF_ERR_USAGE, "unknown option --%s", typed);
    }
    free(typed);
    return code;
}

/* What a person typed for an option: "--top-p" or "-p". */
static enum cf_code take_option(struct cf_cli *cli, const struct option *option, const char *typed,
                                const char *value, struct cf_err *err)
{
    if (option->command >= 0) {
        cli->values[option->command] = value != NULL ? value : "";
        return CF_OK;
    }
    enum cf_code code = cf_settings_set(&cli->settings, (enum cf_setting)option->setting, value,
                                        CF_ORIGIN_OPTION, typed, err);
    if (code == CF_ERR_RANGE || code == CF_ERR_FORMAT) {
        /* A value out of range on the command line is wrong usage. */
        if (err != NULL) {
            err->code = CF_ERR_USAGE;
        }
        return CF_ERR_USAGE;
    }
    return code;
}

static enum cf_code read_long(struct cf_cli *cli, int argc, char *const argv[], int *i,
                              struct cf_err *err)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t size = equals != NULL ? (size_t)(equals - name) : strlen(name);
    struct option option = {0};
    enum cf_code code = find_name(&option, name, size, err);
    if (code != CF_OK) {
        return code;
    }
    const char *value = equals != NULL ? equals + 1 : NULL;
    if (option.has_argument && value == NULL) {
        if (*i + 1 >= argc) {
            return cf_err_set(err, CF_ERR_USAGE, "option --%s needs an argument", option.name);
        }
        value = argv[++*i];
    } else if (option.command >= 0 && !option.has_argument && value != NULL) {
        return cf_err_set(err, CF_ERR_USAGE, "option --%s takes no argument", option.name);
    }
    char typed[64];
    size_t typed_size = strlen(option.name);
    assert(typed_size + 3 <= sizeof typed);
    memcpy(typed, "--", 2);
    memcpy(typed + 2, option.name, typed_size + 1);
    return take_option(cli, &option, typed, value, err);
}

static enum cf_code read_letters(struct cf_cli *cli, int argc, char *const argv[], int *i,
                                 struct cf_err *err)
{
    for (const char *letter = argv[*i] + 1; *letter != '\0'; letter++) {
        struct option option = {0};
        if (!find_letter(&option, *letter)) {
            return cf_err_set(err, CF_ERR_USAGE, "unknown option -%c", *letter);
        }
        const char typed[3] = {'-', *letter, '\0'};
        const char *value = NULL;
        if (option.has_argument) {
            if (letter[1] != '\0') {
                value = letter + 1;
            } else if (*i + 1 < argc) {
                value = argv[++*i];
            } else {
                return cf_err_set(err, CF_ERR_USAGE, "option -%c needs an argument", *letter);
            }
        }
        enum cf_code code = take_option(cli, &option, typed, value, err);
        if (code != CF_OK || option.has_argument) {
            return code;
        }
    }
    return CF_OK;
}

/* The command's row for words[0..n), and how many words name it. */
static enum cf_code find_command(struct cf_cli *cli, int n_words, int *n_used, struct cf_err *err)
{
    const char *first = cli->words[0];
    const char *second = n_words > 1 ? cli->words[1] : NULL;
    bool has_group = false;
    for (size_t i = 0; cf_cli_command_at(i) != NULL; i++) {
        const struct cf_cli_command *command = cf_cli_command_at(i);
        const char *space = strchr(command->name, ' ');
        size_t size = space != NULL ? (size_t)(space - command->name) : strlen(command->name);
        if (strlen(first) != size || strncmp(command->name, first, size) != 0) {
            continue;
        }
        has_group = has_group || space != NULL;
        if (space == NULL || (second != NULL && strcmp(space + 1, second) == 0)) {
            cli->command = command;
            *n_used = space == NULL ? 1 : 2;
            return CF_OK;
        }
    }
    if (has_group && second == NULL) {
        return cf_err_set(err, CF_ERR_USAGE,
                          "%s needs to be told what to do: list, info, pull or convert", first);
    }
    if (has_group) {
        return cf_err_set(err, CF_ERR_USAGE, "unknown command %s %s", first, second);
    }
    return cf_err_set(err, CF_ERR_USAGE, "unknown command %s", first);
}

/* Whether arguments and options suit the command. */
static enum cf_code check_command(const struct cf_cli *cli, struct cf_err *err)
{
    const struct cf_cli_command *command = cli->command;
    unsigned allowed = command != NULL ? command->options : 0;
    for (size_t i = 0; i < CF_CLI_N_OPTIONS; i++) {
        if (cli->values[i] != NULL && (allowed & CF_CLI_BIT(i)) == 0) {
            return cf_err_set(err, CF_ERR_USAGE, "option --%s does not belong to %s",
                              option_infos[i].name,
                              command != NULL ? command->name : "the terminal interface");
        }
    }
    if (command == NULL || cli->settings.help) {
        return CF_OK;
    }
    if (cli->n_args < command->n_args_min) {
        return cf_err_set(err, CF_ERR_USAGE, "%s needs %s", command->name, command->synopsis);
    }
    if (command->n_args_max >= 0 && cli->n_args > command->n_args_max) {
        return cf_err_set(err, CF_ERR_USAGE, "%s takes no further argument: %s", command->name,
                          cli->args[command->n_args_max]);
    }
    return CF_OK;
}

static enum cf_code read_arguments(struct cf_cli *cli, int argc, char *const argv[],
                                   struct cf_err *err)
{
    int n_words = 0;
    bool reads_options = true;
    for (int i = 1; i < argc; i++) {
        enum cf_code code = CF_OK;
        if (reads_options && strcmp(argv[i], "--") == 0) {
            reads_options = false;
        } else if (reads_options && strncmp(argv[i], "--", 2) == 0) {
            code = read_long(cli, argc, argv, &i, err);
        } else if (reads_options && argv[i][0] == '-' && argv[i][1] != '\0') {
            code = read_letters(cli, argc, argv, &i, err);
        } else {
            cli->words[n_words++] = argv[i];
        }
        if (code != CF_OK) {
            return code;
        }
    }
    int n_used = 0;
    if (n_words > 0) {
        enum cf_code code = find_command(cli, n_words, &n_used, err);
        if (code != CF_OK) {
            return code;
        }
    }
    cli->args = cli->words + n_used;
    cli->n_args = n_words - n_used;
    return check_command(cli, err);
}

static enum cf_code read_environment(struct cf_cli *cli, struct cf_err *err)
{
    static const struct {
        const char *variable;
        enum cf_setting setting;
    } variables[] = {
        {"CONFAB_DB", CF_SETTING_DB},
        {"CONFAB_MODEL", CF_SETTING_MODEL},
        {"CONFAB_CONFIG", CF_SETTING_CONFIG},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(variables); i++) {
        const char *value = getenv(variables[i].variable);
        if (value == NULL || value[0] == '\0') {
            continue;
        }
        enum cf_code code = cf_settings_set(&cli->settings, variables[i].setting, value,
                                            CF_ORIGIN_ENVIRONMENT, variables[i].variable, err);
        if (code != CF_OK) {
            return cf_err_prefix(err, code, "%s", variables[i].variable);
        }
    }
    return CF_OK;
}

/* The config file: the one asked for must be there, the usual one may be missing, or lie in a home
 * that is another user's. */
static enum cf_code read_config(struct cf_cli *cli, struct cf_err *err)
{
    char *path = NULL;
    struct stat status;
    bool is_asked_for = cli->settings.config != NULL;
    enum cf_code code = CF_OK;
    if (is_asked_for) {
        path = cf_strdup(cli->settings.config);
    } else {
        (void)cf_path_in(&path, CF_FOLDER_CONFIG, "config", NULL);
    }
    if (path != NULL && (is_asked_for || stat(path, &status) == 0)) {
        code = cf_config_read(&cli->config, path, err);
    }
    free(path);
    if (code == CF_OK) {
        cf_settings_take_over(&cli->settings, &cli->config.settings, CF_ORIGIN_CONFIG);
    }
    return code;
}

/* The names of presets and templates can be looked up only now. */
static enum cf_code resolve_names(struct cf_cli *cli, struct cf_err *err)
{
    const char *name = cli->settings.template_name;
    const struct cf_template *template = NULL;
    enum cf_code code = cf_settings_apply_preset(&cli->settings, &cli->config.presets, err);
    if (code == CF_OK && name != NULL && name[0] != '\0') {
        code = cf_config_find_template(&template, &cli->config, name, err);
    }
    return code;
}

static enum cf_code find_database(struct cf_cli *cli, struct cf_err *err)
{
    if (cli->settings.db != NULL) {
        cli->db_path = cf_strdup(cli->settings.db);
        return CF_OK;
    }
    return cf_path_in(&cli->db_path, CF_FOLDER_DATA, "confab.db", err);
}

enum cf_code cf_cli_parse(struct cf_cli *cli, int argc, char *const argv[], struct cf_err *err)
{
    *cli = (struct cf_cli){0};
    cf_settings_init(&cli->settings);
    cf_config_init(&cli->config);
    cli->words = cf_calloc((size_t)(argc > 0 ? argc : 1), sizeof *cli->words);
    enum cf_code code = read_arguments(cli, argc, argv, err);
    if (code != CF_OK || cli->settings.help || cli->settings.version) {
        return code;
    }
    code = read_environment(cli, err);
    if (code == CF_OK) {
        code = read_config(cli, err);
    }
    if (code == CF_OK) {
        code = resolve_names(cli, err);
    }
    if (code == CF_OK) {
        code = find_database(cli, err);
    }
    return code;
}

void cf_cli_release(struct cf_cli *cli)
{
    cf_settings_release(&cli->settings);
    cf_config_release(&cli->config);
    free(cli->words);
    free(cli->db_path);
    *cli = (struct cf_cli){0};
}

bool cf_cli_has(const struct cf_cli *cli, enum cf_cli_option option)
{
    return cli->values[option] != NULL;
}

enum cf_code cf_cli_number(int64_t *number, const struct cf_cli *cli, enum cf_cli_option option,
                           int64_t least, int64_t greatest, int64_t fallback, struct cf_err *err)
{
    const char *text = cli->values[option];
    if (text == NULL) {
        *number = fallback;
        return CF_OK;
    }
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > greatest) {
        return cf_err_set(err, CF_ERR_USAGE,
                          "--%s must be a whole number from %lld to %lld, not %s",
                          option_infos[option].name, (long long)least, (long long)greatest,
                          text[0] != '\0' ? text : "empty");
    }
    *number = value;
    return CF_OK;
}
