/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target: any bytes as a file to import.  Run it as: fuzz_import tests/fuzz/corpus/import
 */
#include "../import_mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct import_bed bed;
    if (bed.store == NULL) {
        import_bed_init(&bed);
    }
    if (size <= 65536) {
        (void)import_bed_take(&bed, bytes, size);
    }
    return 0;
}
