/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "import_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import.h"
#include "mem.h"

enum { CHUNK_SIZE = 256 * 1024, WAIT_MS = 200 };

static uint64_t offset(const struct cf_scan *scan)
{
    return scan->begin_offset + scan->at;
}

static enum cf_code fail_at(const struct cf_scan *scan, enum cf_code code, uint64_t line,
                            uint64_t byte, struct cf_err *err, const char *why)
{
    return cf_err_set(err, code, "%s, line %" PRIu64 ", byte %" PRIu64 ": %s", scan->path, line,
                      byte, why);
}

static enum cf_code fail_here(const struct cf_scan *scan, struct cf_err *err, const char *why)
{
    return fail_at(scan, CF_ERR_FORMAT, scan->line, offset(scan) + 1, err, why);
}

enum cf_code cf_scan_fail(const struct cf_scan *scan, enum cf_code code, struct cf_err *err,
                          const char *format, ...)
{
    struct cf_buf why = CF_BUF_INIT;
    va_list args;
    va_start(args, format);
    cf_buf_addv(&why, format, args);
    va_end(args);
    (void)fail_at(scan, code, scan->value_line, scan->value_byte, err, why.data);
    cf_buf_release(&why);
    return code;
}

/* ---- Bytes ---- */

static bool goes_on(const struct cf_scan *scan)
{
    return scan->on_progress == NULL ||
           scan->on_progress(scan->context, (int64_t)scan->begin_offset, scan->size);
}

/* More of the file into the chunk, behind what is still to be taken. */
static enum cf_code fill(struct cf_scan *scan, struct cf_err *err)
{
    scan->begin_offset += scan->at;
    memmove(scan->chunk, scan->chunk + scan->at, scan->end - scan->at);
    scan->end -= scan->at;
    scan->at = 0;
    /* A pipe may have nothing for long: whoever wants to end the import is heard all the same. */
    struct pollfd ready = {.fd = scan->fd, .events = POLLIN};
    ssize_t n = -1;
    do {
        if (!goes_on(scan)) {
            return cf_err_set(err, CF_ERR_CANCELLED, "cancelled");
        }
        errno = EINTR;
        if (poll(&ready, 1, WAIT_MS) > 0) {
            n = read(scan->fd, scan->chunk + scan->end, CHUNK_SIZE - scan->end);
        }
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return cf_err_set_errno(err, errno, "cannot read %s", scan->path);
    }
    scan->end += (size_t)n;
    scan->is_eof = n == 0;
    return CF_OK;
}

/* Makes sure that there is a byte at hand; false at the end of the file. */
static enum cf_code need(bool *has_one, struct cf_scan *scan, struct cf_err *err)
{
    enum cf_code code = CF_OK;
    if (scan->at == scan->end && !scan->is_eof) {
        code = fill(scan, err);
    }
    *has_one = scan->at < scan->end;
    return code;
}

