/* SPDX-License-Identifier: GPL-3.0-or-later */
/* markdown: a light rendering of Markdown (through md4c), as spans over the bytes of the text.
 *
 * It is the source, line by line and in its order: what only marks something up is hidden or shown
 * as another sign (a bullet, a bar before a quote or code), everything else stays and has flags.
 * So a place of the text has its place in the rendering and the other way round, and rows above do
 * not move when text is added below them.  Emphasis, headings, lists, quotes, rules, code and links
 * are rendered; HTML, tables, references and what is not closed is text.
 *
 * Invariants (ui_markdown_assert_sane, tested on any bytes):
 *  1. the spans cover the text from its first byte to its last, in order, without gaps;
 *  2. no letter, no digit and no byte above 0x7f is ever hidden, nor a newline but that of a line
 *     of nothing but markup;
 *  3. lines ascend, and each begins where a span begins.
 * Texts above UI_MARKDOWN_MAX are not rendered at all: md4c 0.4.8 looks up the line of a bracket
 * one by one, so that the worst of texts takes a time that grows with the square of its lines. */
#ifndef UI_MARKDOWN_H
#define UI_MARKDOWN_H

#include "buf.h"

enum { UI_MARKDOWN_MAX = 64 * 1024 };

enum ui_markdown_flag {
    UI_MARKDOWN_STRONG = 1 << 0,
    UI_MARKDOWN_EMPHASIS = 1 << 1,
    UI_MARKDOWN_CODE = 1 << 2,  /* within a line */
    UI_MARKDOWN_BLOCK = 1 << 3, /* of code */
    UI_MARKDOWN_LINK = 1 << 4,
    UI_MARKDOWN_HEADING = 1 << 5,
    UI_MARKDOWN_TITLE = 1 << 6, /* a heading of the first level, beside UI_MARKDOWN_HEADING */
    UI_MARKDOWN_QUOTE = 1 << 7,
    UI_MARKDOWN_MARK = 1 << 8,  /* a bullet, a number, a bar */
    UI_MARKDOWN_FAINT = 1 << 9, /* a link's address, a code's language */
};

enum ui_markdown_kind {
    UI_MARKDOWN_SHOWN,
    UI_MARKDOWN_HIDDEN,
    UI_MARKDOWN_SIGN, /* `sign' is shown in its place */
    UI_MARKDOWN_RULE, /* a line across in its place */
};

/* The signs that begin a line: of a quote, of code; and what stands for the latter on the rows that
 * a long line of code goes on. */
#define UI_MARKDOWN_QUOTE_BAR "▎"
#define UI_MARKDOWN_CODE_BAR "│"
#define UI_MARKDOWN_CODE_ON "↪"

struct ui_markdown_span {
    size_t begin, end; /* bytes of the text; equal for a sign that is only added */
    const char *sign;  /* constant */
    uint16_t kind;     /* enum ui_markdown_kind */
    uint16_t flags;    /* enum ui_markdown_flag */
};

/* A line of the rendering. */
struct ui_markdown_line {
    size_t begin;
    size_t hang;  /* the text behind this byte hangs: rows that go on the line stand below it */
    bool is_code; /* its rows are cut at the edge, not between words */
};

struct ui_markdown {
    struct ui_markdown_span *spans;
    size_t n_spans, spans_capacity;
    struct ui_markdown_line *lines;
    size_t n_lines, lines_capacity;
};

/* "md4c 0.4.8", as confab was built with it. */
const char *ui_markdown_library(void);

/* Zero-initialised is empty. */
void ui_markdown_release(struct ui_markdown *markdown);
/* Renders TEXT, which is safe to show.  IS_GROWING: more will come, so a last line of nothing but
 * markup yet is text.  False: not rendered, it is too large. */
bool ui_markdown_render(struct ui_markdown *markdown, const char *text, size_t size,
                        bool is_growing);

/* A block of code: its lines without fences, and without what a quote puts before them. */
struct ui_markdown_code {
    size_t begin, end; /* of the text: the first line's beginning, behind the last one's end */
};
/* Finds the code blocks of a rendered text, up to MAX; returns how many there are. */
size_t ui_markdown_codes(const struct ui_markdown *markdown, struct ui_markdown_code *codes,
                         size_t max);
/* Appends the code of a block as it was written. */
void ui_markdown_copy_code(const struct ui_markdown *markdown, const char *text,
                           const struct ui_markdown_code *code, struct cf_buf *out);

void ui_markdown_assert_sane(const struct ui_markdown *markdown, const char *text, size_t size);

#endif
