/* chip/decode.c: the 32-bit instruction formats, major opcode by major opcode. */
#include "chip/decode.h"

static uint32_t field(uint32_t word, unsigned low, unsigned bits)
{
    return (word >> low) & ((1u << bits) - 1);
}

static int32_t sign_extend(uint32_t value, unsigned bits)
{
    return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

static uint8_t destination(uint32_t word)
{
    uint32_t rd = field(word, 7, 5);
    return rd ? (uint8_t)rd : REGISTER_NONE;
}

static int32_t immediate_i(uint32_t word)
{
    return (int32_t)word >> 20;
}

static int32_t immediate_s(uint32_t word)
{
    return sign_extend(field(word, 25, 7) << 5 | field(word, 7, 5), 12);
}

static int32_t immediate_b(uint32_t word)
{
    return sign_extend(field(word, 31, 1) << 12 | field(word, 7, 1) << 11 |
                           field(word, 25, 6) << 5 | field(word, 8, 4) << 1,
                       13);
}

static int32_t immediate_j(uint32_t word)
{
    return sign_extend(field(word, 31, 1) << 20 | field(word, 12, 8) << 12 |
                           field(word, 20, 1) << 11 | field(word, 21, 10) << 1,
                       21);
}

static int32_t relative(uint32_t pc, int32_t offset)
{
    return (int32_t)(pc + (uint32_t)offset);
}

/* OP-IMM. addi in its common disguises becomes what it means. */
static void decode_immediate(uint32_t word, struct instruction *out)
{
    static const enum opcode by_funct3[8] = {
        OPCODE_addi, OPCODE_slli, OPCODE_slti, OPCODE_sltiu,
        OPCODE_xori, OPCODE_srli, OPCODE_ori,  OPCODE_andi,
    };
    uint32_t funct3 = field(word, 12, 3), funct7 = field(word, 25, 7);
    out->opcode = by_funct3[funct3];
    out->imm = immediate_i(word);
    if (funct3 == 1 || funct3 == 5) {
        out->imm = (int32_t)field(word, 20, 5);
        if (funct3 == 5 && funct7 == 0x20)
            out->opcode = OPCODE_srai;
        else if (funct7 != 0)
            out->opcode = OPCODE_illegal;
    } else if (funct3 == 0 && out->rd == REGISTER_NONE) {
        out->opcode = OPCODE_nop;
    } else if (funct3 == 0 && out->rs1 == 0) {
        out->opcode = OPCODE_li;
    } else if (funct3 == 0 && out->imm == 0) {
        out->opcode = OPCODE_move;
    }
}

/* OP: base, alternative (funct7 0x20) and multiplication (funct7 1). */
static void decode_register(uint32_t word, struct instruction *out)
{
    static const enum opcode base[8] = {OPCODE_add, OPCODE_sll, OPCODE_slt, OPCODE_sltu,
                                        OPCODE_xor, OPCODE_srl, OPCODE_or,  OPCODE_and};
    static const enum opcode multiply[8] = {OPCODE_mul, OPCODE_mulh, OPCODE_mulhsu, OPCODE_mulhu,
                                            OPCODE_div, OPCODE_divu, OPCODE_rem,    OPCODE_remu};
    uint32_t funct3 = field(word, 12, 3);
    switch (field(word, 25, 7)) {
    case 0x00:
        out->opcode = base[funct3];
        break;
    case 0x01:
        out->opcode = multiply[funct3];
        break;
    case 0x20:
        if (funct3 == 0)
            out->opcode = OPCODE_sub;
        else if (funct3 == 5)
            out->opcode = OPCODE_sra;
        break;
    default:
        break;
    }
}

static void decode_branch(uint32_t word, uint32_t pc, struct instruction *out)
{
    static const enum opcode by_funct3[8] = {
        OPCODE_beq, OPCODE_bne, OPCODE_illegal, OPCODE_illegal,
        OPCODE_blt, OPCODE_bge, OPCODE_bltu,    OPCODE_bgeu,
    };
    out->opcode = by_funct3[field(word, 12, 3)];
    out->imm = relative(pc, immediate_b(word));
}

static void decode_load(uint32_t word, struct instruction *out)
{
    static const enum opcode by_funct3[8] = {
        OPCODE_lb,  OPCODE_lh,  OPCODE_lw,      OPCODE_illegal,
        OPCODE_lbu, OPCODE_lhu, OPCODE_illegal, OPCODE_illegal,
    };
    out->rs2 = (uint8_t)field(word, 12, 3);
    out->opcode = by_funct3[out->rs2];
    out->imm = immediate_i(word);
}

static void decode_store(uint32_t word, struct instruction *out)
{
    static const enum opcode by_funct3[4] = {OPCODE_sb, OPCODE_sh, OPCODE_sw, OPCODE_illegal};
    out->rd = (uint8_t)field(word, 12, 3);
    out->opcode = out->rd < 4 ? by_funct3[out->rd] : OPCODE_illegal;
    out->imm = immediate_s(word);
}

/* The A extension, words only. aq and rl mean nothing to a single in-order core. */
static void decode_atomic(uint32_t word, struct instruction *out)
{
    static const uint32_t known = 1u << 0x00 | 1u << 0x01 | 1u << 0x04 | 1u << 0x08 | 1u << 0x0C |
                                  1u << 0x10 | 1u << 0x14 | 1u << 0x18 | 1u << 0x1C;
    uint32_t funct5 = field(word, 27, 5);
    out->imm = (int32_t)funct5;
    if (field(word, 12, 3) != 2)
        return;
    if (funct5 == 0x02 && out->rs2 == 0) {
        out->opcode = OPCODE_lr;
        out->rs2 = 2; /* a load of a word, for the code it shares with lw */
    } else if (funct5 == 0x03) {
        out->opcode = OPCODE_sc;
    } else if (known >> funct5 & 1) {
        out->opcode = OPCODE_amo;
    }
}

static void decode_system(uint32_t word, struct instruction *out)
{
    static const enum opcode csr[8] = {
        OPCODE_illegal, OPCODE_csrrw,  OPCODE_csrrs,  OPCODE_csrrc,
        OPCODE_illegal, OPCODE_csrrwi, OPCODE_csrrsi, OPCODE_csrrci,
    };
    out->imm = (int32_t)field(word, 20, 12);
    out->opcode = csr[field(word, 12, 3)];
    switch (word) {
    case 0x00000073:
        out->opcode = OPCODE_ecall;
        break;
    case 0x00100073:
        out->opcode = OPCODE_ebreak;
        break;
    case 0x30200073:
        out->opcode = OPCODE_mret;
        break;
    case 0x10500073:
        out->opcode = OPCODE_wfi;
        break;
    default:
        break;
    }
}

/* Stores drop decoded instructions by themselves, so fence.i has nothing left to do. */
static void decode_fence(uint32_t word, struct instruction *out)
{
    out->opcode = field(word, 12, 3) <= 1 ? OPCODE_nop : OPCODE_illegal;
}

static void decode_major(uint32_t word, uint32_t pc, struct instruction *out)
{
    switch (field(word, 2, 5)) {
    case 0x00:
        decode_load(word, out);
        break;
    case 0x03:
        decode_fence(word, out);
        break;
    case 0x04:
        decode_immediate(word, out);
        break;
    case 0x05: /* auipc */
        out->opcode = OPCODE_li;
        out->imm = relative(pc, (int32_t)(word & 0xFFFFF000u));
        break;
    case 0x08:
        decode_store(word, out);
        break;
    case 0x0B:
        decode_atomic(word, out);
        break;
    case 0x0C:
        decode_register(word, out);
        break;
    case 0x0D: /* lui */
        out->opcode = OPCODE_li;
        out->imm = (int32_t)(word & 0xFFFFF000u);
        break;
    case 0x18:
        decode_branch(word, pc, out);
        break;
    case 0x19:
        if (field(word, 12, 3) == 0)
            out->opcode = OPCODE_jalr;
        out->imm = immediate_i(word);
        break;
    case 0x1B:
        out->opcode = out->rd == REGISTER_NONE ? OPCODE_jump : OPCODE_jal;
        out->imm = relative(pc, immediate_j(word));
        break;
    case 0x1C:
        decode_system(word, out);
        break;
    default:
        break;
    }
}

struct instruction decode(uint32_t word, uint32_t pc)
{
    if (decode_is_compressed(word))
        return decode_compressed(word & 0xFFFF, pc);
    struct instruction out = {
        .opcode = OPCODE_illegal,
        .rd = destination(word),
        .rs1 = (uint8_t)field(word, 15, 5),
        .rs2 = (uint8_t)field(word, 20, 5),
        .size = 4,
    };
    decode_major(word, pc, &out);
    if (out.opcode == OPCODE_illegal)
        out.imm = (int32_t)word;
    return out;
}
