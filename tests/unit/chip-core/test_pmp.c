/* tests/unit/chip-core/test_pmp.c: memory protection: matching, locks, and that the core's fast
 * ways to memory obey it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip/pmp.h"
#include "tests/unit/chip-core/asm.h"
#include "tests/unit/chip-core/bare.h"

enum { TOR = 0x08, NA4 = 0x10, NAPOT = 0x18, L = PMP_LOCK, R = PMP_R, W = PMP_W, X = PMP_X };

/* Entries 0 and 1, then one question. */
static const struct row {
    const char *name;
    uint32_t config[2], address[2]; /* pmpaddr values */
    bool machine;
    uint32_t right, at, length;
    bool allowed;
} rows[] = {
    {"machine, nothing set", {0}, {0}, true, W, 0x1000, 4, true},
    {"user, nothing set", {0}, {0}, false, R, 0x1000, 4, false},
    {"user in NA4", {NA4 | R}, {0x400}, false, R, 0x1000, 4, true},
    {"user behind NA4", {NA4 | R}, {0x400}, false, R, 0x1004, 4, false},
    {"half in NA4", {NA4 | R}, {0x400}, false, R, 0x0FFE, 4, false},
    {"NAPOT of 8, last byte", {NAPOT | R}, {0x400}, false, R, 0x1007, 1, true},
    {"NAPOT of 8, behind", {NAPOT | R}, {0x400}, false, R, 0x1008, 1, false},
    {"NAPOT of 4 KB", {NAPOT | R}, {0x5FF}, false, R, 0x1FFC, 4, true},
    {"NAPOT of everything", {NAPOT | R}, {0xFFFFFFFF}, false, R, 0xFFFFFFFC, 4, true},
    {"TOR from 0", {TOR | R}, {0x400}, false, R, 0, 4, true},
    {"TOR excludes its top", {TOR | R}, {0x400}, false, R, 0x1000, 4, false},
    {"TOR above its neighbour", {0, TOR | W | R}, {0x400, 0x800}, false, W, 0x1000, 4, true},
    {"TOR below its neighbour", {0, TOR | W | R}, {0x400, 0x800}, false, W, 0x0FFC, 4, false},
    {"empty TOR", {0, TOR | R}, {0x800, 0x400}, false, R, 0x1000, 4, false},
    {"wrong right", {NAPOT | R}, {0x5FF}, false, W, 0x1000, 4, false},
    {"lower entry first", {NA4 | X, NAPOT | R}, {0x400, 0x5FF}, false, R, 0x1000, 4, false},
    {"unlocked does not bind machine mode", {NAPOT}, {0x5FF}, true, W, 0x1000, 4, true},
    {"locked binds machine mode", {NAPOT | L | R}, {0x5FF}, true, W, 0x1000, 4, false},
    {"locked grants", {NAPOT | L | R}, {0x5FF}, true, R, 0x1000, 4, true},
    {"machine beside a locked entry", {NAPOT | L}, {0x5FF}, true, W, 0x2000, 4, true},
};

static void decisions(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pmp pmp;
        pmp_reset(&pmp);
        pmp_write_address(&pmp, 0, rows[i].address[0]);
        pmp_write_address(&pmp, 1, rows[i].address[1]);
        pmp_write_config(&pmp, 0, rows[i].config[0] | rows[i].config[1] << 8);
        if (pmp_allows(&pmp, rows[i].machine, rows[i].right, rows[i].at, rows[i].length) !=
            rows[i].allowed)
            fail_msg("%s", rows[i].name);
    }
}

static void locks_hold(void **state)
{
    struct pmp pmp;
    (void)state;
    pmp_reset(&pmp);
    pmp_write_address(&pmp, 0, 0x400);
    pmp_write_address(&pmp, 1, 0x800);
    pmp_write_config(&pmp, 0, (uint32_t)(L | TOR | R) << 8);
    pmp_write_config(&pmp, 0, 0);
    pmp_write_address(&pmp, 0, 1); /* bottom of a locked TOR entry */
    pmp_write_address(&pmp, 1, 1);
    pmp_write_address(&pmp, 2, 7);
    assert_int_equal(pmp_read_config(&pmp, 0), (uint32_t)(L | TOR | R) << 8);
    assert_int_equal(pmp.address[0], 0x400);
    assert_int_equal(pmp.address[1], 0x800);
    assert_int_equal(pmp.address[2], 7);
}

