/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands that this version does not have yet: each says so, and fails. */
#include "cli.h"

static enum cf_exit not_yet(const struct cf_cli *cli)
{
    return cf_cli_fail_with(CF_ERR_UNSUPPORTED, "%s is not in this version of confab yet",
                            cli->command->name);
}

enum cf_exit cf_cli_export(const struct cf_cli *cli)
{
    return not_yet(cli);
}

enum cf_exit cf_cli_import(const struct cf_cli *cli)
{
    return not_yet(cli);
}
