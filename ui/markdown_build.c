/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what md4c found to spans.  What lies between two texts is markup; it is gone through line by
 * line, so that signs at the beginning of a line are told from those within it. */
#include <string.h>

#include "markdown_parts.h"
#include "mem.h"

enum { LINK_DEPTH = 32 };

struct build {
    struct ui_markdown *out;
    const char *text;
    size_t size;
    size_t at;                  /* everything before has its span */
    bool is_line_begun;         /* at stands within a line */
    bool is_heading;            /* until its end */
    bool is_heading_begun;      /* by #s, or it has text */
    bool is_code;               /* between a block's fences */
    size_t code_indent;         /* bytes before its fence */
    bool is_inline[LINK_DEPTH]; /* of the links around: [text](address) */
    size_t n_links;
};

/* --- spans and lines -------------------------------------------------------------------------- */

static bool can_hide(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
            return false;
        }
    }
    return true;
}

static void add_span(struct build *build, size_t end, unsigned kind, const char *sign,
                     unsigned flags)
{
    struct ui_markdown *out = build->out;
    if (end == build->at && kind != UI_MARKDOWN_SIGN) {
        return;
    }
    struct ui_markdown_span *last = out->n_spans > 0 ? &out->spans[out->n_spans - 1] : NULL;
    /* Where a line begins, and its text behind signs, a span does too. */
    bool begins_line = out->n_lines > 0 && (out->lines[out->n_lines - 1].begin == build->at ||
                                            out->lines[out->n_lines - 1].hang == build->at);
    if (last != NULL && kind != UI_MARKDOWN_SIGN && last->kind == kind && last->flags == flags &&
        kind != UI_MARKDOWN_RULE && !begins_line) {
        last->end = end;
        build->at = end;
        return;
    }
    if (out->n_spans == out->spans_capacity) {
        out->spans_capacity = out->spans_capacity > 0 ? 2 * out->spans_capacity : 32;
        out->spans = cf_realloc_array(out->spans, out->spans_capacity, sizeof out->spans[0]);
    }
    out->spans[out->n_spans++] =
        (struct ui_markdown_span){build->at, end, sign, (uint16_t)kind, (uint16_t)flags};
    build->at = end;
}

static void show(struct build *build, size_t end, unsigned flags)
{
    add_span(build, end, UI_MARKDOWN_SHOWN, NULL, flags);
}

/* Hides markup; what would be lost is shown after all. */
static void hide(struct build *build, size_t end)
{
    if (can_hide(build->text + build->at, end - build->at)) {
        add_span(build, end, UI_MARKDOWN_HIDDEN, NULL, 0);
    } else {
        show(build, end, UI_MARKDOWN_FAINT);
    }
}

static void put_sign(struct build *build, size_t end, const char *sign, unsigned flags)
{
    add_span(build, end, UI_MARKDOWN_SIGN, sign, flags);
}

static void begin_line(struct build *build)
{
    struct ui_markdown *out = build->out;
    build->is_line_begun = true;
    if (out->n_lines == out->lines_capacity) {
        out->lines_capacity = out->lines_capacity > 0 ? 2 * out->lines_capacity : 32;
        out->lines = cf_realloc_array(out->lines, out->lines_capacity, sizeof out->lines[0]);
    }
    out->lines[out->n_lines++] = (struct ui_markdown_line){build->at, build->at, build->is_code};
}

static void end_prefix(struct build *build)
{
    build->out->lines[build->out->n_lines - 1].hang = build->at;
}

/* --- lines ------------------------------------------------------------------------------------ */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t line_end(const struct build *build, size_t at)
{
    const char *newline = memchr(build->text + at, '\n', build->size - at);
    return newline != NULL ? (size_t)(newline - build->text) : build->size;
}

/* Whether nothing of a word stands at AT. */
static bool is_gap_at(const struct build *build, size_t at)
{
    return at >= build->size || is_blank(build->text[at]) || build->text[at] == '\n';
}

/* The bytes of a list's marker at AT, before END; 0: none. */
static size_t marker_size(const struct build *build, size_t at, size_t end)
{
    const char *text = build->text;
    if (text[at] == '-' || text[at] == '+' || text[at] == '*') {
        return is_gap_at(build, at + 1) ? 1 : 0;
    }
    size_t n = 0;
    while (at + n < end && n < 9 && text[at + n] >= '0' && text[at + n] <= '9') {
        n++;
    }
    bool is_number = n > 0 && at + n < end && (text[at + n] == '.' || text[at + n] == ')');
    return is_number && is_gap_at(build, at + n + 1) ? n + 1 : 0;
}

