#include "chain/md5.h"

#include <string.h>

#include "chain/bytes.h"

#define BLOCK 64u

/* floor(2^32 * |sin(i + 1)|), RFC 1321 section 3.4. */
static const uint32_t sines[64] = {
    0xD76AA478, 0xE8C7B756, 0x242070DB, 0xC1BDCEEE, 0xF57C0FAF, 0x4787C62A, 0xA8304613, 0xFD469501,
    0x698098D8, 0x8B44F7AF, 0xFFFF5BB1, 0x895CD7BE, 0x6B901122, 0xFD987193, 0xA679438E, 0x49B40821,
    0xF61E2562, 0xC040B340, 0x265E5A51, 0xE9B6C7AA, 0xD62F105D, 0x02441453, 0xD8A1E681, 0xE7D3FBC8,
    0x21E1CDE6, 0xC33707D6, 0xF4D50D87, 0x455A14ED, 0xA9E3E905, 0xFCEFA3F8, 0x676F02D9, 0x8D2A4C8A,
    0xFFFA3942, 0x8771F681, 0x6D9D6122, 0xFDE5380C, 0xA4BEEA44, 0x4BDECFA9, 0xF6BB4B60, 0xBEBFBC70,
    0x289B7EC6, 0xEAA127FA, 0xD4EF3085, 0x04881D05, 0xD9D4D039, 0xE6DB99E5, 0x1FA27CF8, 0xC4AC5665,
    0xF4292244, 0x432AFF97, 0xAB9423A7, 0xFC93A039, 0x655B59C3, 0x8F0CCC92, 0xFFEFF47D, 0x85845DD1,
    0x6FA87E4F, 0xFE2CE6E0, 0xA3014314, 0x4E0811A1, 0xF7537E82, 0xBD3AF235, 0x2AD7D2BB, 0xEB86D391,
};

static const uint8_t rotations[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t rotate_left(uint32_t x, unsigned n)
{
    return (x << n) | (x >> (32 - n));
}

/* The round's boolean function of the three other state words. */
static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round) {
    case 0:
        return (b & c) | (~b & d);
    case 1:
        return (d & b) | (~d & c);
    case 2:
        return b ^ c ^ d;
    default:
        return c ^ (b | ~d);
    }
}

/* Which message word step i of a round uses: (i * stride + start) mod 16. */
static unsigned word_index(unsigned round, unsigned i)
{
    static const uint8_t stride[4] = {1, 5, 3, 7};
    static const uint8_t start[4] = {0, 1, 5, 0};
    return (i * stride[round] + start[round]) & 15;
}

static void absorb(uint32_t state[4], const uint8_t block[BLOCK])
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (unsigned step = 0; step < 64; step++) {
        const unsigned round = step / 16;
        const uint32_t word = le32_load(block + (size_t)4 * word_index(round, step));
        const uint32_t sum = a + mix(round, b, c, d) + word + sines[step];
        a = d;
        d = c;
        c = b;
        b += rotate_left(sum, rotations[round][step % 4]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void md5(const void *bytes, size_t length, uint8_t digest[16])
{
    uint32_t state[4] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476};
    const uint8_t *p = bytes;
    size_t rest = length;
    for (; rest >= BLOCK; rest -= BLOCK, p += BLOCK)
        absorb(state, p);

    /* The end: the remaining bytes, a one bit, zeros, and the length in bits. */
    uint8_t tail[2 * BLOCK] = {0};
    if (rest > 0)
        memcpy(tail, p, rest);
    tail[rest] = 0x80;
    const size_t tail_length = rest + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
    const uint64_t bits = (uint64_t)length * 8;
    le32_store(tail + tail_length - 8, (uint32_t)bits);
    le32_store(tail + tail_length - 4, (uint32_t)(bits >> 32));
    absorb(state, tail);
    if (tail_length > BLOCK)
        absorb(state, tail + BLOCK);

    for (size_t i = 0; i < 4; i++)
        le32_store(digest + 4 * i, state[i]);
}
