/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command: *the* table of /commands, from which parser, completion, help and manual are made.
 *
 * A line that begins with `/' is a command, one that begins with `//' is text with one slash
 * less.  What a command's values are (titles, presets, settings...) is asked of the caller. */
#ifndef CF_COMMAND_H
#define CF_COMMAND_H

#include "base.h"
#include "buf.h"
#include "err.h"

/* What stands behind a command's name, and where its completion comes from. */
enum cf_argument {
    CF_ARGUMENT_NONE,
    CF_ARGUMENT_TEXT,
    CF_ARGUMENT_NUMBER,
    CF_ARGUMENT_CONVERSATION, /* a number or a title */
    CF_ARGUMENT_SETTING,      /* the name of a setting and its value */
    CF_ARGUMENT_VALUE,        /* the value of the setting that the command is named after */
    CF_ARGUMENT_PRESET,
    CF_ARGUMENT_TEMPLATE,
    CF_ARGUMENT_PERSONA,
    CF_ARGUMENT_MODEL,
    CF_ARGUMENT_THEME,
    CF_ARGUMENT_COMMAND,
    CF_ARGUMENT_FILE,
};

/* X(command, name, synonyms, argument, usage, what it does).  An argument whose usage is in
 * brackets may be left out. */
#define CF_COMMANDS(X)                                                                             \
    X(CF_COMMAND_NEW, "new", "clear", CF_ARGUMENT_TEXT, "[TITLE]", "begin a new conversation")     \
    X(CF_COMMAND_OPEN, "open", "load", CF_ARGUMENT_CONVERSATION, "[NUMBER|TITLE]",                 \
      "open a conversation; alone: show the list")                                                 \
    X(CF_COMMAND_RENAME, "rename", "title mv", CF_ARGUMENT_TEXT, "[TITLE]",                        \
      "rename this conversation; alone: show its title")                                           \
    X(CF_COMMAND_DELETE, "delete", "rm del", CF_ARGUMENT_CONVERSATION, "[NUMBER|TITLE]",           \
      "move this conversation or another to the trash")                                            \
    X(CF_COMMAND_UNDO, "undo", "", CF_ARGUMENT_NONE, "", "undo the last deletion or renaming")     \
    X(CF_COMMAND_RETRY, "retry", "regenerate regen", CF_ARGUMENT_NONE, "",                         \
      "another reply to the last message; the old one is kept")                                    \
    X(CF_COMMAND_CONTINUE, "continue", "cont", CF_ARGUMENT_NONE, "", "let the last reply go on")   \
    X(CF_COMMAND_EDIT, "edit", "", CF_ARGUMENT_NONE, "",                                           \
      "edit your last message and send it as a new branch")                                        \
    X(CF_COMMAND_FORK, "fork", "branch", CF_ARGUMENT_NONE, "",                                     \
      "go on from here in a new conversation")                                                     \
    X(CF_COMMAND_TREE, "tree", "branches", CF_ARGUMENT_NONE, "",                                   \
      "show the branches of this conversation as a graph")                                         \
    X(CF_COMMAND_SYSTEM, "system", "", CF_ARGUMENT_TEXT, "[TEXT|edit|none]",                       \
      "set the system prompt, or edit it in $EDITOR; alone: show it")                              \
    X(CF_COMMAND_PERSONA, "persona", "", CF_ARGUMENT_PERSONA, "[NAME]",                            \
      "take system prompt, template and knobs of a persona; alone: show which there are")          \
    X(CF_COMMAND_TEMPLATE, "template", "", CF_ARGUMENT_TEMPLATE, "[NAME]",                         \
      "how turns become text; alone: show all that the model reads, token by token")               \
    X(CF_COMMAND_MODEL, "model", "", CF_ARGUMENT_MODEL, "[NAME|FILE]",                             \
      "change the model; alone: show which")                                                       \
    X(CF_COMMAND_SET, "set", "", CF_ARGUMENT_SETTING, "[NAME [VALUE]]",                            \
      "set a knob, also while a reply streams; alone: show it")                                    \
    X(CF_COMMAND_PRESET, "preset", "", CF_ARGUMENT_PRESET, "[NAME]",                               \
      "set all knobs of a preset; alone: show which there are")                                    \
    X(CF_COMMAND_COMPARE, "compare", "", CF_ARGUMENT_SETTING, "PRESET|NAME VALUE...",              \
      "the last reply twice, side by side: as set now, and with these settings")                   \
    X(CF_COMMAND_SAVE_PRESET, "save-preset", "", CF_ARGUMENT_PRESET, "NAME",                       \
      "keep the knobs as a preset in the config file")                                             \
    X(CF_COMMAND_TEMPERATURE, "temp", "temperature t", CF_ARGUMENT_VALUE, "[VALUE]",               \
      "set the temperature")                                                                       \
    X(CF_COMMAND_TOP_P, "top-p", "topp top_p", CF_ARGUMENT_VALUE, "[VALUE]", "set top-p")          \
    X(CF_COMMAND_SEED, "seed", "", CF_ARGUMENT_NUMBER, "[NUMBER|random]",                          \
      "set the seed; alone: show that of the last reply")                                          \
    X(CF_COMMAND_SEARCH, "search", "find grep", CF_ARGUMENT_TEXT, "WORDS",                         \
      "search all conversations; title:, role:, since:, until:, before:, date: narrow it")         \
    X(CF_COMMAND_GOTO, "goto", "go jump", CF_ARGUMENT_TEXT, "DATE|NUMBER",                         \
      "go to the first message of a day (2026-11-24, monday, 3d), or to one by its number")        \
    X(CF_COMMAND_EXPORT, "export", "save", CF_ARGUMENT_FILE, "FILE",                               \
      "write this conversation into a new file: .md, .json, .jsonl, .sharegpt, .txt or .html")     \
    X(CF_COMMAND_IMPORT, "import", "", CF_ARGUMENT_FILE, "FILE",                                   \
      "bring in the conversations of a file of confab, OpenAI, ShareGPT or ChatGPT")               \
    X(CF_COMMAND_COPY, "copy", "yank", CF_ARGUMENT_NONE, "", "copy the last reply")                \
    X(CF_COMMAND_TOKENS, "tokens", "", CF_ARGUMENT_TEXT, "[TEXT]",                                 \
      "how many tokens the text has, or the conversation")                                         \
    X(CF_COMMAND_CONTEXT, "context", "ctx", CF_ARGUMENT_NONE, "",                                  \
      "what the model remembers of the conversation")                                              \
    X(CF_COMMAND_STATS, "stats", "", CF_ARGUMENT_NONE, "",                                         \
      "counts and times of the last reply; all that is stored, by model and month")                \
    X(CF_COMMAND_THEME, "theme", "", CF_ARGUMENT_THEME, "[NAME]",                                  \
      "change the colours; alone: show which there are")                                           \
    X(CF_COMMAND_HELP, "help", "h ?", CF_ARGUMENT_COMMAND, "[COMMAND]", "help")                    \
    X(CF_COMMAND_QUIT, "quit", "exit q bye", CF_ARGUMENT_NONE, "", "leave; everything is saved")

