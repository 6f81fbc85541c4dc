/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target: any text in any pieces through text, wrap, grid and the decoder of input. */
#include "../text_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size <= 4096) {
        text_check_bytes(bytes, size);
    }
    return 0;
}
