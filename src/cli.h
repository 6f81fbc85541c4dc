/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli: the command line of confab: one table of commands, one of the options that belong to
 * commands (the others are settings, see setting.h), and what the commands share.
 *
 * A command writes its result to standard output through cli_out.h and nothing else there; progress
 * and warnings go to standard error.  It returns an exit status, or a code through cf_cli_fail. */
#ifndef CF_CLI_H
#define CF_CLI_H

#include "buf.h"
#include "config_file.h"
#include "err.h"
#include "setting.h"

enum cf_exit {
    CF_EXIT_DONE = 0,
    CF_EXIT_FAILED = 1,
    CF_EXIT_USAGE = 2,
    CF_EXIT_INTERRUPTED = 130,
};

/* option, long name, letter or 0, argument's name or "" for a switch, help */
#define CF_CLI_OPTIONS(X)                                                                          \
    X(CF_CLI_CONVERSATION, "conversation", 'c', "ID",                                              \
      "go on with this conversation: its number, its uuid, or last")                               \
    X(CF_CLI_COUNT, "count", 0, "N", "this many alternatives, decoded together")                   \
    X(CF_CLI_ECHO, "echo", 0, "", "write the prompt before its continuation")                      \
    X(CF_CLI_LIMIT, "limit", 0, "N", "at most this many")                                          \
    X(CF_CLI_ARCHIVED, "archived", 0, "", "the archived conversations")                            \
    X(CF_CLI_TRASH, "trash", 0, "", "the conversations in the trash")                              \
    X(CF_CLI_STATS, "stats", 0, "",                                                                \
      "how many conversations, messages and tokens there are, by model and month")                 \
    X(CF_CLI_ALL, "all", 0, "", "all of it: every branch of show, every conversation of export")   \
    X(CF_CLI_ROLE, "role", 0, "ROLE", "only messages of user, assistant or system")                \
    X(CF_CLI_SINCE, "since", 0, "DATE", "only messages since this day (2026-01-31)")               \
    X(CF_CLI_FORMAT, "format", 0, "FORMAT",                                                        \
      "of an export: markdown, json, jsonl, sharegpt, text or html")                               \
    X(CF_CLI_OUTPUT, "output", 'o', "FILE", "write to this file instead of standard output")       \
    X(CF_CLI_IDS, "ids", 0, "N,N,...", "token ids instead of a text")                              \
    X(CF_CLI_TEXT, "text", 0, "TEXT", "the text to evaluate")                                      \
    X(CF_CLI_LAST, "last", 0, "", "only the last position")                                        \
    X(CF_CLI_STRIDE, "stride", 0, "N", "tokens by which the window moves on in a long text")       \
    X(CF_CLI_CHAT, "chat", 0, "", "the file holds conversations, OpenAI jsonl")                    \
    X(CF_CLI_ENDPOINT, "endpoint", 0, "URL", "where models are pulled from")                       \
    X(CF_CLI_PROMPT, "prompt", 0, "N,N,...", "prompt lengths to measure")                          \
    X(CF_CLI_GEN, "gen", 0, "N,N,...", "numbers of tokens to generate")                            \
    X(CF_CLI_DEPTH, "depth", 0, "N,N,...", "tokens in the context beforehand")                     \
    X(CF_CLI_REPS, "reps", 0, "N", "repetitions of each measurement")

enum cf_cli_option {
#define CF_X(option, name, letter, argument, help) option,
    CF_CLI_OPTIONS(CF_X)
#undef CF_X
        CF_CLI_N_OPTIONS,
};

#define CF_CLI_BIT(option) (1u << (option))

