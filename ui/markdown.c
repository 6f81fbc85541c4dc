/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "markdown.h"

#include <md4c.h>
#include <stdlib.h>
#include <string.h>

#include "markdown_parts.h"
#include "mem.h"

/* What md4c tells, while it tells it. */
struct parse {
    struct items *out;
    const char *text; /* the copy that md4c reads */
    size_t size;
    size_t at; /* behind the last text */
    int n_strong, n_emphasis, n_code, n_link, n_quote;
    unsigned heading; /* level; 0: none */
    bool is_block;
};

/* --- md4c's calls ----------------------------------------------------------------------------- */

static void add(struct parse *parse, struct item item)
{
    struct items *out = parse->out;
    if (out->n == out->capacity) {
        out->capacity = out->capacity > 0 ? 2 * out->capacity : 32;
        out->items = cf_realloc_array(out->items, out->capacity, sizeof out->items[0]);
    }
    out->items[out->n++] = item;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *user)
{
    struct parse *parse = user;
    if (type == MD_BLOCK_QUOTE) {
        parse->n_quote++;
    } else if (type == MD_BLOCK_H) {
        parse->heading = ((MD_BLOCK_H_DETAIL *)detail)->level;
        add(parse, (struct item){.kind = ITEM_HEADING_BEGIN});
    } else if (type == MD_BLOCK_CODE) {
        parse->is_block = true;
        char fence = ((MD_BLOCK_CODE_DETAIL *)detail)->fence_char;
        add(parse, (struct item){.kind = ITEM_CODE_BEGIN, .fence = fence});
    } else if (type == MD_BLOCK_HR) {
        add(parse, (struct item){.kind = ITEM_RULE});
    }
    return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *user)
{
    struct parse *parse = user;
    if (type == MD_BLOCK_QUOTE) {
        parse->n_quote--;
    } else if (type == MD_BLOCK_H) {
        parse->heading = 0;
        add(parse, (struct item){.kind = ITEM_HEADING_END});
    } else if (type == MD_BLOCK_CODE) {
        parse->is_block = false;
        char fence = ((MD_BLOCK_CODE_DETAIL *)detail)->fence_char;
        add(parse, (struct item){.kind = ITEM_CODE_END, .fence = fence});
    }
    return 0;
}

static int *count_of(struct parse *parse, MD_SPANTYPE type)
{
    switch (type) {
    case MD_SPAN_EM:
        return &parse->n_emphasis;
    case MD_SPAN_STRONG:
        return &parse->n_strong;
    case MD_SPAN_CODE:
        return &parse->n_code;
    case MD_SPAN_A:
    case MD_SPAN_IMG:
        return &parse->n_link;
    case MD_SPAN_DEL:
    case MD_SPAN_LATEXMATH:
    case MD_SPAN_LATEXMATH_DISPLAY:
    case MD_SPAN_WIKILINK:
    case MD_SPAN_U:
        break;
    }
    return NULL;
}

static int enter_span(MD_SPANTYPE type, void *detail, void *user)
{
    (void)detail;
    struct parse *parse = user;
    int *count = count_of(parse, type);
    if (count != NULL) {
        (*count)++;
    }
    if (count == &parse->n_link) {
        add(parse, (struct item){.kind = ITEM_LINK_BEGIN});
    }
    return 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *user)
{
    (void)detail;
    struct parse *parse = user;
    int *count = count_of(parse, type);
    if (count != NULL) {
        (*count)--;
    }
    if (count == &parse->n_link) {
        add(parse, (struct item){.kind = ITEM_LINK_END});
    }
    return 0;
}

static unsigned flags_of(const struct parse *parse)
{
    return (parse->n_strong > 0 ? UI_MARKDOWN_STRONG : 0U) |
           (parse->n_emphasis > 0 ? UI_MARKDOWN_EMPHASIS : 0U) |
           (parse->n_code > 0 ? UI_MARKDOWN_CODE : 0U) |
           (parse->n_link > 0 ? UI_MARKDOWN_LINK : 0U) |
           (parse->n_quote > 0 ? UI_MARKDOWN_QUOTE : 0U) |
           (parse->is_block ? UI_MARKDOWN_BLOCK : 0U) |
           (parse->heading > 0 ? UI_MARKDOWN_HEADING : 0U) |
           (parse->heading == 1 ? UI_MARKDOWN_TITLE : 0U);
}

/* Text that md4c made itself (line ends, indents of code) does not point into ours. */
static int take_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *user)
{
    (void)type;
    struct parse *parse = user;
    uintptr_t base = (uintptr_t)parse->text;
    uintptr_t place = (uintptr_t)text;
    if (size == 0 || place < base || place - base > parse->size) {
        return 0;
    }
    size_t begin = place - base;
    if (begin < parse->at || size > parse->size - begin) {
        return 0;
    }
    add(parse, (struct item){.begin = begin,
                             .end = begin + size,
                             .kind = ITEM_TEXT,
                             .flags = (uint16_t)flags_of(parse)});
    parse->at = begin + size;
    return 0;
}

/* --- the copy that is parsed ------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes their meaning from signs that would hide something, byte by byte, so that places stay:
 * definitions of references are not shown by md4c at all, and a star between digits multiplies. */
