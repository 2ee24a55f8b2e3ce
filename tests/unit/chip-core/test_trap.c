/* tests/unit/chip-core/test_trap.c: exceptions and their registers, CSRs, user mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/chip-core/asm.h"
#include "tests/unit/chip-core/bare.h"

#define HANDLER (BARE_CODE + 0x100)

enum {
    MSTATUS = 0x300,
    MISA = 0x301,
    MIE = 0x304,
    MTVEC = 0x305,
    MCOUNTEREN = 0x306,
    MSCRATCH = 0x340,
    MEPC = 0x341,
    MCAUSE = 0x342,
    MTVAL = 0x343,
    PMPCFG0 = 0x3A0,
    PMPADDR0 = 0x3B0,
    MCYCLE = 0xB00,
    MINSTRET = 0xB02,
    CYCLE = 0xC00,
    PCCR = 0x7E2,
    MVENDORID = 0xF11
};

/* A handler that leaves mcause, mepc, mtval, mstatus in a0..a3 and stays put. */
static const uint32_t handler[] = {
    CSRR(a0, MCAUSE), CSRR(a1, MEPC), CSRR(a2, MTVAL), CSRR(a3, MSTATUS), J(0),
};

static void start(struct bare *bare, const uint32_t *program, size_t count)
{
    bare_new(bare, 1);
    chip_poke(bare->chip, HANDLER, handler, sizeof handler);
    bare_load(bare, program, count);
    chip_set_register(bare->chip, a4, HANDLER);
}

/* a5 is given; the program starts with csrw mtvec, a4. The trap is of instruction `at`. */
static const struct row {
    const char *name;
    uint32_t a5;
    uint32_t program[4];
    uint32_t cause, at, value;
} rows[] = {
    {"illegal word", 0, {NOP, 0xFFFFFFFF}, 2, 2, 0xFFFFFFFF},
    {"illegal parcel", 0, {NOP, PAIR(0x8002, C_NOP)}, 2, 2, 0x8002},
    {"unknown CSR", 0, {CSRR(a0, 0x5C0)}, 2, 1, CSRR(a0, 0x5C0)},
    {"supervisor CSR", 0, {CSRR(a0, 0x180)}, 2, 1, CSRR(a0, 0x180)},
    {"write to a read-only CSR", 0, {CSRW(MVENDORID, a5)}, 2, 1, CSRW(MVENDORID, a5)},
    {"ebreak", 0, {NOP, NOP, EBREAK}, 3, 3, BARE_CODE + 12},
    {"c.ebreak", 0, {NOP, PAIR(0x9002, C_NOP)}, 3, 2, BARE_CODE + 8},
    {"ecall", 0, {ECALL}, 11, 1, 0},
    {"load of nothing", 0x10000000, {LW(a0, 4, a5)}, 5, 1, 0x10000004},
    {"store to nothing", 0x70000000, {SW(a0, -4, a5)}, 7, 1, 0x6FFFFFFC},
    {"store to the ROM", 0x40000000, {SW(a0, 0, a5)}, 7, 1, 0x40000000},
    {"store to the flash window", BARE_FLASH, {SW(a0, 0, a5)}, 7, 1, BARE_FLASH},
    {"load from an invalid page",
     BARE_FLASH + 0x10000,
     {LW(a0, 0, a5)},
     5,
     1,
     BARE_FLASH + 0x10000},
    {"load across the end of SRAM", 0x4087FFFE, {LW(a0, 0, a5)}, 5, 1, 0x4087FFFE},
    {"store across the end of SRAM", 0x4087FFFE, {SW(a0, 0, a5)}, 7, 1, 0x4087FFFE},
    {"misaligned peripheral load", BARE_PROBE, {LW(a0, 2, a5)}, 4, 1, BARE_PROBE + 2},
    {"misaligned peripheral store", BARE_PROBE, {STORE(1, a0, 1, a5)}, 6, 1, BARE_PROBE + 1},
    {"misaligned lr", BARE_CODE + 0x202, {AMO(2, a0, a5, 0)}, 4, 1, BARE_CODE + 0x202},
    {"misaligned sc", BARE_CODE + 0x202, {AMO(3, a0, a5, a0)}, 6, 1, BARE_CODE + 0x202},
    {"misaligned amo", BARE_CODE + 0x202, {AMO(0, a0, a5, a0)}, 6, 1, BARE_CODE + 0x202},
    {"amo on nothing", 0x10000000, {AMO(0, a0, a5, a0)}, 7, 1, 0x10000000},
};

