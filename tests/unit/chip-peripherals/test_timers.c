/* System timer, timer groups and watchdogs, to the instruction (soc.md 16-18). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench.h"
#include "chain/reg/lp_aon.h"
#include "chain/reg/lp_wdt.h"
#include "chain/reg/systimer.h"
#include "chain/reg/timg.h"

#define EDGE 10u /* instructions a system timer count: 160 MHz / 16 MHz */

static int set_up(void **state)
{
    *state = bench_new(false, NULL);
    return 0;
}

static int tear_down(void **state)
{
    bench_free(*state);
    return 0;
}

/* --- system timer --------------------------------------------------------------------------- */

static uint64_t count_of(struct chip *chip, unsigned unit)
{
    uint32_t base = SOC_SYSTIMER + 8 * unit;
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_UNIT0_OP + 4 * unit, SYSTIMER_OP_UPDATE);
    assert_int_equal(bench_read(chip, SOC_SYSTIMER + SYSTIMER_UNIT0_OP + 4 * unit),
                     SYSTIMER_OP_VALID);
    uint64_t high = bench_read(chip, base + SYSTIMER_UNIT0_VALUE_HI);
    return high << 32 | bench_read(chip, base + SYSTIMER_UNIT0_VALUE_LO);
}

static void systimer_counts_16_mhz(void **state)
{
    struct chip *chip = *state;
    assert_int_equal(count_of(chip, 0), 0);
    bench_advance(chip, 9);
    assert_int_equal(count_of(chip, 0), 0);
    bench_advance(chip, 1);
    assert_int_equal(count_of(chip, 0), 1);
    bench_advance(chip, SOC_CPU_MHZ * 1000000ull - 10);
    assert_int_equal(count_of(chip, 0), SYSTIMER_HZ);
    assert_int_equal(count_of(chip, 1), 0); /* unit 1 is off after reset */
    bench_reset(chip, SOC_RESET_SW_CPU);
    assert_int_equal(count_of(chip, 0), SYSTIMER_HZ);
    bench_reset(chip, SOC_RESET_SW_SYS);
    assert_int_equal(count_of(chip, 0), 0);
}

static void systimer_stops_and_loads(void **state)
{
    struct chip *chip = *state;
    bench_advance(chip, 100 * EDGE);
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_CONF, 0);
    bench_advance(chip, 100 * EDGE);
    assert_int_equal(count_of(chip, 0), 100);
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_UNIT0_LOAD_HI, 0xFFFFF);
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_UNIT0_LOAD_LO, 0xFFFFFFFF);
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_UNIT0_LOAD, 1);
    assert_true(count_of(chip, 0) == 0xFFFFFFFFFFFFF);
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_CONF, SYSTIMER_CONF_UNIT0_EN);
    bench_advance(chip, EDGE);
    assert_int_equal(count_of(chip, 0), 0); /* 52 bits */
}

static void alarm_at(struct chip *chip, unsigned target, uint64_t count, uint32_t conf)
{
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_TARGET0_CONF + 4 * target, conf);
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_TARGET0_HI + 8 * target, (uint32_t)(count >> 32));
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_TARGET0_LO + 8 * target, (uint32_t)count);
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_COMP0_LOAD + 4 * target, 1);
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_CONF,
                bench_read(chip, SOC_SYSTIMER + SYSTIMER_CONF) |
                    SYSTIMER_CONF_TARGET0_EN >> target);
    bench_write(chip, SOC_SYSTIMER + SYSTIMER_INT_ENA, 7);
}

static void systimer_alarm_to_the_instruction(void **state)
{
    struct chip *chip = *state;
    for (unsigned target = 0; target < 3; target++) {
        bench_reset(chip, SOC_RESET_POWERON);
        bench_advance(chip, 1234567 + target);
        uint64_t count = count_of(chip, 0) + 50;
        alarm_at(chip, target, count, 0);
        uint64_t start = chip->now / EDGE * EDGE; /* the edge the counter last stepped on */
        bench_advance(chip, start + 50 * EDGE - 1 - chip->now);
        assert_false(chip->level[SOC_SOURCE_SYSTIMER0 + target]);
        bench_advance(chip, 1);
        assert_true(chip->level[SOC_SOURCE_SYSTIMER0 + target]);
        assert_int_equal(count_of(chip, 0), count);
        bench_write(chip, SOC_SYSTIMER + SYSTIMER_INT_CLR, 1u << target);
        assert_false(chip->level[SOC_SOURCE_SYSTIMER0 + target]);
        bench_advance(chip, 1000000);
        assert_false(chip->level[SOC_SOURCE_SYSTIMER0 + target]); /* once */
    }
}

