/* The interval that devices are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/fleet/polling.h"

static void what_is_an_interval(void **state)
{
    static const struct {
        const char *text;
        uint32_t seconds, spread;
    } cases[] = {
        {"00:05:00", 300, 0},     {"23:59:59", 86399, 0}, {"00:00:30~20%", 30, 20},
        {"01:00:00~5%", 3600, 5}, {"24:00:00", 0, 0},     {"00:00:04", 0, 0},
        {"00:60:00", 0, 0},       {"5:00", 0, 0},         {"00:05:00~", 0, 0},
        {"00:05:00~100%", 0, 0},  {"00:05:00 ", 0, 0},    {"", 0, 0},
        {"PT5M", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct polling polling;
        const char *wrong = polling_parse(cases[i].text, &polling);
        if ((wrong == NULL) != (cases[i].seconds != 0))
            fail_msg("%s: %s", cases[i].text, wrong != NULL ? wrong : "accepted");
        if (wrong == NULL) {
            assert_int_equal(polling.seconds, cases[i].seconds);
            assert_int_equal(polling.spread, cases[i].spread);
        }
    }
}

static void stays_within_its_spread(void **state)
{
    const struct polling polling = {.seconds = 1000, .spread = 10};
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    (void)state;
    for (uint32_t random = 0; random < 5000; random++) {
        uint32_t next = polling_next(&polling, random * 2654435761u);
        least = next < least ? next : least;
        most = next > most ? next : most;
    }
    assert_int_equal(least, 900);
    assert_int_equal(most, 1100);
    char text[POLLING_CHARS + 1];
    polling_print(3723, text);
    assert_string_equal(text, "01:02:03");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_an_interval),
        cmocka_unit_test(stays_within_its_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
