/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target: any bytes as a tokenizer's files or as a text. */
#include "tokenizer_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size <= 65536) {
        tokenizer_check_bytes(bytes, size);
    }
    return 0;
}
