/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

static bool is_inside_character(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* Puts a sentence together.  One that does not fit loses its middle, which is some long name's, and
 * keeps its beginning and its end, which tells what is wrong; no character is cut in half. */
static CF_PRINTF(2, 0) void make_sentence(char text[CF_ERR_TEXT_SIZE], const char *format,
                                          va_list args)
{
    static const char gap[] = "…";
    enum { HEAD = CF_ERR_TEXT_SIZE / 2, TAIL = CF_ERR_TEXT_SIZE - HEAD - (int)sizeof gap };
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(text, CF_ERR_TEXT_SIZE, format, args);
    size_t size = n > 0 ? (size_t)n : 0;
    char *whole = size >= CF_ERR_TEXT_SIZE ? malloc(size + 1) : NULL;
    if (whole != NULL) {
        (void)vsnprintf(whole, size + 1, format, again);
        size_t head = HEAD;
        while (head > 0 && is_inside_character(whole[head])) {
            head--;
        }
        size_t tail = size - TAIL;
        while (tail < size && is_inside_character(whole[tail])) {
            tail++;
        }
        memcpy(text, whole, head);
        memcpy(text + head, gap, sizeof gap - 1);
        memcpy(text + head + sizeof gap - 1, whole + tail, size - tail + 1);
        free(whole);
    }
    va_end(again);
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
    make_sentence(text, format, args);
    va_end(args);
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
    make_sentence(text, format, args);
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
    make_sentence(prefix, format, args);
    va_end(args);
    char text[CF_ERR_TEXT_SIZE];
    memcpy(text, err->text, sizeof text);
    return cf_err_set(err, code, "%s: %s", prefix, text);
}
