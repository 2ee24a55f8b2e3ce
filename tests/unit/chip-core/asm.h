/* tests/unit/chip-core/asm.h: RV32 machine code as C expressions, for small test programs. */
#ifndef ASM_H
#define ASM_H

#include <stdint.h>

enum { zero, ra, sp, gp, tp, t0, t1, t2, s0, s1, a0, a1, a2, a3, a4, a5 };

#define BITS(value, high, low) (((uint32_t)(value) >> (low)) & ((1u << ((high) - (low) + 1)) - 1))

#define R_TYPE(f7, rs2, rs1, f3, rd, op)                                                           \
    ((uint32_t)(f7) << 25 | (uint32_t)(rs2) << 20 | (uint32_t)(rs1) << 15 | (uint32_t)(f3) << 12 | \
     (uint32_t)(rd) << 7 | (op))
#define I_TYPE(imm, rs1, f3, rd, op)  R_TYPE(0, 0, rs1, f3, rd, op) | (uint32_t)(imm) << 20
#define S_TYPE(imm, rs2, rs1, f3, op) (R_TYPE(BITS(imm, 11, 5), rs2, rs1, f3, BITS(imm, 4, 0), op))
#define B_TYPE(imm, rs2, rs1, f3)                                                                  \
    (R_TYPE(BITS(imm, 12, 12) << 6 | BITS(imm, 10, 5), rs2, rs1, f3,                               \
            BITS(imm, 4, 1) << 1 | BITS(imm, 11, 11), 0x63))

#define LUI(rd, upper)            ((uint32_t)(upper) << 12 | (uint32_t)(rd) << 7 | 0x37)
#define AUIPC(rd, upper)          ((uint32_t)(upper) << 12 | (uint32_t)(rd) << 7 | 0x17)
#define ADDI(rd, rs1, imm)        (I_TYPE(imm, rs1, 0, rd, 0x13))
#define LI(rd, imm)               ADDI(rd, zero, imm)
#define NOP                       ADDI(zero, zero, 0)
#define OPI(f3, rd, rs1, i)       (I_TYPE(i, rs1, f3, rd, 0x13))
#define OPR(f7, f3, rd, rs1, rs2) R_TYPE(f7, rs2, rs1, f3, rd, 0x33)
#define ADD(rd, rs1, rs2)         OPR(0, 0, rd, rs1, rs2)
#define LOAD(f3, rd, imm, rs1)    (I_TYPE(imm, rs1, f3, rd, 0x03))
#define STORE(f3, rs2, imm, rs1)  S_TYPE(imm, rs2, rs1, f3, 0x23)
#define LW(rd, imm, rs1)          LOAD(2, rd, imm, rs1)
#define SW(rs2, imm, rs1)         STORE(2, rs2, imm, rs1)
#define BEQ(rs1, rs2, imm)        B_TYPE(imm, rs2, rs1, 0)
#define BNE(rs1, rs2, imm)        B_TYPE(imm, rs2, rs1, 1)
#define JAL(rd, imm)                                                                               \
    (BITS(imm, 20, 20) << 31 | BITS(imm, 10, 1) << 21 | BITS(imm, 11, 11) << 20 |                  \
     BITS(imm, 19, 12) << 12 | (uint32_t)(rd) << 7 | 0x6F)
#define J(imm)                JAL(zero, imm)
#define JALR(rd, imm, rs1)    (I_TYPE(imm, rs1, 0, rd, 0x67))
#define AMO(f5, rd, rs1, rs2) R_TYPE((f5) << 2, rs2, rs1, 2, rd, 0x2F)
#define CSRRW(rd, csr, rs1)   (I_TYPE(csr, rs1, 1, rd, 0x73))
#define CSRRS(rd, csr, rs1)   (I_TYPE(csr, rs1, 2, rd, 0x73))
#define CSRRC(rd, csr, rs1)   (I_TYPE(csr, rs1, 3, rd, 0x73))
#define CSRRSI(rd, csr, imm)  (I_TYPE(csr, imm, 6, rd, 0x73))
#define CSRRCI(rd, csr, imm)  (I_TYPE(csr, imm, 7, rd, 0x73))
#define CSRR(rd, csr)         CSRRS(rd, csr, zero)
#define CSRW(csr, rs1)        CSRRW(zero, csr, rs1)
#define ECALL                 0x00000073u
#define EBREAK                0x00100073u
#define MRET                  0x30200073u
#define WFI                   0x10500073u
#define FENCE_I               0x0000100Fu
#define ILLEGAL               0x00000000u

/* Two compressed instructions in one word. */
#define PAIR(first, second) ((uint32_t)(first) | (uint32_t)(second) << 16)
#define C_NOP               0x0001u

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
