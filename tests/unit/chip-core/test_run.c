/* tests/unit/chip-core/test_run.c: the run loop: budgets, events, wfi, resets, power, breakpoints;
 * and that equal inputs give equal runs.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include "chain/reg/intc.h"
#include "chain/soc.h"
#include "tests/unit/chip-core/asm.h"
#include "tests/unit/chip-core/bare.h"

static uint64_t retired(const struct bare *bare)
{
    struct chip_stats stats;
    chip_get_stats(bare->chip, &stats);
    return stats.instructions;
}

/* A loop of 5 instructions, run in steps of every size: the PC is always where it must be. */
static void budgets_are_exact(void **state)
{
    static const uint32_t loop[] = {ADDI(a0, a0, 1), NOP, NOP, NOP, J(-16)};
    (void)state;
    for (unsigned step = 1; step < 70; step++) {
        struct bare bare;
        bare_new(&bare, 1);
        bare_load(&bare, loop, COUNT(loop));
        chip_set_register(bare.chip, a0, 0);
        for (unsigned done = step; done < 500; done += step) {
            assert_int_equal(chip_run(bare.chip, step), CHIP_STOP_BUDGET);
            assert_int_equal(retired(&bare), done);
            assert_int_equal(chip_register(bare.chip, 32), BARE_CODE + 4 * (done % 5));
            assert_int_equal(chip_register(bare.chip, a0), (done + 4) / 5);
        }
        bare_free(&bare);
    }
}

/* A run of 200 instructions without a jump is more than one block. */
static void long_runs_are_exact(void **state)
{
    uint32_t program[201];
    struct bare bare;
    (void)state;
    for (size_t i = 0; i < 200; i++)
        program[i] = ADDI(a0, a0, 1);
    program[200] = J(0);
    bare_new(&bare, 1);
    bare_load(&bare, program, 201);
    chip_set_register(bare.chip, a0, 0);
    chip_run(bare.chip, 150);
    assert_int_equal(chip_register(bare.chip, a0), 150);
    chip_run(bare.chip, 150);
    assert_int_equal(chip_register(bare.chip, a0), 200);
    assert_int_equal(retired(&bare), 300);
    bare_free(&bare);
}

static void time_and_pc_are_exact_for_peripherals(void **state)
{
    static const uint32_t program[] = {
        NOP, NOP, LW(a0, PROBE_NOW, a2), NOP, LW(a1, PROBE_NOW, a2), SW(a0, PROBE_UNKNOWN, a2),
        J(0)};
    struct bare bare;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a2, BARE_PROBE);
    chip_run(bare.chip, 10);
    assert_int_equal(chip_register(bare.chip, a0), 2);
    assert_int_equal(chip_register(bare.chip, a1), 4);
    assert_string_equal(bare.last_note, "write of unknown register 0x6004001c in probe, "
                                        "PC 0x40800014");
    bare_free(&bare);
}

/* An event set 7 instructions ahead from the middle of a block fires there, not at its end. */
static void events_are_exact(void **state)
{
    static const uint32_t program[] = {
        NOP, SW(a0, PROBE_DELAY, a2), NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, J(0),
    };
    (void)state;
    for (uint32_t delay = 0; delay < 60; delay++) {
        struct bare bare;
        bare_new(&bare, 1);
        bare_load(&bare, program, COUNT(program));
        chip_set_register(bare.chip, a0, delay);
        chip_set_register(bare.chip, a2, BARE_PROBE);
        chip_run(bare.chip, 100);
        assert_int_equal(bare.fired_at, 1 + (delay ? delay : 1)); /* not within the store */
        bare_free(&bare);
    }
}

/* wfi: time jumps to the event; retired instructions do not. Interrupts need not be enabled. */
static void wfi_skips_to_the_event(void **state)
{
    static const uint32_t program[] = {
        SW(a1, 0, a3),
        SW(a4, PLIC_PRI0 + 4 * 5, a5),
        SW(a1, PLIC_ENABLE, a5),
        SW(a0, PROBE_DELAY, a2),
        WFI,
        LW(a0, PROBE_NOW, a2),
        J(0),
    };
    struct bare bare;
    struct chip_stats stats;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a0, 160000);
    chip_set_register(bare.chip, a2, BARE_PROBE);
    chip_set_register(bare.chip, a3, SOC_INTMTX + 4 * SOC_SOURCE_UART0);
    chip_set_register(bare.chip, a5, SOC_PLIC);
    chip_set_register(bare.chip, a1, 0x25); /* as a route: line 5; as enable: lines 0, 2, 5 */
    chip_set_register(bare.chip, a4, 1);
    assert_int_equal(chip_run(bare.chip, 160000 + 20), CHIP_STOP_BUDGET);
    assert_int_equal(chip_register(bare.chip, a0), 160003);
    chip_get_stats(bare.chip, &stats);
    assert_int_equal(stats.virtual_ns, (160000 + 20) * 1000 / 160);
    assert_int_equal(stats.instructions, 5 + 17);
    bare_free(&bare);
}