static size_t skip_blanks(const struct build *build, size_t at, size_t end)
{
    while (at < end && is_blank(build->text[at])) {
        at++;
    }
    return at;
}

/* Behind what quotes, and with WITH_LISTS lists, put before a line that begins at AT. */
static size_t skip_prefix(const struct build *build, size_t at, size_t end, bool with_lists)
{
    for (;;) {
        at = skip_blanks(build, at, end);
        size_t n = at < end && build->text[at] == '>' ? 1
                   : at < end && with_lists           ? marker_size(build, at, end)
                                                      : 0;
        if (n == 0) {
            return at;
        }
        at += n;
    }
}

/* The bar of a quote, apart from what follows it. */
static void put_quote_bar(struct build *build, unsigned flags)
{
    bool has_blank = build->at + 1 < build->size && is_blank(build->text[build->at + 1]);
    put_sign(build, build->at + 1, has_blank ? UI_MARKDOWN_QUOTE_BAR : UI_MARKDOWN_QUOTE_BAR " ",
             UI_MARKDOWN_MARK | UI_MARKDOWN_QUOTE | flags);
}

/* The signs at the beginning of a line of text, up to END. */
static void put_prefix(struct build *build, size_t end)
{
    begin_line(build);
    while (build->at < end) {
        char c = build->text[build->at];
        size_t n;
        if (is_blank(c)) {
            show(build, skip_blanks(build, build->at, end), 0);
        } else if (c == '>') {
            put_quote_bar(build, 0);
        } else if ((n = marker_size(build, build->at, end)) > 0) {
            if (n == 1) {
                put_sign(build, build->at + 1, "•", UI_MARKDOWN_MARK);
            } else {
                show(build, build->at + n, UI_MARKDOWN_MARK);
            }
        } else {
            break;
        }
    }
    end_prefix(build);
    size_t n = 0;
    while (build->is_heading && build->at + n < end && build->text[build->at + n] == '#') {
        n++;
    }
    if (n > 0 && build->at + n < end && is_blank(build->text[build->at + n])) {
        build->is_heading_begun = true;
        hide(build, skip_blanks(build, build->at + n, end));
        end_prefix(build);
    }
}

/* What stands before a line of code: up to as much as stood before its fence, then a bar. */
static void put_code_prefix(struct build *build, size_t end)
{
    static const char blanks[] = "                ";
    begin_line(build);
    size_t i = 0;
    for (; i < build->code_indent && build->at < end; i++) {
        char c = build->text[build->at];
        if (is_blank(c)) {
            show(build, build->at + 1, UI_MARKDOWN_BLOCK | UI_MARKDOWN_MARK);
        } else if (c == '>') {
            put_quote_bar(build, UI_MARKDOWN_BLOCK);
        } else {
            break;
        }
    }
    if (i < build->code_indent) {
        size_t n =
            build->code_indent - i < sizeof blanks ? build->code_indent - i : sizeof blanks - 1;
        put_sign(build, build->at, blanks + sizeof blanks - 1 - n,
                 UI_MARKDOWN_BLOCK | UI_MARKDOWN_MARK);
    }
    put_sign(build, build->at, UI_MARKDOWN_CODE_BAR " ", UI_MARKDOWN_BLOCK | UI_MARKDOWN_MARK);
    end_prefix(build);
}

static void end_line(struct build *build)
{
    show(build, build->at + 1, build->is_code ? UI_MARKDOWN_BLOCK : 0U);
    build->is_line_begun = false;
}

/* Goes over markup up to END, at most; a line of which nothing is known is shown as it is. */
static void put_gap(struct build *build, size_t end)
{
    while (build->at < end) {
        size_t stop = line_end(build, build->at);
        size_t to = stop < end ? stop : end;
        bool is_begun = build->is_line_begun;
        if (!is_begun && build->is_code) {
            put_code_prefix(build, to);
        } else if (!is_begun) {
            put_prefix(build, to);
        }
        if (build->is_code) {
            show(build, to, UI_MARKDOWN_BLOCK);
        } else if (!is_begun && to == stop) {
            show(build, to, 0);
        } else {
            hide(build, to);
        }
        if (to == stop && stop < end) {
            end_line(build);
        }
    }
}

