/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a model as GGUF: make_model IN OUT.gguf TYPE [KEY=VALUE...].  Not run by make check; it is
 * how data/model.gguf was made (data/MODEL.md). */
#include <base.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "quantize.h"

int main(int argc, char **argv)
{
    struct cf_convert convert = {.may_replace = true};
    struct cf_err err = CF_ERR_INIT;
    if (argc < 4 || !cf_dtype_find(&convert.dtype, argv[3])) {
        (void)fprintf(stderr, "usage: make_model IN OUT.gguf TYPE [KEY=VALUE...]\n");
        return 2;
    }
    struct cf_convert_metadata *rows = cf_calloc((size_t)argc, sizeof *rows);
    for (int i = 4; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals == NULL) {
            (void)fprintf(stderr, "make_model: %s is no KEY=VALUE\n", argv[i]);
            free(rows);
            return 2;
        }
        *equals = '\0';
        rows[convert.n_metadata] = (struct cf_convert_metadata){argv[i], equals + 1};
        convert.n_metadata++;
    }
    convert.metadata = rows;
    enum cf_code code = cf_model_convert(argv[1], argv[2], &convert, &err);
    if (code != CF_OK) {
        (void)fprintf(stderr, "make_model: %s\n", err.text);
    }
    free(rows);
    return code == CF_OK ? 0 : 1;
}
