/* chain/flashcrypt.h: ESP32-C6 flash encryption, XTS-AES-128 (flash-encryption.md 1).
 *
 * Units of 128 bytes aligned in flash, byte-reversed around standard XTS, tweak = unit offset.
 * Any 16-byte block depends only on key, its offset and itself.
 */
#ifndef CHAIN_FLASHCRYPT_H
#define CHAIN_FLASHCRYPT_H

#include "chain/crypto.h"

/* offset: absolute flash offset; offset and length multiples of 16; in == out allowed. key as in
 * the key file (k[0..31]); see efuse_xts_key() for the eFuse order. EALIGN, EBOUNDS (beyond 4 GB),
 * ECRYPTO. */
int flashcrypt_encrypt(const struct chain_crypto *crypto, const uint8_t key[XTS_KEY_BYTES],
                       uint32_t offset, const uint8_t *in, uint8_t *out, size_t length);
int flashcrypt_decrypt(const struct chain_crypto *crypto, const uint8_t key[XTS_KEY_BYTES],
                       uint32_t offset, const uint8_t *in, uint8_t *out, size_t length);

#endif
