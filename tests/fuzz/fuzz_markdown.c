/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target: any text as a reply in any pieces. */
#include "../markdown_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size <= 8192) {
        markdown_check_bytes(bytes, size);
    }
    return 0;
}