enum cf_command {
#define CF_X(command, name, synonyms, argument, usage, help) command,
    CF_COMMANDS(CF_X)
#undef CF_X
        CF_N_COMMANDS
};

struct cf_command_info {
    const char *name;     /* without the slash */
    const char *synonyms; /* separated by spaces */
    enum cf_argument argument;
    const char *usage; /* of the argument, "" for none */
    const char *help;
};
const struct cf_command_info *cf_command_info(enum cf_command command);
/* By name or synonym, without the slash; case does not matter.  False: there is none. */
bool cf_command_find(enum cf_command *command, const char *name, size_t size);
/* The command whose name or synonym is nearest to NAME by edit distance; false: none is near. */
bool cf_command_nearest(enum cf_command *command, const char *name, size_t size);

/* Whether the line is a command, known or not: it begins with one slash. */
bool cf_command_is(const char *line);
/* The text that a line that is no command stands for: without the first of two slashes. */
const char *cf_command_text(const char *line);

struct cf_command_line {
    enum cf_command command;
    const char *argument; /* inside the line; without the blanks around it, not terminated */
    size_t size;          /* of the argument; 0: none */
};
/* Reads a line that is a command.  Fails with the nearest name when it is unknown, or with the
 * usage when the argument is missing or one too many. */
enum cf_code cf_command_parse(struct cf_command_line *parsed, const char *line, struct cf_err *err);

/* Possible continuations of a line. */
struct cf_completion {
    char *
        text; /* what replaces the bytes from begin to end, with a space behind where one follows */
    char *help; /* shown beside it; may be "" */
};
struct cf_completions {
    struct cf_completion *items;
    size_t n;
    size_t begin; /* bytes of the line that an item replaces */
    size_t end;
    const char *wanted; /* while being collected: the bytes from begin to end */
};
void cf_completions_release(struct cf_completions *completions);
/* Offers a value: kept when TEXT begins with what is there already, or, for titles, HELP holds it.
 */
void cf_completions_offer(struct cf_completions *completions, const char *text, const char *help,
                          bool match_help);

/* Offers all values of KIND; SETTING is the setting's name when KIND is CF_ARGUMENT_VALUE, and
 * for CF_ARGUMENT_SETTING the names of settings are wanted. */
typedef void cf_command_values(void *context, enum cf_argument kind, const char *setting,
                               struct cf_completions *completions);

/* What the word that ends at byte CURSOR of LINE may become; nothing for a line that is no
 * command.  completions is released by the caller; VALUES may be NULL. */
void cf_command_complete(struct cf_completions *completions, const char *line, size_t cursor,
                         cf_command_values *values, void *context);

#endif
