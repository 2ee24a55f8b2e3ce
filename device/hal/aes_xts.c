/* device/hal/aes_xts.c: AES-256 in XTS mode (IEEE 1619) on the accelerator's block mode. */
#include "chain/error.h"
#include "device/hal/crypto.h"

#define BLOCK_BYTES    16u
#define KEY_BYTES      (XTS256_KEY_BYTES / 2)
#define FIELD_FEEDBACK 0x87u /* x^128 = x^7 + x^2 + x + 1 */

/* Times x in GF(2^128), least significant byte first. */
static void double_tweak(uint8_t tweak[BLOCK_BYTES])
{
    unsigned carry = 0;
    for (unsigned i = 0; i < BLOCK_BYTES; i++) {
        unsigned byte = (unsigned)tweak[i] << 1 | carry;
        tweak[i] = (uint8_t)byte;
        carry = byte >> 8;
    }
    tweak[0] ^= (uint8_t)(carry * FIELD_FEEDBACK);
}

int hal_aes256_xts(const struct chain_crypto *crypto, bool encrypt,
                   const uint8_t key[XTS256_KEY_BYTES], const uint8_t tweak[16], const uint8_t *in,
                   uint8_t *out, size_t length)
{
    uint8_t mask[BLOCK_BYTES], block[BLOCK_BYTES];
    (void)crypto;
    if (length == 0 || length % BLOCK_BYTES != 0)
        return CHAIN_ECRYPTO;
    hal_aes_block(key + KEY_BYTES, KEY_BYTES, true, tweak, mask);
    for (size_t at = 0; at < length; at += BLOCK_BYTES) {
        for (unsigned i = 0; i < BLOCK_BYTES; i++)
            block[i] = in[at + i] ^ mask[i];
        hal_aes_block(key, KEY_BYTES, encrypt, block, block);
        for (unsigned i = 0; i < BLOCK_BYTES; i++)
            out[at + i] = block[i] ^ mask[i];
        double_tweak(mask);
    }
    return CHAIN_OK;
}
