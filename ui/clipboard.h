/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clipboard: copies text out of the program, on a key and never by itself: through OSC 52, inside
 * tmux through `tmux load-buffer -w -`, and what is too large for either into a file.  Never reads
 * the clipboard. */
#ifndef UI_CLIPBOARD_H
#define UI_CLIPBOARD_H

#include "buf.h"
#include "err.h"

enum { UI_CLIPBOARD_MAX = 74000 }; /* bytes; more goes to a file */

enum ui_clipboard_way {
    UI_CLIPBOARD_OSC52, /* write `bytes` with ui_term_write */
    UI_CLIPBOARD_TMUX,  /* done */
    UI_CLIPBOARD_FILE,  /* done; `path` names the file, 0600 */
};

struct ui_clipboard {
    enum ui_clipboard_way way;
    struct cf_buf bytes;
    struct cf_buf path;
};

/* Copies TEXT or says why not.  Release the result.  tmux is waited for, one second at most. */
enum cf_code ui_clipboard_copy(struct ui_clipboard *result, const char *text, size_t size,
                               struct cf_err *err);
void ui_clipboard_release(struct ui_clipboard *result);

#endif
