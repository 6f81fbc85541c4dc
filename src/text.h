/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text: UTF-8 as people and terminals see it: characters, grapheme clusters, columns, line breaks,
 * and the text of strangers made safe to show.
 *
 * Every function takes any bytes, NULs and invalid UTF-8 included, and reads nothing past SIZE.
 * Positions are byte offsets.  Nothing depends on the process's locale.  A byte that is no part of
 * valid UTF-8 counts as a character of its own, one column wide (drawn as U+FFFD).
 *
 * Width has one owner, this module: columns are counted per code point, as terminals, tmux and
 * libvterm do, never per grapheme.  So a family of emoji joined by ZWJ is three pictures wide, and
 * what is drawn (struct cf_cell_text) is a base character with at most four marks. */
#ifndef CF_TEXT_H
#define CF_TEXT_H

#include "buf.h"

enum {
    CF_TEXT_REPLACEMENT = 0xFFFD,
    CF_TEXT_TAB = 8,        /* columns from one tab stop to the next */
    CF_TEXT_CELL_CHARS = 5, /* a base character and four marks: what curses keeps in a cell */
};

/* -- Characters ------------------------------------------------------------------------------- */

/* The first character of TEXT and how many bytes it takes (0 only when size is 0).  A byte that is
 * not valid UTF-8, or the start of a character that TEXT does not finish, gives *c =
 * CF_TEXT_REPLACEMENT and 1; a U+FFFD that is really there gives 3. */
size_t cf_text_decode(uint32_t *c, const char *text, size_t size);
/* Writes C as UTF-8 and returns the number of bytes; what is no Unicode scalar value becomes
 * CF_TEXT_REPLACEMENT. */
size_t cf_text_encode(char out[4], uint32_t c);
bool cf_text_is_valid(const char *text, size_t size);
/* How many bytes at the end (0 to 3) are the beginning of a character that further bytes could
 * make valid. */
size_t cf_text_unfinished(const char *text, size_t size);
/* Appends TEXT with each invalid byte replaced by U+FFFD. */
void cf_text_make_valid(struct cf_buf *out, const char *text, size_t size);

/* The end of the grapheme cluster (UAX 29, extended) that begins at AT, and the beginning of the
 * one that ends at AT; SIZE and 0 at the edges.  For moving a cursor. */
size_t cf_text_next_grapheme(const char *text, size_t size, size_t at);
size_t cf_text_prev_grapheme(const char *text, size_t size, size_t at);

/* Whether C belongs to a script that is written without spaces between words (Han, Hiragana,
 * Katakana, Bopomofo, Yi, Thai, Lao, Khmer, Myanmar and their kin; not Hangul).  For the search
 * index. */
bool cf_text_is_unspaced_script(uint32_t c);

/* -- Columns ---------------------------------------------------------------------------------- */

/* Columns of one code point: 0, 1 or 2; -1 for controls, surrogates and unassigned code points,
 * which are drawn as U+FFFD.  Equal to glibc's wcwidth in C.UTF-8; see text_cell.c. */
int cf_text_char_width(uint32_t c);

/* What one step of drawing puts on the screen: a character with its marks. */
struct cf_cell_text {
    uint32_t chars[CF_TEXT_CELL_CHARS]; /* base first; unused ones are 0 */
    int n_chars;                        /* 1 to 5; 0 when only left-out characters were left */
    int width;                          /* 1 or 2; 0 when n_chars is 0 */
};

/* The first cell of TEXT and how many bytes it takes (0 only when size is 0).  ZWJ, variation
 * selectors, soft hyphens and other characters that are seen only by their effect are left out;
 * marks beyond the fourth too; a mark with nothing before it stands on a space; what cannot be
 * drawn (width -1, invalid bytes) is U+FFFD.  Tab and newline are cells of their own, with
 * chars[0] '\t' or '\n' and width 1: the caller knows what they mean. */
size_t cf_text_next_cell(struct cf_cell_text *cell, const char *text, size_t size);

/* Columns of TEXT drawn in one row that begins at COLUMN (which matters to tabs only). */
int cf_text_width(const char *text, size_t size, int column);
/* The number of bytes, whole cells, that fit into COLUMNS; *used, when given, is their width. */
size_t cf_text_fit(const char *text, size_t size, int columns, int *used);
/* Appends TEXT cut to COLUMNS, the last one then "…".  For titles; tabs and newlines become
 * spaces. */
void cf_text_ellipsize(struct cf_buf *out, const char *text, size_t size, int columns);

/* -- Line breaks ------------------------------------------------------------------------------ */

enum cf_break {
    CF_BREAK_NO = 0,   /* not before this byte */
    CF_BREAK_MAY = 1,  /* a line may end before this byte */
    CF_BREAK_MUST = 2, /* a line ends before this byte (after a newline) */
};

/* breaks[i] (an enum cf_break) for each of SIZE bytes, by UAX 14.  breaks[0] is CF_BREAK_NO. */
void cf_text_line_breaks(uint8_t *breaks, const char *text, size_t size);

/* -- Safe to show ----------------------------------------------------------------------------- */

/* Appends TEXT so that nothing in it can move the cursor, change a terminal's state or disguise
 * itself: C0 but newline and tab, and DEL, become \x1b; an invalid byte \xff; C1, U+2028 and
 * U+2029, bidirectional controls, tag characters and noncharacters \u{202e}.  What is already
 * safe is unchanged, so doing it twice is the same as once.  The result is valid UTF-8. */
void cf_text_make_safe(struct cf_buf *out, const char *text, size_t size);
bool cf_text_is_safe(const char *text, size_t size);

/* The same for text that arrives in pieces: the pieces' results together equal the whole's.  A
 * character that is split over pieces is held back until it is whole.  Zero-initialised is new. */
struct cf_text_safe {
    char held[4];
    uint8_t n_held;
};

void cf_text_safe_add(struct cf_text_safe *safe, struct cf_buf *out, const char *piece,
                      size_t size);
/* The text ends here: what was held back is shown as invalid bytes. */
void cf_text_safe_finish(struct cf_text_safe *safe, struct cf_buf *out);

#endif
