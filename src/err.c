/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *cf_code_text(enum cf_code code)
{
    switch (code) {
#define CF_X(name, text)                                                                           \
    case name:                                                                                     \
        return text;
        CF_CODES(CF_X)
#undef CF_X
    }
    return "unknown error";
}

/* A sentence that did not fit must not end in half a character. */
static void cut_half_character(char *text)
{
    size_t size = strlen(text);
    if (size < CF_ERR_TEXT_SIZE - 1) {
        return;
    }
    size_t start = size;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start > 0 && (unsigned char)text[start - 1] >= 0xC0) {
        text[start - 1] = '\0';
    }
}

enum cf_code cf_err_set(struct cf_err *err, enum cf_code code, const char *format, ...)
{
    if (err == NULL) {
        return code;
    }
    va_list args;
    va_start(args, format);
    /* The arguments may point into err->text. */
    char text[CF_ERR_TEXT_SIZE];
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cut_half_character(text);
    err->code = code;
    memcpy(err->text, text, strlen(text) + 1);
    return code;
}

static enum cf_code code_of_errno(int system_errno)
{
    switch (system_errno) {
    case ENOENT:
    case ENOTDIR:
        return CF_ERR_NOT_FOUND;
    case EEXIST:
        return CF_ERR_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return CF_ERR_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return CF_ERR_ACCESS;
    default:
        return CF_ERR_IO;
    }
}

enum cf_code cf_err_set_errno(struct cf_err *err, int system_errno, const char *format, ...)
{
    enum cf_code code = code_of_errno(system_errno);
    if (err == NULL) {
        return code;
    }
    va_list args;
    va_start(args, format);
    char text[CF_ERR_TEXT_SIZE];
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return cf_err_set(err, code, "%s: %s", text, strerror(system_errno));
}

enum cf_code cf_err_prefix(struct cf_err *err, enum cf_code code, const char *format, ...)
{
    if (err == NULL) {
        return code;
    }
    va_list args;
    va_start(args, format);
    char prefix[CF_ERR_TEXT_SIZE];
    (void)vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    char text[CF_ERR_TEXT_SIZE];
    memcpy(text, err->text, sizeof text);
    return cf_err_set(err, code, "%s: %s", prefix, text);
}
