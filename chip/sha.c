/* chip/sha.c: the SHA accelerator, single-block mode (soc.md 8).
 *
 * SHA-1, SHA-224 and SHA-256. A block takes no time. H and M hold bytes in their natural order; the
 * compression functions work on big-endian words. Not modelled: the DMA mode (its start registers
 * are reported as unknown) and the SHA-512/t helper registers.
 */
#include "chain/reg/sha.h"

#include "chain/bytes.h"
#include "chain/soc.h"
#include "chip/peripherals.h"

#define SHA_BLOCK_BYTES 64u
#define SHA_STATE_WORDS 8u
#define SHA_DATE        0x2C

struct sha {
    uint32_t mode, interrupt_enabled, date;
    uint8_t h[SHA_BLOCK_BYTES];
    uint8_t m[SHA_BLOCK_BYTES];
};

static const uint32_t sha1_start[SHA_STATE_WORDS] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476,
                                                     0xC3D2E1F0};
static const uint32_t sha224_start[SHA_STATE_WORDS] = {
    0xC1059ED8, 0x367CD507, 0x3070DD17, 0xF70E5939, 0xFFC00B31, 0x68581511, 0x64F98FA7, 0xBEFA4FA4};
static const uint32_t sha256_start[SHA_STATE_WORDS] = {
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

static const uint32_t sha256_k[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

static uint32_t rotate_left(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

static uint32_t be32_load(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void be32_store(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

/* FIPS 180-4, 6.1.2. */
static void sha1_compress(uint32_t h[SHA_STATE_WORDS], const uint8_t *block)
{
    static const uint32_t k[4] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
    uint32_t w[80];
    for (unsigned t = 0; t < 80; t++)
        w[t] = t < 16 ? be32_load(block + 4 * t)
                      : rotate_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (unsigned t = 0; t < 80; t++) {
        uint32_t f = b ^ c ^ d;
        if (t < 20)
            f = (b & c) | (~b & d);
        else if (t >= 40 && t < 60)
            f = (b & c) | (b & d) | (c & d);
        uint32_t sum = rotate_left(a, 5) + f + e + k[t / 20] + w[t];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = sum;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

/* Message schedule of SHA-256 (FIPS 180-4, 6.2.2 step 1). */
static void sha256_schedule(uint32_t w[64], const uint8_t *block)
{
    for (unsigned t = 0; t < 16; t++)
        w[t] = be32_load(block + 4 * t);
    for (unsigned t = 16; t < 64; t++) {
        uint32_t x = w[t - 15], y = w[t - 2];
        uint32_t s0 = rotate_left(x, 25) ^ rotate_left(x, 14) ^ x >> 3;
        uint32_t s1 = rotate_left(y, 15) ^ rotate_left(y, 13) ^ y >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
}

/* Steps 2 to 4; the state in locals, so that it stays in registers. */
static void sha256_compress(uint32_t state[SHA_STATE_WORDS], const uint8_t *block)
{
    uint32_t w[64];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    sha256_schedule(w, block);
    for (unsigned t = 0; t < 64; t++) {
        uint32_t s1 = rotate_left(e, 26) ^ rotate_left(e, 21) ^ rotate_left(e, 7);
        uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + sha256_k[t] + w[t];
        uint32_t s0 = rotate_left(a, 30) ^ rotate_left(a, 19) ^ rotate_left(a, 10);
        uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    const uint32_t end[SHA_STATE_WORDS] = {a, b, c, d, e, f, g, h};
    for (unsigned i = 0; i < SHA_STATE_WORDS; i++)
        state[i] += end[i];
}

static struct sha *sha_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_sha);
}

/* One block of M into the state in H, or into the start values of the mode. */
static bool sha_block(struct chip *chip, bool start)
{
    static const uint32_t *const start_values[3] = {sha1_start, sha224_start, sha256_start};
    struct sha *sha = sha_of(chip);
    uint32_t h[SHA_STATE_WORDS];
    if (sha->mode > SHA_MODE_SHA256)
        return false;
    for (unsigned i = 0; i < SHA_STATE_WORDS; i++)
        h[i] = start ? start_values[sha->mode][i] : be32_load(sha->h + 4 * i);
    if (sha->mode == SHA_MODE_SHA1)
        sha1_compress(h, sha->m);
    else
        sha256_compress(h, sha->m);
    for (unsigned i = 0; i < SHA_STATE_WORDS; i++)
        be32_store(sha->h + 4 * i, h[i]);
    return true;
}

static int sha_init(struct chip *chip)
{
    return state_new(chip, &peripheral_sha, sizeof(struct sha));
}

static void sha_reset(struct chip *chip, uint32_t cause)
{
    if (!reset_is_cpu_only(cause))
        *sha_of(chip) = (struct sha){.date = 0x20201229};
}

static void sha_free(struct chip *chip)
{
    state_free(chip, &peripheral_sha);
}

/* The memory word at `offset`, NULL when it is a register. */
static uint8_t *sha_memory(struct sha *sha, uint32_t offset)
{
    if (offset >= SHA_H && offset < SHA_H + SHA_BLOCK_BYTES)
        return sha->h + (offset - SHA_H);
    if (offset >= SHA_M && offset < SHA_M + SHA_BLOCK_BYTES)
        return sha->m + (offset - SHA_M);
    return NULL;
}

static bool sha_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    struct sha *sha = sha_of(chip);
    const uint8_t *memory = sha_memory(sha, offset);
    if (memory != NULL) {
        *value = le32_load(memory);
        return true;
    }
    switch (offset) {
    case SHA_MODE:
        *value = sha->mode;
        return true;
    case SHA_BUSY:
        *value = 0;
        return true;
    case SHA_IRQ_ENA:
        *value = sha->interrupt_enabled;
        return true;
    case SHA_DATE:
        *value = sha->date;
        return true;
    }
    return false;
}

static bool sha_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct sha *sha = sha_of(chip);
    uint8_t *memory = sha_memory(sha, offset);
    if (memory != NULL) {
        le32_store(memory, value);
        return true;
    }
    switch (offset) {
    case SHA_MODE:
        sha->mode = value & 7;
        return true;
    case SHA_START:
    case SHA_CONTINUE:
        return (value & 1) == 0 || sha_block(chip, offset == SHA_START);
    case SHA_CLEAR_IRQ: /* only DMA operations interrupt */
        return true;
    case SHA_IRQ_ENA:
        sha->interrupt_enabled = value & 1;
        return true;
    case SHA_DATE:
        sha->date = value;
        return true;
    }
    return false;
}

const struct peripheral peripheral_sha = {
    .name = "SHA",
    .base = SOC_SHA,
    .bytes = 0x1000,
    .init = sha_init,
    .reset = sha_reset,
    .free = sha_free,
    .read = sha_read,
    .write = sha_write,
};
