/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_words: text as the search index sees it.
 *
 * A word is a run of letters, digits and marks, folded: compatible forms made one (NFKD), case
 * folded, accents and vowel points removed, composed again (NFC).  A character of a script written
 * without spaces (Han, Kana, Thai ...) is a word by itself, with its vowel signs; so is a symbol
 * that is not ASCII (an emoji).  All else only parts words.  Any bytes are accepted.
 *
 * Index and query go through the same function, so a Chinese word becomes a phrase of its
 * characters and "cat" is not found in "concatenate".  FTS5's unicode61 then finds these words
 * between the spaces and changes nothing of them. */
#ifndef CF_STORE_WORDS_H
#define CF_STORE_WORDS_H

#include "store.h"

/* Raised when any text may give other words: the index is then made anew. */
enum { CF_WORDS_VERSION = 1, CF_WORDS_UNIT_SIZE = 64, CF_WORD_MAX = 120 };

/* A walk over the words of a text. */
struct cf_words {
    const char *text;
    size_t size, at;
    struct cf_buf word; /* the folded word */
    size_t begin, end;  /* the bytes of text that it came from */
    /* Private: folded characters of the piece of text at hand, not handed out yet. */
    struct cf_buf folded;
    size_t folded_at;
    size_t piece_begin, piece_end;
};

void cf_words_init(struct cf_words *words, const char *text, size_t size);
void cf_words_release(struct cf_words *words);
/* Goes to the next word; false at the end. */
bool cf_words_next(struct cf_words *words);

/* Appends the words of text, a space between two, and returns how many there are. */
size_t cf_words_add(struct cf_buf *out, const char *text, size_t size);

/* Words that texts are looked through for, the last letters of each not needed. */
struct cf_words_wanted {
    struct cf_buf bytes; /* the folded words, a NUL behind each */
    size_t n;
};
/* False: QUERY holds no word; nothing is to be released then. */
bool cf_words_want(struct cf_words_wanted *wanted, const char *query);
void cf_words_wanted_release(struct cf_words_wanted *wanted);
/* Whether each of the words begins one of the text. */
bool cf_words_are_in(const struct cf_words_wanted *wanted, const char *text, size_t size);

/* ---- The index (store_index.c) ---- */

/* Inside a transaction: the index then holds the message's text as it stands.  A damaged index is
 * put aside, noted, and no reason to fail: storing a message matters more than finding it. */
enum cf_code cf_store_index_message(struct cf_store *store, int64_t id, struct cf_err *err);
/* The same for a message that was not there before. */
enum cf_code cf_store_index_new(struct cf_store *store, int64_t id, const char *text, size_t size,
                                struct cf_err *err);
/* Makes the whole index anew. */
enum cf_code cf_store_reindex(struct cf_store *store, struct cf_err *err);

#endif
