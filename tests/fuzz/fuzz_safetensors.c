/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target: safetensors files.  Run it as: fuzz_safetensors tests/fuzz/corpus/safetensors
 */
#include "model_walk.h"

#include "mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of exactly this size, aligned as a mapping is. */
    unsigned char *bytes = cf_malloc(size);
    memcpy(bytes, data, size);
    sink += walk_safetensors(bytes, size, NULL);
    free(bytes);
    return 0;
}
