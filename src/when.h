/* SPDX-License-Identifier: GPL-3.0-or-later */
/* when: a day or moment as people write it.  In local time, by the C library's calendar; no thread
 * but the caller's, which has set TZ. */
#ifndef CF_WHEN_H
#define CF_WHEN_H

#include "base.h"

/* Where the day, month or moment begins that TEXT names: 2026-11-24, 2026-11, 11-24 (the last one
 * there was), a time 14:20 behind a day or alone (today), today, yesterday, a day of the week (the
 * last one there was, three letters or all), 3d, 2w, 6m, 1y (days, weeks, months, years ago; "ago"
 * may follow).  NOW_MS and *ms are in milliseconds since 1970 UTC.  False: nothing of these, or no
 * day of the calendar. */
bool cf_when_parse(int64_t *ms, const char *text, int64_t now_ms);

/* What cf_when_parse reads, for sentences. */
#define CF_WHEN_FORMS "2026-11-24, 11-24, 14:20, yesterday, monday or 3d"

#endif
