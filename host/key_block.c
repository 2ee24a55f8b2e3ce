/* host/key_block.c: a key as Secure Boot V2 stores it, and its signatures (formats.md 2.1, 2.2). */
#include <stdbool.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/key_own.h"

#define PSS_SALT_BYTES 32
#define NUMBER_BYTES   32 /* the longest coordinate, r or s */
#define ECDSA_DER_MAX  72 /* two integers of at most 33 bytes, with their headers */

/* -n^-1 mod 2^32 by Newton's iteration: each round doubles the correct low bits; n is odd. */
static uint32_t montgomery_prime(uint32_t n)
{
    uint32_t inverse = n; /* right in the low 3 bits */
    for (int round = 0; round < 4; round++)
        inverse *= 2 - n * inverse;
    return 0u - inverse;
}

/* rinv = 2^6144 mod n, little-endian. */
static bool montgomery_square(const BIGNUM *n, uint8_t rinv[RSA3072_BYTES])
{
    BN_CTX *context = BN_CTX_new();
    BIGNUM *r = BN_new();
    bool done = context && r && BN_set_bit(r, 2 * RSA3072_BITS) && BN_mod(r, r, n, context) &&
                BN_bn2lebinpad(r, rinv, RSA3072_BYTES) == RSA3072_BYTES;
    BN_free(r);
    BN_CTX_free(context);
    return done;
}

int key_rsa_public(const struct key *key, struct rsa3072_key *out)
{
    BIGNUM *n = NULL;
    BIGNUM *e = NULL;
    bool done = EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_N, &n) &&
                EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_E, &e) &&
                BN_bn2lebinpad(n, out->n, RSA3072_BYTES) == RSA3072_BYTES &&
                montgomery_square(n, out->rinv);
    if (done) {
        out->e = (uint32_t)BN_get_word(e);
        out->mprime = montgomery_prime(le32_load(out->n));
    }
    BN_free(n);
    BN_free(e);
    return done ? HOST_DONE : host_fail(NULL, "the RSA key cannot be used");
}

/* The salt is as long as the digest. */
static bool sign_pss(EVP_PKEY *pkey, const uint8_t digest[SHA256_BYTES],
                     uint8_t signature[RSA3072_BYTES])
{
    size_t length = RSA3072_BYTES;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
    bool done = context && EVP_PKEY_sign_init(context) > 0 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
                EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) > 0 &&
                EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(context, PSS_SALT_BYTES) > 0 &&
                EVP_PKEY_sign(context, signature, &length, digest, SHA256_BYTES) > 0 &&
                length == RSA3072_BYTES;
    EVP_PKEY_CTX_free(context);
    return done;
}

static void reverse_copy(uint8_t *out, const uint8_t *in, size_t length)
{
    for (size_t i = 0; i < length; i++)
        out[i] = in[length - 1 - i];
}

int key_sign_digest(const struct key *key, const uint8_t digest[SHA256_BYTES],
                    uint8_t signature[RSA3072_BYTES])
{
    uint8_t big_endian[RSA3072_BYTES];
    if (!sign_pss(key->pkey, digest, big_endian)) {
        ERR_clear_error();
        return host_fail(NULL, "signing failed (is the private key intact?)");
    }
    reverse_copy(signature, big_endian, RSA3072_BYTES);
    return HOST_DONE;
}

/* The public half of any key, also of one in a token, as a key of OpenSSL's own: an engine's does
 * not tell its coordinates. NULL on failure. */
static EVP_PKEY *public_half(const EVP_PKEY *pkey)
{
    uint8_t *der = NULL;
    int length = i2d_PUBKEY(pkey, &der);
    const uint8_t *cursor = der;
    EVP_PKEY *half = length > 0 ? d2i_PUBKEY(NULL, &cursor, length) : NULL;
    OPENSSL_free(der);
    return half;
}

/* Both coordinates, little-endian. */
static int ecdsa_point(const struct key *key, uint8_t x[NUMBER_BYTES], uint8_t y[NUMBER_BYTES])
{
    BIGNUM *x_number = NULL;
    BIGNUM *y_number = NULL;
    int bytes = key->curve == ECDSA_P192 ? 24 : 32;
    EVP_PKEY *half = public_half(key->pkey);
    bool done = half && EVP_PKEY_get_bn_param(half, OSSL_PKEY_PARAM_EC_PUB_X, &x_number) &&
                EVP_PKEY_get_bn_param(half, OSSL_PKEY_PARAM_EC_PUB_Y, &y_number) &&
                BN_bn2lebinpad(x_number, x, bytes) == bytes &&
                BN_bn2lebinpad(y_number, y, bytes) == bytes;
    EVP_PKEY_free(half);
    BN_free(x_number);
    BN_free(y_number);
    return done ? HOST_DONE : host_fail(NULL, "the ECDSA key cannot be used (no public point)");
}

