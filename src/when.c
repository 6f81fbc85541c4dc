/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "when.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* The digits at AT, at most MOST of them; *at moves behind them.  -1: none. */
static int take_number(const char **at, int most)
{
    int number = -1;
    for (; most > 0 && **at >= '0' && **at <= '9'; (*at)++, most--) {
        number = (number < 0 ? 0 : number) * 10 + (**at - '0');
    }
    return number;
}

/* The moment of DAY, whose fields may be out of range; false: the calendar has none. */
static bool to_ms(int64_t *ms, struct tm day)
{
    day.tm_isdst = -1;
    time_t seconds = mktime(&day);
    if (seconds == (time_t)-1) {
        return false;
    }
    *ms = (int64_t)seconds * 1000;
    return true;
}

static bool is_day(const struct tm *day)
{
    struct tm copy = *day;
    copy.tm_isdst = -1;
    return mktime(&copy) != (time_t)-1 && copy.tm_mon == day->tm_mon &&
           copy.tm_mday == day->tm_mday && copy.tm_year == day->tm_year;
}

/* 2026-11-24, 2026-11, 11-24 */
static bool take_date(struct tm *day, const char **at, const struct tm *now)
{
    const char *place = *at;
    int first = take_number(&place, 4);
    bool has_year = place - *at == 4;
    if (first < 0 || (*place != '-' && *place != '/')) {
        return false;
    }
    char mark = *place++;
    int second = take_number(&place, 2);
    int third = -1;
    if (has_year && *place == mark) {
        place++;
        third = take_number(&place, 2);
        if (third < 0) {
            return false;
        }
    }
    if (second < 0) {
        return false;
    }
    *day = (struct tm){.tm_year = now->tm_year, .tm_mon = first - 1, .tm_mday = second};
    if (has_year) {
        *day = (struct tm){
            .tm_year = first - 1900, .tm_mon = second - 1, .tm_mday = third < 0 ? 1 : third};
    } else if (day->tm_mon > now->tm_mon ||
               (day->tm_mon == now->tm_mon && day->tm_mday > now->tm_mday)) {
        day->tm_year--;
    }
    *at = place;
    return is_day(day);
}

static bool take_word(const char **at, const char *word, size_t least)
{
    size_t size = strspn(*at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (size < least || size > strlen(word) || strncasecmp(*at, word, size) != 0) {
        return false;
    }
    *at += size;
    return true;
}

/* today, yesterday, monday, 3d */
static bool take_past(struct tm *day, const char **at, const struct tm *now)
{
    static const char *const days[] = {"sunday",   "monday", "tuesday", "wednesday",
                                       "thursday", "friday", "saturday"};
    *day = (struct tm){.tm_year = now->tm_year, .tm_mon = now->tm_mon, .tm_mday = now->tm_mday};
    if (take_word(at, "today", 5)) {
        return true;
    }
    if (take_word(at, "yesterday", 9)) {
        day->tm_mday--;
        return true;
    }
    for (int i = 0; i < 7; i++) {
        if (take_word(at, days[i], 3)) {
            day->tm_mday -= (now->tm_wday - i + 7) % 7;
            return true;
        }
    }
    const char *place = *at;
    int n = take_number(&place, 4);
    if (n < 0) {
        return false;
    }
    place = skip_blanks(place);
    if (take_word(&place, "days", 1)) {
        day->tm_mday -= n;
    } else if (take_word(&place, "weeks", 1)) {
        day->tm_mday -= 7 * n;
    } else if (take_word(&place, "months", 1)) {
        day->tm_mon -= n;
    } else if (take_word(&place, "years", 1)) {
        day->tm_year -= n;
    } else {
        return false;
    }
    *at = skip_blanks(place);
    take_word(at, "ago", 3);
    return true;
}

bool cf_when_parse(int64_t *ms, const char *text, int64_t now_ms)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm now;
    if (localtime_r(&seconds, &now) == NULL) {
        return false;
    }
    struct tm day = {.tm_year = now.tm_year, .tm_mon = now.tm_mon, .tm_mday = now.tm_mday};
    const char *at = skip_blanks(text);
    bool has_day = take_date(&day, &at, &now);
    if (!has_day) {
        at = skip_blanks(text);
        has_day = take_past(&day, &at, &now);
    }
    if (!has_day) {
        at = skip_blanks(text);
        day = (struct tm){.tm_year = now.tm_year, .tm_mon = now.tm_mon, .tm_mday = now.tm_mday};
    }
    at = skip_blanks(at);
    if (*at != '\0') {
        int hour = take_number(&at, 2);
        if (hour < 0 || hour > 23 || *at++ != ':') {
            return false;
        }
        int minute = take_number(&at, 2);
        if (minute < 0 || minute > 59 || *skip_blanks(at) != '\0') {
            return false;
        }
        day.tm_hour = hour;
        day.tm_min = minute;
    } else if (!has_day) {
        return false;
    }
    return to_ms(ms, day);
}
