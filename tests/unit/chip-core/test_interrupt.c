/* tests/unit/chip-core/test_interrupt.c: routing, priorities, threshold, edge and level, software
 * and timer interrupts, vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chain/reg/intc.h"
#include "chain/soc.h"
#include "tests/unit/chip-core/asm.h"
#include "tests/unit/chip-core/bare.h"

#define TABLE     (BARE_CODE + 0x400) /* vector table: entry n leaves n in a0 and mcause in a1 */
#define FROM_CPU0 22u                 /* source numbers of the software interrupts */

enum { MSTATUS = 0x300, MIE_CSR = 0x304, MTVEC = 0x305, MCAUSE = 0x342, MIP_CSR = 0x344 };

struct write {
    uint32_t address, value;
};

#define ROUTE(source, line)                                                                        \
    {                                                                                              \
        SOC_INTMTX + INTMTX_MAP + 4 * (source), line                                               \
    }
#define PRIORITY(line, value)                                                                      \
    {                                                                                              \
        SOC_PLIC + PLIC_PRI0 + 4 * (line), value                                                   \
    }
#define ENABLE(lines)                                                                              \
    {                                                                                              \
        SOC_PLIC + PLIC_ENABLE, lines                                                              \
    }
#define TYPE(lines)                                                                                \
    {                                                                                              \
        SOC_PLIC + PLIC_TYPE, lines                                                                \
    }
#define CLEAR(lines)                                                                               \
    {                                                                                              \
        SOC_PLIC + PLIC_CLEAR, lines                                                               \
    }
#define THRESHOLD(value)                                                                           \
    {                                                                                              \
        SOC_PLIC + PLIC_THRESH, value                                                              \
    }
#define SOFTWARE(n, value)                                                                         \
    {                                                                                              \
        SOC_INTPRI + INTPRI_FROM_CPU0 + 4 * (n), value                                             \
    }
#define PROBE_LEVEL(value)                                                                         \
    {                                                                                              \
        BARE_PROBE + PROBE_SOURCE, value                                                           \
    }
#define CLINT(offset, value)                                                                       \
    {                                                                                              \
        SOC_CLINT + (offset), value                                                                \
    }

#define LINE(n) (1u << (n))

/* One entry of the table: 32 entries of 4 bytes jump to stubs of 12 bytes. */
static void place_table(struct bare *bare)
{
    for (uint32_t n = 0; n < 32; n++) {
        uint32_t stub = TABLE + 0x80 + 12 * n;
        const uint32_t entry = J(stub - (TABLE + 4 * n));
        const uint32_t body[] = {LI(a0, n), CSRR(a1, MCAUSE), J(0)};
        chip_poke(bare->chip, TABLE + 4 * n, &entry, sizeof entry);
        chip_poke(bare->chip, stub, body, sizeof body);
    }
}

/* A program that does the writes, then enables interrupts and waits. */
static void start(struct bare *bare, const struct write *writes, size_t count)
{
    uint32_t program[200], n = 0;
    bare_new(bare, 1);
    place_table(bare);
    program[n++] = CSRW(MTVEC, a4);
    for (size_t i = 0; i < count && writes[i].address != 0; i++) {
        uint32_t upper = writes[i].address + 0x800, value = writes[i].value + 0x800;
        program[n++] = LUI(t0, upper >> 12);
        program[n++] = ADDI(t0, t0, writes[i].address & 0xFFF);
        program[n++] = LUI(t1, value >> 12);
        program[n++] = ADDI(t1, t1, writes[i].value & 0xFFF);
        program[n++] = SW(t1, 0, t0);
    }
    program[n++] = LI(a0, 77);
    program[n++] = CSRRSI(zero, MSTATUS, 8);
    program[n++] = J(0);
    bare_load(bare, program, n);
    chip_set_register(bare->chip, a4, TABLE | 1);
    chip_run(bare->chip, n + 20);
}

