/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every test program includes: cmocka and what it needs first. */
#ifndef TEST_H
#define TEST_H

#include <base.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The path of a file under the source tree's tests/ (make check) or of the current folder. */
#define TEST_SRCDIR (getenv("srcdir") != NULL ? getenv("srcdir") : ".")

#endif
