/* device/hal/crypto.h: chain/crypto.h on the accelerators: SHA-256 and RSA-3072 (no software XTS:
 * the cache and the manual encryption block do it). */
#ifndef DEVICE_HAL_CRYPTO_H
#define DEVICE_HAL_CRYPTO_H

#include "chain/crypto.h"

extern const struct chain_crypto hal_crypto;

/* AES block for mbedTLS and others: key 16 or 32 bytes; encrypt or decrypt one block of 16. */
void hal_aes_block(const uint8_t *key, unsigned key_bytes, int encrypt, const uint8_t in[16],
                   uint8_t out[16]);

/* SHA-256 of single 64-byte blocks on a caller-held state, for mbedTLS. */
void hal_sha256_block(uint32_t state[8], const uint8_t block[64]);

#endif
