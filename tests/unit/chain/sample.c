#include "sample.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "host/crypto.h"

/* A check that stays in release builds. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

void sample_poke(uint8_t *bytes, size_t offset, unsigned width, uint32_t value)
{
    for (unsigned i = 0; i < width; i++)
        bytes[offset + i] = (uint8_t)(value >> 8 * i);
}

static void segment(uint8_t *image, size_t offset, uint32_t address, uint32_t length)
{
    sample_poke(image, offset, 4, address);
    sample_poke(image, offset + 4, 4, length);
    for (uint32_t i = 0; i < length; i++)
        image[offset + 8 + i] = (uint8_t)(i * 7 + offset);
}

void sample_app(uint8_t image[SAMPLE_SIGNED_BYTES])
{
    static const uint8_t header[24] = {0xE9, 3, 2, 0x20, 0x10, 0,  0x80, 0x40, 0xEE, 0, 0, 0,
                                       13,   0, 0, 0,    0,    99, 0,    0,    0,    0, 0, 1};
    memset(image, 0xFF, SAMPLE_SIGNED_BYTES);
    memset(image, 0, SAMPLE_BYTES);
    memcpy(image, header, sizeof header);
    segment(image, SAMPLE_SEGMENT0, 0x42000020, SAMPLE_SEGMENT0_BYTES);
    segment(image, SAMPLE_SEGMENT1, 0x40800000, SAMPLE_SEGMENT1_BYTES);
    segment(image, SAMPLE_SEGMENT2, 0x50000000, SAMPLE_SEGMENT2_BYTES);

    uint8_t *desc = image + SAMPLE_DESC;
    memset(desc, 0, 256);
    sample_poke(desc, 0, 4, 0xABCD5432);
    sample_poke(desc, 4, 4, 3); /* secure version */
    memcpy(desc + 16, "1.2.0-rc1", 9);
    memcpy(desc + 48, "sample-of-exactly-32-characters!", 32); /* no room for a NUL */
    memcpy(desc + 80, "12:34:56", 8);
    memcpy(desc + 96, "Jan  2 2025", 11);
    memcpy(desc + 112, "v5.5", 4);
    memset(desc + 144, 0xA5, 32);
    sample_poke(desc, 178, 2, 99);
    desc[180] = 16;
    sample_seal(image);
}

void sample_seal(uint8_t image[SAMPLE_SIGNED_BYTES])
{
    uint8_t sum = 0xEF;
    for (size_t i = SAMPLE_DESC; i < SAMPLE_END; i++) {
        bool header = (i >= SAMPLE_SEGMENT1 && i < SAMPLE_SEGMENT1 + 8) ||
                      (i >= SAMPLE_SEGMENT2 && i < SAMPLE_SEGMENT2 + 8);
        if (!header)
            sum ^= image[i];
    }
    image[SAMPLE_CHECKSUM] = sum;
    SHA256(image, SAMPLE_DIGEST, image + SAMPLE_DIGEST);
}

void sample_key_make(struct sample_key *key)
{
    key->pkey = EVP_RSA_gen(3072);
    MUST(key->pkey != NULL);

    BN_CTX *context = BN_CTX_new();
    BIGNUM *n = NULL, *r = BN_new(), *word = BN_new(), *inverse = BN_new();
    MUST(EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1);
    MUST(BN_bn2lebinpad(n, key->rsa.n, RSA3072_BYTES) == RSA3072_BYTES);
    key->rsa.e = 65537;
    MUST(BN_set_bit(r, 6144) == 1 && BN_mod(r, r, n, context) == 1);
    MUST(BN_bn2lebinpad(r, key->rsa.rinv, RSA3072_BYTES) == RSA3072_BYTES);
    MUST(BN_set_bit(word, 32) == 1 && BN_mod_inverse(inverse, n, word, context) != NULL);
    key->rsa.mprime = (uint32_t)(0x100000000u - BN_get_word(inverse));
    BN_free(n);
    BN_free(r);
    BN_free(word);
    BN_free(inverse);
    BN_CTX_free(context);
}

void sample_key_free(struct sample_key *key)
{
    EVP_PKEY_free(key->pkey);
}

void sample_key_sign(const struct sample_key *key, const uint8_t digest[SHA256_BYTES],
                     int salt_bytes, uint8_t signature[RSA3072_BYTES])
{
    uint8_t big_endian[RSA3072_BYTES];
    size_t length = sizeof big_endian;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pkey, NULL);
    MUST(EVP_PKEY_sign_init(context) == 1);
    MUST(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1);
    MUST(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_bytes) == 1);
    MUST(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1);
    MUST(EVP_PKEY_sign(context, big_endian, &length, digest, SHA256_BYTES) == 1);
    MUST(length == RSA3072_BYTES);
    EVP_PKEY_CTX_free(context);
    for (size_t i = 0; i < RSA3072_BYTES; i++)
        signature[i] = big_endian[RSA3072_BYTES - 1 - i];
}

void sample_block(const struct sample_key *key, const uint8_t *image, uint8_t block[SIGBLOCK_BYTES])
{
    uint8_t digest[SHA256_BYTES], signature[RSA3072_BYTES];
    SHA256(image, SAMPLE_SIGNATURE, digest);
    sample_key_sign(key, digest, 32, signature);
    sigblock_build_rsa(block, &key->rsa, digest, signature);
}

struct sigblock_trust sample_trust(const struct sample_key *keys, size_t count)
{
    struct sigblock_trust trust = {.count = (uint8_t)count};
    for (size_t i = 0; i < count; i++) {
        trust.slot[i] = (uint8_t)i;
        MUST(sigblock_rsa_key_digest(&keys[i].rsa, &host_crypto, trust.digest[i]) == 0);
    }
    return trust;
}
