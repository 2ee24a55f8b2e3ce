/* tests/unit/chip-core/test_code.c: decoded code is dropped when what it was decoded from
 * changes, and when there is too much of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chain/soc.h"
#include "tests/unit/chip-core/asm.h"
#include "tests/unit/chip-core/bare.h"

/* The program rewrites the instruction behind the store (same block) and one executed before. */
static void code_that_changes_itself(void **state)
{
    static const uint32_t program[] = {
        LI(a0, 0),       LI(t1, 0),      ADDI(a0, a0, 1), /* +8: becomes addi a0, a0, 16 */
        SW(a4, 8, a2),   SW(a5, 20, a2), ADDI(a0, a0, 1), /* +20: becomes addi a0, a0, 256 */
        ADDI(t1, t1, 1), LI(t2, 2),      BNE(t1, t2, -24), J(0),
    };
    struct bare bare;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a2, BARE_CODE);
    chip_set_register(bare.chip, a4, ADDI(a0, a0, 16));
    chip_set_register(bare.chip, a5, ADDI(a0, a0, 256));
    chip_run(bare.chip, 40);
    assert_int_equal(chip_register(bare.chip, a0), 1 + 256 + 16 + 256);
    bare_free(&bare);
}

/* Same through bytes, LP SRAM and the debugger's poke. */
static void code_changed_elsewhere(void **state)
{
    static const uint32_t lp[] = {LI(a0, 1), STORE(0, a4, 3, a2), JALR(zero, 0, ra)};
    static const uint32_t program[] = {JALR(ra, 0, a2), JALR(ra, 0, a2), J(0)};
    struct bare bare;
    const uint32_t change = LI(a0, 3);
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, program, COUNT(program));
    chip_poke(bare.chip, SOC_LP_SRAM_BASE, lp, sizeof lp);
    chip_set_register(bare.chip, a2, SOC_LP_SRAM_BASE);
    chip_set_register(bare.chip, a4, 0x7F); /* the upper 8 of the li's 12 immediate bits */
    chip_run(bare.chip, 20);
    assert_int_equal(chip_register(bare.chip, a0), 0x7F1);
    chip_poke(bare.chip, SOC_LP_SRAM_BASE, &change, sizeof change);
    chip_set_register(bare.chip, 32, BARE_CODE + 4);
    chip_run(bare.chip, 2);
    assert_int_equal(chip_register(bare.chip, a0), 3);
    bare_free(&bare);
}

/* Code in the flash window, replaced under the core: by its own store to a flash controller. */
static void flash_window_changes(void **state)
{
    static const uint32_t window[] = {LI(a0, 1), SW(a4, PROBE_WINDOW, a3), JALR(zero, 0, ra)};
    static const uint32_t program[] = {JALR(ra, 0, a2), LW(a1, 0, a2), JALR(ra, 0, a2), J(0)};
    struct bare bare;
    (void)state;
    bare_new(&bare, 1);
    memcpy(bare.flash, window, sizeof window);
    bare_load(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a2, BARE_FLASH);
    chip_set_register(bare.chip, a3, BARE_PROBE);
    chip_set_register(bare.chip, a4, LI(a0, 2));
    chip_run(bare.chip, 4);
    assert_int_equal(chip_register(bare.chip, a0), 1);
    chip_run(bare.chip, 20);
    assert_int_equal(chip_register(bare.chip, a1), LI(a0, 2));
    assert_int_equal(chip_register(bare.chip, a0), 2);
    bare_free(&bare);
}

/* More code than the core keeps decoded: 100,000 jumps to the next word, three times round. */
static void endless_code(void **state)
{
    enum { JUMPS = 100000 };
    static uint32_t program[JUMPS];
    struct bare bare;
    (void)state;
    for (size_t i = 0; i < JUMPS - 1; i++)
        program[i] = J(4);
    program[JUMPS - 1] = J(-4 * (JUMPS - 1));
    bare_new(&bare, 1);
    bare_load(&bare, program, JUMPS);
    assert_int_equal(chip_run(bare.chip, 3 * JUMPS + 17), CHIP_STOP_BUDGET);
    assert_int_equal(chip_register(bare.chip, 32), BARE_CODE + 4 * 17);
    assert_int_equal(chip_now(bare.chip), 3 * JUMPS + 17);
    bare_free(&bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_that_changes_itself),
        cmocka_unit_test(code_changed_elsewhere),
        cmocka_unit_test(flash_window_changes),
        cmocka_unit_test(endless_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
