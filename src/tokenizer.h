/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tokenizer: byte-level byte-pair encoding both ways (Sennrich et al. 2016; GPT-2's byte alphabet
 * and split pattern), immutable once opened, shared by any number of threads.
 *
 * Any byte sequence can be encoded, valid UTF-8 or not, and decoding gives back every byte. */
#ifndef CF_TOKENIZER_H
#define CF_TOKENIZER_H

#include "buf.h"
#include "err.h"
#include "ids.h"

struct cf_tokenizer;

/* Opens the tokenizer of a Hugging Face folder (vocab.json + merges.txt, else tokenizer.json; added
 * and special tokens from tokenizer_config.json, special_tokens_map.json), of the folder that holds
 * a .safetensors file, or of a .gguf file (tokenizer.ggml.model "gpt2").
 * CF_ERR_NOT_FOUND, CF_ERR_FORMAT, CF_ERR_UNSUPPORTED, CF_ERR_IO. */
enum cf_code cf_tokenizer_open(struct cf_tokenizer **tokenizer, const char *path,
                               struct cf_err *err);
void cf_tokenizer_free(struct cf_tokenizer *tokenizer);

/* One more than the largest id. */
int32_t cf_tokenizer_n_vocab(const struct cf_tokenizer *tokenizer);
/* The id of the token that ends a text, or -1. */
int32_t cf_tokenizer_eos(const struct cf_tokenizer *tokenizer);
/* The id of the special token called exactly NAME, or -1. */
int32_t cf_tokenizer_special_find(const struct cf_tokenizer *tokenizer, const char *name,
                                  size_t size);
bool cf_tokenizer_is_special(const struct cf_tokenizer *tokenizer, int32_t id);

/* Appends the ids of ordinary text: the name of a special token is text like any other. */
void cf_tokenizer_encode(const struct cf_tokenizer *tokenizer, const void *text, size_t size,
                         struct cf_ids *ids);
/* Appends the ids of text in which the names of special tokens stand for those tokens. */
void cf_tokenizer_encode_special(const struct cf_tokenizer *tokenizer, const void *text,
                                 size_t size, struct cf_ids *ids);

/* The bytes of a token, size into *size; a special token's are its name.  An id without a token
 * gives NULL and 0.  Owned by the tokenizer. */
const char *cf_tokenizer_piece(const struct cf_tokenizer *tokenizer, int32_t id, size_t *size);

/* Streaming decode: bytes of an unfinished character are held back until it is whole or proves
 * broken.  Zero-initialised is empty. */
struct cf_detokenizer {
    unsigned char held[4];
    unsigned n_held;
};
/* Appends to text what has become complete; special tokens add nothing. */
void cf_detokenizer_add(struct cf_detokenizer *state, const struct cf_tokenizer *tokenizer,
                        int32_t id, struct cf_buf *text);
/* Appends what is still held, as it is. */
void cf_detokenizer_finish(struct cf_detokenizer *state, struct cf_buf *text);

#endif
