/* Maintenance windows: when they open, in whose time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "server/fleet/window.h"

/* Milliseconds of a moment in UTC. */
static int64_t moment(int year, int month, int day, int hour, int minute, int second)
{
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_sec = second};
    return (int64_t)timegm(&tm) * 1000;
}

static void the_next_one(void **state)
{
    const int64_t sunday = moment(2026, 11, 22, 12, 0, 0);
    const struct {
        const char *schedule, *zone;
        int64_t next;
    } cases[] = {
        {"0 0 3 ? * SUN", "+00:00", moment(2026, 11, 29, 3, 0, 0)},
        {"0 0 3 ? * 1", "+00:00", moment(2026, 11, 29, 3, 0, 0)},
        {"0 0 3 ? * MON-FRI", "+00:00", moment(2026, 11, 23, 3, 0, 0)},
        {"0 0 3 ? * SUN", "-10:00", moment(2026, 11, 22, 13, 0, 0)},
        {"0 30 13 * * ?", "+01:00", moment(2026, 11, 22, 12, 30, 0)},
        {"0 0/15 * * * ?", "+00:00", moment(2026, 11, 22, 12, 0, 0)},
        {"1 0/15 * * * ?", "+00:00", moment(2026, 11, 22, 12, 0, 1)},
        {"0 0 0 29 2 ?", "+00:00", moment(2028, 2, 29, 0, 0, 0)},
        {"0 0 0 1 JAN ? 2030", "+00:00", moment(2030, 1, 1, 0, 0, 0)},
        {"0 0 0 1 JAN ? 2020", "+00:00", -1},
        {"0 0 0 31 2 ?", "+00:00", -1},
        {"59 59 23 31 12 ?", "+00:00", moment(2026, 12, 31, 23, 59, 59)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct window window;
        const char *wrong = window_parse(cases[i].schedule, "01:00:00", cases[i].zone, &window);
        if (wrong != NULL)
            fail_msg("%s: %s", cases[i].schedule, wrong);
        if (window_next(&window, sunday) != cases[i].next)
            fail_msg("%s %s: %lld", cases[i].schedule, cases[i].zone,
                     (long long)window_next(&window, sunday));
    }
}

static void open_from_start_to_end(void **state)
{
    struct window window;
    (void)state;
    assert_null(window_parse("0 0 3 * * ?", "02:30:00", "+00:00", &window));
    assert_false(window_open(&window, moment(2026, 11, 22, 2, 59, 59)));
    assert_true(window_open(&window, moment(2026, 11, 22, 3, 0, 0)));
    assert_true(window_open(&window, moment(2026, 11, 22, 5, 29, 59)));
    assert_false(window_open(&window, moment(2026, 11, 22, 5, 30, 0)));
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *schedule, *duration, *zone;
    } cases[] = {
        {"", "01:00:00", "+00:00"},
        {"0 0 3 * *", "01:00:00", "+00:00"},
        {"0 0 3 L * ?", "01:00:00", "+00:00"},
        {"0 0 3 ? * 6#3", "01:00:00", "+00:00"},
        {"60 0 3 * * ?", "01:00:00", "+00:00"},
        {"0 0 24 * * ?", "01:00:00", "+00:00"},
        {"0 0 3 0 * ?", "01:00:00", "+00:00"},
        {"0 0 3 * 13 ?", "01:00:00", "+00:00"},
        {"0 0 5-3 * * ?", "01:00:00", "+00:00"},
        {"0 0/0 3 * * ?", "01:00:00", "+00:00"},
        {"0 0, 3 * * ?", "01:00:00", "+00:00"},
        {"0 0 3 * * ? 1 2", "01:00:00", "+00:00"},
        {"0 0 3 * * ?", "00:00:00", "+00:00"},
        {"0 0 3 * * ?", "1:00:00", "+00:00"},
        {"0 0 3 * * ?", "01:60:00", "+00:00"},
        {"0 0 3 * * ?", "01:00:00", "UTC"},
        {"0 0 3 * * ?", "01:00:00", "+19:00"},
        {"0 0 3 * * ?", "01:00:00", "02:00"},
    };
    struct window window;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (window_parse(cases[i].schedule, cases[i].duration, cases[i].zone, &window) == NULL)
            fail_msg("accepted: %s %s %s", cases[i].schedule, cases[i].duration, cases[i].zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_one),
        cmocka_unit_test(open_from_start_to_end),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
