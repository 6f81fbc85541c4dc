/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text of strangers made safe to show. */
#include "text.h"

#include <string.h>

/* How a character is shown. */
enum showing { AS_IT_IS, AS_BYTE, AS_CODE_POINT };

static enum showing showing_of(uint32_t c, size_t n)
{
    if (c < 0x80) {
        return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F ? AS_BYTE : AS_IT_IS;
    }
    if (n == 1) {
        return AS_BYTE; /* not valid UTF-8 */
    }
    bool is_control = c < 0xA0;
    bool is_separator = c == 0x2028 || c == 0x2029;
    bool is_bidi = c == 0x61C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
                   (c >= 0x2066 && c <= 0x2069);
    bool is_tag = c >= 0xE0000 && c <= 0xE007F;
    bool is_noncharacter = (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE;
    return is_control || is_separator || is_bidi || is_tag || is_noncharacter ? AS_CODE_POINT
                                                                              : AS_IT_IS;
}

/* The number of bytes at the beginning of TEXT that are shown as they are. */
static size_t plain_prefix(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        unsigned char byte = (unsigned char)text[at];
        if (byte >= 0x20 && byte < 0x7F) {
            at++;
            continue;
        }
        uint32_t c = 0;
        size_t n = cf_text_decode(&c, text + at, size - at);
        if (showing_of(c, n) != AS_IT_IS) {
            break;
        }
        at += n;
    }
    return at;
}

bool cf_text_is_safe(const char *text, size_t size)
{
    return plain_prefix(text, size) == size;
}

void cf_text_make_safe(struct cf_buf *out, const char *text, size_t size)
{
    while (size > 0) {
        size_t n_plain = plain_prefix(text, size);
        cf_buf_add(out, text, n_plain);
        text += n_plain;
        size -= n_plain;
        if (size == 0) {
            break;
        }
        uint32_t c = 0;
        size_t n = cf_text_decode(&c, text, size);
        if (showing_of(c, n) == AS_BYTE) {
            cf_buf_addf(out, "\\x%02x", (unsigned char)text[0]);
        } else {
            cf_buf_addf(out, "\\u{%x}", (unsigned)c);
        }
        text += n;
        size -= n;
    }
}

void cf_text_safe_add(struct cf_text_safe *safe, struct cf_buf *out, const char *piece, size_t size)
{
    /* First finish the character that is held, a byte at a time: it needs three more at most. */
    while (safe->n_held > 0 && size > 0) {
        safe->held[safe->n_held++] = *piece++;
        size--;
        size_t n_open = cf_text_unfinished(safe->held, safe->n_held);
        size_t n_done = safe->n_held - n_open;
        cf_text_make_safe(out, safe->held, n_done);
        memmove(safe->held, safe->held + n_done, n_open);
        safe->n_held = (uint8_t)n_open;
    }
    size_t n_open = cf_text_unfinished(piece, size);
    cf_text_make_safe(out, piece, size - n_open);
    if (n_open > 0) {
        memcpy(safe->held, piece + size - n_open, n_open);
        safe->n_held = (uint8_t)n_open;
    }
}

void cf_text_safe_finish(struct cf_text_safe *safe, struct cf_buf *out)
{
    cf_text_make_safe(out, safe->held, safe->n_held);
    safe->n_held = 0;
}
