/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "texts.h"

#include <stdlib.h>

#include "mem.h"

void cf_texts_add(struct cf_texts *texts, const char *text)
{
    char *copy = cf_strdup(text);
    if (texts->n == texts->capacity) {
        texts->capacity = texts->capacity == 0 ? 4 : 2 * texts->capacity;
        texts->items = cf_realloc_array(texts->items, texts->capacity, sizeof *texts->items);
    }
    texts->items[texts->n++] = copy;
}

void cf_texts_copy(struct cf_texts *texts, const struct cf_texts *from)
{
    if (texts == from) {
        return;
    }
    cf_texts_release(texts);
    for (size_t i = 0; i < from->n; i++) {
        cf_texts_add(texts, from->items[i]);
    }
}

void cf_texts_release(struct cf_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        free(texts->items[i]);
    }
    free(texts->items);
    *texts = (struct cf_texts){.items = NULL};
}
