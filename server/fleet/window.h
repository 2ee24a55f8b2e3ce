/* server/fleet/window.h: maintenance windows: a Quartz cron schedule, a duration, a time zone as an
 * offset (hawkbit-ddi.md 4). Pure. */
#ifndef SERVER_FLEET_WINDOW_H
#define SERVER_FLEET_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window {
    /* One bit for each value a field admits. */
    uint64_t seconds, minutes;
    uint32_t hours, months, days, weekdays;
    bool any_day, any_weekday; /* '?' or '*': the other of the two decides */
    uint16_t years[2];         /* first and last */
    int64_t duration;          /* milliseconds */
    int32_t offset;            /* of local time from UTC, milliseconds */
};

/* "0 0 3 ? * SUN", "02:30:00", "+02:00". NULL, or what is wrong. */
const char *window_parse(const char *schedule, const char *duration, const char *zone,
                         struct window *out);

/* Is `now` inside one? */
bool window_open(const struct window *window, int64_t now);
/* When the next one begins, at or after `now`; -1: never within ten years. */
int64_t window_next(const struct window *window, int64_t now);

#endif
