/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"

#include <string.h>

static const char *const reason_names[] = {
#define CF_X(value, name) [value] = (name),
    CF_END_REASONS(CF_X)
#undef CF_X
};

const char *cf_end_reason_name(enum cf_end_reason reason)
{
    return (size_t)reason < CF_ARRAY_SIZE(reason_names) ? reason_names[reason] : "";
}

bool cf_end_reason_find(enum cf_end_reason *reason, const char *name)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(reason_names); i++) {
        if (strcmp(reason_names[i], name) == 0) {
            *reason = (enum cf_end_reason)i;
            return true;
        }
    }
    return false;
}

static const char *const state_names[] = {
#define CF_X(value, name) [value] = (name),
    CF_MESSAGE_STATES(CF_X)
#undef CF_X
};

const char *cf_message_state_name(enum cf_message_state state)
{
    return (size_t)state < CF_ARRAY_SIZE(state_names) ? state_names[state] : "";
}

bool cf_message_state_find(enum cf_message_state *state, const char *name)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(state_names); i++) {
        if (strcmp(state_names[i], name) == 0) {
            *state = (enum cf_message_state)i;
            return true;
        }
    }
    return false;
}
