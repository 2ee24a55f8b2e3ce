/* chain/bytes.h: little-endian access and checked arithmetic on untrusted numbers.
 *
 * Every addition of numbers that came from outside goes through span_within() or sum_u32():
 * that is the one place where overflow is thought about.
 */
#ifndef CHAIN_BYTES_H
#define CHAIN_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint16_t le16_load(const uint8_t *p)
{
    return (uint16_t)(p[0] | (p[1] << 8));
}

static inline uint32_t le32_load(const uint8_t *p)
{
    return (uint32_t)p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) | ((uint32_t)p[3] << 24);
}

static inline void le16_store(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void le32_store(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

/* True when [offset, offset + length) lies inside [0, total); no overflow for any input. */
static inline bool span_within(size_t offset, size_t length, size_t total)
{
    return offset <= total && length <= total - offset;
}

/* *sum = a + b; false (and *sum untouched) when it does not fit 32 bits. */
static inline bool sum_u32(uint32_t a, uint32_t b, uint32_t *sum)
{
    if (b > UINT32_MAX - a)
        return false;
    *sum = a + b;
    return true;
}

/* Round up to a power of two; false when the result does not fit 32 bits. */
static inline bool round_up_u32(uint32_t value, uint32_t power_of_two, uint32_t *out)
{
    uint32_t sum;
    if (!sum_u32(value, power_of_two - 1, &sum))
        return false;
    *out = sum & ~(power_of_two - 1);
    return true;
}

/* Equal or not, in time that depends only on the length: for MACs and digests of secrets. */
static inline bool bytes_equal_ct(const uint8_t *a, const uint8_t *b, size_t length)
{
    uint8_t difference = 0;
    for (size_t i = 0; i < length; i++)
        difference = (uint8_t)(difference | (a[i] ^ b[i]));
    return difference == 0;
}

#endif
