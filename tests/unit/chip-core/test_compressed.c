/* tests/unit/chip-core/test_compressed.c: every compressed form decodes to what its 4-byte form
 * does, each bit of each scattered immediate included; and reserved encodings are illegal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chip/decode.h"
#include "tests/unit/chip-core/asm.h"

#define PC 0x40800000u

/* Both encodings as GNU as makes them. */
static const struct {
    const char *text;
    uint16_t half;
    uint32_t word;
} forms[] = {
    {"c.addi4spn a0,sp,1020", 0x1FE8, 0x3FC10513},
    {"c.addi4spn s0,sp,4", 0x0040, 0x00410413},
    {"c.addi4spn a5,sp,168", 0x113C, 0x0A810793},
    {"c.lw a0,124(a1)", 0x5DE8, 0x07C5A503},
    {"c.lw s1,68(s0)", 0x4064, 0x04442483},
    {"c.sw a0,124(a1)", 0xDDE8, 0x06A5AE23},
    {"c.sw a5,40(s1)", 0xD49C, 0x02F4A423},
    {"c.nop", 0x0001, 0x00000013},
    {"c.addi a0,-32", 0x1501, 0xFE050513},
    {"c.addi t6,31", 0x0FFD, 0x01FF8F93},
    {"c.li a0,-32", 0x5501, 0xFE000513},
    {"c.li t6,31", 0x4FFD, 0x01F00F93},
    {"c.addi16sp sp,-512", 0x7101, 0xE0010113},
    {"c.addi16sp sp,496", 0x617D, 0x1F010113},
    {"c.addi16sp sp,16", 0x6141, 0x01010113},
    {"c.addi16sp sp,160", 0x610D, 0x0A010113},
    {"c.lui a0,0xfffe0", 0x7501, 0xFFFE0537},
    {"c.lui t6,0x1f", 0x6FFD, 0x0001FFB7},
    {"c.lui ra,1", 0x6085, 0x000010B7},
    {"c.srli a0,31", 0x817D, 0x01F55513},
    {"c.srai s1,7", 0x849D, 0x4074D493},
    {"c.andi a5,-1", 0x9BFD, 0xFFF7F793},
    {"c.andi a5,21", 0x8BD5, 0x0157F793},
    {"c.sub a0,s1", 0x8D05, 0x40950533},
    {"c.xor a1,s0", 0x8DA1, 0x0085C5B3},
    {"c.or a2,a5", 0x8E5D, 0x00F66633},
    {"c.and a3,a4", 0x8EF9, 0x00E6F6B3},
    {"c.slli t6,31", 0x0FFE, 0x01FF9F93},
    {"c.slli a0,1", 0x0506, 0x00151513},
    {"c.lwsp ra,252(sp)", 0x50FE, 0x0FC12083},
    {"c.lwsp a0,64(sp)", 0x4506, 0x04012503},
    {"c.lwsp t6,28(sp)", 0x4FF2, 0x01C12F83},
    {"c.swsp ra,252(sp)", 0xDF86, 0x0E112E23},
    {"c.swsp a0,64(sp)", 0xC0AA, 0x04A12023},
    {"c.swsp t6,28(sp)", 0xCE7E, 0x01F12E23},
    {"c.jr ra", 0x8082, 0x00008067},
    {"c.jalr a5", 0x9782, 0x000780E7},
    {"c.mv a0,t6", 0x857E, 0x000F8513},
    {"c.mv t5,a0", 0x8F2A, 0x00050F13},
    {"c.add a0,t6", 0x957E, 0x01F50533},
    {"c.ebreak", 0x9002, 0x00100073},
    {"c.j .+2046", 0xAFFD, 0x7FE0006F},
    {"c.j .-2048", 0xB001, 0x801FF06F},
    {"c.j .+2", 0xA009, 0x0020006F},
    {"c.j .-2", 0xBFFD, 0xFFFFF06F},
    {"c.j .+4", 0xA011, 0x0040006F},
    {"c.j .+8", 0xA021, 0x0080006F},
    {"c.j .+16", 0xA801, 0x0100006F},
    {"c.j .+32", 0xA005, 0x0200006F},
    {"c.j .+64", 0xA081, 0x0400006F},
    {"c.j .+128", 0xA041, 0x0800006F},
    {"c.j .+256", 0xA201, 0x1000006F},
    {"c.j .+512", 0xA401, 0x2000006F},
    {"c.j .+1024", 0xA101, 0x4000006F},
    {"c.jal .+2046", 0x2FFD, 0x7FE000EF},
    {"c.jal .-2048", 0x3001, 0x801FF0EF},
    {"c.jal .+10", 0x2029, 0x00A000EF},
    {"c.beqz s0,.+254", 0xCC7D, 0x0E040F63},
    {"c.beqz s0,.-256", 0xD001, 0xF00400E3},
    {"c.beqz s0,.+2", 0xC009, 0x00040163},
    {"c.beqz s0,.+4", 0xC011, 0x00040263},
    {"c.beqz s0,.+8", 0xC401, 0x00040463},
    {"c.beqz s0,.+16", 0xC801, 0x00040863},
    {"c.beqz s0,.+32", 0xC005, 0x02040063},
    {"c.beqz s0,.+64", 0xC021, 0x04040063},
    {"c.beqz s0,.+128", 0xC041, 0x08040063},
    {"c.bnez a5,.+254", 0xEFFD, 0x0E079F63},
    {"c.bnez a5,.-256", 0xF381, 0xF00790E3},
    {"c.bnez a5,.+6", 0xE399, 0x00079363},
};

