/* SPDX-License-Identifier: GPL-3.0-or-later */
/* setting_field: what the files of setting share: reading and writing one field without regard to
 * where its value comes from. */
#ifndef CF_SETTING_FIELD_H
#define CF_SETTING_FIELD_H

#include "setting.h"

/* The field of a setting: of the C type that enum cf_setting_type says. */
void *cf_setting_field(struct cf_settings *settings, enum cf_setting setting);
const void *cf_setting_field_const(const struct cf_settings *settings, enum cf_setting setting);

/* Reads TEXT into the field; a list gets one more text.  Unchanged on failure. */
enum cf_code cf_setting_read(struct cf_settings *settings, enum cf_setting setting,
                             const char *text, struct cf_err *err);
/* Copies value and source. */
void cf_setting_copy(struct cf_settings *settings, const struct cf_settings *from,
                     enum cf_setting setting);
/* Whether there is a value to write at all: texts and automatic numbers may have none. */
bool cf_setting_has_value(const struct cf_settings *settings, enum cf_setting setting);

#endif
