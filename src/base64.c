/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void cf_base64_encode(struct cf_buf *out, const void *bytes, size_t size)
{
    const unsigned char *in = bytes;
    cf_buf_reserve(out, (size + 2) / 3 * 4);
    for (size_t at = 0; at < size; at += 3) {
        const size_t n = size - at < 3 ? size - at : 3;
        const uint32_t group = (uint32_t)in[at] << 16 | (n > 1 ? (uint32_t)in[at + 1] << 8 : 0) |
                               (n > 2 ? in[at + 2] : 0);
        const char text[4] = {digits[group >> 18], digits[group >> 12 & 63],
                              n > 1 ? digits[group >> 6 & 63] : '=',
                              n > 2 ? digits[group & 63] : '='};
        cf_buf_add(out, text, sizeof text);
    }
}

/* The six bits of a digit; 64 for what is none. */
static uint32_t value_of(char digit)
{
    if (digit >= 'A' && digit <= 'Z') {
        return (uint32_t)(digit - 'A');
    }
    if (digit >= 'a' && digit <= 'z') {
        return (uint32_t)(digit - 'a') + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return (uint32_t)(digit - '0') + 52;
    }
    return digit == '+' ? 62 : digit == '/' ? 63 : 64;
}

bool cf_base64_decode(struct cf_buf *out, const char *text, size_t size)
{
    const size_t before = out->size;
    bool is_sound = size % 4 == 0;
    cf_buf_reserve(out, size / 4 * 3);
    for (size_t at = 0; is_sound && at < size; at += 4) {
        const bool is_last = at + 4 == size;
        const size_t n = !is_last || text[at + 3] != '=' ? 3 : text[at + 2] != '=' ? 2 : 1;
        uint32_t group = 0;
        for (size_t i = 0; i < 4; i++) {
            const uint32_t value = i <= n ? value_of(text[at + i]) : 0;
            is_sound = is_sound && value < 64;
            group = group << 6 | (value & 63);
        }
        /* The bits that stand for no byte are zero, so that there is one text for the bytes. */
        is_sound = is_sound && (n == 3 || (group & (n == 2 ? 0xFFu : 0xFFFFu)) == 0);
        const char bytes[3] = {(char)(group >> 16 & 0xFF), (char)(group >> 8 & 0xFF),
                               (char)(group & 0xFF)};
        cf_buf_add(out, bytes, n);
    }
    if (!is_sound) {
        cf_buf_truncate(out, before);
    }
    return is_sound;
}
