/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes what the program's tables hold, for the manual and the shell's completion: built and run
 * by make, not installed.
 *
 *   tables man PAGE.in     the page with its lines @OPTIONS@, @COMMANDS@ and so on replaced
 *   tables bash            a completion for bash */
#include "base.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "command.h"
#include "keys.h"

static const struct {
    const char *name, *synopsis, *help;
    unsigned options;
} commands[] = {
#define CF_X(function, name, synopsis, min, max, options, help) {name, synopsis, help, options},
    CF_CLI_COMMANDS(CF_X)
#undef CF_X
};

static const struct cf_cli_option_info options[] = {
#define CF_X(option, name, letter, argument, help) {name, letter, argument, help},
    CF_CLI_OPTIONS(CF_X)
#undef CF_X
};

/* Text of roff: no macro at a line's start, no escapes, hyphens that can be copied. */
static void roff(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\\') {
            fputs("\\e", stdout);
        } else if (*at == '-') {
            fputs("\\-", stdout);
        } else {
            fputs(at == text && (*at == '.' || *at == '\'') ? "\\&" : "", stdout);
            putchar(*at);
        }
    }
}

static void roff_sentence(const char *text)
{
    roff(text);
    printf(".\n");
}

static void roff_option(char letter, const char *name, const char *argument)
{
    printf(".TP\n");
    if (letter != '\0') {
        printf("\\fB\\-%c\\fR, ", letter);
    }
    printf("\\fB\\-\\-");
    roff(name);
    printf("\\fR");
    if (argument[0] != '\0') {
        printf(" \\fI");
        roff(argument);
        printf("\\fR");
    }
    printf("\n");
}

static void man_setting(const struct cf_setting_info *info)
{
    roff_sentence(info->help);
    if (info->type == CF_TYPE_INT || info->type == CF_TYPE_REAL) {
        struct cf_buf range = CF_BUF_INIT;
        cf_setting_describe_range(info, &range);
        printf("Range: ");
        roff_sentence(range.data);
        cf_buf_release(&range);
    }
    if (info->fallback[0] != '\0' &&
        (info->type != CF_TYPE_SWITCH || (info->flags & CF_SET_OPTION) == 0)) {
        printf("Default: ");
        roff_sentence(info->fallback);
    }
}

static void man_options(void)
{
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        if ((info->flags & CF_SET_OPTION) != 0) {
            roff_option(info->letter, info->name, info->argument);
            man_setting(info);
        }
    }
}

/* What only the config file and /set can say. */
static void man_config(void)
{
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        if ((info->flags & CF_SET_CONFIG) != 0 && (info->flags & CF_SET_OPTION) == 0) {
            printf(".TP\n\\fB");
            roff(info->name);
            printf("\\fR");
            if (info->argument[0] != '\0' || info->type == CF_TYPE_SWITCH) {
                printf(" = \\fI");
                roff(info->argument[0] != '\0' ? info->argument : "on|off");
                printf("\\fR");
            }
            printf("\n");
            man_setting(info);
        }
    }
}

static void man_commands(void)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(commands); i++) {
        printf(".TP\n\\fB");
        roff(commands[i].name);
        printf("\\fR \\fI");
        roff(commands[i].synopsis);
        printf("\\fR\n");
        roff_sentence(commands[i].help);
        printf("%s", commands[i].options != 0 ? ".RS\n" : "");
        for (size_t k = 0; k < CF_CLI_N_OPTIONS; k++) {
            if ((commands[i].options & CF_CLI_BIT(k)) != 0) {
                roff_option(options[k].letter, options[k].name, options[k].argument);
                roff_sentence(options[k].help);
            }
        }
        printf("%s", commands[i].options != 0 ? ".RE\n" : "");
    }
}

/* Where a key holds, as words. */
static void man_places(unsigned places)
{
    static const struct {
        unsigned place;
        const char *name;
    } names[] = {
        {UI_ANYWHERE, "anywhere"},
        {UI_IN_PANES, "in every pane"},
        {UI_IN_INPUT, "in the input line"},
        {UI_IN_EMPTY, "in the input line while it is empty"},
        {UI_IN_WAITING, "in the input line while a message waits"},
        {UI_IN_SEARCHING, "in the input line while a search is typed"},
        {UI_IN_TRANSCRIPT, "in the transcript"},
        {UI_IN_LIST, "in the list"},
        {UI_IN_KNOBS, "in the knobs"},
        {UI_IN_SEARCH, "in what a search found"},
        {UI_IN_HELP, "in the help"},
        {UI_IN_CURSOR, "over a reply's tokens"},
        {UI_IN_COMPARE, "while two replies are compared"},
        {UI_IN_PAUSED, "while the reply is paused"},
    };
    unsigned left = places;
    for (size_t i = 0; i < CF_ARRAY_SIZE(names) && left != 0; i++) {
        if ((left & names[i].place) == names[i].place) {
            left &= ~names[i].place;
            printf("%s%s", left == (places & ~names[i].place) ? ", " : " and ", names[i].name);
        }
    }
}