/* Code that locks [0x40820000, 0x40820010) read-only, then stores around and into it. The store
 * into it must trap although the page around it is plain, fast RAM. */
static void guarded_ram(void **state)
{
    const uint32_t program[] = {
        CSRW(0x305, a4), CSRW(0x3B0, a0), LI(t0, L | NAPOT | R), CSRW(0x3A0, t0), SW(t0, -4, a1),
        SW(t0, 16, a1),  LW(a2, 0, a1),   SW(t0, 12, a1),        LI(a5, 1),       J(0),
    };
    const uint32_t handler[] = {CSRR(a0, 0x342), CSRR(a3, 0x343), J(0)};
    struct bare bare;
    (void)state;
    bare_new(&bare, 1);
    uint32_t before = bare_word(&bare, 0x4082000C), first = bare_word(&bare, 0x40820000);
    bare_load(&bare, program, COUNT(program));
    chip_poke(bare.chip, BARE_CODE + 0x100, handler, sizeof handler);
    chip_set_register(bare.chip, a0, 0x40820000u >> 2 | 1);
    chip_set_register(bare.chip, a1, 0x40820000);
    chip_set_register(bare.chip, a4, BARE_CODE + 0x100);
    chip_set_register(bare.chip, a5, 0);
    chip_run(bare.chip, 12);
    assert_int_equal(chip_register(bare.chip, a0), 7);
    assert_int_equal(chip_register(bare.chip, a3), 0x4082000C);
    assert_int_equal(chip_register(bare.chip, a2), first);
    assert_int_equal(chip_register(bare.chip, a5), 0);
    assert_int_equal(bare_word(&bare, 0x4082000C), before);
    assert_int_equal(bare_word(&bare, 0x40820010), L | NAPOT | R);
    bare_free(&bare);
}

/* Locked without X over the code's next page: machine mode cannot run it. */
static void no_execute(void **state)
{
    const uint32_t program[] = {CSRW(0x305, a4), CSRW(0x3B0, a0), LI(t0, L | NAPOT | R | W),
                                CSRW(0x3A0, t0), JALR(zero, 0, a1)};
    const uint32_t handler[] = {CSRR(a0, 0x342), J(0)};
    const uint32_t nop = NOP;
    struct bare bare;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, program, COUNT(program));
    chip_poke(bare.chip, 0x40820000, &nop, sizeof nop);
    chip_poke(bare.chip, BARE_CODE + 0x100, handler, sizeof handler);
    chip_set_register(bare.chip, a0, 0x40820000u >> 2 | 0x1FF);
    chip_set_register(bare.chip, a1, 0x40820000);
    chip_set_register(bare.chip, a4, BARE_CODE + 0x100);
    chip_run(bare.chip, 8);
    assert_int_equal(chip_register(bare.chip, a0), 1);
    bare_free(&bare);
}

/* MPRV: machine mode loads as user mode would. */
static void data_access_as_user(void **state)
{
    const uint32_t program[] = {
        CSRW(0x305, a4),        LUI(t0, 2),    ADDI(t0, t0, -0x800),
        CSRRC(zero, 0x300, t0), LUI(t0, 0x20), CSRRS(zero, 0x300, t0),
        LW(a2, 0, a1),          J(0),
    };
    const uint32_t handler[] = {CSRR(a0, 0x342), J(0)};
    struct bare bare;
    (void)state;
    bare_new(&bare, 1);
    bare_load(&bare, program, COUNT(program));
    chip_poke(bare.chip, BARE_CODE + 0x100, handler, sizeof handler);
    chip_set_register(bare.chip, a1, 0x40820000);
    chip_set_register(bare.chip, a4, BARE_CODE + 0x100);
    chip_run(bare.chip, 10);
    assert_int_equal(chip_register(bare.chip, a0), 5);
    bare_free(&bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions),           cmocka_unit_test(locks_hold),
        cmocka_unit_test(guarded_ram),         cmocka_unit_test(no_execute),
        cmocka_unit_test(data_access_as_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
