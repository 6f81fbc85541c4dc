/* SPDX-License-Identifier: GPL-3.0-or-later */
/* markdown_parts: what md4c found, in the order of the text.  Private to ui/markdown*.c. */
#ifndef UI_MARKDOWN_PARTS_H
#define UI_MARKDOWN_PARTS_H

#include "markdown.h"

enum item_kind {
    ITEM_TEXT,
    ITEM_RULE,
    ITEM_CODE_BEGIN,
    ITEM_CODE_END,
    ITEM_HEADING_BEGIN,
    ITEM_HEADING_END,
    ITEM_LINK_BEGIN,
    ITEM_LINK_END,
};

struct item {
    size_t begin, end; /* of a text */
    size_t limit;      /* where the next text behind this item begins, or the text's end */
    uint16_t kind;
    uint16_t flags; /* of a text */
    char fence;     /* of code */
};

struct items {
    struct item *items;
    size_t n, capacity;
};

/* The text by md4c. */
void ui_markdown_parse(struct items *items, const char *text, size_t size, bool is_growing);
/* Items to spans and lines. */
void ui_markdown_build(struct ui_markdown *markdown, const struct items *items, const char *text,
                       size_t size);

#endif