/* The same to the beginning of the next line, if that is not behind LIMIT. */
static bool put_rest_of_line(struct build *build, size_t limit)
{
    if (build->is_line_begun) {
        size_t stop = line_end(build, build->at);
        if (stop >= limit) {
            return false;
        }
        put_gap(build, stop + 1);
    }
    return build->at < limit;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static bool is_fence(const struct build *build, size_t at, size_t end, char fence, size_t *behind)
{
    size_t n = 0;
    while (at + n < end && build->text[at + n] == fence) {
        n++;
    }
    *behind = at + n;
    return n >= 3;
}

/* Hides the line from AT on, with its newline when it has nothing else. */
static void hide_line(struct build *build, size_t end)
{
    bool is_whole = !build->is_line_begun;
    hide(build, is_whole && end < build->size ? end + 1 : end);
    if (!is_whole && end < build->size) {
        end_line(build);
    }
}

/* The line of a fence, whose sign stands at SIGN: as the code's language, if it names one. */
static void put_fence(struct build *build, size_t sign, size_t behind, size_t end)
{
    size_t info = skip_blanks(build, behind, end);
    size_t info_end = end;
    while (info_end > info && is_blank(build->text[info_end - 1])) {
        info_end--;
    }
    bool has_marker = skip_prefix(build, build->at, sign, false) < sign;
    build->code_indent = sign - build->at;
    if (info == info_end && !has_marker) {
        hide_line(build, end);
        return;
    }
    put_prefix(build, sign);
    if (info < info_end) {
        put_sign(build, info, "‹", UI_MARKDOWN_FAINT);
        show(build, info_end, UI_MARKDOWN_FAINT);
        put_sign(build, info_end, "›", UI_MARKDOWN_FAINT);
    }
    hide(build, end);
    if (end < build->size) {
        end_line(build);
    }
}

static void begin_code(struct build *build, const struct item *item)
{
    for (bool is_there = put_rest_of_line(build, item->limit); is_there;
         is_there = build->at < item->limit) {
        size_t end = line_end(build, build->at);
        size_t sign = skip_prefix(build, build->at, end, true);
        size_t behind;
        if (is_fence(build, sign, end, item->fence, &behind)) {
            put_fence(build, sign, behind, end);
            build->is_code = true;
            return;
        }
        put_gap(build, end < build->size ? end + 1 : end);
    }
}

/* Up to the fence that ends it; blank lines before that are code. */
static void end_code(struct build *build, const struct item *item)
{
    if (!build->is_code) {
        return;
    }
    if (build->is_line_begun && !put_rest_of_line(build, item->limit)) {
        size_t stop = line_end(build, build->at);
        put_gap(build, stop < item->limit ? stop : item->limit);
        build->is_code = false;
        return;
    }
    for (size_t at = build->at; at < item->limit;) {
        size_t end = line_end(build, at);
        size_t sign = skip_prefix(build, at, end, false);
        size_t behind;
        if (is_fence(build, sign, end, item->fence, &behind) &&
            skip_blanks(build, behind, end) == end) {
            put_gap(build, at);
            build->is_code = false;
            hide_line(build, end);
            return;
        }
        if (sign < end) {
            break;
        }
        at = end + 1;
    }
    build->is_code = false;
}

/* Whether [at, end) is three or more of one sign, blanks aside. */
static bool is_rule(const struct build *build, size_t at, size_t end)
{
    size_t n = 0;
    for (size_t i = at; i < end; i++) {
        if (!is_blank(build->text[i])) {
            n += build->text[i] == build->text[at] ? 1U : end;
        }
    }
    return at < end && n >= 3 && n < end && strchr("-*_", build->text[at]) != NULL;
}

static void put_rule(struct build *build, const struct item *item)
{
    for (bool is_there = put_rest_of_line(build, item->limit); is_there;
         is_there = build->at < item->limit) {
        size_t end = line_end(build, build->at);
        size_t sign = skip_prefix(build, build->at, end, false);
        while (sign < end && !is_rule(build, sign, end)) {
            size_t n = marker_size(build, sign, end);
            sign = n > 0 ? skip_prefix(build, sign + n, end, false) : end;
        }
        if (sign < end) {
            put_prefix(build, sign);
            hide(build, sign);
            add_span(build, end, UI_MARKDOWN_RULE, NULL, UI_MARKDOWN_FAINT);
            if (end < build->size) {
                end_line(build);
            }
            return;
        }
        put_gap(build, end < build->size ? end + 1 : end);
    }
}

/* The line of = or - below a heading that was not begun with #s. */
static void end_heading(struct build *build, const struct item *item)
{
    bool is_begun = build->is_heading_begun;
    build->is_heading = false;
    if (is_begun || !put_rest_of_line(build, item->limit)) {
        return;
    }
    size_t end = line_end(build, build->at);
    size_t sign = skip_prefix(build, build->at, end, false);
    size_t at = sign;
    while (at < end && (build->text[at] == '=' || build->text[at] == '-') &&
           build->text[at] == build->text[sign]) {
        at++;
    }
    if (at > sign && skip_blanks(build, at, end) == end) {
        hide_line(build, end);
    }
}

/* --- links ------------------------------------------------------------------------------------ */

static void begin_link(struct build *build, const struct item *item)
{
    /* What was found before may reach further than this: then no bracket is left for it. */
    bool is_inline = item->limit > build->at &&
                     memchr(build->text + build->at, '[', item->limit - build->at) != NULL;
    if (build->n_links < LINK_DEPTH) {
        build->is_inline[build->n_links] = is_inline;
    }
    build->n_links++;
}

/* Behind the `)' of an address with or without a title that begins at AT; LIMIT: not found. */
static size_t skip_address(const struct build *build, size_t at, size_t limit)
{
    int depth = 1;
    char quote = '\0';
    for (; at < limit; at++) {
        char c = build->text[at];
        if (c == '\\' && at + 1 < limit) {
            at++;
        } else if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
        } else if ((c == '"' || c == '\'') &&
                   (is_blank(build->text[at - 1]) || build->text[at - 1] == '\n')) {
            quote = c;
        } else if (c == '<' && build->text[at - 1] == '(') {
            quote = '>';
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && --depth == 0) {
            return at + 1;
        }
    }
    return limit;
}

