/* fuzz/signer.h: signatures without a private key. The RSA operation of signer_crypto() is the
 * identity, so the "signature" in a block is the PSS encoding itself and everything around the
 * arithmetic runs as on a device: random bytes would end at the first check of the encoding.
 */
#ifndef FUZZ_SIGNER_H
#define FUZZ_SIGNER_H

#include <string.h>

#include "chain/error.h"
#include "chain/sigblock.h"
#include "fuzz/fuzz.h"
#include "host/crypto.h"

#define SIGNER_DB_BYTES (RSA3072_BYTES - SHA256_BYTES - 1)

static inline int signer_identity(const struct chain_crypto *crypto, const struct rsa3072_key *key,
                                  const uint8_t signature[RSA3072_BYTES],
                                  uint8_t out[RSA3072_BYTES])
{
    (void)crypto;
    (void)key;
    memcpy(out, signature, RSA3072_BYTES);
    return CHAIN_OK;
}

static inline struct chain_crypto signer_crypto(void)
{
    struct chain_crypto crypto = host_crypto;
    crypto.rsa_public = signer_identity;
    return crypto;
}

static inline void signer_sha256(const struct chain_span *spans, size_t count,
                                 uint8_t digest[SHA256_BYTES])
{
    require(host_crypto.sha256(&host_crypto, spans, count, digest) == CHAIN_OK);
}

/* EMSA-PSS of RFC 8017 section 9.1.1, 3071 bits, as a little-endian number. */
static inline void signer_encode(const uint8_t digest[SHA256_BYTES],
                                 const uint8_t salt[SHA256_BYTES], uint8_t out[RSA3072_BYTES])
{
    uint8_t encoded[RSA3072_BYTES] = {0}, zeros[8] = {0}, mask[SHA256_BYTES], counter[4] = {0};
    uint8_t *hash = encoded + SIGNER_DB_BYTES;
    const struct chain_span message[] = {
        {zeros, sizeof zeros}, {digest, SHA256_BYTES}, {salt, SHA256_BYTES}};
    const struct chain_span seed[] = {{hash, SHA256_BYTES}, {counter, sizeof counter}};
    signer_sha256(message, 3, hash);
    encoded[SIGNER_DB_BYTES - SHA256_BYTES - 1] = 0x01;
    memcpy(encoded + SIGNER_DB_BYTES - SHA256_BYTES, salt, SHA256_BYTES);
    for (size_t i = 0; i < SIGNER_DB_BYTES; i++) {
        if (i % SHA256_BYTES == 0) {
            signer_sha256(seed, 2, mask);
            counter[3]++;
        }
        encoded[i] ^= mask[i % SHA256_BYTES];
    }
    encoded[0] &= 0x7F;
    encoded[RSA3072_BYTES - 1] = 0xBC;
    for (size_t i = 0; i < RSA3072_BYTES; i++)
        out[i] = encoded[RSA3072_BYTES - 1 - i];
}

/* A block that signer_crypto() verifies, and the one trust it asks for. */
static inline void signer_block(const uint8_t digest[SHA256_BYTES],
                                const uint8_t salt[SHA256_BYTES], uint8_t block[SIGBLOCK_BYTES],
                                struct sigblock_trust *trust)
{
    struct rsa3072_key key = {.e = 65537};
    uint8_t signature[RSA3072_BYTES];
    memset(key.n, 0xFF, sizeof key.n);
    signer_encode(digest, salt, signature);
    sigblock_build_rsa(block, &key, digest, signature);
    *trust = (struct sigblock_trust){.count = 1};
    require(sigblock_rsa_key_digest(&key, &host_crypto, trust->digest[0]) == CHAIN_OK);
}

#endif
