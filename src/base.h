/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base: what every file of confab may rely on: config.h first, the fixed-width types, and the
 * compiler attributes under names of our own.  It declares no function and no state. */
#ifndef CF_BASE_H
#define CF_BASE_H

#include <config.h>

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Argument FMT is a printf format, the arguments from ARGS on are its values. */
#define CF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define CF_NORETURN __attribute__((noreturn))
#define CF_MUST_USE __attribute__((warn_unused_result))
#define CF_UNUSED __attribute__((unused))

#define CF_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
