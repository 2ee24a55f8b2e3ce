/* device/rom/slots_hash.c: checksums for programs: CRC of 8, 16 and 32 bits (formats.md 2.4 for
 * the convention), and MD5 (RFC 1321) fed in parts. crc32_le is chain's. */
#include <string.h>

#include "chain/bytes.h"
#include "device/rom/slots.h"

#define CRC32_BE_POLY 0x04C11DB7u
#define CRC16_LE_POLY 0x8408u
#define CRC16_BE_POLY 0x1021u
#define CRC8_LE_POLY  0xE0u
#define CRC8_BE_POLY  0x07u

/* Low bit first, and high bit first in `bits` bits; both without the complements. */
static uint32_t crc_low(uint32_t crc, uint32_t poly, const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int n = 0; n < 8; n++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? poly : 0);
    }
    return crc;
}

static uint32_t crc_high(uint32_t crc, unsigned bits, uint32_t poly, const uint8_t *bytes,
                         uint32_t length)
{
    const uint32_t top = 1u << (bits - 1);
    for (uint32_t i = 0; i < length; i++) {
        crc ^= (uint32_t)bytes[i] << (bits - 8);
        for (int n = 0; n < 8; n++)
            crc = crc << 1 ^ ((crc & top) != 0 ? poly : 0);
    }
    return crc;
}

uint32_t crc32_be(uint32_t crc, const uint8_t *bytes, uint32_t length)
{
    return ~crc_high(~crc, 32, CRC32_BE_POLY, bytes, length);
}

uint16_t crc16_le(uint16_t crc, const uint8_t *bytes, uint32_t length)
{
    return (uint16_t)~crc_low((uint16_t)~crc, CRC16_LE_POLY, bytes, length);
}

uint16_t crc16_be(uint16_t crc, const uint8_t *bytes, uint32_t length)
{
    return (uint16_t)~crc_high((uint16_t)~crc, 16, CRC16_BE_POLY, bytes, length);
}

uint8_t crc8_le(uint8_t crc, const uint8_t *bytes, uint32_t length)
{
    return (uint8_t)~crc_low((uint8_t)~crc, CRC8_LE_POLY, bytes, length);
}

uint8_t crc8_be(uint8_t crc, const uint8_t *bytes, uint32_t length)
{
    return (uint8_t)~crc_high((uint8_t)~crc, 8, CRC8_BE_POLY, bytes, length);
}

/* --- MD5 ------------------------------------------------------------------------------------ */

static const uint8_t md5_shift[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

/* floor(2^32 * |sin(i + 1)|) */
static const uint32_t md5_sine[64] = {
    0xD76AA478, 0xE8C7B756, 0x242070DB, 0xC1BDCEEE, 0xF57C0FAF, 0x4787C62A, 0xA8304613, 0xFD469501,
    0x698098D8, 0x8B44F7AF, 0xFFFF5BB1, 0x895CD7BE, 0x6B901122, 0xFD987193, 0xA679438E, 0x49B40821,
    0xF61E2562, 0xC040B340, 0x265E5A51, 0xE9B6C7AA, 0xD62F105D, 0x02441453, 0xD8A1E681, 0xE7D3FBC8,
    0x21E1CDE6, 0xC33707D6, 0xF4D50D87, 0x455A14ED, 0xA9E3E905, 0xFCEFA3F8, 0x676F02D9, 0x8D2A4C8A,
    0xFFFA3942, 0x8771F681, 0x6D9D6122, 0xFDE5380C, 0xA4BEEA44, 0x4BDECFA9, 0xF6BB4B60, 0xBEBFBC70,
    0x289B7EC6, 0xEAA127FA, 0xD4EF3085, 0x04881D05, 0xD9D4D039, 0xE6DB99E5, 0x1FA27CF8, 0xC4AC5665,
    0xF4292244, 0x432AFF97, 0xAB9423A7, 0xFC93A039, 0x655B59C3, 0x8F0CCC92, 0xFFEFF47D, 0x85845DD1,
    0x6FA87E4F, 0xFE2CE6E0, 0xA3014314, 0x4E0811A1, 0xF7537E82, 0xBD3AF235, 0x2AD7D2BB, 0xEB86D391,
};

static uint32_t md5_mix(unsigned step, uint32_t b, uint32_t c, uint32_t d, unsigned *word)
{
    switch (step / 16) {
    case 0:
        *word = step;
        return (b & c) | (~b & d);
    case 1:
        *word = (5 * step + 1) % 16;
        return (b & d) | (c & ~d);
    case 2:
        *word = (3 * step + 5) % 16;
        return b ^ c ^ d;
    default:
        *word = 7 * step % 16;
        return c ^ (b | ~d);
    }
}

static void md5_block(uint32_t state[4], const uint8_t block[64])
{
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (unsigned step = 0; step < 64; step++) {
        unsigned word;
        uint32_t sum = a + md5_mix(step, b, c, d, &word) + md5_sine[step];
        sum += le32_load(block + 4 * word);
        unsigned shift = md5_shift[step / 16][step % 4];
        a = d;
        d = c;
        c = b;
        b += sum << shift | sum >> (32 - shift);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void MD5Init(struct rom_md5 *md5)
{
    *md5 = (struct rom_md5){.state = {0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u}};
}

void MD5Update(struct rom_md5 *md5, const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        md5->block[md5->bits[0] / 8 % 64] = bytes[i];
        md5->bits[0] += 8;
        if (md5->bits[0] == 0)
            md5->bits[1]++;
        if (md5->bits[0] / 8 % 64 == 0)
            md5_block(md5->state, md5->block);
    }
}

void MD5Final(uint8_t digest[16], struct rom_md5 *md5)
{
    uint8_t length[8];
    le32_store(length, md5->bits[0]);
    le32_store(length + 4, md5->bits[1]);
    const uint8_t one = 0x80, zero = 0;
    MD5Update(md5, &one, 1);
    while (md5->bits[0] / 8 % 64 != 56)
        MD5Update(md5, &zero, 1);
    MD5Update(md5, length, sizeof length);
    for (size_t i = 0; i < 4; i++)
        le32_store(digest + 4 * i, md5->state[i]);
    memset(md5, 0, sizeof *md5);
}
