/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli_store.h"

#include <unistd.h>

enum cf_code cf_cli_store_open(struct cf_store **store, const struct cf_cli *cli,
                               enum cf_cli_access access_kind, struct cf_err *err)
{
    struct cf_store_options options = {.must_exist = true,
                                       .is_read_only = access_kind == CF_CLI_READS};
    bool is_usual = cli->settings.db == NULL;
    *store = NULL;
    if (access_kind == CF_CLI_READS && is_usual && access(cli->db_path, F_OK) != 0) {
        return CF_OK;
    }
    struct cf_err why = CF_ERR_INIT;
    enum cf_code code = cf_store_open(store, cli->db_path, &options, &why);
    if (code == CF_ERR_ACCESS && access_kind == CF_CLI_LOOKS) {
        options.is_read_only = true;
        return cf_store_open(store, cli->db_path, &options, err);
    }
    return code == CF_OK ? CF_OK : cf_err_set(err, code, "%s", why.text);
}
