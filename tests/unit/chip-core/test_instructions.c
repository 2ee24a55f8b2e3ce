/* tests/unit/chip-core/test_instructions.c: each instruction class by its result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/chip-core/asm.h"
#include "tests/unit/chip-core/bare.h"

#define DATA 0x40810000u /* what a2 points at: 8 words, 0x80818283 first */

/* Run `program` with a0, a1 given and a2 = DATA; a0 must come out as `result`. */
struct row {
    const char *name;
    uint32_t a0, a1;
    uint32_t program[6];
    uint32_t result;
};

#define MIN 0x80000000u

static const struct row rows[] = {
    {"lui", 0, 0, {LUI(a0, 0xABCDE)}, 0xABCDE000},
    {"auipc", 0, 0, {NOP, AUIPC(a0, 1)}, BARE_CODE + 0x1004},
    {"addi negative", 5, 0, {ADDI(a0, a0, -6)}, 0xFFFFFFFF},
    {"slti", (uint32_t)-5, 0, {OPI(2, a0, a0, -4)}, 1},
    {"sltiu extends the sign", 5, 0, {OPI(3, a0, a0, -1)}, 1},
    {"xori", 0x0F, 0, {OPI(4, a0, a0, -1)}, 0xFFFFFFF0},
    {"ori", 0x100, 0, {OPI(6, a0, a0, 0x0F)}, 0x10F},
    {"andi", 0x1FF, 0, {OPI(7, a0, a0, 0xF0)}, 0xF0},
    {"slli", 1, 0, {OPI(1, a0, a0, 31)}, MIN},
    {"srli", MIN, 0, {OPI(5, a0, a0, 31)}, 1},
    {"srai", MIN, 0, {OPI(5, a0, a0, 0x400 | 31)}, 0xFFFFFFFF},
    {"add wraps", 0xFFFFFFFF, 2, {ADD(a0, a0, a1)}, 1},
    {"sub", 1, 2, {OPR(0x20, 0, a0, a0, a1)}, 0xFFFFFFFF},
    {"sll masks the amount", 1, 33, {OPR(0, 1, a0, a0, a1)}, 2},
    {"slt", MIN, 1, {OPR(0, 2, a0, a0, a1)}, 1},
    {"sltu", MIN, 1, {OPR(0, 3, a0, a0, a1)}, 0},
    {"xor", 0xFF, 0x0F, {OPR(0, 4, a0, a0, a1)}, 0xF0},
    {"srl", MIN, 4, {OPR(0, 5, a0, a0, a1)}, 0x08000000},
    {"sra", MIN, 4, {OPR(0x20, 5, a0, a0, a1)}, 0xF8000000},
    {"or", 0xF0, 0x0F, {OPR(0, 6, a0, a0, a1)}, 0xFF},
    {"and", 0xF3, 0x3F, {OPR(0, 7, a0, a0, a1)}, 0x33},
    {"x0 stays zero", 7, 0, {ADDI(zero, a0, 1), ADD(a0, zero, zero)}, 0},
    {"mul", 0x10001, 0x10001, {OPR(1, 0, a0, a0, a1)}, 0x20001},
    {"mulh", MIN, MIN, {OPR(1, 1, a0, a0, a1)}, 0x40000000},
    {"mulhsu", 0xFFFFFFFF, 0xFFFFFFFF, {OPR(1, 2, a0, a0, a1)}, 0xFFFFFFFF},
    {"mulhu", 0xFFFFFFFF, 0xFFFFFFFF, {OPR(1, 3, a0, a0, a1)}, 0xFFFFFFFE},
    {"div", (uint32_t)-7, 2, {OPR(1, 4, a0, a0, a1)}, (uint32_t)-3},
    {"div by zero", 7, 0, {OPR(1, 4, a0, a0, a1)}, 0xFFFFFFFF},
    {"div overflow", MIN, (uint32_t)-1, {OPR(1, 4, a0, a0, a1)}, MIN},
    {"divu by zero", 7, 0, {OPR(1, 5, a0, a0, a1)}, 0xFFFFFFFF},
    {"rem", (uint32_t)-7, 2, {OPR(1, 6, a0, a0, a1)}, (uint32_t)-1},
    {"rem overflow", MIN, (uint32_t)-1, {OPR(1, 6, a0, a0, a1)}, 0},
    {"rem by zero", 7, 0, {OPR(1, 6, a0, a0, a1)}, 7},
    {"remu by zero", 7, 0, {OPR(1, 7, a0, a0, a1)}, 7},
    {"lb", 0, 0, {LOAD(0, a0, 0, a2)}, 0xFFFFFF83},
    {"lh", 0, 0, {LOAD(1, a0, 0, a2)}, 0xFFFF8283},
    {"lw", 0, 0, {LW(a0, 0, a2)}, 0x80818283},
    {"lbu", 0, 0, {LOAD(4, a0, 3, a2)}, 0x80},
    {"lhu", 0, 0, {LOAD(5, a0, 2, a2)}, 0x8081},
    {"lw misaligned", 0, 0, {LW(a0, 1, a2)}, 0x84808182},
    {"sb", 0x55, 0, {STORE(0, a0, 1, a2), LW(a0, 0, a2)}, 0x80815583},
    {"sh", 0x1234, 0, {STORE(1, a0, 2, a2), LW(a0, 0, a2)}, 0x12348283},
    {"sw negative offset", 7, 0, {ADDI(a2, a2, 8), SW(a0, -8, a2), LW(a0, -8, a2)}, 7},
    {"sw misaligned", 0x11223344, 0, {SW(a0, 1, a2), LW(a0, 0, a2)}, 0x22334483},
    {"beq taken", 1, 1, {BEQ(a0, a1, 8), LI(a0, 9), NOP}, 1},
    {"beq not taken", 1, 2, {BEQ(a0, a1, 8), LI(a0, 9), NOP}, 9},
    {"bne", 1, 2, {B_TYPE(8, a1, a0, 1), LI(a0, 9), NOP}, 1},
    {"blt", MIN, 1, {B_TYPE(8, a1, a0, 4), LI(a0, 9), NOP}, MIN},
    {"bge", MIN, 1, {B_TYPE(8, a1, a0, 5), LI(a0, 9), NOP}, 9},
    {"bltu", MIN, 1, {B_TYPE(8, a1, a0, 6), LI(a0, 9), NOP}, 9},
    {"bgeu", MIN, 1, {B_TYPE(8, a1, a0, 7), LI(a0, 9), NOP}, MIN},
    {"jal links", 0, 0, {JAL(a0, 8), NOP, NOP}, BARE_CODE + 4},
    {"jalr clears bit 0", 0, 0, {AUIPC(a1, 0), JALR(a0, 13, a1), LI(a0, 1), NOP}, BARE_CODE + 8},
    {"jalr onto its own link register",
     0,
     0,
     {AUIPC(a0, 0), JALR(a0, 12, a0), LI(a0, 1), NOP},
     BARE_CODE + 8},
    {"lr and sc", 3, 0, {AMO(2, a1, a2, 0), AMO(3, a1, a2, a0), LW(a0, 0, a2), ADD(a0, a0, a1)}, 3},
    {"sc without lr", 3, 0, {AMO(3, a0, a2, a0)}, 1},
    {"sc twice", 3, 0, {AMO(2, a1, a2, 0), AMO(3, a1, a2, a0), AMO(3, a0, a2, a0)}, 1},
    {"sc elsewhere", 3, 0, {AMO(2, a1, a2, 0), ADDI(a2, a2, 4), AMO(3, a0, a2, a0)}, 1},
    {"amoswap", 5, 0, {AMO(1, a1, a2, a0), LW(a0, 0, a2), ADD(a0, a0, a1)}, 0x80818288},
    {"amoadd", 1, 0, {AMO(0, zero, a2, a0), LW(a0, 0, a2)}, 0x80818284},
    {"amomin", 1, 0, {AMO(0x10, zero, a2, a0), LW(a0, 0, a2)}, 0x80818283},
    {"amomaxu", 1, 0, {AMO(0x1C, zero, a2, a0), LW(a0, 0, a2)}, 0x80818283},
    {"amomax", 1, 0, {AMO(0x14, zero, a2, a0), LW(a0, 0, a2)}, 1},
    {"csr swap, set, clear",
     0xF0,
     0x3C,
     {CSRW(0x340, a0), CSRRS(zero, 0x340, a1), CSRRC(a1, 0x340, a0), CSRR(a0, 0x340)},
     0x0C},
    {"csr immediates",
     0,
     0,
     {CSRRSI(zero, 0x340, 31), CSRRCI(zero, 0x340, 7), CSRR(a0, 0x340)},
     24},
};

static void run_row(const struct row *row)
{
    static const uint32_t data[8] = {0x80818283, 0x84};
    struct bare bare;
    bare_new(&bare, 1);
    chip_poke(bare.chip, DATA, data, sizeof data);
    uint32_t program[7] = {0};
    size_t count = 0;
    for (; count < 6 && row->program[count] != 0; count++)
        program[count] = row->program[count];
    program[count] = J(0);
    bare_load(&bare, program, count + 1);
    chip_set_register(bare.chip, a0, row->a0);
    chip_set_register(bare.chip, a1, row->a1);
    chip_set_register(bare.chip, a2, DATA);
    chip_run(bare.chip, 10);
    if (chip_register(bare.chip, a0) != row->result)
        fail_msg("%s: 0x%08x, not 0x%08x", row->name, chip_register(bare.chip, a0), row->result);
    assert_int_equal(chip_register(bare.chip, zero), 0);
    assert_int_equal(chip_register(bare.chip, 32), BARE_CODE + 4 * (uint32_t)count);
    bare_free(&bare);
}

static void results(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        run_row(&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
