/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_members: an object of the json of export, read member by member.  The first thing that is
 * wrong stays in code and err, with the place of the value taken last; what is wrong or absent
 * reads as NULL, 0, false or "". */
#ifndef CF_IMPORT_MEMBERS_H
#define CF_IMPORT_MEMBERS_H

#include "import_parts.h"

struct cf_import_members {
    struct cf_import *import;
    const json_t *object;
    struct cf_arena *arena;
    struct cf_err *err;
    enum cf_code code;
};

void cf_import_wrong(struct cf_import_members *members, const char *key, const char *what);
/* NULL for null, too. */
const json_t *cf_import_member(const struct cf_import_members *members, const char *key);
/* A text of any bytes, perhaps beside itself as base64; NULL when it is not there. */
const char *cf_import_get_bytes(struct cf_import_members *members, const char *key, size_t *size);
/* One without NULs.  Not const, since rows are not; nothing may be written to it. */
char *cf_import_get_text(struct cf_import_members *members, const char *key);
/* From 0 to GREATEST. */
int64_t cf_import_get_number(struct cf_import_members *members, const char *key, int64_t greatest);
int64_t cf_import_get_time(struct cf_import_members *members, const char *key);
bool cf_import_get_flag(struct cf_import_members *members, const char *key);
void cf_import_get_uuid(char uuid[CF_UUID_SIZE], struct cf_import_members *members, const char *key,
                        bool is_needed);
/* Whether there is one. */
bool cf_import_get_digest(struct cf_import_members *members, const char *key,
                          struct cf_digest *digest);

#endif
