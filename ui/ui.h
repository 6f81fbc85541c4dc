/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ui: the face: a conversation held on a terminal.
 *
 * One thread, one poll loop over standard input, signals and the chat; no timeout when nothing is
 * going on, at most 60 pictures a second while a reply streams, input before everything else. */
#ifndef UI_UI_H
#define UI_UI_H

#include "chat.h"
#include "config_file.h"
#include "err.h"

struct ui_params {
    struct cf_chat *chat;
    const struct cf_settings *settings; /* theme, mouse, panes, escape-ms, no-save */
    struct cf_config *config;           /* presets, templates, keys; /save-preset adds to it */
    const char *config_path;            /* where /save-preset writes; NULL: nowhere */
    bool is_model_bundled;              /* say at the first start how to get a bigger one */
};

/* Runs until the person quits or a signal asks for the end, and gives the terminal back.  What
 * params points to outlives the call; the chat stays open and is the caller's to free.
 * CF_ERR_UNSUPPORTED: no terminal, or one that can't move its cursor.  CF_ERR_EXISTS,
 * CF_ERR_NOT_FOUND, CF_ERR_RANGE: the [keys] section.
 *
 * When the environment has CONFAB_TEST_LOOP_LOG, the number of passes of the loop and the longest
 * one, while a reply streamed and otherwise, are written to that file at the end: a line each,
 * "streaming N longest_us N longest_cpu_us N" and "other ...". */
enum cf_code ui_run(const struct ui_params *params, struct cf_err *err);

#endif