static void systimer_alarm_in_the_past(void **state)
{
    struct chip *chip = *state;
    bench_advance(chip, 10000);
    alarm_at(chip, 0, 5, 0);
    bench_advance(chip, 1);
    assert_true(chip->level[SOC_SOURCE_SYSTIMER0]);
}

static void systimer_period(void **state)
{
    struct chip *chip = *state;
    bench_advance(chip, 777 * EDGE);
    alarm_at(chip, 1, 0, SYSTIMER_TARGET_PERIOD_MODE | 30);
    for (unsigned i = 0; i < 5; i++) {
        bench_advance(chip, 30 * EDGE - 1);
        assert_false(chip->level[SOC_SOURCE_SYSTIMER0 + 1]);
        bench_advance(chip, 1);
        assert_true(chip->level[SOC_SOURCE_SYSTIMER0 + 1]);
        bench_write(chip, SOC_SYSTIMER + SYSTIMER_INT_CLR, 2);
    }
}

/* --- timer group ---------------------------------------------------------------------------- */

static void stop_watchdogs(struct chip *chip)
{
    bench_write(chip, SOC_TIMG0 + TIMG_WDTCONFIG0, 0);
    bench_write(chip, SOC_LP_WDT + LP_WDT_WPROTECT, WDT_UNLOCK_KEY);
    bench_write(chip, SOC_LP_WDT + LP_WDT_CONFIG0, 0);
}

static void timg_timer_alarm(void **state)
{
    static const struct {
        uint32_t base;
        unsigned source;
    } groups[] = {{SOC_TIMG0, SOC_SOURCE_TG0_T0}, {SOC_TIMG1, SOC_SOURCE_TG1_T0}};
    struct chip *chip = *state;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t base = groups[i].base;
        bench_write(chip, base + TIMG_INT_ENA, TIMG_INT_T0);
        bench_write(chip, base + TIMG_T0ALARMLO, 1000);
        /* On, up, autoreload, alarm, divider 80: a microsecond a count. */
        bench_write(chip, base + TIMG_T0CONFIG,
                    1u << 31 | 1u << 30 | 1u << 29 | 80u << 13 | 1u << 10);
        bench_advance(chip, 1000 * SOC_CPU_MHZ - 1);
        assert_false(chip->level[groups[i].source]);
        bench_write(chip, base + TIMG_T0UPDATE, 1);
        assert_int_equal(bench_read(chip, base + TIMG_T0LO), 999);
        bench_advance(chip, 1);
        assert_true(chip->level[groups[i].source]);
        bench_write(chip, base + TIMG_T0UPDATE, 1);
        assert_int_equal(bench_read(chip, base + TIMG_T0LO), 0); /* reloaded */
        bench_write(chip, base + TIMG_INT_CLR, TIMG_INT_T0);
        assert_false(chip->level[groups[i].source]);
        assert_int_equal(bench_read(chip, base + TIMG_T0CONFIG) & 1u << 10, 0);
    }
}

static void timg_watchdog_starts_by_itself(void **state)
{
    struct chip *chip = *state;
    /* Stage 0 hold 0x18CBA80 at 80 MHz, system reset. */
    bench_advance(chip, 0x18CBA80ull * 2 - 1);
    assert_int_equal(chip->reset_cause, 0);
    bench_advance(chip, 1);
    assert_int_equal(chip->reset_cause, SOC_RESET_TG0_SYS);

    /* Not in download boot, and not after the mode was switched off. */
    chip->config.strap = SOC_STRAP_DOWNLOAD;
    bench_reset(chip, SOC_RESET_POWERON);
    bench_advance(chip, 0x18CBA80ull * 4);
    assert_int_equal(chip->reset_cause, 0);
    chip->config.strap = SOC_STRAP_SPI_BOOT;
    bench_reset(chip, SOC_RESET_POWERON);
    stop_watchdogs(chip);
    bench_advance(chip, 0x18CBA80ull * 4);
    assert_int_equal(chip->reset_cause, 0);
}