/* Which entry was taken: 77 = none. */
static const struct row {
    const char *name;
    struct write writes[12];
    uint32_t entry;
} rows[] = {
    {"taken", {ROUTE(43, 5), PRIORITY(5, 1), ENABLE(LINE(5)), THRESHOLD(1), PROBE_LEVEL(1)}, 5},
    {"line 31", {ROUTE(43, 31), PRIORITY(31, 1), ENABLE(LINE(31)), PROBE_LEVEL(1)}, 31},
    {"not routed", {PRIORITY(5, 1), ENABLE(LINE(5)), PROBE_LEVEL(1)}, 77},
    {"line 0 is no line", {ROUTE(43, 0), PRIORITY(0, 7), ENABLE(LINE(0)), PROBE_LEVEL(1)}, 77},
    {"not enabled", {ROUTE(43, 5), PRIORITY(5, 1), ENABLE(LINE(6)), PROBE_LEVEL(1)}, 77},
    {"priority 0 never", {ROUTE(43, 5), ENABLE(LINE(5)), THRESHOLD(0), PROBE_LEVEL(1)}, 77},
    {"below the threshold",
     {ROUTE(43, 5), PRIORITY(5, 2), ENABLE(LINE(5)), THRESHOLD(3), PROBE_LEVEL(1)},
     77},
    {"at the threshold",
     {ROUTE(43, 5), PRIORITY(5, 3), ENABLE(LINE(5)), THRESHOLD(3), PROBE_LEVEL(1)},
     5},
    {"highest priority wins",
     {ROUTE(43, 5), ROUTE(FROM_CPU0, 9), PRIORITY(5, 2), PRIORITY(9, 3), ENABLE(LINE(5) | LINE(9)),
      PROBE_LEVEL(1), SOFTWARE(0, 1)},
     9},
    {"a tie goes to the lower line",
     {ROUTE(43, 9), ROUTE(FROM_CPU0 + 3, 5), PRIORITY(5, 3), PRIORITY(9, 3),
      ENABLE(LINE(5) | LINE(9)), PROBE_LEVEL(1), SOFTWARE(3, 1)},
     5},
    {"a level that went away",
     {ROUTE(43, 5), PRIORITY(5, 1), ENABLE(LINE(5)), PROBE_LEVEL(1), PROBE_LEVEL(0)},
     77},
    {"an edge that went away",
     {ROUTE(43, 5), PRIORITY(5, 1), TYPE(LINE(5)), ENABLE(LINE(5)), PROBE_LEVEL(1), PROBE_LEVEL(0)},
     5},
    {"an edge that was cleared",
     {ROUTE(43, 5), PRIORITY(5, 1), TYPE(LINE(5)), ENABLE(LINE(5)), PROBE_LEVEL(1), CLEAR(LINE(5)),
      CLEAR(0)},
     77},
    {"two sources, one line",
     {ROUTE(43, 5), ROUTE(FROM_CPU0, 5), PRIORITY(5, 1), ENABLE(LINE(5)), PROBE_LEVEL(1),
      SOFTWARE(0, 1), PROBE_LEVEL(0)},
     5},
    {"a software interrupt taken back",
     {ROUTE(FROM_CPU0, 5), PRIORITY(5, 1), ENABLE(LINE(5)), SOFTWARE(0, 1), SOFTWARE(0, 0)},
     77},
    {"CLINT software interrupt is off until mie", {CLINT(0, 1)}, 77},
};

static void lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bare bare;
        start(&bare, rows[i].writes, 12);
        uint32_t entry = chip_register(bare.chip, a0);
        if (entry != rows[i].entry)
            fail_msg("%s: entry %u, not %u", rows[i].name, entry, rows[i].entry);
        if (entry != 77)
            assert_int_equal(chip_register(bare.chip, a1), 0x80000000u | entry);
        bare_free(&bare);
    }
}

