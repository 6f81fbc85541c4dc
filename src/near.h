/* SPDX-License-Identifier: GPL-3.0-or-later */
/* near: how far a mistyped name is from a known one. */
#ifndef CF_NEAR_H
#define CF_NEAR_H

#include "base.h"

enum { CF_NEAR_MAX_SIZE = 32 }; /* longer names are near to nothing */

/* Edit distance in which two neighbours exchanged are one mistake (optimal string alignment), case
 * aside.  Both sizes are at most CF_NEAR_MAX_SIZE. */
int cf_near_distance(const char *a, size_t n_a, const char *b, size_t n_b);

#endif
