/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quantize_parts: the steps of a conversion.  Private to quantize. */
#ifndef CF_QUANTIZE_PARTS_H
#define CF_QUANTIZE_PARTS_H

#include "model.h"
#include "quantize.h"
#include "quantize_writer.h"
#include "tokenizer.h"

/* Whether the caller's metadata may be put into a file: CF_ERR_USAGE names the key that may not. */
enum cf_code cf_quantize_check_metadata(const struct cf_convert *convert, struct cf_err *err);
/* Enters what the file says of the model beside its tensors. */
void cf_quantize_metadata(struct cf_gguf_writer *writer, const struct cf_model *model,
                          const struct cf_tokenizer *tokenizer, const struct cf_convert *convert);

#endif
