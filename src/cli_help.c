/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The help and the versions: made from the tables. */
#include "base.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistring/version.h>

#include "cli.h"
#include "download.h"
#include "kernels/kernels.h"
#include "store.h"

enum { HELP_COLUMN = 30, HELP_WIDTH = 78 };

/* LEFT, then TEXT from a column on, broken at spaces. */
static void print_row(const char *left, const char *text)
{
    int column = printf("  %s", left);
    if (column > HELP_COLUMN - 2) {
        printf("\n");
        column = 0;
    }
    printf("%*s", HELP_COLUMN - column, "");
    column = HELP_COLUMN;
    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + (int)size > HELP_WIDTH) {
            printf("\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        column += printf("%s%.*s", column > HELP_COLUMN ? " " : "", (int)size, text);
        text += size + (text[size] == ' ');
    }
    printf("\n");
}

static void print_option(char letter, const char *name, const char *argument, const char *help)
{
    char left[64];
    (void)snprintf(left, sizeof left, "%c%c%s--%s%s%s", letter != '\0' ? '-' : ' ',
                   letter != '\0' ? letter : ' ', letter != '\0' ? ", " : "  ", name,
                   argument[0] != '\0' ? " " : "", argument);
    print_row(left, help);
}

static void print_settings(void)
{
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        if ((info->flags & CF_SET_OPTION) != 0) {
            print_option(info->letter, info->name, info->argument, info->help);
        }
    }
}

void cf_cli_print_help(const struct cf_cli_command *command)
{
    if (command != NULL) {
        printf("Usage: confab [OPTION]... %s%s%s\n\n", command->name,
               command->synopsis[0] != '\0' ? " " : "", command->synopsis);
        printf("%s.\n\n", command->help);
        if (command->options != 0) {
            printf("Options of this command:\n");
        }
        for (size_t i = 0; i < CF_CLI_N_OPTIONS; i++) {
            if ((command->options & CF_CLI_BIT(i)) != 0) {
                const struct cf_cli_option_info *info = cf_cli_option_info((enum cf_cli_option)i);
                print_option(info->letter, info->name, info->argument, info->help);
            }
        }
        printf("%sAll options: confab --help.  The manual: man confab.\n",
               command->options != 0 ? "\n" : "");
        return;
    }
    printf("Usage: confab [OPTION]... [COMMAND [ARG]...]\n\n"
           "A chat with a language model that runs inside this process.  Without a command the\n"
           "terminal interface opens.\n\n"
           "Commands (confab COMMAND --help tells more):\n");
    for (size_t i = 0; cf_cli_command_at(i) != NULL; i++) {
        const struct cf_cli_command *row = cf_cli_command_at(i);
        char left[64];
        (void)snprintf(left, sizeof left, "%s %s", row->name, row->synopsis);
        print_row(left, row->help);
    }
    printf("\nOptions, before or after the command:\n");
    print_settings();
    printf("\nThe manual: man confab.\n");
}

void cf_cli_print_version(const char *const *face)
{
    char openblas[64];
    cf_gemm_name(openblas, sizeof openblas);
    printf("%s\n", PACKAGE_STRING);
    printf("kernels: %s (version %d), the best of", cf_kernels_name(cf_kernels_current()),
           (int)CF_KERNELS_VERSION);
    for (size_t i = 0; cf_kernels_at(i) != NULL; i++) {
        printf("%s %s", i > 0 ? "," : "", cf_kernels_name(cf_kernels_at(i)));
    }
    printf("\nlibraries: SQLite %s, OpenBLAS %s, libcurl %s, jansson %s, libunistring %d.%d.%d",
           cf_store_library_version(), openblas, cf_download_library_version(),
           jansson_version_str(), _libunistring_version >> 16, (_libunistring_version >> 8) & 0xff,
           _libunistring_version & 0xff);
    for (; *face != NULL; face++) {
        printf(", %s", *face);
    }
    printf("\nCopyright 2026 the confab authors.  License GPL-3.0-or-later:\n"
           "GNU GPL version 3 or later <https://gnu.org/licenses/gpl.html>.\n"
           "There is NO WARRANTY, to the extent permitted by law.\n");
}
