/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Characters, grapheme clusters and scripts.  Properties come from libunistring. */
#include "text.h"

#include <string.h>

#include <unictype.h>
#include <unigbrk.h>
#include <unistr.h>

static const uint8_t *as_u8(const char *text)
{
    return (const uint8_t *)text;
}

size_t cf_text_decode(uint32_t *c, const char *text, size_t size)
{
    if (size == 0) {
        *c = 0;
        return 0;
    }
    if ((unsigned char)text[0] < 0x80) {
        *c = (unsigned char)text[0];
        return 1;
    }
    ucs4_t u = 0;
    int n = u8_mbtoucr(&u, as_u8(text), size);
    if (n < 1) {
        *c = CF_TEXT_REPLACEMENT;
        return 1;
    }
    *c = u;
    return (size_t)n;
}

size_t cf_text_encode(char out[4], uint32_t c)
{
    uint8_t bytes[6];
    int n = u8_uctomb(bytes, c, sizeof bytes);
    if (n < 1) {
        n = u8_uctomb(bytes, CF_TEXT_REPLACEMENT, sizeof bytes);
    }
    memcpy(out, bytes, (size_t)n);
    return (size_t)n;
}

bool cf_text_is_valid(const char *text, size_t size)
{
    return u8_check(as_u8(text), size) == NULL;
}

size_t cf_text_unfinished(const char *text, size_t size)
{
    for (size_t n = 1; n <= 3 && n <= size; n++) {
        unsigned char byte = (unsigned char)text[size - n];
        if ((byte & 0xC0) == 0x80) {
            continue;
        }
        ucs4_t u = 0;
        return byte >= 0xC0 && u8_mbtoucr(&u, as_u8(text + size - n), n) == -2 ? n : 0;
    }
    return 0;
}

void cf_text_make_valid(struct cf_buf *out, const char *text, size_t size)
{
    while (size > 0) {
        const uint8_t *bad = u8_check(as_u8(text), size);
        size_t n_good = bad == NULL ? size : (size_t)(bad - as_u8(text));
        cf_buf_add(out, text, n_good);
        text += n_good;
        size -= n_good;
        if (size > 0) {
            cf_buf_add_str(out, "\xEF\xBF\xBD");
            text++;
            size--;
        }
    }
}

/* The first character of TEXT before AT, and its size. */
static size_t decode_before(uint32_t *c, const char *text, size_t at)
{
    for (size_t n = 1; n <= 4 && n <= at; n++) {
        if (((unsigned char)text[at - n] & 0xC0) != 0x80) {
            if (cf_text_decode(c, text + at - n, n) == n) {
                return n;
            }
            break;
        }
    }
    *c = CF_TEXT_REPLACEMENT;
    return at > 0 ? 1 : 0;
}

/* -- Grapheme clusters: UAX 29, rules GB3 to GB999 -------------------------------------------- */

/* What the text before a character tells about a break before it. */
struct grapheme_state {
    uint32_t last;
    int last_property;
    bool is_pictograph;  /* last is an extended pictograph, or one, Extend* and ZWJ (GB11) */
    bool is_half_a_flag; /* an odd number of regional indicators precedes (GB12, GB13) */
};

static void grapheme_start(struct grapheme_state *state, uint32_t c)
{
    state->last = c;
    state->last_property = uc_graphemeclusterbreak_property(c);
    state->is_pictograph = uc_is_property_extended_pictographic(c);
    state->is_half_a_flag = state->last_property == GBP_RI;
}

static bool is_control(int property)
{
    return property == GBP_CONTROL || property == GBP_CR || property == GBP_LF;
}

/* Hangul syllables: GB6 to GB8. */
static bool hangul_joins(int last, int next)
{
    switch (last) {
    case GBP_L:
        return next == GBP_L || next == GBP_V || next == GBP_LV || next == GBP_LVT;
    case GBP_LV:
    case GBP_V:
        return next == GBP_V || next == GBP_T;
    case GBP_LVT:
    case GBP_T:
        return next == GBP_T;
    default:
        return false;
    }
}

