/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must hold for a recipe made of any bytes; the fuzz target and the tests share it. */
#ifndef RECIPE_CHECK_H
#define RECIPE_CHECK_H

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "recipe.h"

static inline void recipe_check_that(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* A recipe that was decoded is sane, and encoding it gives bytes that decode to the same. */
static inline void recipe_check_round_trip(const struct cf_recipe *recipe)
{
    cf_recipe_assert_sane(recipe);
    struct cf_buf blob = CF_BUF_INIT;
    struct cf_buf again = CF_BUF_INIT;
    struct cf_recipe decoded;
    cf_recipe_encode(recipe, &blob);
    recipe_check_that(cf_recipe_decode(&decoded, blob.data, blob.size, NULL) == CF_OK);
    cf_recipe_assert_sane(&decoded);
    cf_recipe_encode(&decoded, &again);
    recipe_check_that(again.size == blob.size && memcmp(again.data, blob.data, blob.size) == 0);
    recipe_check_that(decoded.n_tokens == recipe->n_tokens && decoded.n_jobs == recipe->n_jobs &&
                      decoded.n_knobs == recipe->n_knobs && decoded.n_paths == recipe->n_paths);
    cf_recipe_release(&decoded);
    cf_buf_release(&blob);
    cf_buf_release(&again);
}

/* Decodes the bytes as they are, and once more with the check sum at their end made right, so that
 * what lies behind it is reached. */
static inline void recipe_check_bytes(const uint8_t *bytes, size_t size)
{
    enum { CHECK_SIZE = 8 };
    struct cf_recipe recipe;
    struct cf_recipe_head head;
    /* A copy of exactly this size: reading past its end is seen. */
    uint8_t *copy = cf_malloc(size);
    memcpy(copy, bytes, size);
    for (int round = 0; round < 2; round++) {
        (void)cf_recipe_decode_head(&head, copy, size, NULL);
        if (cf_recipe_decode(&recipe, copy, size, NULL) == CF_OK) {
            recipe_check_round_trip(&recipe);
            cf_recipe_release(&recipe);
        }
        if (size >= CHECK_SIZE) {
            struct cf_digest check;
            cf_digest_of(&check, copy, size - CHECK_SIZE);
            memcpy(copy + size - CHECK_SIZE, check.bytes, CHECK_SIZE);
        }
    }
    free(copy);
}

#endif
