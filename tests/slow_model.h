/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A GPT-2 of some ten million weights that are nearly all zero, a file with holes, so that it
 * costs no room: it takes its time for a token, says random letters and spaces, and never ends a
 * reply by itself.  For tests that act while a reply streams. */
#ifndef SLOW_MODEL_H
#define SLOW_MODEL_H

enum { SLOW_N_CTX = 4096 };

/* Writes the model into FOLDER, which exists. */
void slow_model_write(const char *folder);

#endif
