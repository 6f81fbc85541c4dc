/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ui_bind: the [keys] section of the config file becomes bindings. */
#ifndef UI_BIND_H
#define UI_BIND_H

#include "config_file.h"
#include "keys.h"

/* Sets KEYS to the defaults and the rows of CONFIG.  Fails with a sentence that names the file and
 * the line; of two bindings that clash, the line of the one that comes last. */
enum cf_code ui_bind_keys(struct ui_keys *keys, const struct cf_config *config, struct cf_err *err);

#endif