static void status_registers_show_sources_and_lines(void **state)
{
    static const struct write writes[] = {
        ROUTE(43, 5),
        PROBE_LEVEL(1),
        SOFTWARE(0, 1) /* routed nowhere */,
        {0, 0},
    };
    const uint32_t program[] = {LW(a0, 0, a2), LW(a1, 0, a3), CSRR(a5, MIP_CSR), J(0)};
    struct bare bare;
    (void)state;
    start(&bare, writes, COUNT(writes));
    bare_load(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a2, SOC_INTMTX + INTMTX_STATUS0 + 4);
    chip_set_register(bare.chip, a3, SOC_PLIC + PLIC_PENDING);
    chip_run(bare.chip, 5);
    assert_int_equal(chip_register(bare.chip, a0), 1u << (43 - 32));
    assert_int_equal(chip_register(bare.chip, a1), LINE(5));
    assert_int_equal(chip_register(bare.chip, a5), LINE(5));
    bare_free(&bare);
}

/* mie masks a line like the PLIC's enable does. */
static void mie_masks(void **state)
{
    static const struct write writes[] = {ROUTE(43, 5), PRIORITY(5, 1), ENABLE(LINE(5)), {0, 0}};
    const uint32_t program[] = {
        CSRRCI(zero, MSTATUS, 8),
        LI(t0, 0x20),
        CSRRC(zero, MIE_CSR, t0),
        LI(t1, 1),
        SW(t1, 0, a2),
        CSRRSI(zero, MSTATUS, 8),
        NOP,
        NOP,
        CSRRS(zero, MIE_CSR, t0),
        J(0),
    };
    struct bare bare;
    (void)state;
    start(&bare, writes, COUNT(writes));
    bare_load(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a2, BARE_PROBE + PROBE_SOURCE);
    chip_run(bare.chip, 8);
    assert_int_equal(chip_register(bare.chip, 32), BARE_CODE + 4 * 8);
    assert_int_equal(chip_register(bare.chip, a0), 77);
    chip_run(bare.chip, 10);
    assert_int_equal(chip_register(bare.chip, a0), 5);
    bare_free(&bare);
}

/* The interrupt is taken before the instruction behind the one that raised it. */
static void taken_at_the_next_instruction(void **state)
{
    static const struct write writes[] = {ROUTE(43, 5), PRIORITY(5, 1), ENABLE(LINE(5)), {0, 0}};
    const uint32_t program[] = {LI(t1, 1), SW(t1, 0, a2), LI(a3, 1), J(0)};
    struct bare bare;
    (void)state;
    start(&bare, writes, COUNT(writes));
    bare_load(&bare, program, COUNT(program));
    chip_set_register(bare.chip, a2, BARE_PROBE + PROBE_SOURCE);
    chip_set_register(bare.chip, a3, 0);
    chip_run(bare.chip, 10);
    assert_int_equal(chip_register(bare.chip, a0), 5);
    assert_int_equal(chip_register(bare.chip, a3), 0);
    bare_free(&bare);
}

/* CLINT: software interrupt is entry 3; the timer fires at MTIMECMP exactly and is entry 7. */
static void core_local(void **state)
{
    static const struct write software[] = {CLINT(0x00, 1), {0, 0}};
    static const struct write timer[] = {
        CLINT(0x08, 0), CLINT(0x0C, 0), CLINT(0x10, 1000), CLINT(0x14, 0), CLINT(0x04, 3), {0, 0},
    };
    const uint32_t enable[] = {LI(t0, 0x88), CSRRS(zero, MIE_CSR, t0), J(0)};
    struct bare bare;
    (void)state;
    start(&bare, software, COUNT(software));
    bare_load(&bare, enable, COUNT(enable));
    chip_run(bare.chip, 6);
    assert_int_equal(chip_register(bare.chip, a0), 3);
    bare_free(&bare);

    start(&bare, timer, COUNT(timer));
    bare_load(&bare, enable, COUNT(enable));
    chip_run(bare.chip, 900);
    assert_int_equal(chip_register(bare.chip, a0), 77);
    chip_run(bare.chip, 200);
    assert_int_equal(chip_register(bare.chip, a0), 7);
    bare_free(&bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),      cmocka_unit_test(status_registers_show_sources_and_lines),
        cmocka_unit_test(mie_masks),  cmocka_unit_test(taken_at_the_next_instruction),
        cmocka_unit_test(core_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