enum cf_code cf_scan_open(struct cf_scan *scan, const char *path, struct cf_err *err)
{
    const bool is_input = strcmp(path, "-") == 0;
    *scan = (struct cf_scan){.fd = -1,
                             .path = is_input ? "standard input" : path,
                             .line = 1,
                             .value_line = 1,
                             .value_byte = 1,
                             .value = CF_BUF_INIT};
    scan->fd = is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (scan->fd < 0) {
        return cf_err_set_errno(err, errno, "cannot open %s", scan->path);
    }
    struct stat info;
    if (fstat(scan->fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        (void)close(scan->fd);
        scan->fd = -1;
        return cf_err_set(err, CF_ERR_FORMAT, "%s is a folder; name the files in it", path);
    }
    scan->size = S_ISREG(info.st_mode) ? (int64_t)info.st_size : 0;
    scan->chunk = cf_malloc(CHUNK_SIZE);
    enum cf_code code = fill(scan, err);
    if (code == CF_OK && cf_scan_is_ahead(scan, "\xEF\xBB\xBF")) {
        scan->at = 3;
    }
    if (code != CF_OK) {
        cf_scan_close(scan);
    }
    return code;
}

void cf_scan_close(struct cf_scan *scan)
{
    if (scan->chunk != NULL) {
        (void)close(scan->fd);
        free(scan->chunk);
        cf_buf_release(&scan->value);
    }
    *scan = (struct cf_scan){.fd = -1};
}

bool cf_scan_is_ahead(const struct cf_scan *scan, const char *text)
{
    const size_t size = strlen(text);
    return scan->end - scan->at >= size && memcmp(scan->chunk + scan->at, text, size) == 0;
}

enum cf_code cf_scan_peek(char *next, struct cf_scan *scan, struct cf_err *err)
{
    for (;;) {
        bool has_one;
        enum cf_code code = need(&has_one, scan, err);
        if (code != CF_OK) {
            return code;
        }
        const char c = has_one ? scan->chunk[scan->at] : '\0';
        if (!has_one || (c != ' ' && c != '\t' && c != '\n' && c != '\r')) {
            *next = c;
            return has_one && c == '\0' ? fail_here(scan, err, "no JSON: a NUL byte") : CF_OK;
        }
        scan->line += c == '\n';
        scan->at++;
    }
}

/* ---- Walking ---- */

enum cf_code cf_scan_enter(struct cf_scan *scan, char bracket, struct cf_err *err)
{
    char next;
    enum cf_code code = cf_scan_peek(&next, scan, err);
    if (code == CF_OK && next != bracket) {
        code = fail_here(
            scan, err, bracket == '[' ? "an array is expected here" : "an object is expected here");
    }
    if (code == CF_OK) {
        assert(scan->depth < (int)sizeof scan->inside);
        scan->at++;
        scan->inside[scan->depth++] = bracket == '[' ? ']' : '}';
        scan->is_first = true;
    }
    return code;
}

enum cf_code cf_scan_next(bool *has_one, struct cf_scan *scan, struct cf_err *err)
{
    char next;
    enum cf_code code = cf_scan_peek(&next, scan, err);
    if (code != CF_OK) {
        return code;
    }
    assert(scan->depth > 0);
    if (next == scan->inside[scan->depth - 1]) {
        scan->at++;
        scan->depth--;
        scan->is_first = false;
        *has_one = false;
        return CF_OK;
    }
    if (next == '\0') {
        return fail_here(scan, err, "the file ends in the middle");
    }
    if (!scan->is_first) {
        if (next != ',') {
            return fail_here(scan, err, "a comma or the closing bracket is expected here");
        }
        scan->at++;
        code = cf_scan_peek(&next, scan, err);
        if (code == CF_OK && (next == ']' || next == '}')) {
            code = fail_here(scan, err, "a value is expected behind the comma");
        }
    }
    scan->is_first = false;
    *has_one = true;
    return code;
}

enum cf_code cf_scan_key(struct cf_buf *key, struct cf_scan *scan, struct cf_err *err)
{
    json_t *value = NULL;
    char next;
    cf_buf_clear(key);
    enum cf_code code = cf_scan_take(&value, scan, err);
    if (code != CF_OK) {
        return code;
    }
    if (!json_is_string(value)) {
        code = cf_scan_fail(scan, CF_ERR_FORMAT, err, "the name of a member is expected here");
    } else {
        cf_buf_add(key, json_string_value(value), json_string_length(value));
        code = cf_scan_peek(&next, scan, err);
    }
    json_decref(value);
    if (code == CF_OK && next != ':') {
        code = fail_here(scan, err, "a colon is expected here");
    }
    if (code == CF_OK) {
        scan->at++;
    }
    return code;
}

/* ---- Values ---- */

/* Where in a value one is. */
struct cut {
    char brackets[CF_IMPORT_DEPTH_MAX];
    int depth;
    size_t n_parts;
    bool is_string, is_escape, is_word;
};

/* Takes in a byte; *is_done when the value ends with it, *is_behind when it ended before it. */
static const char *cut_byte(struct cut *cut, char c, bool *is_done, bool *is_behind)
{
    if (cut->is_string) {
        if (cut->is_escape) {
            cut->is_escape = false;
        } else if (c == '\\') {
            cut->is_escape = true;
        } else if (c == '"') {
            cut->is_string = false;
            *is_done = cut->depth == 0;
        }
        return NULL;
    }
    const bool ends_word = strchr(" \t\n\r,:]}[{\"", c) != NULL;
    if (cut->is_word && cut->depth == 0) {
        *is_behind = ends_word;
        return NULL;
    }
    switch (c) {
    case '"':
        cut->is_string = true;
        break;
    case '[':
    case '{':
        if (cut->depth == CF_IMPORT_DEPTH_MAX) {
            return "nested too deep to be a conversation";
        }
        cut->brackets[cut->depth++] = c == '[' ? ']' : '}';
        cut->n_parts++;
        break;
    case ']':
    case '}':
        if (cut->depth == 0 || cut->brackets[cut->depth - 1] != c) {
            return "a bracket that does not match";
        }
        *is_done = --cut->depth == 0;
        break;
    case ',':
        cut->n_parts++;
        break;
    default:
        cut->is_word = cut->depth == 0 && !ends_word;
        break;
    }
    if (cut->depth == 0 && !cut->is_string && !cut->is_word && !*is_done) {
        return "a value is expected here";
    }
    return NULL;
}

/* How many bytes at the beginning need no closer look: the inside of a string. */
static size_t plain_bytes(const char *bytes, size_t size)
{
    size_t n = 0;
    while (n < size && bytes[n] != '"' && bytes[n] != '\\' && bytes[n] != '\n') {
        n++;
    }
    return n;
}

/* Goes over the next value, which is added to BYTES unless that is NULL. */
static enum cf_code cut_value(struct cf_buf *bytes, struct cf_scan *scan, struct cf_err *err)
{
    struct cut cut = {.depth = 0};
    char next;
    bool is_done = false;
    bool is_behind = false;
    enum cf_code code = cf_scan_peek(&next, scan, err);
    scan->value_line = scan->line;
    scan->value_byte = offset(scan) + 1;
    while (code == CF_OK && !is_done && !is_behind) {
        bool has_one;
        code = need(&has_one, scan, err);
        if (code != CF_OK) {
            break;
        }
        if (!has_one) {
            return cut.is_word && cut.depth == 0
                       ? CF_OK
                       : fail_here(scan, err, "the file ends in the middle");
        }
        const size_t begin = scan->at;
        while (scan->at < scan->end && !is_done) {
            if (cut.is_string && !cut.is_escape) {
                scan->at += plain_bytes(scan->chunk + scan->at, scan->end - scan->at);
                if (scan->at == scan->end) {
                    break;
                }
            }
            const char c = scan->chunk[scan->at];
            const char *why = cut_byte(&cut, c, &is_done, &is_behind);
            if (why != NULL) {
                return fail_here(scan, err, why);
            }
            if (is_behind) {
                break;
            }
            scan->line += c == '\n';
            scan->at++;
        }
        if (bytes != NULL) {
            cf_buf_add(bytes, scan->chunk + begin, scan->at - begin);
            if (bytes->size > CF_IMPORT_VALUE_MAX || cut.n_parts > CF_IMPORT_PARTS_MAX) {
                return cf_scan_fail(scan, CF_ERR_TOO_LARGE, err,
                                    "a conversation too large to be read");
            }
        }
    }
    return code;
}

/* The four hexadecimal digits of an escape \uXXXX; -1 when there is none at AT. */
static int32_t escape_at(const struct cf_buf *text, size_t at)
{
    int32_t unit = 0;
    if (text->size - at < 6 || text->data[at] != '\\' || text->data[at + 1] != 'u') {
        return -1;
    }
    for (size_t i = at + 2; i < at + 6; i++) {
        const char c = text->data[i];
        const int32_t digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Programs that cut a text in the middle of a character write half of a pair, which is no
 * character: it becomes U+FFFD.  Whether there was one. */
static bool mend_halves(struct cf_buf *text)
{
    bool is_mended = false;
    for (size_t at = 0; at < text->size; at++) {
        if (text->data[at] != '\\') {
            continue;
        }
        const int32_t unit = escape_at(text, at);
        const bool is_high = unit >= 0xD800 && unit < 0xDC00;
        const int32_t next = is_high ? escape_at(text, at + 6) : -1;
        if (next >= 0xDC00 && next < 0xE000) {
            at += 11;
        } else if (unit >= 0xD800 && unit < 0xE000) {
            memcpy(text->data + at, "\\ufffd", 6);
            is_mended = true;
            at += 5;
        } else {
            at += 1; /* what is escaped */
        }
    }
    return is_mended;
}

enum cf_code cf_scan_take(json_t **value, struct cf_scan *scan, struct cf_err *err)
{
    cf_buf_clear(&scan->value);
    enum cf_code code = cut_value(&scan->value, scan, err);
    if (code != CF_OK) {
        return code;
    }
    enum { FLAGS = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES };
    json_error_t why;
    json_t *made = json_loadb(scan->value.data, scan->value.size, FLAGS, &why);
    if (made == NULL && mend_halves(&scan->value)) {
        made = json_loadb(scan->value.data, scan->value.size, FLAGS, &why);
    }
    if (made == NULL) {
        const uint64_t byte = why.position > 0 ? (uint64_t)why.position - 1 : 0;
        const uint64_t line = why.line > 0 ? (uint64_t)why.line - 1 : 0;
        struct cf_buf sentence = CF_BUF_INIT;
        const bool is_text = json_error_code(&why) == json_error_invalid_utf8;
        cf_buf_addf(&sentence, is_text ? "no valid UTF-8: %s" : "no sound JSON: %s", why.text);
        code = fail_at(scan, CF_ERR_FORMAT, scan->value_line + line, scan->value_byte + byte, err,
                       sentence.data);
        cf_buf_release(&sentence);
        return code;
    }
    *value = made;
    return CF_OK;
}

enum cf_code cf_scan_pass(struct cf_scan *scan, struct cf_err *err)
{
    return cut_value(NULL, scan, err);
}