/* function, name, synopsis, fewest and most arguments (-1: any number), options, help */
#define CF_CLI_COMMANDS(X)                                                                         \
    X(cf_cli_ask, "ask", "[TEXT]", 0, 1,                                                           \
      CF_CLI_BIT(CF_CLI_CONVERSATION) | CF_CLI_BIT(CF_CLI_COUNT),                                  \
      "One reply, in a new conversation or the one of -c; the prompt is TEXT, or standard input, " \
      "or both")                                                                                   \
    X(cf_cli_complete, "complete", "[TEXT]", 0, 1,                                                 \
      CF_CLI_BIT(CF_CLI_COUNT) | CF_CLI_BIT(CF_CLI_ECHO),                                          \
      "The text continued, without a template; nothing is saved")                                  \
    X(cf_cli_list, "list", "", 0, 0,                                                               \
      CF_CLI_BIT(CF_CLI_LIMIT) | CF_CLI_BIT(CF_CLI_ARCHIVED) | CF_CLI_BIT(CF_CLI_TRASH) |          \
          CF_CLI_BIT(CF_CLI_STATS),                                                                \
      "Conversations, newest first: id, date, number of messages, title")                          \
    X(cf_cli_show, "show", "ID", 1, 1, CF_CLI_BIT(CF_CLI_ALL),                                     \
      "One conversation as text: the active branch, or with --all every branch as a tree")         \
    X(cf_cli_search, "search", "QUERY", 1, -1,                                                     \
      CF_CLI_BIT(CF_CLI_ROLE) | CF_CLI_BIT(CF_CLI_SINCE) | CF_CLI_BIT(CF_CLI_LIMIT),               \
      "Messages that match, best first: a word, \"a phrase\", a prefix*; title:, role:, since:, "  \
      "until:, before: and date: narrow it")                                                       \
    X(cf_cli_export, "export", "[ID...]", 0, -1,                                                   \
      CF_CLI_BIT(CF_CLI_FORMAT) | CF_CLI_BIT(CF_CLI_ALL) | CF_CLI_BIT(CF_CLI_OUTPUT),              \
      "Conversations as Markdown, JSON, JSON lines, ShareGPT, text or HTML")                       \
    X(cf_cli_import, "import", "FILE...", 1, -1, 0,                                                \
      "Conversations from files of confab, OpenAI, ShareGPT or ChatGPT")                           \
    X(cf_cli_rename, "rename", "ID TITLE", 2, -1, 0, "Gives a conversation another title")         \
    X(cf_cli_archive, "archive", "ID...", 1, -1, 0, "Puts conversations out of the list")          \
    X(cf_cli_delete, "delete", "ID...", 1, -1, 0, "Moves conversations to the trash")              \
    X(cf_cli_restore, "restore", "ID...", 1, -1, 0,                                                \
      "Takes conversations out of the trash or the archive")                                       \
    X(cf_cli_purge, "purge", "", 0, 0, 0, "Erases the trash for good")                             \
    X(cf_cli_replay, "replay", "MESSAGE-ID", 1, 1, 0,                                              \
      "Generates a stored reply again from what was recorded, and compares")                       \
    X(cf_cli_backup, "backup", "FILE", 1, 1, 0,                                                    \
      "A consistent copy of the database, also while others write")                                \
    X(cf_cli_check, "check", "", 0, 0, 0, "Checks the database, and says how to repair it")        \
    X(cf_cli_model_list, "model list", "", 0, 0, 0, "The installed models")                        \
    X(cf_cli_model_info, "model info", "[MODEL]", 0, 1, 0,                                         \
      "Architecture, sizes, types, digest, licence, template and memory needed")                   \
    X(cf_cli_model_pull, "model pull", "REPO[:FILE]", 1, 1, CF_CLI_BIT(CF_CLI_ENDPOINT),           \
      "Downloads the model of a Hugging Face repository, or one GGUF file of it, into the folder " \
      "of installed models; what broke off is gone on with")                                       \
    X(cf_cli_model_convert, "model convert", "IN OUT.gguf [KEY=VALUE...]", 2, -1, 0,               \
      "Writes a model as a GGUF file of the type --type, q8_0 without it, with metadata of one's " \
      "own, such as general.license=mit; a KEY= without value leaves the model's out")             \
    X(cf_cli_tokenize, "tokenize", "[TEXT]", 0, 1, 0, "Token ids of a text, or of standard input") \
    X(cf_cli_detokenize, "detokenize", "ID...", 0, -1, 0, "The bytes that token ids stand for")    \
    X(cf_cli_score, "score", "[FILE]", 0, 1, CF_CLI_BIT(CF_CLI_STRIDE) | CF_CLI_BIT(CF_CLI_CHAT),  \
      "Probability, rank and entropy of each token of a text; perplexity and bits per byte")       \
    X(cf_cli_logits, "logits", "", 0, 0,                                                           \
      CF_CLI_BIT(CF_CLI_IDS) | CF_CLI_BIT(CF_CLI_TEXT) | CF_CLI_BIT(CF_CLI_OUTPUT) |               \
          CF_CLI_BIT(CF_CLI_LAST),                                                                 \
      "The logits of every position as float32, to compare with other programs")                   \
    X(cf_cli_bench, "bench", "", 0, 0,                                                             \
      CF_CLI_BIT(CF_CLI_PROMPT) | CF_CLI_BIT(CF_CLI_GEN) | CF_CLI_BIT(CF_CLI_DEPTH) |              \
          CF_CLI_BIT(CF_CLI_REPS),                                                                 \
      "The speed of prompt and generation on this machine")                                        \
    X(cf_cli_config, "config", "", 0, 0, 0, "The effective settings and where each comes from")

