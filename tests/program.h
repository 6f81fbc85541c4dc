/* SPDX-License-Identifier: GPL-3.0-or-later */
/* program: runs confab as a person's shell would, without a terminal, in a home of its own. */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include "buf.h"

#include <sys/types.h>

/* What a run came to. */
struct program_result {
    struct cf_buf out; /* standard output */
    struct cf_buf err; /* standard error */
    int status;        /* exit status, or 128 + the signal that ended it */
    long peak_kb;      /* the most memory it had at a time */
};

/* Makes a fresh home folder and points HOME, the XDG variables and CONFAB_DATADIR there and to the
 * source's data; program_end removes it. */
void program_begin(void);
void program_end(void);
/* The same as cmocka's fixtures of a test. */
int program_set_up(void **state);
int program_tear_down(void **state);
/* The home folder, and a path in it, good until the next call but three. */
const char *program_home(void);
const char *program_path(const char *name);
/* Writes a file; reads one, with a NUL behind it, to be freed. */
void program_write_file(const char *path, const void *bytes, size_t size);
char *program_read_file(const char *path, size_t *size);

/* A confab at work. */
struct program {
    pid_t pid;
    int in, out, err; /* our ends of its standard streams; -1: closed */
    struct program_result result;
};

/* Starts confab with ARGS (NULL behind the last; the program's name not among them).  PREPARE,
 * which may be NULL, is called in the child with ARG right before the program takes its place. */
void program_start(struct program *program, const char *const *args, void (*prepare)(void *arg),
                   void *arg);
/* Closes its standard input. */
void program_close_input(struct program *program);
/* Waits for output, TIMEOUT_MS at most (-1: for ever), and takes what is there.  False: it has
 * closed both streams. */
bool program_read(struct program *program, int timeout_ms);
/* Reads to the end and waits for it; a program that hangs for minutes is killed and the test fails.
 */
void program_wait(struct program *program);

/* Runs confab with ARGS and INPUT on standard input (NULL: /dev/null).  The result is released by
 * the caller. */
void program_run(struct program_result *result, const char *const *args, const void *input,
                 size_t input_size);
void program_release(struct program_result *result);

/* Runs and asserts that the status is STATUS; the whole of standard error is printed when not. */
#define PROGRAM(result, status, input, ...)                                                        \
    program_expect(result, status, input, (const char *const[]){__VA_ARGS__, NULL}, __FILE__,      \
                   __LINE__)
/* Asserts that the run failed with STATUS as promised: standard error is one line, "confab: ..."
 * with PART in it, and for 2 a second one that points to the help. */
void program_assert_failed(const struct program_result *result, int status, const char *part);
void program_expect(struct program_result *result, int status, const char *input,
                    const char *const *args, const char *file, int line);

#endif
