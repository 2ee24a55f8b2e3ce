/* chip/core_alu.c: arithmetic, one handler an operation. */
#include "chip/core_ops.h"

#define ALU(name, value)                                                                           \
    OP(name)                                                                                       \
    {                                                                                              \
        RD = (uint32_t)(value);                                                                    \
        NEXT;                                                                                      \
    }

#define SIGNED(value) ((int32_t)(value))
#define WIDE(value)   ((int64_t)(int32_t)(value))

OP(nop)
{
    NEXT;
}

ALU(li, IMM)
ALU(move, RS1)

ALU(addi, RS1 + IMM)
ALU(slti, SIGNED(RS1) < op->imm)
ALU(sltiu, RS1 < IMM)
ALU(xori, RS1 ^ IMM)
ALU(ori, RS1 | IMM)
ALU(andi, RS1 &IMM)
ALU(slli, RS1 << (IMM & 31))
ALU(srli, RS1 >> (IMM & 31))
ALU(srai, SIGNED(RS1) >> (IMM & 31))

ALU(add, RS1 + RS2)
ALU(sub, RS1 - RS2)
ALU(sll, RS1 << (RS2 & 31))
ALU(slt, SIGNED(RS1) < SIGNED(RS2))
ALU(sltu, RS1 < RS2)
ALU(xor, RS1 ^ RS2)
ALU(srl, RS1 >> (RS2 & 31))
ALU(sra, SIGNED(RS1) >> (RS2 & 31))
ALU(or, RS1 | RS2)
ALU(and, RS1 &RS2)

ALU(mul, RS1 *RS2)
ALU(mulh, (uint64_t)(WIDE(RS1) * WIDE(RS2)) >> 32)
ALU(mulhsu, (uint64_t)(WIDE(RS1) * (int64_t)RS2) >> 32)
ALU(mulhu, (uint64_t)RS1 *RS2 >> 32)

/* Division never traps: by zero the quotient is all ones and the remainder the dividend; 64 bits
 * hold the one quotient that overflows 32. */
ALU(div, RS2 ? WIDE(RS1) / WIDE(RS2) : -1)
ALU(divu, RS2 ? RS1 / RS2 : UINT32_MAX)
ALU(rem, RS2 ? WIDE(RS1) % WIDE(RS2) : WIDE(RS1))
ALU(remu, RS2 ? RS1 % RS2 : RS1)