/* Which fields an operation looks at: d rd, 1 rs1, 2 rs2, i imm. */
static const char *fields(enum opcode opcode)
{
    switch (opcode) {
    case OPCODE_nop:
    case OPCODE_ebreak:
        return "";
    case OPCODE_li:
    case OPCODE_jal:
        return "di";
    case OPCODE_jump:
        return "i";
    case OPCODE_move:
        return "d1";
    case OPCODE_add:
    case OPCODE_sub:
    case OPCODE_xor:
    case OPCODE_or:
    case OPCODE_and:
        return "d12";
    case OPCODE_lw:
    case OPCODE_sw:
        return "d12i";
    case OPCODE_beq:
    case OPCODE_bne:
        return "12i";
    default:
        return "d1i";
    }
}

static bool same(const struct instruction *a, const struct instruction *b)
{
    const char *used = fields(a->opcode);
    return a->opcode == b->opcode && (!strchr(used, 'd') || a->rd == b->rd) &&
           (!strchr(used, '1') || a->rs1 == b->rs1) && (!strchr(used, '2') || a->rs2 == b->rs2) &&
           (!strchr(used, 'i') || a->imm == b->imm);
}

static void forms_equal_their_long_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct instruction half = decode(forms[i].half, PC), word = decode(forms[i].word, PC);
        if (half.size != 2 || word.size != 4 || !same(&half, &word))
            fail_msg("%s", forms[i].text);
    }
}

static void reserved_encodings_are_illegal(void **state)
{
    static const uint32_t words[] = {
        0x00000000,                    /* the defined illegal instruction */
        0xFFFFFFFF,                    /* erased flash */
        LOAD(3, a0, 0, a0),            /* ld */
        LOAD(6, a0, 0, a0),            /* lwu */
        STORE(3, a0, 0, a0),           /* sd */
        OPR(2, 0, a0, a0, a0),         /* OP, funct7 2 */
        OPR(0x20, 1, a0, a0, a0),      /* OP, funct7 32 without meaning */
        OPI(1, a0, a0, 0x20),          /* slli by 32 */
        B_TYPE(8, a0, a0, 2),          /* branch, funct3 2 */
        I_TYPE(0, a0, 1, a0, 0x67),    /* jalr, funct3 1 */
        R_TYPE(0, 0, a0, 3, a0, 0x2F), /* amo of a doubleword */
        AMO(2, a0, a1, a2),            /* lr with rs2 */
        AMO(5, a0, a1, a2),            /* no such amo */
        0x10200073,                    /* sret */
        0x00200073,                    /* uret */
        0x12000073,                    /* sfence.vma */
        0x00004073,                    /* SYSTEM, funct3 4 */
        0x0000200F,                    /* MISC-MEM, funct3 2 */
        0x00000053,                    /* floating point */
        0x2000,                        /* c.fld */
        0x6000,                        /* c.flw */
        0xA000,                        /* c.fsd */
        0xE000,                        /* c.fsw */
        0x8000,                        /* quadrant 0, reserved */
        0x6501,                        /* c.lui a0, 0 */
        0x6101,                        /* c.addi16sp 0 */
        0x9101,                        /* c.srli by 32 */
        0x9C01,                        /* c.subw */
        0x1502,                        /* c.slli by 32 */
        0x4002,                        /* c.lwsp to x0 */
        0x8002,                        /* c.jr x0 */
        0x6002,                        /* c.flwsp */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        struct instruction instruction = decode(words[i], PC);
        if (instruction.opcode != OPCODE_illegal || instruction.imm != (int32_t)words[i])
            fail_msg("0x%08x decodes", words[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_equal_their_long_ones),
        cmocka_unit_test(reserved_encodings_are_illegal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
