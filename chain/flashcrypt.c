/* chain/flashcrypt.c: see flashcrypt.h (flash-encryption.md 1). */
#include "chain/flashcrypt.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"

#define BLOCK_BYTES 16u

/* Eight bytes a step: reversing a whole flash must not cost more than encrypting it. */
static void unit_reverse(uint8_t out[XTS_UNIT_BYTES], const uint8_t in[XTS_UNIT_BYTES])
{
    for (size_t i = 0; i < XTS_UNIT_BYTES; i += 8) {
        uint64_t word;
        memcpy(&word, in + i, 8);
        word = __builtin_bswap64(word);
        memcpy(out + XTS_UNIT_BYTES - 8 - i, &word, 8);
    }
}

static int unit_crypt(const struct chain_crypto *crypto, bool encrypt,
                      const uint8_t key[XTS_KEY_BYTES], uint32_t unit_offset,
                      const uint8_t in[XTS_UNIT_BYTES], uint8_t out[XTS_UNIT_BYTES])
{
    uint8_t unit[XTS_UNIT_BYTES];
    uint8_t tweak[16] = {0};
    le32_store(tweak, unit_offset);
    unit_reverse(unit, in);
    int error = crypto->aes_xts(crypto, encrypt, key, tweak, unit, unit, XTS_UNIT_BYTES);
    if (error == CHAIN_OK)
        unit_reverse(out, unit);
    return error;
}

/* Part of a unit: the blocks are independent, so the missing ones may hold anything. */
static int part_crypt(const struct chain_crypto *crypto, bool encrypt,
                      const uint8_t key[XTS_KEY_BYTES], uint32_t offset, const uint8_t *in,
                      uint8_t *out, size_t length)
{
    uint8_t unit[XTS_UNIT_BYTES] = {0};
    uint32_t skip = offset % XTS_UNIT_BYTES;
    memcpy(unit + skip, in, length);
    int error = unit_crypt(crypto, encrypt, key, offset - skip, unit, unit);
    if (error == CHAIN_OK)
        memcpy(out, unit + skip, length);
    return error;
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
        uint32_t room = XTS_UNIT_BYTES - offset % XTS_UNIT_BYTES;
        size_t step = length < room ? length : room;
        int error = step == XTS_UNIT_BYTES
                        ? unit_crypt(crypto, encrypt, key, offset, in, out)
                        : part_crypt(crypto, encrypt, key, offset, in, out, step);
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
