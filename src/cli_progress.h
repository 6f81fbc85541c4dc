/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli_progress: a bar on standard error, where that is a terminal and nobody wants quiet. */
#ifndef CF_CLI_PROGRESS_H
#define CF_CLI_PROGRESS_H

#include "cli.h"

struct cf_cli_progress {
    bool is_on;
    const char *name; /* what is going on, any bytes; must stay */
    const char *note; /* behind the bar, such as " of 12.0 MB"; must stay */
    int percent;      /* shown; -1: nothing yet */
};

/* is_wanted false: never shown. */
void cf_cli_progress_init(struct cf_cli_progress *progress, const struct cf_cli *cli,
                          const char *name, const char *note, bool is_wanted);
/* n_all 0: nobody knows how much there is, and nothing is shown. */
void cf_cli_progress_show(struct cf_cli_progress *progress, int64_t n_done, int64_t n_all);
/* Takes the bar away, or with is_kept ends its line, if there is one. */
void cf_cli_progress_end(struct cf_cli_progress *progress, bool is_kept);

#endif
