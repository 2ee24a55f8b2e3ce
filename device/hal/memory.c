/* device/hal/memory.c: memcpy() and memset() by words.
 *
 * The C library's are built for size and move bytes, which costs the boot path and the network
 * stack most of their time. These take their place at link time, with the standard's contract.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WORD   sizeof(uint32_t)
#define UNROLL 8

/* Words may hold bytes of any type. */
typedef uint32_t __attribute__((may_alias)) any_word;

static int misaligned(const void *p)
{
    return ((uintptr_t)p & (WORD - 1)) != 0;
}

void *memcpy(void *restrict out, const void *restrict in, size_t length)
{
    uint8_t *to = out;
    const uint8_t *from = in;
    if ((((uintptr_t)to ^ (uintptr_t)from) & (WORD - 1)) == 0) {
        for (; length > 0 && misaligned(to); length--)
            *to++ = *from++;
        for (; length >= UNROLL * WORD; length -= UNROLL * WORD) {
            const any_word *source = (const void *)from;
            any_word *target = (void *)to;
#pragma GCC unroll 8
            for (int i = 0; i < UNROLL; i++)
                target[i] = source[i];
            from += UNROLL * WORD;
            to += UNROLL * WORD;
        }
        for (; length >= WORD; length -= WORD, from += WORD, to += WORD)
            *(any_word *)(void *)to = *(const any_word *)(const void *)from;
    }
    for (; length > 0; length--)
        *to++ = *from++;
    return out;
}

void *memset(void *out, int value, size_t length)
{
    uint8_t *to = out;
    uint32_t word = (uint8_t)value * 0x01010101u;
    for (; length > 0 && misaligned(to); length--)
        *to++ = (uint8_t)value;
    for (; length >= UNROLL * WORD; length -= UNROLL * WORD, to += UNROLL * WORD) {
        any_word *target = (void *)to;
#pragma GCC unroll 8
        for (int i = 0; i < UNROLL; i++)
            target[i] = word;
    }
    for (; length >= WORD; length -= WORD, to += WORD)
        *(any_word *)(void *)to = word;
    for (; length > 0; length--)
        *to++ = (uint8_t)value;
    return out;
}