static void man_key(const char *keys, const char *name, unsigned places, const char *help)
{
    printf(".TP\n\\fB");
    roff(keys);
    printf("\\fR");
    if (name[0] != '\0') {
        printf(" (");
        roff(name);
        printf(")");
    }
    man_places(places);
    printf("\n");
    roff_sentence(help);
}

static void man_keys(void)
{
    for (int i = UI_NONE + 1; i < UI_N_ACTIONS; i++) {
        const struct ui_action_info *info = ui_action_info((enum ui_action)i);
        man_key(info->keys, info->name, info->places, info->help);
    }
#define UI_X(keys, help) man_key(keys, "", UI_IN_INPUT, help);
    UI_LINE_KEYS(UI_X)
#undef UI_X
}

static void man_slash_commands(void)
{
    for (int i = 0; i < CF_N_COMMANDS; i++) {
        const struct cf_command_info *info = cf_command_info((enum cf_command)i);
        printf(".TP\n\\fB/");
        roff(info->name);
        printf("\\fR \\fI");
        roff(info->usage);
        printf("\\fR\n");
        roff_sentence(info->help);
        if (info->synonyms[0] != '\0') {
            printf("Also: ");
            roff_sentence(info->synonyms);
        }
    }
}

static int print_man(const char *path)
{
    static const struct {
        const char *line;
        void (*print)(void);
    } sections[] = {
        {"@OPTIONS@\n", man_options},
        {"@COMMANDS@\n", man_commands},
        {"@CONFIG@\n", man_config},
        {"@KEYS@\n", man_keys},
        {"@SLASH_COMMANDS@\n", man_slash_commands},
    };
    FILE *page = fopen(path, "re");
    if (page == NULL) {
        perror(path);
        return 1;
    }
    char line[1024];
    while (fgets(line, sizeof line, page) != NULL) {
        size_t i = 0;
        while (i < CF_ARRAY_SIZE(sections) && strcmp(line, sections[i].line) != 0) {
            i++;
        }
        if (i < CF_ARRAY_SIZE(sections)) {
            sections[i].print();
        } else {
            fputs(line, stdout);
        }
    }
    fclose(page);
    return 0;
}

static void print_bash_cases(void)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(commands); i++) {
        if (strchr(commands[i].name, ' ') != NULL) {
            continue;
        }
        printf("        %s) commands= options=\"$options", commands[i].name);
        for (size_t k = 0; k < CF_CLI_N_OPTIONS; k++) {
            if ((commands[i].options & CF_CLI_BIT(k)) != 0) {
                printf(" --%s", options[k].name);
            }
        }
        printf("\" ;;\n");
    }
}

static void print_bash(void)
{
    printf("# bash completion for confab, made from its tables\n"
           "_confab()\n{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word\n"
           "    local options='");
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        if ((info->flags & CF_SET_OPTION) != 0) {
            printf(" --%s", info->name);
        }
    }
    printf("'\n    local commands='model");
    for (size_t i = 0; i < CF_ARRAY_SIZE(commands); i++) {
        if (strchr(commands[i].name, ' ') == NULL) {
            printf(" %s", commands[i].name);
        }
    }
    printf("'\n    local words=\n"
           "    case $prev in\n"
           "    -m|--model|-d|--db|--config|-o|--output)\n"
           "        COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
           "    model) words='list info pull convert' ;;\n"
           "    --format) words='markdown json jsonl sharegpt text html' ;;\n"
           "    --role) words='user assistant system' ;;\n"
           "    --type) words='f32 f16 bf16 q8_0 q4_0' ;;\n"
           "    --kv) words='auto f32 f16' ;;\n"
           "    esac\n"
           "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
           "        case $word in\n");
    print_bash_cases();
    printf("        model) commands= ;;\n"
           "        esac\n"
           "    done\n"
           "    if [ -n \"$words\" ]; then\n"
           "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "    elif [[ $cur == -* ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
           "    else\n"
           "        COMPREPLY=($(compgen -W \"$commands\" -- \"$cur\"))\n"
           "        [ -n \"$commands\" ] || COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
           "    fi\n"
           "}\n"
           "complete -o filenames -F _confab confab\n");
}

int main(int argc, char *argv[])
{
    if (argc == 3 && strcmp(argv[1], "man") == 0) {
        return print_man(argv[2]);
    }
    if (argc == 2 && strcmp(argv[1], "bash") == 0) {
        print_bash();
        return 0;
    }
    fputs("usage: tables man PAGE.in | tables bash\n", stderr);
    return 2;
}
