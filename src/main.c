/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main: chooses the face, and is the only one who exits. */
#include "base.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "kernels/kernels.h"

/* Writes what is still in stdio's hands; a full disk must not go unnoticed. */
static enum cf_exit flush_stdout(enum cf_exit status)
{
    if (fflush(stdout) != 0 && status == CF_EXIT_DONE) {
        return cf_cli_fail_with(CF_ERR_IO, "cannot write the output");
    }
    return status;
}

static enum cf_exit run(struct cf_cli *cli)
{
    if (cli->settings.help) {
        cf_cli_print_help(cli->command);
        return flush_stdout(CF_EXIT_DONE);
    }
    if (cli->settings.version) {
        cf_cli_print_version();
        return flush_stdout(CF_EXIT_DONE);
    }
    if (cli->command != NULL) {
        return cli->command->run(cli);
    }
    return cf_cli_ask(cli);
}

int main(int argc, char *argv[])
{
    /* Before any other thread: OpenBLAS starts its own when it is loaded. */
    cf_kernels_init();
    /* A write to a reader that is gone, or past a size limit, is an error like any other. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    struct cf_cli cli;
    struct cf_err err = CF_ERR_INIT;
    enum cf_exit status =
        cf_cli_parse(&cli, argc, argv, &err) == CF_OK ? run(&cli) : cf_cli_fail(&err);
    cf_cli_release(&cli);
    return (int)status;
}