/* Whether NEXT joins the cluster; the state then moves on over it. */
static bool grapheme_joins(struct grapheme_state *state, uint32_t next)
{
    int last_property = state->last_property;
    int property = uc_graphemeclusterbreak_property(next);
    bool is_pictograph = uc_is_property_extended_pictographic(next);
    bool joins = false;
    bool stays_pictograph = is_pictograph;
    if (is_control(last_property) || is_control(property)) {
        joins = last_property == GBP_CR && property == GBP_LF;
    } else if (property == GBP_EXTEND || property == GBP_ZWJ) {
        joins = true;
        stays_pictograph = state->is_pictograph && last_property != GBP_ZWJ;
    } else if (property == GBP_SPACINGMARK || last_property == GBP_PREPEND) {
        joins = true;
    } else if (is_pictograph) {
        joins = last_property == GBP_ZWJ && state->is_pictograph;
    } else if (property == GBP_RI) {
        joins = state->is_half_a_flag;
    } else {
        joins = hangul_joins(last_property, property);
    }
    state->is_half_a_flag = property == GBP_RI && !(joins && state->is_half_a_flag);
    state->is_pictograph = stays_pictograph;
    state->last = next;
    state->last_property = property;
    return joins;
}

size_t cf_text_next_grapheme(const char *text, size_t size, size_t at)
{
    if (at >= size) {
        return size;
    }
    uint32_t c = 0;
    at += cf_text_decode(&c, text + at, size - at);
    struct grapheme_state state;
    grapheme_start(&state, c);
    while (at < size) {
        size_t n = cf_text_decode(&c, text + at, size - at);
        if (!grapheme_joins(&state, c)) {
            break;
        }
        at += n;
    }
    return at;
}

/* Whether a break between the two needs no look further back. */
static bool breaks_for_sure(uint32_t last, uint32_t next)
{
    struct grapheme_state state;
    grapheme_start(&state, last);
    /* What might join with another history: flags, and a pictograph behind a ZWJ. */
    if (state.last_property == GBP_RI || state.last_property == GBP_ZWJ) {
        return false;
    }
    return !grapheme_joins(&state, next);
}

size_t cf_text_prev_grapheme(const char *text, size_t size, size_t at)
{
    at = at < size ? at : size;
    if (at == 0) {
        return 0;
    }
    uint32_t next = 0;
    size_t start = at - decode_before(&next, text, at);
    while (start > 0) {
        uint32_t last = 0;
        size_t n = decode_before(&last, text, start);
        if (breaks_for_sure(last, next)) {
            break;
        }
        next = last;
        start -= n;
    }
    for (;;) {
        size_t end = cf_text_next_grapheme(text, at, start);
        if (end >= at) {
            return start;
        }
        start = end;
    }
}

/* -- Scripts ---------------------------------------------------------------------------------- */

bool cf_text_is_unspaced_script(uint32_t c)
{
    static const char *const names[] = {
        "Han",      "Hiragana", "Katakana", "Bopomofo", "Yi",       "Thai",
        "Lao",      "Khmer",    "Myanmar",  "Tai_Le",   "Tai_Viet", "New_Tai_Lue",
        "Javanese", "Tai_Tham", "Balinese", "Tangut",   "Nushu",    "Khitan_Small_Script",
    };
    if (c < 0xE00) {
        return false;
    }
    /* Marks that several scripts share: the Kana length and repeat marks, 〆 and 〼. */
    if (c == 0x30FC || c == 0xFF70 || c == 0x3006 || c == 0x303C || (c >= 0x3031 && c <= 0x3035)) {
        return true;
    }
    const uc_script_t *script = uc_script(c);
    for (size_t i = 0; script != NULL && i < CF_ARRAY_SIZE(names); i++) {
        if (strcmp(script->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}