/* Interrupts that are enabled nowhere do not wake, and time stops at the budget. */
static void wfi_respects_the_budget(void **state)
{
    static const uint32_t program[] = {SW(a0, PROBE_DELAY, a2), WFI, LI(a0, 1), J(0)};
    struct bare bare;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a0, 5000);
    chip_set_register(bare.chip, a2, BARE_PROBE);
    assert_int_equal(chip_run(bare.chip, 1000), CHIP_STOP_BUDGET);
    assert_int_equal(retired(&bare), 2);
    assert_int_equal(chip_now(bare.chip), 1000);
    /* It fires, wakes nobody, and nothing is left to wait for. */
    assert_int_equal(chip_run(bare.chip, 10000), CHIP_STOP_HALT);
    assert_int_equal(bare.fired_at, 5000);
    assert_int_equal(chip_register(bare.chip, a0), 5000);
    bare_free(&bare);
}

static void stop_from_a_callback(void **state)
{
    static const uint32_t program[] = {NOP, SW(a0, PROBE_STOP, a2), LI(a1, 1), J(0)};
    struct bare bare;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a2, BARE_PROBE);
    chip_set_register(bare.chip, a1, 0);
    assert_int_equal(chip_run(bare.chip, 100), CHIP_STOP_REQUEST);
    assert_int_equal(retired(&bare), 2);
    assert_int_equal(chip_register(bare.chip, a1), 0);
    assert_int_equal(chip_run(bare.chip, 2), CHIP_STOP_BUDGET);
    assert_int_equal(chip_register(bare.chip, a1), 1);
    bare_free(&bare);
}

static struct chip *chip_to_stop;

static void on_alarm(int number)
{
    (void)number;
    chip_stop(chip_to_stop);
}

/* A program that never ends, stopped from a signal handler. It also runs long enough to overflow
 * the host's stack, should the handlers' tail calls not be jumps in this build. */
static void stop_from_a_signal(void **state)
{
    static const uint32_t loop[] = {ADDI(a0, a0, 1), BNE(zero, a0, -4), J(-8)};
    const struct itimerval soon = {.it_value = {.tv_usec = 50000}};
    struct bare bare;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, loop, COUNT(loop));
    chip_run(bare.chip, 10000000);
    chip_to_stop = bare.chip;
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &soon, NULL);
    assert_int_equal(chip_run(bare.chip, UINT64_MAX), CHIP_STOP_REQUEST);
    signal(SIGALRM, SIG_DFL);
    bare_free(&bare);
}

static void breakpoints(void **state)
{
    static const uint32_t loop[] = {NOP, ADDI(a0, a0, 1), NOP, J(-12)};
    struct bare bare;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, loop, COUNT(loop));
    chip_set_register(bare.chip, a0, 0);
    chip_run(bare.chip, 40);
    chip_breakpoint(bare.chip, BARE_CODE + 8);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(chip_run(bare.chip, 1000), CHIP_STOP_BREAKPOINT);
        assert_int_equal(chip_register(bare.chip, 32), BARE_CODE + 8);
        assert_int_equal(chip_register(bare.chip, a0), 11 + i);
        assert_int_equal(retired(&bare), 42 + 4 * i);
    }
    assert_int_equal(chip_run(bare.chip, 1), CHIP_STOP_BUDGET);
    assert_int_equal(chip_register(bare.chip, 32), BARE_CODE + 12);
    chip_breakpoint(bare.chip, 0);
    assert_int_equal(chip_run(bare.chip, 1000), CHIP_STOP_BUDGET);
    bare_free(&bare);
}

/* A reset starts over from the ROM, keeps SRAM, and is counted; power-on loses SRAM. */
static void resets_and_power(void **state)
{
    static const uint32_t program[] = {LI(a0, SOC_RESET_SW_SYS), SW(a0, PROBE_RESET, a2), J(0)};
    static const uint32_t mark = 0x600DF00D;
    struct bare bare;
    struct chip_stats stats;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, program, COUNT(program));
    chip_poke(bare.chip, 0x40810000, &mark, sizeof mark);
    chip_set_register(bare.chip, a2, BARE_PROBE);
    chip_limit_resets(bare.chip, 1);
    assert_int_equal(chip_run(bare.chip, 100), CHIP_STOP_RESET_LIMIT);
    chip_get_stats(bare.chip, &stats);
    assert_int_equal(stats.resets, 1);
    assert_int_equal(stats.last_reset_cause, SOC_RESET_SW_SYS);
    assert_int_equal(stats.instructions, 2);
    assert_int_equal(chip_register(bare.chip, 32), SOC_ROM_BASE);
    assert_int_equal(chip_register(bare.chip, a2), 0);
    assert_int_equal(bare_word(&bare, 0x40810000), mark);
    chip_power_cycle(bare.chip);
    chip_run(bare.chip, 0);
    assert_int_not_equal(bare_word(&bare, 0x40810000), mark);
    assert_int_not_equal(bare_word(&bare, 0x40810000), 0);
    chip_get_stats(bare.chip, &stats);
    assert_int_equal(stats.resets, 1);
    assert_int_equal(stats.last_reset_cause, SOC_RESET_POWERON);
    bare_free(&bare);
}

