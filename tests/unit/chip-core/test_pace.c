/* tests/unit/chip-core/test_pace.c: with a network, virtual time keeps step with real time. Bounds
 * on real time are one-sided or wide: a busy machine only makes things later.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "chain/reg/intc.h"
#include "chain/soc.h"
#include "tests/unit/chip-core/asm.h"
#include "tests/unit/chip-core/bare.h"

#define MILLISECOND (1000u * SOC_CPU_MHZ) /* of virtual time */

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Routes the probe's source to line 5, asks for its event in a0 instructions, sleeps. */
static const uint32_t sleeper[] = {
    SW(a1, 0, a3),
    SW(a4, PLIC_PRI0 + 4 * 5, a5),
    SW(a1, PLIC_ENABLE, a5),
    SW(a0, PROBE_DELAY, a2),
    WFI,
    J(0),
};

static void start_sleeper(struct bare *bare, uint32_t delay)
{
    bare_new_networked(bare);
    bare_load(bare, sleeper, COUNT(sleeper));
    chip_set_register(bare->chip, a0, delay);
    chip_set_register(bare->chip, a1, 0x25); /* as a route: line 5; as enable: 5 among others */
    chip_set_register(bare->chip, a2, BARE_PROBE);
    chip_set_register(bare->chip, a3, SOC_INTMTX + 4 * SOC_SOURCE_UART0);
    chip_set_register(bare->chip, a4, 1);
    chip_set_register(bare->chip, a5, SOC_PLIC);
}

static void sleeping_takes_real_time(void **state)
{
    struct bare bare;
    (void)state;
    start_sleeper(&bare, 50 * MILLISECOND);
    chip_breakpoint(bare.chip, BARE_CODE + 20);
    double began = seconds();
    assert_int_equal(chip_run(bare.chip, UINT64_MAX), CHIP_STOP_BREAKPOINT);
    assert_true(seconds() - began >= 0.045);
    assert_int_equal(bare.fired_at, 3 + 50 * MILLISECOND);
    assert_true(bare.waits >= 2); /* chip_stop() would have been seen in between */
    bare_free(&bare);
}

/* A frame ends the sleep early; virtual time is then where real time is, not at the event. */
static void a_frame_wakes(void **state)
{
    struct bare bare;
    struct chip_stats stats;
    (void)state;
    start_sleeper(&bare, 60000 * MILLISECOND / 100);
    bare.frame_after = 2;
    chip_breakpoint(bare.chip, BARE_CODE + 20);
    double began = seconds();
    assert_int_equal(chip_run(bare.chip, UINT64_MAX), CHIP_STOP_BREAKPOINT);
    double took = seconds() - began;
    chip_get_stats(bare.chip, &stats);
    assert_int_equal(bare.waits, 2);
    assert_int_equal(bare.fired_at, 0);
    assert_true((double)stats.virtual_ns / 1e9 <= took + 0.001);
    bare_free(&bare);
}

/* Busy: no waiting, but the network is looked at every virtual millisecond. */
static void busy_polls(void **state)
{
    static const uint32_t loop[] = {ADDI(a0, a0, 1), SW(a1, PROBE_DELAY, a2), J(-8)};
    struct bare bare;
    (void)state;
    bare_new_networked(&bare);
    bare_load(&bare, loop, COUNT(loop));
    chip_set_register(bare.chip, a1, 2); /* events all the time must not mean polls */
    chip_set_register(bare.chip, a2, BARE_PROBE);
    unsigned before = bare.polls;
    chip_run(bare.chip, 20 * MILLISECOND);
    assert_in_range(bare.polls - before, 19, 21);
    assert_int_equal(bare.waits, 0);
    bare_free(&bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleeping_takes_real_time),
        cmocka_unit_test(a_frame_wakes),
        cmocka_unit_test(busy_polls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
