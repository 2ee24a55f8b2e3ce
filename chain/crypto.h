/* chain/crypto.h: the crypto that chain/ needs, as a table of operations.
 *
 * chain/ decides (padding, trust, formats); the provider only computes. Providers: OpenSSL in
 * host/crypto.c, the ESP32-C6 accelerators in device/hal/crypto.c. The caller owns the table and
 * keeps it alive during each call; operations return CHAIN_OK or CHAIN_ECRYPTO and have no other
 * effect. Unless a member says otherwise it must not be NULL.
 */
#ifndef CHAIN_CRYPTO_H
#define CHAIN_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES      32
#define RSA3072_BYTES     384
#define XTS_KEY_BYTES     32 /* AES-128 data key, then AES-128 tweak key */
#define XTS256_KEY_BYTES  64 /* AES-256 data key, then AES-256 tweak key */
#define XTS_TWEAK_BYTES   16
#define XTS_UNIT_BYTES    128
#define XTS_RUN_BYTES     4096 /* at most so much in one run */
#define XTS256_UNIT_BYTES 32

/* A run of bytes to hash. Several spans hash as their concatenation. */
struct chain_span {
    const void *data;
    size_t length;
};

/* RSA-3072 public key in the form Secure Boot V2 stores it and the accelerator wants it:
 * little-endian numbers; bytes 36..811 of an RSA signature block (formats.md 2.1). */
struct rsa3072_key {
    uint8_t n[RSA3072_BYTES];    /* modulus */
    uint32_t e;                  /* public exponent */
    uint8_t rinv[RSA3072_BYTES]; /* 2^6144 mod n */
    uint32_t mprime;             /* -n^-1 mod 2^32 */
};

enum ecdsa_curve { ECDSA_P192 = 1, ECDSA_P256 = 2 };

/* Data units of one length, each with its tweak, one after the other in `in` and in `out`: many in
 * one call, since AES units of today's processors want several blocks at once. */
struct xts_run {
    size_t units;
    size_t unit_bytes;     /* a multiple of 16; units * unit_bytes at most XTS_RUN_BYTES */
    const uint8_t *tweaks; /* XTS_TWEAK_BYTES a unit, as they are before their encryption */
    const uint8_t *in;
    uint8_t *out; /* == in, or apart from it; unspecified after a failure */
};

struct chain_crypto {
    void *context; /* the provider's own; chain/ only passes the table back */

    int (*sha256)(const struct chain_crypto *crypto, const struct chain_span *spans, size_t count,
                  uint8_t digest[SHA256_BYTES]);

    /* Two digests for the price of one: of the first `head` spans, and of all of them. NULL where
     * sha256() twice will do. */
    int (*sha256_twice)(const struct chain_crypto *crypto, const struct chain_span *spans,
                        size_t head, size_t count, uint8_t head_digest[SHA256_BYTES],
                        uint8_t digest[SHA256_BYTES]);

    /* out = signature^e mod n; all little-endian, 384 bytes. No padding check: chain/pss.c does it.
     * Fails when signature >= n. May ignore rinv and mprime, which come from untrusted bytes. */
    int (*rsa_public)(const struct chain_crypto *crypto, const struct rsa3072_key *key,
                      const uint8_t signature[RSA3072_BYTES], uint8_t out[RSA3072_BYTES]);

    /* 0 valid, CHAIN_ESIGNATURE invalid. Numbers little-endian, 24 or 32 bytes each as the curve
     * has. NULL when the provider has no ECDSA. */
    int (*ecdsa_verify)(const struct chain_crypto *crypto, enum ecdsa_curve curve, const uint8_t *x,
                        const uint8_t *y, const uint8_t *r, const uint8_t *s,
                        const uint8_t digest[SHA256_BYTES]);

    /* Standard XTS-AES-128 of a run. NULL where the flash cipher is never computed in software (the
     * chip's own flash cache decrypts). */
    int (*aes_xts)(const struct chain_crypto *crypto, bool encrypt,
                   const uint8_t key[XTS_KEY_BYTES], const struct xts_run *run);

    /* Standard XTS-AES-256 of one data unit, as encrypted NVS has them: length a multiple of 16, at
     * most XTS256_UNIT_BYTES; in == out allowed. NULL where there is no encrypted NVS. */
    int (*aes256_xts)(const struct chain_crypto *crypto, bool encrypt,
                      const uint8_t key[XTS256_KEY_BYTES], const uint8_t tweak[16],
                      const uint8_t *in, uint8_t *out, size_t length);
};

#endif