static void show_lines(struct build *build, size_t end, unsigned flags)
{
    while (build->at < end) {
        size_t stop = line_end(build, build->at);
        if (!build->is_line_begun) {
            begin_line(build);
        }
        show(build, stop < end ? stop : end, flags);
        if (stop < end) {
            end_line(build);
        }
    }
}

/* The address behind a link's text, apart from it and faint. */
static void end_link(struct build *build, const struct item *item)
{
    build->n_links -= build->n_links > 0;
    if (build->n_links >= LINK_DEPTH || !build->is_inline[build->n_links]) {
        return;
    }
    size_t at = build->at;
    while (at + 1 < item->limit && (build->text[at] != ']' || build->text[at + 1] != '(')) {
        at++;
    }
    if (at + 1 >= item->limit) {
        return;
    }
    size_t end = skip_address(build, at + 2, item->limit);
    put_gap(build, at);
    if (!build->is_line_begun) {
        begin_line(build);
    }
    if (end == at + 3) { /* no address */
        hide(build, end);
        return;
    }
    put_sign(build, at + 2, " (", UI_MARKDOWN_FAINT);
    show_lines(build, end, UI_MARKDOWN_FAINT);
}

/* --- the whole -------------------------------------------------------------------------------- */

static void put_text(struct build *build, const struct item *item)
{
    put_gap(build, item->begin);
    if (!build->is_line_begun && build->is_code) {
        put_code_prefix(build, build->at);
    } else if (!build->is_line_begun) {
        begin_line(build);
    }
    build->is_heading_begun = build->is_heading_begun || !build->is_heading;
    show_lines(build, item->end, item->flags);
}

void ui_markdown_build(struct ui_markdown *markdown, const struct items *items, const char *text,
                       size_t size)
{
    struct build build = {.out = markdown, .text = text, .size = size};
    for (size_t i = 0; i < items->n; i++) {
        const struct item *item = &items->items[i];
        switch ((enum item_kind)item->kind) {
        case ITEM_TEXT:
            if (item->begin >= build.at) {
                put_text(&build, item);
            }
            break;
        case ITEM_RULE:
            put_rule(&build, item);
            break;
        case ITEM_CODE_BEGIN:
            begin_code(&build, item);
            break;
        case ITEM_CODE_END:
            end_code(&build, item);
            break;
        case ITEM_HEADING_BEGIN:
            build.is_heading = true;
            build.is_heading_begun = false;
            break;
        case ITEM_HEADING_END:
            end_heading(&build, item);
            break;
        case ITEM_LINK_BEGIN:
            begin_link(&build, item);
            break;
        case ITEM_LINK_END:
            end_link(&build, item);
            break;
        }
    }
    put_gap(&build, size);
}