struct cf_cli_option_info {
    const char *name;
    char letter;
    const char *argument;
    const char *help;
};

struct cf_cli_command;

/* A command line, read. */
struct cf_cli {
    const struct cf_cli_command *command; /* NULL: none was named */
    const char *const *args;              /* what follows the command's name */
    int n_args;
    const char *values[CF_CLI_N_OPTIONS]; /* NULL: not given; "" for a switch that was */
    struct cf_settings settings;          /* effective, but for the model's own defaults */
    struct cf_config config;              /* the config file: presets, templates, keys */
    char *db_path;                        /* of the database */
    const char **words;                   /* private: the array that args points into */
};

struct cf_cli_command {
    const char *name;           /* "list", "model info" */
    const char *synopsis;       /* "[TEXT]" */
    const char *help;           /* one sentence without a full stop */
    int n_args_min, n_args_max; /* n_args_max -1: any number */
    unsigned options;           /* CF_CLI_BIT of those it takes */
    enum cf_exit (*run)(const struct cf_cli *cli);
};

/* The i-th command of the table, NULL behind the last. */
const struct cf_cli_command *cf_cli_command_at(size_t i);
const struct cf_cli_option_info *cf_cli_option_info(enum cf_cli_option option);

/* Reads the command line, the environment and the config file into CLI.  On an error the sentence
 * is in err: CF_ERR_USAGE is the command line's, others the config file's or an environment
 * variable's.  CLI must be released in either case. */
enum cf_code cf_cli_parse(struct cf_cli *cli, int argc, char *const argv[], struct cf_err *err);
void cf_cli_release(struct cf_cli *cli);

bool cf_cli_has(const struct cf_cli *cli, enum cf_cli_option option);
/* The number given to an option, FALLBACK when it is not there; CF_ERR_USAGE when it is no whole
 * number of [least, greatest]. */
enum cf_code cf_cli_number(int64_t *number, const struct cf_cli *cli, enum cf_cli_option option,
                           int64_t least, int64_t greatest, int64_t fallback, struct cf_err *err);

/* Prints "confab: SENTENCE" to standard error, safe to show, and for CF_ERR_USAGE the line that
 * points to the help; returns the exit status that belongs to the code. */
enum cf_exit cf_cli_fail(const struct cf_err *err);
/* The same with a sentence of the caller. */
enum cf_exit cf_cli_fail_with(enum cf_code code, const char *format, ...) CF_PRINTF(2, 3);
/* A warning to standard error, unless --quiet. */
void cf_cli_warn(const struct cf_cli *cli, const char *format, ...) CF_PRINTF(2, 3);

/* Asks on the terminal whether to go on; true with --yes.  Without a terminal and without --yes it
 * refuses with a sentence. */
bool cf_cli_confirm(const struct cf_cli *cli, const char *question);

/* The text of args[FIRST] and what stands on standard input, as CLI.md has it: the argument; or
 * standard input when there is none or it is "-"; or, with TOGETHER, both with a blank line between
 * them when standard input is not a terminal and not empty. */
enum cf_code cf_cli_read_text(struct cf_buf *text, const struct cf_cli *cli, int first,
                              bool together, struct cf_err *err);

#define CF_X(function, name, synopsis, min, max, options, help)                                    \
    enum cf_exit function(const struct cf_cli *cli);
CF_CLI_COMMANDS(CF_X)
#undef CF_X

/* The path of the model that --model names: a file or folder, or an installed model, or the bundled
 * one when nothing was said.  The caller frees it. */
enum cf_code cf_cli_model_path(char **path, const struct cf_cli *cli, struct cf_err *err);

/* The help: of all, or of one command. */
void cf_cli_print_help(const struct cf_cli_command *command);
/* FACE names the versions of the libraries that only the terminal interface uses, NULL behind the
 * last. */
void cf_cli_print_version(const char *const *face);

#endif
