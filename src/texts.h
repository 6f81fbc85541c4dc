/* SPDX-License-Identifier: GPL-3.0-or-later */
/* texts: a growable list of C strings that it owns.  Zero-initialised is empty. */
#ifndef CF_TEXTS_H
#define CF_TEXTS_H

#include "base.h"

struct cf_texts {
    char **items;
    size_t n;
    size_t capacity;
};

/* Appends a copy of TEXT. */
void cf_texts_add(struct cf_texts *texts, const char *text);
/* Makes TEXTS equal to FROM, by copying. */
void cf_texts_copy(struct cf_texts *texts, const struct cf_texts *from);
/* Frees the strings; the list is then empty and may be used again. */
void cf_texts_release(struct cf_texts *texts);

#endif
