/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_scan: a file of JSON, gone through from its beginning to its end without holding it.
 *
 * The caller walks into arrays and objects as deep as it likes and takes or passes over the values
 * in them; a value that is taken is parsed by jansson, so whatever passes over here only has to be
 * cut soundly: brackets that match, strings that end.  All errors name file, line and byte. */
#ifndef CF_IMPORT_SCAN_H
#define CF_IMPORT_SCAN_H

#include <jansson.h>

#include "buf.h"
#include "err.h"

struct cf_scan {
    int fd;
    const char *path; /* for people; must stay */
    char *chunk;
    size_t at, end;        /* in chunk */
    uint64_t begin_offset; /* of chunk in the file */
    uint64_t line;         /* of what comes next, from 1 */
    int64_t size;          /* of the file; 0: unknown */
    bool is_eof;
    struct cf_buf value;             /* the value taken last */
    uint64_t value_line, value_byte; /* where it began, from 1 */
    bool (*on_progress)(void *context, int64_t n_done, int64_t size);
    void *context;
    int depth;      /* of what was walked into */
    bool is_first;  /* nothing was taken yet from the innermost */
    char inside[8]; /* the brackets that close what was walked into */
};

/* PATH "-" is standard input. */
enum cf_code cf_scan_open(struct cf_scan *scan, const char *path, struct cf_err *err);
/* Safe on a zeroed one. */
void cf_scan_close(struct cf_scan *scan);

/* The next byte that is no white space, not taken; '\0' at the end of the file. */
enum cf_code cf_scan_peek(char *next, struct cf_scan *scan, struct cf_err *err);
/* Whether the bytes to come are TEXT, as far as a chunk reaches; takes nothing. */
bool cf_scan_is_ahead(const struct cf_scan *scan, const char *text);

/* Walks into the array ('[') or object ('{') that comes next. */
enum cf_code cf_scan_enter(struct cf_scan *scan, char bracket, struct cf_err *err);
/* Whether there is another element or member; at the end walks out. */
enum cf_code cf_scan_next(bool *has_one, struct cf_scan *scan, struct cf_err *err);
/* The key of the member, KEY cleared first. */
enum cf_code cf_scan_key(struct cf_buf *key, struct cf_scan *scan, struct cf_err *err);
/* Takes the next value; the caller releases it by json_decref. */
enum cf_code cf_scan_take(json_t **value, struct cf_scan *scan, struct cf_err *err);
/* Passes over it. */
enum cf_code cf_scan_pass(struct cf_scan *scan, struct cf_err *err);

/* A sentence with the place of the value taken last before it. */
enum cf_code cf_scan_fail(const struct cf_scan *scan, enum cf_code code, struct cf_err *err,
                          const char *format, ...) CF_PRINTF(4, 5);

#endif
