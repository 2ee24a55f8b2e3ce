/* chip/decode.h: RV32IMAC + Zicsr + Zifencei machine code -> operations. Pure functions. */
#ifndef CHIP_DECODE_H
#define CHIP_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "chip/opcode.h"

/* Register number that swallows what is written to x0. */
#define REGISTER_NONE 32

struct instruction {
    enum opcode opcode;
    uint8_t rd;   /* REGISTER_NONE for x0; stores: funct3 (access width) */
    uint8_t rs1;  /* CSR immediates: the immediate */
    uint8_t rs2;  /* loads: funct3 (width and sign) */
    uint8_t size; /* 2 or 4 bytes */
    int32_t imm;  /* branches, jal, auipc: absolute address; CSR: its number; amo: funct5;
                     illegal: the instruction's bits */
};

/* True when the 16-bit parcel is a whole (compressed) instruction. */
static inline bool decode_is_compressed(uint32_t parcel)
{
    return (parcel & 3) != 3;
}

/* Decode the 4-byte instruction `word`, or the compressed one in its low half, found at `pc`. */
struct instruction decode(uint32_t word, uint32_t pc);

/* decode_compressed.c: the 16-bit forms. */
struct instruction decode_compressed(uint32_t half, uint32_t pc);

#endif
