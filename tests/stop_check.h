/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds of stop for any strings, text and division into pieces; the test program and the fuzz
 * target both ask it. */
#ifndef STOP_CHECK_H
#define STOP_CHECK_H

#include <base.h>

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "stop.h"

#define STOP_CHECK(truth)                                                                          \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Where the text stops, by trying every string at every place: the end of the first one complete,
 * the longest of several. */
static size_t stop_check_naive(const struct cf_texts *strings, const char *text, size_t size,
                               size_t *length)
{
    for (size_t end = 1; end <= size; end++) {
        *length = 0;
        for (size_t i = 0; i < strings->n; i++) {
            size_t n = strlen(strings->items[i]);
            if (n > *length && n <= end && memcmp(text + end - n, strings->items[i], n) == 0) {
                *length = n;
            }
        }
        if (*length > 0) {
            return end - *length;
        }
    }
    *length = 0;
    return size;
}

/* Feeds TEXT in pieces whose lengths PIECES gives in turn, and checks every promise of the header.
 */
static void stop_check(const struct cf_texts *strings, const char *text, size_t size,
                       const unsigned char *pieces, size_t n_pieces)
{
    struct cf_stop *stop = cf_stop_new(strings);
    for (int round = 0; round < 2; round++) {
        struct cf_buf out = CF_BUF_INIT;
        bool has_stopped = false;
        size_t fed = 0;
        for (size_t i = 0; fed < size; i++) {
            size_t piece = n_pieces == 0 ? 1 : pieces[i % n_pieces] % 7U + (round == 1);
            piece = piece == 0 && i > size ? 1 : piece;
            piece = piece < size - fed ? piece : size - fed;
            has_stopped = cf_stop_feed(stop, text + fed, piece, &out);
            fed += piece;
            STOP_CHECK(out.size == cf_stop_n_passed(stop));
            STOP_CHECK(cf_stop_n_held(stop) <= cf_stop_max_held(stop));
            STOP_CHECK(has_stopped || out.size + cf_stop_n_held(stop) == fed);
        }
        cf_stop_finish(stop, &out);
        size_t length;
        size_t expected = stop_check_naive(strings, text, size, &length);
        STOP_CHECK(out.size == expected && memcmp(out.data, text, expected) == 0);
        STOP_CHECK(has_stopped == (length > 0));
        STOP_CHECK((cf_stop_matched(stop) != NULL) == has_stopped);
        STOP_CHECK(!has_stopped || strlen(cf_stop_matched(stop)) == length);
        cf_buf_release(&out);
        cf_stop_reset(stop);
    }
    cf_stop_free(stop);
}

/* Takes fuzz bytes apart: the number of strings, the strings (each up to its NUL), the number of
 * pieces, their lengths, and the text. */
static void stop_check_bytes(const unsigned char *bytes, size_t size)
{
    struct cf_texts strings = {.n = 0};
    size_t at = 0;
    size_t n_strings = size > 0 ? bytes[at++] % 6U : 0;
    for (size_t i = 0; i < n_strings && at < size; i++) {
        const unsigned char *end = memchr(bytes + at, 0, size - at);
        if (end == NULL) {
            break;
        }
        cf_texts_add(&strings, (const char *)bytes + at);
        at = (size_t)(end - bytes) + 1;
    }
    size_t n_pieces = at < size ? bytes[at++] % 8U : 0;
    n_pieces = n_pieces < size - at ? n_pieces : size - at;
    const unsigned char *pieces = bytes + at;
    at += n_pieces;
    stop_check(&strings, (const char *)bytes + at, size - at, pieces, n_pieces);
    cf_texts_release(&strings);
}

#endif
