/* SPDX-License-Identifier: GPL-3.0-or-later */
/* role: who speaks in a turn. */
#ifndef CF_ROLE_H
#define CF_ROLE_H

#include "base.h"

/* role, number, name in files, JSON and the database */
#define CF_ROLES(X)                                                                                \
    X(CF_ROLE_SYSTEM, 0, "system")                                                                 \
    X(CF_ROLE_USER, 1, "user")                                                                     \
    X(CF_ROLE_ASSISTANT, 2, "assistant")

enum cf_role {
#define CF_X(role, number, name) role = number,
    CF_ROLES(CF_X)
#undef CF_X
};

/* "system", "user", "assistant". */
const char *cf_role_name(enum cf_role role);
/* Finds a role by its name; false when there is none. */
bool cf_role_find(enum cf_role *role, const char *name);

#endif
