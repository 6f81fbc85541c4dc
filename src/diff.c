/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diff.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "text.h"

/* Pairs of words that are looked at; beyond, the middle counts as replaced. */
enum { PAIRS_MAX = 16 * 1024 * 1024 };

struct word {
    size_t begin, text, end; /* the blanks before it, itself */
};

struct words {
    const char *bytes;
    struct word *items;
    size_t n, capacity;
};

enum kind { BLANK, LETTER, ALONE };

static enum kind kind_of(uint32_t c)
{
    if (c == ' ' || c == '\t' || c == '\r' || c == 0x3000) {
        return BLANK;
    }
    if (c < 0x80) {
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '\'' || c == '_';
        return is_letter ? LETTER : ALONE;
    }
    return cf_text_is_unspaced_script(c) || (c >= 0x2000 && c <= 0x303F) || c >= 0xFF00 ? ALONE
                                                                                        : LETTER;
}

static void split(struct words *words, const char *text, size_t size)
{
    *words = (struct words){.bytes = text};
    for (size_t at = 0; at < size;) {
        struct word word = {.begin = at, .text = at};
        enum kind kind = BLANK;
        uint32_t c;
        size_t length = 0;
        for (; at < size && kind == BLANK; at += length) {
            length = cf_text_decode(&c, text + at, size - at);
            kind = kind_of(c);
            word.text = kind == BLANK ? at + length : at;
        }
        while (kind == LETTER && at < size) {
            length = cf_text_decode(&c, text + at, size - at);
            if (kind_of(c) != LETTER) {
                break;
            }
            at += length;
        }
        word.end = at;
        words->items = cf_grow(words->items, words->n, &words->capacity, 1, sizeof word);
        words->items[words->n++] = word;
    }
}

static bool is_same(const struct words *a, size_t i, const struct words *b, size_t k)
{
    const struct word *x = &a->items[i];
    const struct word *y = &b->items[k];
    size_t size = x->end - x->text;
    return size == y->end - y->text &&
           (size == 0 || memcmp(a->bytes + x->text, b->bytes + y->text, size) == 0);
}

static void add(struct cf_diff *diff, enum cf_diff_kind kind, const struct word *word)
{
    struct cf_diff_piece *last = diff->n > 0 ? &diff->items[diff->n - 1] : NULL;
    if (last != NULL && last->kind == kind && last->end == word->begin) {
        last->end = word->end;
        return;
    }
    diff->items = cf_grow(diff->items, diff->n, &diff->capacity, 1, sizeof diff->items[0]);
    diff->items[diff->n++] =
        (struct cf_diff_piece){.kind = kind, .begin = word->begin, .end = word->end};
}

static void add_all(struct cf_diff *diff, enum cf_diff_kind kind, const struct words *words,
                    size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        add(diff, kind, &words->items[i]);
    }
}

/* What differs between words [a_begin, a_end) and [b_begin, b_end): the lengths of the longest
 * common subsequences of all their ends, then a walk along the longest. */
static void diff_middle(struct cf_diff *diff, const struct words *a, size_t a_begin, size_t a_end,
                        const struct words *b, size_t b_begin, size_t b_end)
{
    size_t n = a_end - a_begin;
    size_t m = b_end - b_begin;
    if (n == 0 || m == 0 || n > PAIRS_MAX / m || n > UINT16_MAX || m > UINT16_MAX) {
        add_all(diff, CF_DIFF_OLD, a, a_begin, a_end);
        add_all(diff, CF_DIFF_NEW, b, b_begin, b_end);
        return;
    }
    size_t width = m + 1;
    uint16_t *lengths = cf_calloc((n + 1) * width, sizeof *lengths);
    for (size_t i = n; i-- > 0;) {
        for (size_t k = m; k-- > 0;) {
            uint16_t below = lengths[(i + 1) * width + k];
            uint16_t right = lengths[i * width + k + 1];
            lengths[i * width + k] = is_same(a, a_begin + i, b, b_begin + k)
                                         ? (uint16_t)(lengths[(i + 1) * width + k + 1] + 1)
                                         : (below > right ? below : right);
        }
    }
    /* What is new waits until all that is old in its place was told. */
    size_t i = 0;
    size_t k = 0;
    size_t k_told = 0;
    while (i < n || k < m) {
        if (i < n && k < m && is_same(a, a_begin + i, b, b_begin + k)) {
            add_all(diff, CF_DIFF_NEW, b, b_begin + k_told, b_begin + k);
            add(diff, CF_DIFF_SAME, &a->items[a_begin + i]);
            i++;
            k_told = ++k;
        } else if (k == m ||
                   (i < n && lengths[(i + 1) * width + k] >= lengths[i * width + k + 1])) {
            add(diff, CF_DIFF_OLD, &a->items[a_begin + i]);
            i++;
        } else {
            k++;
        }
    }
    add_all(diff, CF_DIFF_NEW, b, b_begin + k_told, b_begin + k);
    free(lengths);
}

void cf_diff_words(struct cf_diff *diff, const char *old, size_t old_size, const char *new,
                   size_t new_size)
{
    struct words a;
    struct words b;
    split(&a, old, old_size);
    split(&b, new, new_size);
    *diff = (struct cf_diff){.n = 0};
    size_t begin = 0;
    while (begin < a.n && begin < b.n && is_same(&a, begin, &b, begin)) {
        begin++;
    }
    size_t a_end = a.n;
    size_t b_end = b.n;
    while (a_end > begin && b_end > begin && is_same(&a, a_end - 1, &b, b_end - 1)) {
        a_end--;
        b_end--;
    }
    add_all(diff, CF_DIFF_SAME, &a, 0, begin);
    diff_middle(diff, &a, begin, a_end, &b, begin, b_end);
    add_all(diff, CF_DIFF_SAME, &a, a_end, a.n);
    free(a.items);
    free(b.items);
}

void cf_diff_release(struct cf_diff *diff)
{
    free(diff->items);
    *diff = (struct cf_diff){.n = 0};
}
