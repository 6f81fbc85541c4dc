/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tiny GPT-2 with random weights and a tokenizer of the 256 bytes, written as a folder, for tests
 * that need a model to run rather than to say something. */
#ifndef TINY_MODEL_H
#define TINY_MODEL_H

#include "test.h"

enum { TINY_N_CTX = 128, TINY_EOS = 256, TINY_N_VOCAB = 257 };

struct tiny_spec {
    uint64_t seed;   /* of the weights */
    int32_t n_ctx;   /* 0: TINY_N_CTX */
    int32_t n_layer; /* 0: 2 */
    float eos_bias;  /* added to the logit of the end token, by the output head's bias */
    bool has_nan;    /* in the output head's bias */
};

/* Makes a folder below the build tree and writes the model into it; the path is the caller's to
 * remove with tiny_model_remove and to free. */
char *tiny_model_write(const struct tiny_spec *spec);
void tiny_model_remove(char *path);

/* A new empty folder, removed with everything in it by tiny_model_remove. */
char *tiny_folder(void);

#endif