static void exceptions(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bare bare;
        uint32_t program[5] = {CSRW(MTVEC, a4)};
        struct chip_stats stats;
        for (size_t k = 0; k < 4; k++)
            program[k + 1] = rows[i].program[k];
        start(&bare, program, 5);
        chip_set_register(bare.chip, a5, rows[i].a5);
        chip_run(bare.chip, rows[i].at + 5);
        chip_get_stats(bare.chip, &stats);
        const uint32_t got[] = {chip_register(bare.chip, a0), chip_register(bare.chip, a1),
                                chip_register(bare.chip, a2)};
        if (got[0] != rows[i].cause || got[1] != BARE_CODE + 4 * rows[i].at ||
            got[2] != rows[i].value)
            fail_msg("%s: cause %u at 0x%08x, value 0x%08x", rows[i].name, got[0], got[1], got[2]);
        /* The trapping instruction did not retire, all others did. */
        assert_int_equal(chip_register(bare.chip, 32), HANDLER + 16);
        assert_int_equal(stats.instructions, rows[i].at + 5);
        bare_free(&bare);
    }
}

/* Jumping to where nothing is: the trap is the target's, and the jump did retire. */
static void fetch_faults(void **state)
{
    static const uint32_t program[] = {CSRW(MTVEC, a4), JALR(ra, 2, a5)};
    struct bare bare;
    (void)state;
    start(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a5, 0x60000000);
    chip_run(bare.chip, 6);
    assert_int_equal(chip_register(bare.chip, a0), 1);
    assert_int_equal(chip_register(bare.chip, a1), 0x60000002);
    assert_int_equal(chip_register(bare.chip, a2), 0x60000002);
    assert_int_equal(chip_register(bare.chip, ra), BARE_CODE + 8);
    bare_free(&bare);
}

/* An instruction whose second half is beyond memory: mepc is its start, mtval the missing half. */
static void fetch_fault_in_second_half(void **state)
{
    static const uint32_t program[] = {CSRW(MTVEC, a4), JALR(zero, 0, a5)};
    static const uint16_t half = 0x0013;
    struct bare bare;
    (void)state;
    start(&bare, program, COUNT(program));
    chip_poke(bare.chip, 0x4087FFFE, &half, sizeof half);
    chip_set_register(bare.chip, a5, 0x4087FFFE);
    chip_run(bare.chip, 6);
    assert_int_equal(chip_register(bare.chip, a0), 1);
    assert_int_equal(chip_register(bare.chip, a1), 0x4087FFFE);
    assert_int_equal(chip_register(bare.chip, a2), 0x40880000);
    bare_free(&bare);
}

/* The window's error is that of an access, not of a look: decoding ahead of the last instruction of
 * a page, or a debugger's reading, does not count. */
static void only_accesses_miss_the_window(void **state)
{
    static const uint32_t program[] = {CSRW(MTVEC, a4), JALR(zero, 0, a5)};
    static const uint32_t last[] = {NOP, NOP};
    struct bare bare;
    uint32_t word;
    (void)state;
    start(&bare, program, COUNT(program));
    memcpy(bare.flash + 0xFFF8, last, sizeof last);
    chip_set_register(bare.chip, a5, BARE_FLASH + 0xFFF8);
    chip_run(bare.chip, 3);
    assert_int_equal(chip_register(bare.chip, 32), BARE_FLASH + 0xFFFC);
    assert_false(chip_peek(bare.chip, BARE_FLASH + 0x20000, &word, sizeof word));
    assert_int_equal(bare.missed, 0);
    chip_run(bare.chip, 3);
    assert_int_equal(bare.missed, BARE_FLASH + 0x10000);
    assert_int_equal(chip_register(bare.chip, a1), BARE_FLASH + 0x10000);
    bare_free(&bare);
}