/* A finished signature in the form of the block: little-endian numbers. */
struct signature {
    uint8_t rsa[RSA3072_BYTES];
    uint8_t r[NUMBER_BYTES], s[NUMBER_BYTES];
};

static int build_block(const struct key *key, const uint8_t digest[SHA256_BYTES],
                       const struct signature *signature, uint8_t block[SIGBLOCK_BYTES])
{
    struct rsa3072_key rsa;
    uint8_t x[NUMBER_BYTES], y[NUMBER_BYTES];
    if (!key->curve) {
        if (key_rsa_public(key, &rsa) != HOST_DONE)
            return HOST_FAILED;
        sigblock_build_rsa(block, &rsa, digest, signature->rsa);
        return HOST_DONE;
    }
    if (ecdsa_point(key, x, y) != HOST_DONE)
        return HOST_FAILED;
    sigblock_build_ecdsa(block, (enum ecdsa_curve)key->curve, x, y, digest, signature->r,
                         signature->s);
    return HOST_DONE;
}

/* False when it is no signature, or a number does not fit the curve. */
static bool take_der(const uint8_t *der, size_t length, int bytes, struct signature *out)
{
    const uint8_t *end = der;
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &end, (long)length);
    bool done = parsed && end == der + length &&
                BN_bn2lebinpad(ECDSA_SIG_get0_r(parsed), out->r, bytes) == bytes &&
                BN_bn2lebinpad(ECDSA_SIG_get0_s(parsed), out->s, bytes) == bytes;
    ECDSA_SIG_free(parsed);
    ERR_clear_error();
    return done;
}

static int sign_ecdsa(const struct key *key, const uint8_t digest[SHA256_BYTES],
                      struct signature *out)
{
    uint8_t der[ECDSA_DER_MAX];
    size_t length = sizeof der;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool done = context && EVP_PKEY_sign_init(context) > 0 &&
                EVP_PKEY_sign(context, der, &length, digest, SHA256_BYTES) > 0 &&
                take_der(der, length, NUMBER_BYTES, out);
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return done ? HOST_DONE : host_fail(NULL, "signing failed (is the private key intact?)");
}

int key_digest(const struct key *key, uint8_t digest[SHA256_BYTES])
{
    static const struct signature none; /* the digest of a key covers the key alone */
    uint8_t block[SIGBLOCK_BYTES];
    if (build_block(key, none.rsa, &none, block) != HOST_DONE)
        return HOST_FAILED;
    int error = sigblock_key_digest(block, &host_crypto, digest);
    return error ? host_fail(NULL, "the digest of the key cannot be computed: %s",
                             chain_error_text(error))
                 : HOST_DONE;
}

int key_sign_block(const struct key *key, const uint8_t digest[SHA256_BYTES],
                   uint8_t block[SIGBLOCK_BYTES])
{
    struct signature signature = {0};
    int status = key->curve ? sign_ecdsa(key, digest, &signature)
                            : key_sign_digest(key, digest, signature.rsa);
    return status == HOST_DONE ? build_block(key, digest, &signature, block) : status;
}

int key_place_signature(const struct key *key, const uint8_t digest[SHA256_BYTES],
                        const struct buffer *file, const char *name, uint8_t block[SIGBLOCK_BYTES])
{
    struct signature signature = {0};
    size_t bytes = key->curve == ECDSA_P192 ? 24 : NUMBER_BYTES;
    if (!key->curve && file->length != RSA3072_BYTES)
        return host_fail(name, "is %zu bytes, a signature by an RSA-3072 key has %d", file->length,
                         RSA3072_BYTES);
    if (!key->curve) {
        reverse_copy(signature.rsa, file->bytes, RSA3072_BYTES);
    } else if (file->length == 2 * bytes) {
        reverse_copy(signature.r, file->bytes, bytes);
        reverse_copy(signature.s, file->bytes + bytes, bytes);
    } else if (!take_der(file->bytes, file->length, (int)bytes, &signature)) {
        return host_fail(name, "is no ECDSA signature of this curve (DER, or r and s of %zu bytes)",
                         bytes);
    }
    return build_block(key, digest, &signature, block);
}
