/* Timers, the draw of who misbehaves, and the spreads of times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fleet/script.h"
#include "fleet/tally.h"
#include "fleet/timers.h"

#define TIMERS 1000

/* Against the simplest of all: looking at each. */
static void test_timers_come_in_order(void **state)
{
    struct timers timers;
    static struct timer timer[TIMERS];
    uint64_t random = 42;
    unsigned set = 0;
    (void)state;
    assert_true(timers_init(&timers, TIMERS));
    assert_null(timers_first(&timers));
    for (unsigned round = 0; round < 20000; round++) {
        struct timer *one = &timer[script_random(&random) % TIMERS];
        if (script_random(&random) % 3 == 0) {
            set -= one->place != 0;
            timers_clear(&timers, one);
            assert_int_equal(one->place, 0);
        } else {
            set += one->place == 0;
            timers_set(&timers, one, script_random(&random) % 5000);
        }
        assert_int_equal(timers.count, set);
        if (round % 50 != 0 || set == 0)
            continue;
        uint64_t least = UINT64_MAX;
        for (unsigned i = 0; i < TIMERS; i++) {
            if (timer[i].place != 0 && timer[i].due < least)
                least = timer[i].due;
        }
        assert_int_equal(timers_first(&timers)->due, least);
    }
    uint64_t last = 0;
    for (; set > 0; set--) {
        struct timer *first = timers_first(&timers);
        assert_true(first->due >= last);
        last = first->due;
        timers_clear(&timers, first);
    }
    assert_null(timers_first(&timers));
    timers_free(&timers);
}

static size_t drawn(const uint8_t *behaviour, size_t devices, enum script_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < devices; i++)
        count += (behaviour[i] & 1u << kind) != 0;
    return count;
}

static void test_draw_is_exact_and_repeatable(void **state)
{
    struct script script = {
        .seed = 7, .percent = {[SCRIPT_FAIL] = 20, [SCRIPT_DROP] = 0.5, [SCRIPT_OFFLINE] = 100}};
    uint8_t first[1000], again[1000], other[1000];
    (void)state;
    assert_true(script_draw(&script, 1000, first));
    assert_int_equal(drawn(first, 1000, SCRIPT_FAIL), 200);
    assert_int_equal(drawn(first, 1000, SCRIPT_DROP), 5);
    assert_int_equal(drawn(first, 1000, SCRIPT_SLOW), 0);
    assert_int_equal(drawn(first, 1000, SCRIPT_CRASH), 0);
    assert_int_equal(drawn(first, 1000, SCRIPT_OFFLINE), 1000);
    assert_true(script_draw(&script, 1000, again));
    assert_memory_equal(first, again, sizeof first);
    script.seed = 8;
    assert_true(script_draw(&script, 1000, other));
    assert_int_equal(drawn(other, 1000, SCRIPT_FAIL), 200);
    assert_memory_not_equal(first, other, sizeof first);
}

/* Two kinds of the same share do not fall on the same devices, nor on the first ones. */
static void test_draws_are_independent(void **state)
{
    struct script script = {.seed = 1, .percent = {[SCRIPT_FAIL] = 50, [SCRIPT_DROP] = 50}};
    uint8_t behaviour[10000];
    size_t both = 0, early = 0;
    (void)state;
    assert_true(script_draw(&script, sizeof behaviour, behaviour));
    for (size_t i = 0; i < sizeof behaviour; i++) {
        both += (behaviour[i] & 1u << SCRIPT_FAIL) != 0 && (behaviour[i] & 1u << SCRIPT_DROP) != 0;
        early += i < sizeof behaviour / 2 && (behaviour[i] & 1u << SCRIPT_FAIL) != 0;
    }
    assert_in_range(both, 2300, 2700);
    assert_in_range(early, 2300, 2700);
}

static void test_spread(void **state)
{
    struct spread spread = {0}, all = {0};
    (void)state;
    assert_int_equal(spread_percentile(&spread, 99), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        spread_note(&spread, i * 100);
    assert_in_range(spread_percentile(&spread, 50), 50000, 56250);
    assert_in_range(spread_percentile(&spread, 99), 99000, 111375);
    assert_in_range(spread_percentile(&spread, 0), 100, 112);
    spread_merge(&all, &spread);
    spread_merge(&all, &spread);
    assert_int_equal(all.count, 2000);
    assert_int_equal(spread_percentile(&all, 50), spread_percentile(&spread, 50));
}

/* A percentile is never below the value, and above it by an eighth at most. */
static void test_spread_is_true_to_an_eighth(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < (uint64_t)1 << 30; value = value * 9 / 8 + 1) {
        struct spread spread = {0};
        spread_note(&spread, value);
        assert_in_range(spread_percentile(&spread, 50), value, value + value / 8);
    }
    struct spread spread = {0};
    spread_note(&spread, UINT64_MAX); /* stays inside */
    assert_int_equal(spread.cell[SPREAD_CELLS - 1], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_come_in_order),
        cmocka_unit_test(test_draw_is_exact_and_repeatable),
        cmocka_unit_test(test_draws_are_independent),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_spread_is_true_to_an_eighth),
    };
    return cmocka_run_group_tests_name("fleet-run order", tests, NULL, NULL);
}
