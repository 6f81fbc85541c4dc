/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "role.h"

#include <string.h>

const char *cf_role_name(enum cf_role role)
{
    switch (role) {
#define CF_X(value, number, name)                                                                  \
    case value:                                                                                    \
        return name;
        CF_ROLES(CF_X)
#undef CF_X
    }
    return "?";
}

bool cf_role_find(enum cf_role *role, const char *name)
{
    static const enum cf_role roles[] = {
#define CF_X(value, number, text) value,
        CF_ROLES(CF_X)
#undef CF_X
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(roles); i++) {
        if (strcmp(name, cf_role_name(roles[i])) == 0) {
            *role = roles[i];
            return true;
        }
    }
    return false;
}
