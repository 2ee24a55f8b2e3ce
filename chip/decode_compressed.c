/* chip/decode_compressed.c: the C extension (RV32C without floating point), by quadrant. */
#include "chip/decode.h"

/* Register numbers in the full (5-bit) and the short (3-bit, x8..x15) form. */
static uint8_t full(uint32_t half, unsigned low)
{
    return (uint8_t)(half >> low & 31);
}

static uint8_t shortened(uint32_t half, unsigned low)
{
    return (uint8_t)(8 + (half >> low & 7));
}

static uint8_t destination(uint8_t number)
{
    return number ? number : REGISTER_NONE;
}

/* One bit field of a scattered immediate: half[low + bits - 1 : low] placed at `to`. */
static uint32_t part(uint32_t half, unsigned low, unsigned bits, unsigned to)
{
    return (half >> low & ((1u << bits) - 1)) << to;
}

static int32_t sign_extend(uint32_t value, unsigned bits)
{
    return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

static int32_t immediate_6(uint32_t half)
{
    return sign_extend(part(half, 12, 1, 5) | part(half, 2, 5, 0), 6);
}

static int32_t immediate_word(uint32_t half) /* c.lw, c.sw */
{
    return (int32_t)(part(half, 10, 3, 3) | part(half, 6, 1, 2) | part(half, 5, 1, 6));
}

static int32_t target_jump(uint32_t half, uint32_t pc)
{
    uint32_t offset = part(half, 12, 1, 11) | part(half, 11, 1, 4) | part(half, 9, 2, 8) |
                      part(half, 8, 1, 10) | part(half, 7, 1, 6) | part(half, 6, 1, 7) |
                      part(half, 3, 3, 1) | part(half, 2, 1, 5);
    return (int32_t)(pc + (uint32_t)sign_extend(offset, 12));
}

static int32_t target_branch(uint32_t half, uint32_t pc)
{
    uint32_t offset = part(half, 12, 1, 8) | part(half, 10, 2, 3) | part(half, 5, 2, 6) |
                      part(half, 3, 2, 1) | part(half, 2, 1, 5);
    return (int32_t)(pc + (uint32_t)sign_extend(offset, 9));
}

static void quadrant_0(uint32_t half, struct instruction *out)
{
    out->rs1 = shortened(half, 7);
    switch (half >> 13) {
    case 0: /* c.addi4spn; the all-zero parcel is the defined illegal instruction */
        out->imm = (int32_t)(part(half, 11, 2, 4) | part(half, 7, 4, 6) | part(half, 6, 1, 2) |
                             part(half, 5, 1, 3));
        if (out->imm != 0) {
            out->opcode = OPCODE_addi;
            out->rd = shortened(half, 2);
            out->rs1 = 2;
        }
        break;
    case 2:
        out->opcode = OPCODE_lw;
        out->rd = shortened(half, 2);
        out->rs2 = 2;
        out->imm = immediate_word(half);
        break;
    case 6:
        out->opcode = OPCODE_sw;
        out->rs2 = shortened(half, 2);
        out->rd = 2;
        out->imm = immediate_word(half);
        break;
    default:
        break;
    }
}

/* c.srli, c.srai, c.andi and the register-register group. */
static void decode_arithmetic(uint32_t half, struct instruction *out)
{
    static const enum opcode registers[4] = {OPCODE_sub, OPCODE_xor, OPCODE_or, OPCODE_and};
    out->rd = out->rs1 = shortened(half, 7);
    out->rs2 = shortened(half, 2);
    out->imm = immediate_6(half);
    bool long_shift = half >> 12 & 1; /* RV64 only */
    switch (half >> 10 & 3) {
    case 0:
        out->opcode = long_shift ? OPCODE_illegal : OPCODE_srli;
        break;
    case 1:
        out->opcode = long_shift ? OPCODE_illegal : OPCODE_srai;
        break;
    case 2:
        out->opcode = OPCODE_andi;
        break;
    default:
        out->opcode = long_shift ? OPCODE_illegal : registers[half >> 5 & 3];
        break;
    }
}

/* c.addi16sp and c.lui; an immediate of zero is reserved in both. */
static void decode_upper(uint32_t half, struct instruction *out)
{
    uint8_t rd = full(half, 7);
    out->rd = destination(rd);
    if (immediate_6(half) == 0)
        return;
    if (rd == 2) {
        out->opcode = OPCODE_addi;
        out->rs1 = 2;
        out->imm = sign_extend(part(half, 12, 1, 9) | part(half, 6, 1, 4) | part(half, 5, 1, 6) |
                                   part(half, 3, 2, 7) | part(half, 2, 1, 5),
                               10);
    } else {
        out->opcode = OPCODE_li;
        out->imm = (int32_t)((uint32_t)immediate_6(half) << 12);
    }
}

static void quadrant_1(uint32_t half, uint32_t pc, struct instruction *out)
{
    switch (half >> 13) {
    case 0: /* c.nop, c.addi */
        out->rs1 = full(half, 7);
        out->rd = destination(out->rs1);
        out->opcode = out->rs1 ? OPCODE_addi : OPCODE_nop;
        out->imm = immediate_6(half);
        break;
    case 1: /* c.jal */
        out->opcode = OPCODE_jal;
        out->rd = 1;
        out->imm = target_jump(half, pc);
        break;
    case 2: /* c.li */
        out->opcode = OPCODE_li;
        out->rd = destination(full(half, 7));
        out->imm = immediate_6(half);
        break;
    case 3:
        decode_upper(half, out);
        break;
    case 4:
        decode_arithmetic(half, out);
        break;
    case 5: /* c.j */
        out->opcode = OPCODE_jump;
        out->imm = target_jump(half, pc);
        break;
    default: /* c.beqz, c.bnez */
        out->opcode = half >> 13 == 6 ? OPCODE_beq : OPCODE_bne;
        out->rs1 = shortened(half, 7);
        out->imm = target_branch(half, pc);
        break;
    }
}

/* c.jr, c.mv, c.ebreak, c.jalr, c.add share funct3 4; bit 12 and the registers tell them apart. */
static void decode_jump_move(uint32_t half, struct instruction *out)
{
    uint8_t first = full(half, 7), second = full(half, 2);
    bool bit12 = half >> 12 & 1;
    if (second != 0) {
        out->opcode = bit12 ? OPCODE_add : OPCODE_move;
        out->rd = destination(first);
        out->rs1 = bit12 ? first : second;
        out->rs2 = second;
    } else if (first != 0) {
        out->opcode = OPCODE_jalr;
        out->rd = bit12 ? 1 : REGISTER_NONE;
        out->rs1 = first;
    } else if (bit12) {
        out->opcode = OPCODE_ebreak;
    }
}

static void quadrant_2(uint32_t half, struct instruction *out)
{
    switch (half >> 13) {
    case 0: /* c.slli */
        out->rs1 = full(half, 7);
        out->rd = destination(out->rs1);
        out->imm = immediate_6(half);
        out->opcode = half >> 12 & 1 ? OPCODE_illegal : OPCODE_slli;
        break;
    case 2: /* c.lwsp */
        out->rd = full(half, 7);
        out->opcode = out->rd ? OPCODE_lw : OPCODE_illegal;
        out->rs1 = 2;
        out->rs2 = 2;
        out->imm = (int32_t)(part(half, 12, 1, 5) | part(half, 4, 3, 2) | part(half, 2, 2, 6));
        break;
    case 4:
        decode_jump_move(half, out);
        break;
    case 6: /* c.swsp */
        out->opcode = OPCODE_sw;
        out->rd = 2;
        out->rs1 = 2;
        out->rs2 = full(half, 2);
        out->imm = (int32_t)(part(half, 9, 4, 2) | part(half, 7, 2, 6));
        break;
    default:
        break;
    }
}

struct instruction decode_compressed(uint32_t half, uint32_t pc)
{
    struct instruction out = {.opcode = OPCODE_illegal, .rd = REGISTER_NONE, .size = 2};
    switch (half & 3) {
    case 0:
        quadrant_0(half, &out);
        break;
    case 1:
        quadrant_1(half, pc, &out);
        break;
    default:
        quadrant_2(half, &out);
        break;
    }
    if (out.opcode == OPCODE_illegal)
        out.imm = (int32_t)half;
    return out;
}