static void timg_watchdog_write_protection(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_TIMG0 + TIMG_WDTWPROTECT, 0);
    uint32_t before = bench_read(chip, SOC_TIMG0 + TIMG_WDTCONFIG0);
    bench_write(chip, SOC_TIMG0 + TIMG_WDTCONFIG0, 0);
    assert_int_equal(bench_read(chip, SOC_TIMG0 + TIMG_WDTCONFIG0), before);
    bench_advance(chip, 0x18CBA80);
    bench_write(chip, SOC_TIMG0 + TIMG_WDTFEED, 1); /* does not count */
    bench_advance(chip, 0x18CBA80);
    assert_int_equal(chip->reset_cause, SOC_RESET_TG0_SYS);
}

/* Interrupt, then CPU reset, then system reset; feeding starts over. */
static void timg_watchdog_stages(void **state)
{
    static const struct {
        uint32_t base;
        unsigned source;
        uint32_t cpu, system;
    } groups[] = {
        {SOC_TIMG0, SOC_SOURCE_TG0_WDT, SOC_RESET_TG0_CPU, SOC_RESET_TG0_SYS},
        {SOC_TIMG1, SOC_SOURCE_TG1_WDT, SOC_RESET_TG1_CPU, SOC_RESET_TG1_SYS},
    };
    struct chip *chip = *state;
    stop_watchdogs(chip);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t base = groups[i].base;
        bench_write(chip, base + TIMG_INT_ENA, TIMG_INT_WDT);
        bench_write(chip, base + TIMG_WDTCONFIG1, 80u << 16); /* ticks of a microsecond */
        for (unsigned stage = 0; stage < 3; stage++)
            bench_write(chip, base + TIMG_WDTCONFIG2 + 4 * stage, 100 * (stage + 1));
        bench_write(chip, base + TIMG_WDTCONFIG0, TIMG_WDT_EN | 1u << 29 | 2u << 27 | 3u << 25);
        chip->reset_cause = 0;
        bench_advance(chip, 99 * SOC_CPU_MHZ);
        bench_write(chip, base + TIMG_WDTFEED, 1);
        bench_advance(chip, 100 * SOC_CPU_MHZ - 1);
        assert_false(chip->level[groups[i].source]);
        bench_advance(chip, 1);
        assert_true(chip->level[groups[i].source]);
        bench_advance(chip, 200 * SOC_CPU_MHZ - 1);
        assert_int_equal(chip->reset_cause, 0);
        bench_advance(chip, 1);
        assert_int_equal(chip->reset_cause, groups[i].cpu);
        bench_reset(chip, chip->reset_cause); /* the watchdog goes on */
        bench_advance(chip, 300 * SOC_CPU_MHZ - 1);
        assert_int_equal(chip->reset_cause, 0);
        bench_advance(chip, 1);
        assert_int_equal(chip->reset_cause, groups[i].system);
        bench_write(chip, base + TIMG_WDTCONFIG0, 0);
    }
}

static void timg_calibration(void **state)
{
    static const struct {
        uint32_t source, value;
    } rows[] = {{0, 1024u * 40000000ull / 136000}, {2, 1024u * 40000000ull / 32768}};
    struct chip *chip = *state;
    for (unsigned i = 0; i < 2; i++) {
        bench_write(chip, SOC_TIMG0 + TIMG_RTCCALICFG,
                    1u << 31 | 1024u << 16 | rows[i].source << 13);
        assert_true(bench_read(chip, SOC_TIMG0 + TIMG_RTCCALICFG) & 1u << 15);
        assert_int_equal(bench_read(chip, SOC_TIMG0 + TIMG_RTCCALICFG1) >> 7, rows[i].value);
    }
    bench_write(chip, SOC_TIMG0 + TIMG_RTCCALICFG, 1u << 31 | 1024u << 16 | 1u << 13);
    assert_false(bench_read(chip, SOC_TIMG0 + TIMG_RTCCALICFG) & 1u << 15);
    assert_true(bench_read(chip, SOC_TIMG0 + TIMG_RTCCALICFG2) & 1);
}

/* --- LP watchdog ---------------------------------------------------------------------------- */

static uint64_t slow_ticks(uint64_t ticks)
{
    return ticks * 160000 / 136;
}

static void lp_watchdog_starts_by_itself(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_TIMG0 + TIMG_WDTCONFIG0, 0);
    bench_advance(chip, slow_ticks(2 * 0x30D40) - 1); /* WDT_DELAY_SEL 0: twice the hold */
    assert_int_equal(chip->reset_cause, 0);
    bench_advance(chip, 1);
    assert_int_equal(chip->reset_cause, SOC_RESET_LPWDT_RTC);
}

