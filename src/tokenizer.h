/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tokenizer: byte-level byte-pair encoding both ways (Sennrich et al. 2016; GPT-2's byte alphabet
 * and split pattern), immutable once opened, shared by any number of threads without locks.
 *
 * Any byte sequence can be encoded and decoding gives back every byte.  For valid UTF-8 the ids are
 * those of tiktoken and transformers.  A byte that belongs to no valid character is a piece of its
 * own, and the text on either side of it is split as though it stood alone. */
#ifndef CF_TOKENIZER_H
#define CF_TOKENIZER_H

#include "buf.h"
#include "err.h"
#include "ids.h"

struct cf_tokenizer;

/* Opens the tokenizer of a Hugging Face folder (vocab.json + merges.txt, else tokenizer.json; added
 * and special tokens from tokenizer_config.json, special_tokens_map.json), of the folder that holds
 * a .safetensors file, or of a .gguf file (tokenizer.ggml.model "gpt2").  The model's weights need
 * not be there.
 * CF_ERR_NOT_FOUND, CF_ERR_FORMAT, CF_ERR_UNSUPPORTED (a setting that is not implemented, named),
 * CF_ERR_TOO_LARGE, CF_ERR_IO. */
enum cf_code cf_tokenizer_open(struct cf_tokenizer **tokenizer, const char *path,
                               struct cf_err *err);
void cf_tokenizer_free(struct cf_tokenizer *tokenizer);

/* One more than the largest id. */
int32_t cf_tokenizer_n_vocab(const struct cf_tokenizer *tokenizer);
/* CF_ERR_MISMATCH when it has ids that the model called NAME, of N_VOCAB tokens, does not know. */
enum cf_code cf_tokenizer_check_model(const struct cf_tokenizer *tokenizer, int32_t n_vocab,
                                      const char *name, struct cf_err *err);
/* The id of the token that ends a text, or -1. */
int32_t cf_tokenizer_eos(const struct cf_tokenizer *tokenizer);
/* The id of the token that begins a text, or -1. */
int32_t cf_tokenizer_bos(const struct cf_tokenizer *tokenizer);
/* Whether the model was trained on texts that begin with bos.  Encoding never adds it by itself. */
bool cf_tokenizer_adds_bos(const struct cf_tokenizer *tokenizer);
/* Whether the model means to end its text with ID: eos, or another that the model's files name
 * (eos_token_id of generation_config.json; tokenizer.ggml.eot_token_id). */
bool cf_tokenizer_is_end(const struct cf_tokenizer *tokenizer, int32_t id);

enum cf_token_kind {
    CF_TOKEN_NONE,    /* no token has this id */
    CF_TOKEN_NORMAL,  /* a sequence of bytes */
    CF_TOKEN_SPECIAL, /* a control token, written only by a template */
    CF_TOKEN_ADDED,   /* a word added after training: recognised in any text, never merged */
};
/* CF_TOKEN_NONE for an id out of range. */
enum cf_token_kind cf_tokenizer_kind(const struct cf_tokenizer *tokenizer, int32_t id);
bool cf_tokenizer_is_special(const struct cf_tokenizer *tokenizer, int32_t id);
/* The id of the special token called exactly NAME, or -1. */
int32_t cf_tokenizer_special_find(const struct cf_tokenizer *tokenizer, const char *name,
                                  size_t size);

/* Appends the ids of ordinary text: the name of a special token is text like any other. */
void cf_tokenizer_encode(const struct cf_tokenizer *tokenizer, const void *text, size_t size,
                         struct cf_ids *ids);
/* Appends the ids of text in which the names of special tokens stand for those tokens (the first
 * name wins, of those that begin together the longest). */
void cf_tokenizer_encode_special(const struct cf_tokenizer *tokenizer, const void *text,
                                 size_t size, struct cf_ids *ids);

/* The bytes of a token, size into *size; a special token's are its name.  An id without a token
 * gives NULL and 0.  Owned by the tokenizer.  They may begin or end within a character. */
const char *cf_tokenizer_piece(const struct cf_tokenizer *tokenizer, int32_t id, size_t *size);
/* Bytes that a token adds to a reply's text: those of its piece, none for a special one. */
size_t cf_tokenizer_spelled_size(const struct cf_tokenizer *tokenizer, int32_t id);
/* Appends the bytes of all N tokens, special ones by name; ids without a token add nothing. */
void cf_tokenizer_decode(const struct cf_tokenizer *tokenizer, const int32_t *ids, size_t n,
                         struct cf_buf *bytes);

/* The merges in order of rank, as a file writes them: RIGHT is appended to LEFT. */
int32_t cf_tokenizer_n_merges(const struct cf_tokenizer *tokenizer);
void cf_tokenizer_merge(const struct cf_tokenizer *tokenizer, int32_t rank, int32_t *left,
                        int32_t *right);
/* Appends BYTES in GPT-2's byte alphabet, the form in which files write tokens. */
void cf_tokenizer_spell(const void *bytes, size_t size, struct cf_buf *text);

/* Streaming decode: bytes of an unfinished character (3 at most) are held back until it is whole
 * or proves broken; broken bytes come out as they are.  Zero-initialised is empty. */
struct cf_detokenizer {
    unsigned char held[4];
    unsigned n_held;
};
/* Appends to text what has become complete; special tokens add nothing. */
void cf_detokenizer_add(struct cf_detokenizer *state, const struct cf_tokenizer *tokenizer,
                        int32_t id, struct cf_buf *text);
/* Appends what is still held, as it is, and holds nothing. */
void cf_detokenizer_finish(struct cf_detokenizer *state, struct cf_buf *text);

#endif
