#include "chain/efuse.h"

#include <string.h>

/* The generator's coefficients of x^11..x^0; that of x^12 is 1 (efuse.md 5). */
static const uint8_t generator[EFUSE_RS_BYTES] = {0x44, 0x77, 0x43, 0x76, 0xDC, 0x1F,
                                                  0x07, 0x54, 0x5C, 0x7F, 0xD5, 0x61};

/* Product in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1. */
static uint8_t multiply(uint8_t a, uint8_t b)
{
    unsigned product = 0;
    for (unsigned i = 0; i < 8; i++) {
        product <<= 1;
        if (product & 0x100)
            product ^= 0x11D;
        if (b & (0x80u >> i))
            product ^= a;
    }
    return (uint8_t)product;
}

/* Remainder of data * x^12 by the generator, as a shift register with the highest power first. */
void efuse_rs_encode(const uint8_t data[32], uint8_t parity[EFUSE_RS_BYTES])
{
    memset(parity, 0, EFUSE_RS_BYTES);
    for (size_t i = 0; i < 32; i++) {
        const uint8_t feedback = data[i] ^ parity[0];
        memmove(parity, parity + 1, EFUSE_RS_BYTES - 1);
        parity[EFUSE_RS_BYTES - 1] = 0;
        for (size_t k = 0; k < EFUSE_RS_BYTES; k++)
            parity[k] ^= multiply(generator[k], feedback);
    }
}
