/* SPDX-License-Identifier: GPL-3.0-or-later */
/* diff: what two texts have in common and what not, word by word.
 *
 * A word is a run of letters, digits and marks; a character of a script written without spaces, a
 * sign and a line break are words by themselves; the blanks before a word belong to it.  What is
 * common is a longest common subsequence of the words, so as few as can be are told as changed.
 * Where both texts have thousands of words that differ, what lies between their common beginning
 * and end is told as replaced whole. */
#ifndef CF_DIFF_H
#define CF_DIFF_H

#include "base.h"

enum cf_diff_kind {
    CF_DIFF_SAME,
    CF_DIFF_OLD, /* only in the first text */
    CF_DIFF_NEW, /* only in the second */
};

struct cf_diff_piece {
    enum cf_diff_kind kind;
    size_t begin, end; /* bytes of the second text for CF_DIFF_NEW, else of the first */
};

/* Pieces that follow one another, neighbours of different kinds; what is old goes before what is
 * new in its place. */
struct cf_diff {
    struct cf_diff_piece *items;
    size_t n, capacity;
};

/* Any bytes are accepted.  *diff is released or zeroed beforehand. */
void cf_diff_words(struct cf_diff *diff, const char *old, size_t old_size, const char *new,
                   size_t new_size);
void cf_diff_release(struct cf_diff *diff);

#endif
