/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line_decode: bytes of a terminal to keys, pastes and mouse reports.  Pure: time is handed in, so
 * that a test needs no clock.
 *
 * The rules (xterm's ctlseqs, ECMA-48, rxvt's and the Linux console's own ways):
 *  - a lone ESC is the Esc key once nothing has followed for 50 ms, or 300 ms where sequences are
 *    known to arrive in parts (over SSH, or one has);
 *  - behind ESC [ or ESC O the rest may take a second; so may the rest of a character;
 *  - ESC before a sequence or a character is Alt;
 *  - what is no key (answers of the terminal, unknown sequences) is swallowed whole;
 *  - a bracketed paste is collected and delivered as one; a paste that pauses for a second is
 *    delivered in parts, none of which is ever taken for keys; after such a pause Ctrl-C ends it
 *    (should the terminal have lost its end). */
#ifndef UI_LINE_DECODE_H
#define UI_LINE_DECODE_H

#include "buf.h"
#include "keys.h"
#include "line.h"

enum {
    UI_DECODE_ESC_MS = 50,
    UI_DECODE_SLOW_ESC_MS = 300,
    UI_DECODE_REST_MS = 1000,
    UI_DECODE_PASTE_MAX = 16 * 1024 * 1024,
};

struct ui_decoder {
    struct cf_buf bytes;     /* received, not yet understood */
    struct cf_buf paste;     /* of the paste being collected */
    struct cf_buf delivered; /* of the paste last delivered */
    int64_t since_ms;        /* when the last byte came */
    bool is_slow;            /* lone ESC waits longer */
    int escape_ms;           /* how long it waits, 0: as is_slow says */
    bool has_waited;         /* the bytes at hand begin with an ESC that was alone at first */
    bool is_pasting;
    bool is_paste_late; /* the paste has paused for a second */
    bool has_cr;        /* the last byte of the paste was a CR */
};

enum ui_input_kind { UI_INPUT_KEY, UI_INPUT_PASTE, UI_INPUT_MOUSE };

struct ui_input {
    enum ui_input_kind kind;
    uint32_t key; /* canonical (ui/keys) */
    char raw[32]; /* the bytes of the key as they came, for readline */
    size_t n_raw; /* 0 when they would mean nothing to it */
    struct ui_mouse mouse;
    const char *paste; /* valid UTF-8, no controls but newline and tab; until the next call */
    size_t paste_size;
    bool is_paste_cut; /* it was larger than UI_DECODE_PASTE_MAX */
};

void ui_decoder_init(struct ui_decoder *decoder, bool is_remote);
void ui_decoder_release(struct ui_decoder *decoder);
void ui_decoder_add(struct ui_decoder *decoder, const char *bytes, size_t size, int64_t now_ms);
/* The next input; false when more bytes or more time are needed. */
bool ui_decoder_next(struct ui_decoder *decoder, struct ui_input *input, int64_t now_ms);
/* How long until ui_decoder_next may have something without further bytes; -1: never. */
int ui_decoder_timeout_ms(const struct ui_decoder *decoder, int64_t now_ms);
/* Forgets what is half received. */
void ui_decoder_clear(struct ui_decoder *decoder);

#endif
