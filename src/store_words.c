/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_words.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#include "text.h"

/* Marks that are looked at after a base character; a text may pile up any number. */
enum { MARKS_MAX = 12 };

enum kind { KIND_SEPARATOR, KIND_LETTER, KIND_ALONE };

/* The voicing marks of half-width Kana are letters to Unicode, but belong to the one before. */
static bool is_mark(uint32_t c)
{
    if (c == 0xFF9E || c == 0xFF9F) {
        return true;
    }
    return c >= 0x300 && uc_is_general_category_withtable(c, UC_CATEGORY_MASK_M);
}

/* An accent or a vowel point that people leave out when they search: those of Latin, Greek,
 * Cyrillic, Hebrew, Arabic.  Kana's voicing marks and the vowel signs of Indic and South-East Asian
 * scripts make other letters and stay. */
static bool is_accent(uint32_t c)
{
    if (c == 0x3099 || c == 0x309A || !uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Mn)) {
        return false;
    }
    const uc_script_t *script = uc_script(c);
    if (script == NULL) {
        return false;
    }
    static const char *const scripts[] = {"Inherited", "Common", "Latin",  "Greek",
                                          "Cyrillic",  "Hebrew", "Arabic", "Syriac"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(scripts); i++) {
        if (strcmp(script->name, scripts[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum kind kind_of(uint32_t c)
{
    if (c < 0x80) {
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        return is_letter ? KIND_LETTER : KIND_SEPARATOR;
    }
    if (cf_text_is_unspaced_script(c)) {
        return KIND_ALONE;
    }
    if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N |
                                                UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_Co)) {
        return KIND_LETTER;
    }
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_S) ? KIND_ALONE : KIND_SEPARATOR;
}

void cf_words_init(struct cf_words *words, const char *text, size_t size)
{
    *words = (struct cf_words){.text = text, .size = size};
    cf_buf_init(&words->word);
    cf_buf_init(&words->folded);
}

void cf_words_release(struct cf_words *words)
{
    cf_buf_release(&words->word);
    cf_buf_release(&words->folded);
}

/* Folds a base character with its marks into words->folded. */
static void fold(struct cf_words *words, const char *bytes, size_t size)
{
    size_t n = 0;
    uint8_t *wide = u8_casefold((const uint8_t *)bytes, size, NULL, UNINORM_NFKD, NULL, &n);
    if (wide == NULL) {
        return; /* not valid UTF-8, or no memory: no word */
    }
    size_t kept = 0;
    for (size_t at = 0; at < n;) {
        uint32_t c;
        size_t length = cf_text_decode(&c, (const char *)wide + at, n - at);
        if (!is_accent(c)) {
            memmove(wide + kept, wide + at, length);
            kept += length;
        }
        at += length;
    }
    size_t n_composed = 0;
    uint8_t *composed = kept > 0 ? u8_normalize(UNINORM_NFC, wide, kept, NULL, &n_composed) : NULL;
    if (composed != NULL) {
        cf_buf_add(&words->folded, composed, n_composed);
    }
    free(composed);
    free(wide);
}

/* Takes the next character of the text, with the marks on it, into words->folded. */
static void take_piece(struct cf_words *words)
{
    const char *text = words->text;
    uint32_t c;
    size_t begin = words->at;
    size_t end = begin + cf_text_decode(&c, text + begin, words->size - begin);
    bool is_invalid = c == CF_TEXT_REPLACEMENT && end - begin == 1;
    bool has_mark = false;
    size_t stop = end;
    for (int n = 0; stop < words->size && (unsigned char)text[stop] >= 0xCC; n++) {
        uint32_t mark;
        size_t length = cf_text_decode(&mark, text + stop, words->size - stop);
        if (!is_mark(mark)) {
            break;
        }
        stop += length;
        if (n < MARKS_MAX) {
            end = stop;
        }
        has_mark = true;
    }
    cf_buf_clear(&words->folded);
    words->folded_at = 0;
    words->piece_begin = begin;
    words->piece_end = stop;
    words->at = stop;
    if (is_invalid) {
        cf_buf_add_char(&words->folded, ' ');
    } else if (c < 0x80 && !has_mark) {
        cf_buf_add_char(&words->folded, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
    } else if (c >= 0x4E00 && c <= 0x9FFF && !has_mark) {
        cf_buf_add(&words->folded, text + begin, end - begin); /* Han: nothing to fold */
    } else {
        fold(words, text + begin, end - begin);
    }
}

bool cf_words_next(struct cf_words *words)
{
    cf_buf_clear(&words->word);
    for (;;) {
        if (words->folded_at == words->folded.size) {
            if (words->at == words->size) {
                return words->word.size > 0;
            }
            take_piece(words);
            continue;
        }
        uint32_t c;
        const char *bytes = words->folded.data + words->folded_at;
        size_t left = words->folded.size - words->folded_at;
        size_t length = cf_text_decode(&c, bytes, left);
        enum kind kind = kind_of(c);
        while (length < left && kind == KIND_ALONE) {
            uint32_t mark;
            size_t n = cf_text_decode(&mark, bytes + length, left - length);
            if (!is_mark(mark)) {
                break;
            }
            length += n;
        }
        bool is_end = kind != KIND_LETTER || words->word.size + length > CF_WORD_MAX;
        if (words->word.size > 0 && is_end) {
            return true; /* what ends it is looked at again */
        }
        words->folded_at += length;
        if (kind == KIND_SEPARATOR) {
            continue;
        }
        if (words->word.size == 0) {
            words->begin = words->piece_begin;
        }
        words->end = words->piece_end;
        cf_buf_add(&words->word, bytes, length);
        if (kind == KIND_ALONE) {
            return true;
        }
    }
}

size_t cf_words_add(struct cf_buf *out, const char *text, size_t size)
{
    struct cf_words words;
    cf_words_init(&words, text, size);
    size_t n = 0;
    while (cf_words_next(&words)) {
        if (n++ > 0) {
            cf_buf_add_char(out, ' ');
        }
        cf_buf_add(out, words.word.data, words.word.size);
    }
    cf_words_release(&words);
    return n;
}

bool cf_words_want(struct cf_words_wanted *wanted, const char *query)
{
    struct cf_words words;
    cf_words_init(&words, query, strlen(query));
    *wanted = (struct cf_words_wanted){.bytes = CF_BUF_INIT};
    for (; cf_words_next(&words); wanted->n++) {
        cf_buf_add(&wanted->bytes, words.word.data, words.word.size);
        cf_buf_add_char(&wanted->bytes, '\0');
    }
    cf_words_release(&words);
    return wanted->n > 0;
}

void cf_words_wanted_release(struct cf_words_wanted *wanted)
{
    if (wanted->n > 0) {
        cf_buf_release(&wanted->bytes);
    }
    wanted->n = 0;
}

/* Whether a text that is ASCII holds a word that begins so: without folding character by character,
 * which a hundred thousand titles would wait for. */
static bool is_in_ascii(const char *word, const char *text, size_t size)
{
    bool is_inside = false;
    for (size_t i = 0; i < size; i++) {
        bool was_inside = is_inside;
        is_inside =
            kind_of((unsigned char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i])) ==
            KIND_LETTER;
        size_t at = 0;
        while (!was_inside && is_inside && word[at] != '\0' && i + at < size &&
               word[at] == (text[i + at] >= 'A' && text[i + at] <= 'Z' ? text[i + at] + 32
                                                                       : text[i + at])) {
            at++;
        }
        if (at > 0 && word[at] == '\0') {
            return true;
        }
    }
    return false;
}

static bool begins_one(const char *prefix, const char *text, size_t size)
{
    struct cf_words words;
    cf_words_init(&words, text, size);
    size_t n = strlen(prefix);
    bool is_found = false;
    while (!is_found && cf_words_next(&words)) {
        is_found = words.word.size >= n && memcmp(words.word.data, prefix, n) == 0;
    }
    cf_words_release(&words);
    return is_found;
}

bool cf_words_are_in(const struct cf_words_wanted *wanted, const char *text, size_t size)
{
    bool is_ascii = true;
    for (size_t i = 0; i < size && is_ascii; i++) {
        is_ascii = (unsigned char)text[i] < 0x80;
    }
    bool are_in = true;
    const char *word = wanted->bytes.data;
    for (size_t i = 0; i < wanted->n && are_in; i++, word += strlen(word) + 1) {
        are_in = is_ascii ? is_in_ascii(word, text, size) : begins_one(word, text, size);
    }
    return are_in;
}
