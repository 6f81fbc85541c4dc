/* SPDX-License-Identifier: GPL-3.0-or-later */
/* when at its header. */
#include "test.h"

#include <time.h>

#include "when.h"

/* Tuesday, 2026-11-24 14:20:30 UTC. */
#define NOW_MS INT64_C(1795530030000)

static void assert_reads(const char *text, const char *expected)
{
    int64_t ms = -1;
    if (!cf_when_parse(&ms, text, NOW_MS)) {
        print_error("not read: %s\n", text);
        fail();
    }
    time_t seconds = (time_t)(ms / 1000);
    struct tm moment;
    char out[40];
    gmtime_r(&seconds, &moment);
    strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S", &moment);
    assert_string_equal(out, expected);
}

static void when__parse__reads_days_and_moments(void **state)
{
    (void)state;
    assert_reads("2026-11-24", "2026-11-24 00:00:00");
    assert_reads(" 2024-2-29 ", "2024-02-29 00:00:00");
    assert_reads("2026/01/02", "2026-01-02 00:00:00");
    assert_reads("2026-03", "2026-03-01 00:00:00");
    assert_reads("11-24", "2026-11-24 00:00:00");
    assert_reads("11-25", "2025-11-25 00:00:00");
    assert_reads("12-01", "2025-12-01 00:00:00");
    assert_reads("14:05", "2026-11-24 14:05:00");
    assert_reads("2026-01-02 9:30", "2026-01-02 09:30:00");
    assert_reads("today", "2026-11-24 00:00:00");
    assert_reads("Yesterday 23:59", "2026-11-23 23:59:00");
    assert_reads("tue", "2026-11-24 00:00:00");
    assert_reads("Monday", "2026-11-23 00:00:00");
    assert_reads("wednes", "2026-11-18 00:00:00");
    assert_reads("3d", "2026-11-21 00:00:00");
    assert_reads("2 weeks ago", "2026-11-10 00:00:00");
    assert_reads("11m", "2025-12-24 00:00:00");
    assert_reads("1y 8:00", "2025-11-24 08:00:00");
}

static void when__parse__refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "x",
                                      "2026",
                                      "12",
                                      "2026-13",
                                      "2026-02-30",
                                      "2026-11-",
                                      "2026-11-24x",
                                      "24:00",
                                      "12:60",
                                      "12:",
                                      "mo",
                                      "todayx",
                                      "3",
                                      "3x",
                                      "-1d",
                                      "13-01",
                                      "00-10",
                                      "2026-11-24 ago",
                                      "1:2:3"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(bad); i++) {
        int64_t ms = 7;
        if (cf_when_parse(&ms, bad[i], NOW_MS)) {
            print_error("read: %s\n", bad[i]);
            fail();
        }
        assert_int_equal(ms, 7);
    }
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(when__parse__reads_days_and_moments),
        cmocka_unit_test(when__parse__refuses_what_is_none),
    };
    return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
