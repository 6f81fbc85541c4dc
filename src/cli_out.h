/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli_out: standard output (or a file) of a command.
 *
 * Text of strangers is made safe to show when it goes to a terminal and stays raw otherwise.  Bytes
 * are gathered and written when flushed.  A reader that has gone away is no error: what follows is
 * dropped and cf_out_is_closed tells. */
#ifndef CF_CLI_OUT_H
#define CF_CLI_OUT_H

#include "buf.h"
#include "err.h"
#include "text.h"

struct cf_out {
    int fd;
    bool is_terminal;
    bool is_closed; /* the reader has gone away */
    int error;      /* errno of the first failed write, 0: none */
    struct cf_buf pending;
    struct cf_text_safe safe;
};

void cf_out_init(struct cf_out *out, int fd);
/* Flushes, frees, and says what went wrong over all: CF_ERR_FULL, CF_ERR_IO. */
enum cf_code cf_out_finish(struct cf_out *out, struct cf_err *err);

/* What confab itself says: as it is. */
void cf_out_addf(struct cf_out *out, const char *format, ...) CF_PRINTF(2, 3);
void cf_out_add(struct cf_out *out, const void *bytes, size_t size);
/* Text of a person, a model or a file; may come in pieces. */
void cf_out_add_text(struct cf_out *out, const char *text, size_t size);
/* The text that came in pieces is at its end. */
void cf_out_end_text(struct cf_out *out);
/* A token's bytes on one line between tabs: control characters, backslashes and broken bytes
 * escaped, wherever it goes. */
void cf_out_add_piece(struct cf_out *out, const char *piece, size_t size);
void cf_out_flush(struct cf_out *out);

#endif