/* Each action, in stage 0 and in stage 1. */
static void lp_watchdog_actions(void **state)
{
    static const uint32_t causes[5] = {0, 0, SOC_RESET_LPWDT_CPU, SOC_RESET_LPWDT_SYS,
                                       SOC_RESET_LPWDT_RTC};
    struct chip *chip = *state;
    for (uint32_t stage = 0; stage < 2; stage++) {
        for (uint32_t action = 0; action < 5; action++) {
            bench_reset(chip, SOC_RESET_POWERON);
            stop_watchdogs(chip);
            bench_write(chip, SOC_LP_WDT + LP_WDT_INT_ENA, 1u << 31);
            bench_write(chip, SOC_LP_WDT + LP_WDT_CONFIG1, 1360);
            bench_write(chip, SOC_LP_WDT + LP_WDT_CONFIG1 + 4, 2720);
            bench_write(chip, SOC_LP_WDT + LP_WDT_CONFIG0, LP_WDT_EN | action << (28 - 3 * stage));
            bench_advance(chip, slow_ticks(2720) * (stage + 1) - 1);
            assert_int_equal(chip->reset_cause, 0);
            assert_false(chip->level[SOC_SOURCE_LP_WDT]);
            bench_advance(chip, 1);
            assert_int_equal(chip->reset_cause, causes[action]);
            assert_int_equal(chip->level[SOC_SOURCE_LP_WDT], action == 1);
        }
    }
}

static void lp_watchdog_feed_and_locks(void **state)
{
    struct chip *chip = *state;
    stop_watchdogs(chip);
    bench_write(chip, SOC_LP_WDT + LP_WDT_CONFIG1, 1360);
    bench_write(chip, SOC_LP_WDT + LP_WDT_CONFIG0, LP_WDT_EN | 3u << 28);
    for (unsigned i = 0; i < 4; i++) {
        bench_advance(chip, slow_ticks(2000));
        bench_write(chip, SOC_LP_WDT + LP_WDT_FEED, 1u << 31);
    }
    assert_int_equal(chip->reset_cause, 0);
    bench_write(chip, SOC_LP_WDT + LP_WDT_WPROTECT, 1);
    bench_write(chip, SOC_LP_WDT + LP_WDT_CONFIG0, 0);
    bench_advance(chip, slow_ticks(2000));
    bench_write(chip, SOC_LP_WDT + LP_WDT_FEED, 1u << 31);
    bench_advance(chip, slow_ticks(2720) - slow_ticks(2000));
    assert_int_equal(chip->reset_cause, SOC_RESET_LPWDT_SYS);

    bench_write(chip, SOC_LP_WDT + LP_WDT_SWD_CONFIG, LP_WDT_SWD_AUTO_FEED);
    assert_int_equal(bench_read(chip, SOC_LP_WDT + LP_WDT_SWD_CONFIG), 0x12C00000);
    bench_write(chip, SOC_LP_WDT + LP_WDT_SWD_WPROTECT, WDT_UNLOCK_KEY);
    bench_write(chip, SOC_LP_WDT + LP_WDT_SWD_CONFIG, LP_WDT_SWD_AUTO_FEED);
    assert_int_equal(bench_read(chip, SOC_LP_WDT + LP_WDT_SWD_CONFIG), LP_WDT_SWD_AUTO_FEED);
}

static void lp_watchdog_delay_fuse(void **state)
{
    struct chip *chip = *state;
    efuse_burn_field(&chip->efuse, efuse_field_find("WDT_DELAY_SEL"), 3);
    bench_reset(chip, SOC_RESET_POWERON);
    bench_write(chip, SOC_TIMG0 + TIMG_WDTCONFIG0, 0);
    bench_advance(chip, slow_ticks(16 * 0x30D40) - 1);
    assert_int_equal(chip->reset_cause, 0);
    bench_advance(chip, 1);
    assert_int_equal(chip->reset_cause, SOC_RESET_LPWDT_RTC);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(systimer_counts_16_mhz),
        TEST(systimer_stops_and_loads),
        TEST(systimer_alarm_to_the_instruction),
        TEST(systimer_alarm_in_the_past),
        TEST(systimer_period),
        TEST(timg_timer_alarm),
        TEST(timg_watchdog_starts_by_itself),
        TEST(timg_watchdog_write_protection),
        TEST(timg_watchdog_stages),
        TEST(timg_calibration),
        TEST(lp_watchdog_starts_by_itself),
        TEST(lp_watchdog_actions),
        TEST(lp_watchdog_feed_and_locks),
        TEST(lp_watchdog_delay_fuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
