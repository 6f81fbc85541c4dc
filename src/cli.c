/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

/* Standard input of a command: a prompt, not a library. */
enum { INPUT_MAX = 256 * 1024 * 1024 };

static const struct cf_cli_command commands[] = {
#define CF_X(function, name, synopsis, min, max, options, help)                                    \
    {name, synopsis, help, min, max, options, function},
    CF_CLI_COMMANDS(CF_X)
#undef CF_X
};

const struct cf_cli_command *cf_cli_command_at(size_t i)
{
    return i < CF_ARRAY_SIZE(commands) ? &commands[i] : NULL;
}

/* A sentence with names of strangers in it, on standard error. */
static void say(const char *prefix, const char *sentence)
{
    struct cf_buf safe = CF_BUF_INIT;
    while (*sentence != '\0') {
        size_t size = strcspn(sentence, "\n");
        cf_text_make_safe(&safe, sentence, size);
        sentence += size;
        if (*sentence == '\n') {
            /* One line, whatever the name of a file has in it. */
            cf_buf_add_str(&safe, "\\n");
            sentence++;
        }
    }
    fprintf(stderr, "%s%s\n", prefix, safe.data);
    cf_buf_release(&safe);
}

enum cf_exit cf_cli_fail(const struct cf_err *err)
{
    say("confab: ", err->text[0] != '\0' ? err->text : cf_code_text(err->code));
    if (err->code == CF_ERR_USAGE) {
        fputs("Try 'confab --help'.\n", stderr);
        return CF_EXIT_USAGE;
    }
    return err->code == CF_ERR_CANCELLED ? CF_EXIT_INTERRUPTED : CF_EXIT_FAILED;
}

enum cf_exit cf_cli_fail_with(enum cf_code code, const char *format, ...)
{
    struct cf_buf sentence = CF_BUF_INIT;
    va_list args;
    va_start(args, format);
    cf_buf_addv(&sentence, format, args);
    va_end(args);
    struct cf_err err = CF_ERR_INIT;
    cf_err_set(&err, code, "%s", sentence.data);
    cf_buf_release(&sentence);
    return cf_cli_fail(&err);
}

void cf_cli_warn(const struct cf_cli *cli, const char *format, ...)
{
    if (cli->settings.quiet) {
        return;
    }
    struct cf_buf sentence = CF_BUF_INIT;
    va_list args;
    va_start(args, format);
    cf_buf_addv(&sentence, format, args);
    va_end(args);
    say("confab: ", sentence.data);
    cf_buf_release(&sentence);
}

bool cf_cli_confirm(const struct cf_cli *cli, const char *question)
{
    if (cli->settings.yes) {
        return true;
    }
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
        say("confab: ", "this needs a terminal to ask on, or the option --yes");
        return false;
    }
    fprintf(stderr, "%s [y/N] ", question);
    fflush(stderr);
    char answer[16] = "";
    return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static enum cf_code read_input(struct cf_buf *text, struct cf_err *err)
{
    for (;;) {
        cf_buf_reserve(text, 64 * 1024);
        ssize_t n = read(STDIN_FILENO, text->data + text->size, 64 * 1024);
        if (n == 0) {
            return CF_OK;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return cf_err_set_errno(err, errno, "cannot read standard input");
        }
        text->size += (size_t)n;
        text->data[text->size] = '\0';
        if (text->size > INPUT_MAX) {
            return cf_err_set(err, CF_ERR_TOO_LARGE, "standard input is larger than %d MB",
                              INPUT_MAX / (1024 * 1024));
        }
    }
}

/* Whether there is something to read besides an argument: a pipe or a file, not a terminal, and not
 * the null device or a descriptor that is closed. */
static bool has_input(void)
{
    char byte;
    return isatty(STDIN_FILENO) != 1 && (read(STDIN_FILENO, &byte, 0) == 0);
}

enum cf_code cf_cli_read_text(struct cf_buf *text, const struct cf_cli *cli, int first,
                              bool together, struct cf_err *err)
{
    const char *argument = cli->n_args > first ? cli->args[first] : NULL;
    bool reads_only = argument == NULL || strcmp(argument, "-") == 0;
    if (!reads_only && !(together && has_input())) {
        cf_buf_add_str(text, argument);
        return CF_OK;
    }
    if (isatty(STDIN_FILENO) == 1) {
        cf_cli_warn(cli, "reading the %s from standard input, end with Ctrl-D",
                    together ? "message" : "text");
    }
    enum cf_code code = read_input(text, err);
    if (code != CF_OK || !together) {
        return code;
    }
    /* A prompt's last newlines are the shell's, not the person's. */
    while (text->size > 0 && text->data[text->size - 1] == '\n') {
        cf_buf_truncate(text, text->size - 1);
    }
    if (!reads_only) {
        if (text->size > 0) {
            cf_buf_add_str(text, "\n\n");
        }
        cf_buf_add_str(text, argument);
    }
    return CF_OK;
}
