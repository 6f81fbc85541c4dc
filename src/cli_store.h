/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli_store: how commands open the database. */
#ifndef CF_CLI_STORE_H
#define CF_CLI_STORE_H

#include "cli.h"
#include "store.h"

enum cf_cli_access {
    CF_CLI_READS, /* nothing is written.  The usual database where there is none yet is as good as
                     an empty one: *store is then NULL */
    CF_CLI_LOOKS, /* reads, and writes along the way where the file and its folder allow it */
    CF_CLI_WRITES,
};

/* Opens the database of --db, which must exist. */
enum cf_code cf_cli_store_open(struct cf_store **store, const struct cf_cli *cli,
                               enum cf_cli_access access, struct cf_err *err);

#endif
