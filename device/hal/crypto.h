/* device/hal/crypto.h: chain/crypto.h on the accelerators: SHA-256 and RSA-3072. The flash cipher
 * is the cache's and the manual encryption block's; AES-256-XTS stands apart, for whoever reads
 * encrypted NVS: a bootloader does not.
 *
 * The accelerators have one context each: not from interrupt handlers.
 *
 * rsa_public() gives the accelerator rinv (R^2 mod n) and mprime as they stand in the signature
 * block instead of computing them, as Espressif's ROM does. That is safe: the key digest the
 * eFuses hold covers n, e, rinv and mprime together (formats.md 2.1), so a key with other values is
 * another key, and one nobody trusts; were it tried all the same, a wrong value makes the result a
 * wrong number, which the PSS check refuses. Computing R^2 here would cost some 3072 shift-and-
 * subtract steps on 384 bytes, about 1.5 million instructions, and prove nothing more.
 */
#ifndef DEVICE_HAL_CRYPTO_H
#define DEVICE_HAL_CRYPTO_H

#include "chain/crypto.h"

extern const struct chain_crypto hal_crypto;

/* struct chain_crypto's aes256_xts. */
int hal_aes256_xts(const struct chain_crypto *crypto, bool encrypt,
                   const uint8_t key[XTS256_KEY_BYTES], const uint8_t tweak[16], const uint8_t *in,
                   uint8_t *out, size_t length);

/* AES block for mbedTLS and others: key 16 or 32 bytes; encrypt or decrypt one block of 16. */
void hal_aes_block(const uint8_t *key, unsigned key_bytes, int encrypt, const uint8_t in[16],
                   uint8_t out[16]);

/* SHA-256 of single 64-byte blocks on a caller-held state, for mbedTLS. state[] holds the words of
 * FIPS 180-4 (H0 = 0x6a09e667 at the start). */
void hal_sha256_block(uint32_t state[8], const uint8_t block[64]);

#endif
