/* SPDX-License-Identifier: GPL-3.0-or-later */
/* err: how confab says that something failed.
 *
 * A function that can fail returns enum cf_code and takes a struct cf_err * last.  On CF_OK the
 * err is untouched; on any other code it holds that code and one sentence, without a final newline
 * or full stop, that names the file or value at fault and, where there is one, the remedy.  Results
 * go out through the first parameter and are unchanged on failure.  err may be NULL everywhere:
 * then only the code tells. */
#ifndef CF_ERR_H
#define CF_ERR_H

#include "base.h"

/* The code and what it is called when no better sentence is at hand. */
#define CF_CODES(X)                                                                                \
    X(CF_OK, "no error")                                                                           \
    X(CF_ERR_USAGE, "wrong usage")                                                                 \
    X(CF_ERR_RANGE, "value out of range")                                                          \
    X(CF_ERR_NOT_FOUND, "not found")                                                               \
    X(CF_ERR_EXISTS, "exists already")                                                             \
    X(CF_ERR_FORMAT, "malformed data")                                                             \
    X(CF_ERR_UNSUPPORTED, "not supported")                                                         \
    X(CF_ERR_IO, "input or output error")                                                          \
    X(CF_ERR_FULL, "no space left")                                                                \
    X(CF_ERR_ACCESS, "permission denied")                                                          \
    X(CF_ERR_BUSY, "in use by another process")                                                    \
    X(CF_ERR_CORRUPT, "damaged data")                                                              \
    X(CF_ERR_NEWER, "made by a newer confab")                                                      \
    X(CF_ERR_TOO_LARGE, "too large")                                                               \
    X(CF_ERR_CONTEXT, "the context is full")                                                       \
    X(CF_ERR_CANCELLED, "cancelled")                                                               \
    X(CF_ERR_MISMATCH, "not the same")

enum cf_code {
#define CF_X(code, text) code,
    CF_CODES(CF_X)
#undef CF_X
};

enum { CF_ERR_TEXT_SIZE = 512 };

struct cf_err {
    enum cf_code code;
    char text[CF_ERR_TEXT_SIZE]; /* NUL-terminated; without its middle when too long */
};

#define CF_ERR_INIT ((struct cf_err){.code = CF_OK, .text = ""})

/* The general text of a code, a constant. */
const char *cf_code_text(enum cf_code code);

/* Records code and sentence, and returns code. */
enum cf_code cf_err_set(struct cf_err *err, enum cf_code code, const char *format, ...)
    CF_PRINTF(3, 4);

/* Like cf_err_set, with ": " and the text of errno value SYSTEM_ERRNO behind the sentence.  The
 * code follows from the errno (ENOENT: CF_ERR_NOT_FOUND, ENOSPC and EDQUOT: CF_ERR_FULL, EACCES,
 * EPERM and EROFS: CF_ERR_ACCESS, else CF_ERR_IO) and is returned. */
enum cf_code cf_err_set_errno(struct cf_err *err, int system_errno, const char *format, ...)
    CF_PRINTF(3, 4);

/* Puts "PREFIX: " before the sentence already in err, and returns CODE, the code of the failure
 * that is being passed on. */
enum cf_code cf_err_prefix(struct cf_err *err, enum cf_code code, const char *format, ...)
    CF_PRINTF(3, 4);

#endif