/* mret into user mode, ecall back: cause 8, MPP user, MPIE as MIE was. */
static void user_mode(void **state)
{
    static const uint32_t program[] = {
        CSRW(MTVEC, a4),
        LI(t0, -1),
        CSRW(PMPADDR0, t0), /* everything */
        LI(t0, 0x1F),
        CSRW(PMPCFG0, t0), /* NAPOT, R W X */
        LUI(t0, 2),
        ADDI(t0, t0, -0x800),
        CSRRC(zero, MSTATUS, t0), /* MPP = 0 */
        LI(t0, 0x80),
        CSRRS(zero, MSTATUS, t0), /* MPIE */
        AUIPC(t0, 0),
        ADDI(t0, t0, 16),
        CSRW(MEPC, t0),
        MRET,
        ECALL, /* in user mode */
    };
    struct bare bare;
    (void)state;
    start(&bare, program, COUNT(program));
    chip_run(bare.chip, 30);
    assert_int_equal(chip_register(bare.chip, a0), 8);
    assert_int_equal(chip_register(bare.chip, a1), BARE_CODE + 4 * 14);
    assert_int_equal(chip_register(bare.chip, a3) & 0x1888, 0x0080);
    bare_free(&bare);
}

/* What user mode may not do, one instruction at a time; mepc tells which one trapped. */
static void user_mode_is_confined(void **state)
{
    static const struct {
        uint32_t instruction, cause;
    } forbidden[] = {
        {CSRR(a5, MSTATUS), 2},  {MRET, 2},           {CSRR(a5, CYCLE), 2},
        {CSRW(PMPADDR0, a5), 2}, {CSRR(a5, PCCR), 2},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(forbidden); i++) {
        const uint32_t program[] = {
            CSRW(MTVEC, a4),
            LI(t0, -1),
            CSRW(PMPADDR0, t0),
            LI(t0, 0x1F),
            CSRW(PMPCFG0, t0),
            CSRW(MSTATUS, zero),
            AUIPC(t0, 0),
            ADDI(t0, t0, 16),
            CSRW(MEPC, t0),
            MRET,
            forbidden[i].instruction,
        };
        struct bare bare;
        start(&bare, program, COUNT(program));
        chip_run(bare.chip, 30);
        assert_int_equal(chip_register(bare.chip, a0), forbidden[i].cause);
        assert_int_equal(chip_register(bare.chip, a1), BARE_CODE + 40);
        assert_int_equal(chip_register(bare.chip, a2), forbidden[i].instruction);
        bare_free(&bare);
    }
}

/* A reservation ends at a trap, and when something else writes the word. */
static void reservations_end(void **state)
{
    static const uint32_t program[] = {
        CSRW(MTVEC, a4),
        AMO(2, a1, a2, 0),
        ECALL,
        AMO(3, a0, a2, a1),
        AMO(2, a1, a2, 0),
        NOP,
        AMO(3, a1, a2, a1),
        J(0),
    };
    static const uint32_t skip[] = {CSRR(t0, MEPC), ADDI(t0, t0, 4), CSRW(MEPC, t0), MRET};
    struct bare bare;
    (void)state;
    start(&bare, program, COUNT(program));
    chip_poke(bare.chip, HANDLER, skip, sizeof skip);
    chip_set_register(bare.chip, a2, 0x40810000);
    chip_run(bare.chip, 9);
    assert_int_equal(chip_register(bare.chip, 32), BARE_CODE + 24);
    assert_int_equal(chip_register(bare.chip, a0), 1);
    assert_true(chip_dma_write(bare.chip, 0x40810000, "DMA", 4));
    chip_run(bare.chip, 2);
    assert_int_equal(chip_register(bare.chip, a1), 1);
    bare_free(&bare);
}

