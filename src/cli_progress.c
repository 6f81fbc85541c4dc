/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli_progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

enum { BAR = 24, NAME_COLUMNS = 32 };

void cf_cli_progress_init(struct cf_cli_progress *progress, const struct cf_cli *cli,
                          const char *name, const char *note, bool is_wanted)
{
    *progress = (struct cf_cli_progress){
        .is_on = is_wanted && isatty(STDERR_FILENO) == 1 && !cli->settings.quiet,
        .name = name,
        .note = note,
        .percent = -1,
    };
}

void cf_cli_progress_show(struct cf_cli_progress *progress, int64_t n_done, int64_t n_all)
{
    const int64_t done = n_done < n_all ? n_done : n_all;
    const int percent = n_all > 0 ? (int)(done * 100 / n_all) : -1;
    if (!progress->is_on || n_all <= 0 || percent == progress->percent) {
        return;
    }
    struct cf_buf safe = CF_BUF_INIT;
    struct cf_buf name = CF_BUF_INIT;
    char bar[BAR + 1];
    for (int i = 0; i < BAR; i++) {
        bar[i] = i < percent * BAR / 100 ? '#' : '.';
    }
    bar[BAR] = '\0';
    cf_text_make_safe(&safe, progress->name, strlen(progress->name));
    cf_text_ellipsize(&name, safe.data, safe.size, NAME_COLUMNS);
    const int pad = NAME_COLUMNS - cf_text_width(name.data, name.size, 0);
    fprintf(stderr, "\r%s%*s [%s] %3d %%%s", name.data, pad > 0 ? pad : 0, "", bar, percent,
            progress->note);
    fflush(stderr);
    progress->percent = percent;
    cf_buf_release(&safe);
    cf_buf_release(&name);
}

void cf_cli_progress_end(struct cf_cli_progress *progress, bool is_kept)
{
    if (progress->percent >= 0) {
        if (is_kept) {
            fputc('\n', stderr);
        } else {
            fprintf(stderr, "\r%*s\r", NAME_COLUMNS + BAR + 10 + (int)strlen(progress->note), "");
        }
        fflush(stderr);
        progress->percent = -1;
    }
}
