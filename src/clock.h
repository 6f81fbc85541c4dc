/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock: the clock that never jumps, for waits and durations. */
#ifndef CF_CLOCK_H
#define CF_CLOCK_H

#include "base.h"

/* Since some moment that stays the same while the machine runs.  Any thread. */
double cf_clock_s(void);
int64_t cf_clock_ms(void);

#endif
