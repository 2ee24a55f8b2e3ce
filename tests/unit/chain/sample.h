/* tests/unit/chain/sample.h: a small app image, written field by field from docs/formats.md and
 * without chain/, so that reader and sample can disagree; and keys to sign it with. */
#ifndef TESTS_CHAIN_SAMPLE_H
#define TESTS_CHAIN_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/crypto.h"
#include "chain/sigblock.h"

/* Three segments: the descriptor and 64 bytes of flash, 96 bytes of HP SRAM, 16 of LP SRAM. */
enum {
    SAMPLE_SEGMENT0 = 24,
    SAMPLE_DESC = 32,
    SAMPLE_SEGMENT0_BYTES = 256 + 64,
    SAMPLE_SEGMENT1 = SAMPLE_DESC + SAMPLE_SEGMENT0_BYTES,
    SAMPLE_SEGMENT1_BYTES = 96,
    SAMPLE_SEGMENT2 = SAMPLE_SEGMENT1 + 8 + SAMPLE_SEGMENT1_BYTES,
    SAMPLE_SEGMENT2_BYTES = 16,
    SAMPLE_END = SAMPLE_SEGMENT2 + 8 + SAMPLE_SEGMENT2_BYTES,
    SAMPLE_CHECKSUM = SAMPLE_END + 15 - SAMPLE_END % 16,
    SAMPLE_DIGEST = SAMPLE_CHECKSUM + 1,
    SAMPLE_BYTES = SAMPLE_DIGEST + 32,
    SAMPLE_SIGNATURE = 4096,
    SAMPLE_SIGNED_BYTES = 8192,
};

/* SAMPLE_BYTES of image, 0xFF up to SAMPLE_SIGNED_BYTES. */
void sample_app(uint8_t image[SAMPLE_SIGNED_BYTES]);

/* Recomputes checksum and digest, for images whose lengths were left alone. */
void sample_seal(uint8_t image[SAMPLE_SIGNED_BYTES]);

/* Overwrites `width` (1..4) bytes with a little-endian number. */
void sample_poke(uint8_t *bytes, size_t offset, unsigned width, uint32_t value);

/* A signing key on OpenSSL alone. */
struct sample_key {
    void *pkey; /* EVP_PKEY */
    struct rsa3072_key rsa;
};
void sample_key_make(struct sample_key *key);
void sample_key_free(struct sample_key *key);

/* RSA-PSS of a digest, little-endian as the block stores it; salt_bytes 32 for a valid one. */
void sample_key_sign(const struct sample_key *key, const uint8_t digest[SHA256_BYTES],
                     int salt_bytes, uint8_t signature[RSA3072_BYTES]);

/* A whole block over `image`'s first SAMPLE_SIGNATURE bytes. */
void sample_block(const struct sample_key *key, const uint8_t *image,
                  uint8_t block[SIGBLOCK_BYTES]);

/* Trust in these keys, slots 0, 1, ... */
struct sigblock_trust sample_trust(const struct sample_key *keys, size_t count);

#endif