/* Write a5 to a CSR, read it back into a0. */
static uint32_t csr_after_write(uint32_t csr, uint32_t value)
{
    const uint32_t program[] = {CSRW(MTVEC, a4), CSRW(csr, a5), CSRR(a0, csr), J(0)};
    struct bare bare;
    start(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a5, value);
    chip_run(bare.chip, 5);
    uint32_t result = chip_register(bare.chip, a0);
    bare_free(&bare);
    return result;
}

static void csrs_keep_what_they_can(void **state)
{
    static const struct {
        const char *name;
        uint32_t csr, written, read;
    } csrs[] = {
        {"mstatus", MSTATUS, 0xFFFFFFFF, 0x00221888},
        {"mstatus without MPP supervisor", MSTATUS, 0x00000800, 0},
        {"misa", MISA, 0, 0x40101105},
        {"mideleg", 0x303, 0xFFFFFFFF, 0},
        {"mtvec vectored", MTVEC, 0x408001FF, 0x40800101},
        {"mtvec direct", MTVEC, 0x408001FE, 0x408001FC},
        {"mepc", MEPC, 0x12345679, 0x12345678},
        {"mscratch", MSCRATCH, 0xDEADBEEF, 0xDEADBEEF},
        {"mcounteren", MCOUNTEREN, 0xFFFFFFFF, 5},
        {"pcer", 0x7E0, 0x7FF, 0x7FF},
        {"pcmr", 0x7E1, 3, 3},
        {"user GPIO", 0x805, 0xA5, 0xA5},
        {"PMA config", 0xBCF, 0x80000001, 0x80000001},
        {"PMA address", 0xBD0, 0x10000000, 0x10000000},
        {"PMP: write without read is reserved", PMPCFG0, 0x1A, 0x18},
        {"tdata1", 0x7A1, 0xFFFFFFFF, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(csrs); i++) {
        uint32_t got = csr_after_write(csrs[i].csr, csrs[i].written);
        if (got != csrs[i].read)
            fail_msg("%s: 0x%08x, not 0x%08x", csrs[i].name, got, csrs[i].read);
    }
}

/* Counters count instructions, exactly, wherever in a block they are read. */
static void counters_are_exact(void **state)
{
    static const uint32_t program[] = {
        CSRR(a0, MINSTRET),
        NOP,
        NOP,
        CSRR(a1, MINSTRET),
        CSRW(MCYCLE, zero),
        CSRR(a2, MCYCLE),
        NOP,
        CSRR(a3, PCCR),
        NOP,
        CSRR(a4, PCCR),
        J(0),
    };
    struct bare bare;
    (void)state;
    start(&bare, program, COUNT(program));
    chip_run(bare.chip, 20);
    assert_int_equal(chip_register(bare.chip, a1) - chip_register(bare.chip, a0), 3);
    assert_int_equal(chip_register(bare.chip, a2), 0);
    assert_int_equal(chip_register(bare.chip, a4) - chip_register(bare.chip, a3), 2);
    bare_free(&bare);
}

/* No handler at mtvec: the chip halts instead of trapping for ever, and says so. */
static void trap_loop_halts(void **state)
{
    static const uint32_t program[] = {LUI(t0, 0x10000), CSRW(MTVEC, t0), ECALL};
    struct bare bare;
    (void)state;
    start(&bare, program, COUNT(program));
    assert_int_equal(chip_run(bare.chip, 1000), CHIP_STOP_HALT);
    assert_int_equal(bare.notes, 1);
    assert_non_null(strstr(bare.last_note, "trap loop at 0x10000000"));
    assert_int_equal(chip_run(bare.chip, 1000), CHIP_STOP_HALT);
    bare_free(&bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exceptions),
        cmocka_unit_test(fetch_faults),
        cmocka_unit_test(fetch_fault_in_second_half),
        cmocka_unit_test(only_accesses_miss_the_window),
        cmocka_unit_test(user_mode),
        cmocka_unit_test(user_mode_is_confined),
        cmocka_unit_test(reservations_end),
        cmocka_unit_test(csrs_keep_what_they_can),
        cmocka_unit_test(counters_are_exact),
        cmocka_unit_test(trap_loop_halts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
