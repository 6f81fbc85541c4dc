/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target: the blob of a reply.  Run it as: fuzz_recipe tests/fuzz/corpus/recipe */
#include "../recipe_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    recipe_check_bytes(data, size);
    return 0;
}