static void power_stays_off(void **state)
{
    static const uint32_t loop[] = {J(0)};
    struct bare bare;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, loop, COUNT(loop));
    chip_power_lost(bare.chip);
    assert_int_equal(chip_run(bare.chip, 10), CHIP_STOP_POWER_CUT);
    assert_int_equal(chip_run(bare.chip, 10), CHIP_STOP_POWER_CUT);
    assert_int_equal(retired(&bare), 0);
    chip_power_cycle(bare.chip);
    assert_int_equal(chip_run(bare.chip, 0), CHIP_STOP_BUDGET);
    bare_free(&bare);
}

/* Unknown registers: noted and counted once each; narrow stores merge into the word. */
static void unknown_and_narrow_registers(void **state)
{
    static const uint32_t program[] = {
        LW(a0, PROBE_UNKNOWN, a2),
        LW(a0, PROBE_UNKNOWN, a2),
        LW(a1, 0, a3),
        SW(a4, PROBE_WORD, a2),
        STORE(0, a5, PROBE_WORD + 1, a2),
        LOAD(5, a0, PROBE_WORD, a2),
        J(0),
    };
    struct bare bare;
    struct chip_stats stats;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a1, 7);
    chip_set_register(bare.chip, a2, BARE_PROBE);
    chip_set_register(bare.chip, a3, 0x600FF000);
    chip_set_register(bare.chip, a4, 0x11223344);
    chip_set_register(bare.chip, a5, 0xAB);
    chip_run(bare.chip, 10);
    chip_get_stats(bare.chip, &stats);
    assert_int_equal(stats.unknown_registers, 2);
    assert_int_equal(bare.notes, 2);
    assert_int_equal(chip_register(bare.chip, a1), 0);
    assert_int_equal(chip_register(bare.chip, a0), 0xAB44);
    bare_free(&bare);
}

/* A busy program (sorting its own SRAM noise, with timer events) as a hash over all registers at
 * every 1000 instructions. */
static uint64_t trace(uint64_t seed, unsigned slice)
{
    static const uint32_t program[] = {
        LW(t0, 0, s0),
        LW(t1, 4, s0),
        OPR(0, 4, a0, a0, t0),
        OPR(1, 0, a0, a0, t1),
        SW(a0, 4, s0),
        ADDI(s0, s0, 4),
        SW(a1, PROBE_DELAY, a2),
        LW(a3, PROBE_NOW, a2),
        OPR(0, 4, a0, a0, a3),
        BNE(s0, s1, -36),
        J(0),
    };
    struct bare bare;
    uint64_t hash = 14695981039346656037u;
    bare_new(&bare, seed);
    bare_load(&bare, program, COUNT(program));
    chip_set_register(bare.chip, s0, 0x40810000);
    chip_set_register(bare.chip, s1, 0x40820000);
    chip_set_register(bare.chip, a1, 33);
    chip_set_register(bare.chip, a2, BARE_PROBE);
    for (unsigned done = 0; done < 100000; done += slice) {
        chip_run(bare.chip, slice);
        if ((done + slice) % 1000 != 0)
            continue;
        for (unsigned i = 0; i <= 32; i++)
            hash = (hash ^ chip_register(bare.chip, i)) * 1099511628211u;
    }
    bare_free(&bare);
    return hash;
}

static void equal_inputs_give_equal_runs(void **state)
{
    (void)state;
    uint64_t first = trace(7, 1000);
    assert_true(first == trace(7, 1000));
    assert_true(first == trace(7, 8)); /* however it is sliced */
    assert_true(first != trace(8, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(budgets_are_exact),
        cmocka_unit_test(long_runs_are_exact),
        cmocka_unit_test(time_and_pc_are_exact_for_peripherals),
        cmocka_unit_test(events_are_exact),
        cmocka_unit_test(wfi_skips_to_the_event),
        cmocka_unit_test(wfi_respects_the_budget),
        cmocka_unit_test(stop_from_a_callback),
        cmocka_unit_test(stop_from_a_signal),
        cmocka_unit_test(breakpoints),
        cmocka_unit_test(resets_and_power),
        cmocka_unit_test(power_stays_off),
        cmocka_unit_test(unknown_and_narrow_registers),
        cmocka_unit_test(equal_inputs_give_equal_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
