/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target: any strings over any text in any pieces. */
#include "../stop_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size <= 4096) {
        stop_check_bytes(bytes, size);
    }
    return 0;
}
