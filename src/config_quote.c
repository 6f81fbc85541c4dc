/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_file.h"

#include <string.h>

#include "text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_comment_mark(char c)
{
    return c == '#' || c == ';';
}

static bool needs_quotes(const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || is_blank(text[0]) || is_blank(text[size - 1]) || text[0] == '"' ||
        is_comment_mark(text[0])) {
        return true;
    }
    for (size_t i = 0; i < size; i++) {
        bool is_control = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
        if (is_control || (i > 0 && is_blank(text[i - 1]) && is_comment_mark(text[i]))) {
            return true;
        }
    }
    return false;
}

void cf_config_quote(const char *text, struct cf_buf *out)
{
    if (!needs_quotes(text)) {
        cf_buf_add_str(out, text);
        return;
    }
    cf_buf_add_char(out, '"');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\t') {
            cf_buf_add_str(out, *at == '\n' ? "\\n" : "\\t");
        } else if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            cf_buf_addf(out, "\\u{%x}", (unsigned)*at);
        } else {
            cf_buf_add_str(out, *at == '"' || *at == '\\' ? "\\" : "");
            cf_buf_add_char(out, *at);
        }
    }
    cf_buf_add_char(out, '"');
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    const char *found = c != '\0' ? strchr(digits, lower) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* Reads {HEX} at AT; returns what follows, or NULL. */
static const char *unquote_code_point(struct cf_buf *text, const char *at)
{
    if (*at != '{') {
        return NULL;
    }
    uint32_t c = 0;
    int n = 0;
    for (at++; hex_digit(*at) >= 0 && n < 6; at++, n++) {
        c = c * 16 + (uint32_t)hex_digit(*at);
    }
    bool is_scalar = c > 0 && c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
    if (n == 0 || *at != '}' || !is_scalar) {
        return NULL;
    }
    char bytes[4];
    cf_buf_add(text, bytes, cf_text_encode(bytes, c));
    return at + 1;
}

/* Reads what follows a backslash; returns what follows it, or NULL. */
static const char *unquote_escape(struct cf_buf *text, const char *at)
{
    switch (*at) {
    case 'n':
        cf_buf_add_char(text, '\n');
        return at + 1;
    case 't':
        cf_buf_add_char(text, '\t');
        return at + 1;
    case '"':
    case '\\':
        cf_buf_add_char(text, *at);
        return at + 1;
    case 'u':
        return unquote_code_point(text, at + 1);
    default:
        return NULL;
    }
}

static const char *skip_blanks(const char *at)
{
    while (is_blank(*at)) {
        at++;
    }
    return at;
}

static enum cf_code unquote(struct cf_buf *text, const char *at, struct cf_err *err)
{
    while (*at != '"') {
        if (*at == '\0') {
            return cf_err_set(err, CF_ERR_FORMAT, "the closing quote is missing");
        }
        if (*at != '\\') {
            cf_buf_add_char(text, *at++);
            continue;
        }
        const char *next = unquote_escape(text, at + 1);
        if (next == NULL) {
            return cf_err_set(err, CF_ERR_FORMAT,
                              "after a backslash stands n, t, \", \\ or u{...}, the number of a "
                              "character in hexadecimal");
        }
        at = next;
    }
    const char *rest = skip_blanks(at + 1);
    if (*rest != '\0' && !is_comment_mark(*rest)) {
        return cf_err_set(err, CF_ERR_FORMAT, "there is more behind the closing quote: %s", rest);
    }
    return CF_OK;
}

enum cf_code cf_config_unquote(struct cf_buf *text, const char *value, struct cf_err *err)
{
    const char *at = skip_blanks(value);
    if (*at == '"') {
        size_t before = text->size;
        enum cf_code code = unquote(text, at + 1, err);
        if (code != CF_OK) {
            cf_buf_truncate(text, before);
        }
        return code;
    }
    size_t size = 0;
    while (at[size] != '\0' &&
           !(is_comment_mark(at[size]) && (size == 0 || is_blank(at[size - 1])))) {
        size++;
    }
    while (size > 0 && is_blank(at[size - 1])) {
        size--;
    }
    cf_buf_add(text, at, size);
    return CF_OK;
}
