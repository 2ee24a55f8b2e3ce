/* chain/flashcrypt.c: see flashcrypt.h (flash-encryption.md 1). */
#include "chain/flashcrypt.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"

#define BLOCK_BYTES 16u
#define RUN_UNITS   (XTS_RUN_BYTES / XTS_UNIT_BYTES)

/* Eight bytes a step: reversing a whole flash must not cost more than encrypting it. __builtin:
 * freestanding, a plain memcpy() of eight bytes is a call. */
static void unit_reverse(uint8_t *restrict out, const uint8_t *restrict in)
{
    for (size_t i = 0; i < XTS_UNIT_BYTES; i += 8) {
        uint64_t word;
        __builtin_memcpy(&word, in + i, 8);
        word = __builtin_bswap64(word);
        __builtin_memcpy(out + XTS_UNIT_BYTES - 8 - i, &word, 8);
    }
}

/* Whole units, at most RUN_UNITS of them. */
static int units_crypt(const struct chain_crypto *crypto, bool encrypt,
                       const uint8_t key[XTS_KEY_BYTES], uint32_t offset, const uint8_t *in,
                       uint8_t *out, size_t units)
{
    uint8_t tweaks[RUN_UNITS][XTS_TWEAK_BYTES] = {0};
    uint8_t reversed[RUN_UNITS][XTS_UNIT_BYTES];
    const struct xts_run run = {units, XTS_UNIT_BYTES, tweaks[0], reversed[0], reversed[0]};
    for (size_t i = 0; i < units; i++) {
        le32_store(tweaks[i], offset + (uint32_t)(i * XTS_UNIT_BYTES));
        unit_reverse(reversed[i], in + i * XTS_UNIT_BYTES);
    }
    int error = crypto->aes_xts(crypto, encrypt, key, &run);
    if (error != CHAIN_OK)
        return error;
    for (size_t i = 0; i < units; i++)
        unit_reverse(out + i * XTS_UNIT_BYTES, reversed[i]);
    return CHAIN_OK;
}

/* Part of a unit: the blocks are independent, so the missing ones may hold anything. */
static int part_crypt(const struct chain_crypto *crypto, bool encrypt,
                      const uint8_t key[XTS_KEY_BYTES], uint32_t offset, const uint8_t *in,
                      uint8_t *out, size_t length)
{
    uint8_t unit[XTS_UNIT_BYTES] = {0};
    uint32_t skip = offset % XTS_UNIT_BYTES;
    memcpy(unit + skip, in, length);
    int error = units_crypt(crypto, encrypt, key, offset - skip, unit, unit, 1);
    if (error == CHAIN_OK)
        memcpy(out, unit + skip, length);
    return error;
}

/* What the next step takes: up to the end of a unit that begins or ends the region inside, else as
 * many whole units as a run holds. */
static size_t step_bytes(uint32_t offset, size_t length)
{
    uint32_t room = XTS_UNIT_BYTES - offset % XTS_UNIT_BYTES;
    if (room < XTS_UNIT_BYTES || length < XTS_UNIT_BYTES)
        return length < room ? length : room;
    return length < XTS_RUN_BYTES ? length - length % XTS_UNIT_BYTES : XTS_RUN_BYTES;
}

static int flash_crypt(const struct chain_crypto *crypto, bool encrypt,
                       const uint8_t key[XTS_KEY_BYTES], uint32_t offset, const uint8_t *in,
                       uint8_t *out, size_t length)
{
    if (offset % BLOCK_BYTES != 0 || length % BLOCK_BYTES != 0)
        return CHAIN_EALIGN;
    if (length > 0 && length - 1 > UINT32_MAX - offset)
        return CHAIN_EBOUNDS;

    while (length > 0) {
        size_t step = step_bytes(offset, length);
        int error = step < XTS_UNIT_BYTES
                        ? part_crypt(crypto, encrypt, key, offset, in, out, step)
                        : units_crypt(crypto, encrypt, key, offset, in, out, step / XTS_UNIT_BYTES);
        if (error != CHAIN_OK)
            return error;
        offset += (uint32_t)step;
        in += step;
        out += step;
        length -= step;
    }
    return CHAIN_OK;
}

int flashcrypt_encrypt(const struct chain_crypto *crypto, const uint8_t key[XTS_KEY_BYTES],
                       uint32_t offset, const uint8_t *in, uint8_t *out, size_t length)
{
    return flash_crypt(crypto, true, key, offset, in, out, length);
}

int flashcrypt_decrypt(const struct chain_crypto *crypto, const uint8_t key[XTS_KEY_BYTES],
                       uint32_t offset, const uint8_t *in, uint8_t *out, size_t length)
{
    return flash_crypt(crypto, false, key, offset, in, out, length);
}
