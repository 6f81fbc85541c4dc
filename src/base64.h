/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base64: bytes as text, RFC 4648 section 4, with padding. */
#ifndef CF_BASE64_H
#define CF_BASE64_H

#include "buf.h"

/* Appends the text of SIZE bytes. */
void cf_base64_encode(struct cf_buf *out, const void *bytes, size_t size);
/* Appends the bytes of a text; false, and out unchanged, when it is not exactly what encoding them
 * gives. */
bool cf_base64_decode(struct cf_buf *out, const char *text, size_t size);

#endif
