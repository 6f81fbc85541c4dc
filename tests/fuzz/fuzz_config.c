/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target: any bytes as a config file.  Run it as: fuzz_config tests/fuzz/corpus/config */
#include "../config_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size <= 65536) {
        config_check_bytes(bytes, size);
    }
    return 0;
}