static void disarm(char *copy, size_t size)
{
    for (size_t i = 1; i < size; i++) {
        if (copy[i] == ':' && copy[i - 1] == ']') {
            copy[i] = ';';
        } else if (copy[i] == '*' && is_digit(copy[i - 1]) && i + 1 < size &&
                   is_digit(copy[i + 1])) {
            copy[i] = 'x';
        }
    }
}

/* The same for a last line that is not whole and holds nothing but markup: it may become anything,
 * and what it stands for would come and go while it is written. */
static void disarm_end(char *copy, size_t size)
{
    size_t begin = size;
    while (begin > 0 && copy[begin - 1] != '\n') {
        begin--;
        if (strchr("-=*_+#>`~0123456789.) \t", copy[begin]) == NULL) {
            return;
        }
    }
    for (size_t i = begin; i < size; i++) {
        copy[i] = copy[i] == ' ' || copy[i] == '\t' ? copy[i] : 'x';
    }
}

void ui_markdown_parse(struct items *items, const char *text, size_t size, bool is_growing)
{
    static const MD_PARSER parser = {
        .flags = MD_FLAG_NOHTML | MD_FLAG_NOINDENTEDCODEBLOCKS | MD_FLAG_PERMISSIVEURLAUTOLINKS,
        .enter_block = enter_block,
        .leave_block = leave_block,
        .enter_span = enter_span,
        .leave_span = leave_span,
        .text = take_text,
    };
    char *copy = cf_memdup_str(text, size);
    disarm(copy, size);
    if (is_growing) {
        disarm_end(copy, size);
    }
    struct parse parse = {.out = items, .text = copy, .size = size};
    items->n = 0;
    /* Fails only for want of memory, or by our calls: what was found until then is good. */
    md_parse(copy, (MD_SIZE)size, &parser, &parse);
    size_t limit = size;
    for (size_t i = items->n; i-- > 0;) {
        items->items[i].limit = limit;
        limit = items->items[i].kind == ITEM_TEXT ? items->items[i].begin : limit;
    }
    free(copy);
}

const char *ui_markdown_library(void)
{
    return "md4c " MD4C_VERSION;
}

/* --- the whole -------------------------------------------------------------------------------- */

void ui_markdown_release(struct ui_markdown *markdown)
{
    free(markdown->spans);
    free(markdown->lines);
    *markdown = (struct ui_markdown){0};
}

bool ui_markdown_render(struct ui_markdown *markdown, const char *text, size_t size,
                        bool is_growing)
{
    markdown->n_spans = 0;
    markdown->n_lines = 0;
    if (size > UI_MARKDOWN_MAX) {
        return false;
    }
    struct items items = {0};
    ui_markdown_parse(&items, text, size, is_growing);
    ui_markdown_build(markdown, &items, text, size);
    free(items.items);
    return true;
}

/* --- blocks of code --------------------------------------------------------------------------- */

size_t ui_markdown_codes(const struct ui_markdown *markdown, struct ui_markdown_code *codes,
                         size_t max)
{
    size_t n = 0;
    bool was_code = false;
    for (size_t i = 0; i < markdown->n_spans; i++) {
        const struct ui_markdown_span *span = &markdown->spans[i];
        bool is_code = (span->flags & UI_MARKDOWN_BLOCK) != 0;
        if (is_code && !was_code) {
            n++;
            if (n <= max) {
                codes[n - 1].begin = span->begin;
            }
        }
        if (is_code && n <= max) {
            codes[n - 1].end = span->end;
        }
        was_code = is_code;
    }
    return n;
}

void ui_markdown_copy_code(const struct ui_markdown *markdown, const char *text,
                           const struct ui_markdown_code *code, struct cf_buf *out)
{
    for (size_t i = 0; i < markdown->n_spans; i++) {
        const struct ui_markdown_span *span = &markdown->spans[i];
        if (span->begin >= code->begin && span->end <= code->end &&
            span->kind == UI_MARKDOWN_SHOWN && !(span->flags & UI_MARKDOWN_MARK)) {
            cf_buf_add(out, text + span->begin, span->end - span->begin);
        }
    }
}

void ui_markdown_assert_sane(const struct ui_markdown *markdown, const char *text, size_t size)
{
    size_t at = 0;
    size_t line = 0;
    for (size_t i = 0; i < markdown->n_spans; i++) {
        const struct ui_markdown_span *span = &markdown->spans[i];
        assert(span->begin == at && span->end >= at && span->end <= size);
        assert(span->kind == UI_MARKDOWN_SIGN || span->end > span->begin);
        assert((span->kind == UI_MARKDOWN_SIGN) == (span->sign != NULL));
        for (; at < span->end && span->kind != UI_MARKDOWN_SHOWN; at++) {
            unsigned char c = (unsigned char)text[at];
            assert(c < 0x80 && !is_digit((char)c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'));
            assert(c != '\n' || span->kind == UI_MARKDOWN_HIDDEN);
        }
        at = span->end;
        for (; line < markdown->n_lines && markdown->lines[line].begin <= span->begin; line++) {
            assert(markdown->lines[line].begin == span->begin);
            assert(markdown->lines[line].hang >= span->begin && markdown->lines[line].hang <= size);
        }
    }
    assert(at == size && line == markdown->n_lines);
    for (size_t i = 1; i < markdown->n_lines; i++) {
        assert(markdown->lines[i].begin > markdown->lines[i - 1].begin);
    }
}
