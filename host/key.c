#include "host/key.h"

#include <stdbool.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "chain/bytes.h"
#include "host/error.h"
#include "host/file.h"

#define KEY_FILE_MAX   65536u
#define RSA3072_BITS   3072
#define PSS_SALT_BYTES 32

struct key {
    EVP_PKEY *pkey;
};

/* Never asks: a build server has nobody to answer. Notes that it was asked. */
static int refuse_passphrase(char *out, int size, int writing, void *asked)
{
    (void)out;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

static int describe_other_key(const char *name, const EVP_PKEY *pkey)
{
    const char *type = EVP_PKEY_get0_type_name(pkey);
    return host_fail(name, "is a key of type %s, %d bits (signing here takes RSA, 3072 bits)",
                     type ? type : "unknown", EVP_PKEY_get_bits(pkey));
}

/* Takes over `pkey`. */
static int key_wrap(const char *name, EVP_PKEY *pkey, struct key **out)
{
    int status = HOST_DONE;
    if (!EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_get_bits(pkey) != RSA3072_BITS)
        status = describe_other_key(name, pkey);
    struct key *key = status == HOST_DONE ? malloc(sizeof *key) : NULL;
    if (status == HOST_DONE && !key)
        status = host_fail(name, "out of memory");
    if (status != HOST_DONE) {
        EVP_PKEY_free(pkey);
        return status;
    }
    key->pkey = pkey;
    *out = key;
    return HOST_DONE;
}

static EVP_PKEY *decode_private(const struct buffer *pem, bool *encrypted)
{
    BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->length);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, encrypted) : NULL;
    BIO_free(bio);
    return pkey;
}

static EVP_PKEY *decode_certificate(const struct buffer *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->length);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    EVP_PKEY *pkey = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    BIO_free(bio);
    return pkey;
}

static EVP_PKEY *decode_public(const struct buffer *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->length);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return pkey ? pkey : decode_certificate(pem);
}

static int explain_no_private(const char *name, const struct buffer *pem, bool encrypted)
{
    if (encrypted)
        return host_fail(name, "is protected by a passphrase (decrypt it: openssl pkey -in %s)",
                         name);
    EVP_PKEY *pkey = decode_public(pem);
    bool is_public = pkey != NULL;
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    if (is_public)
        return host_fail(name, "is a public key (signing needs the private one)");
    return host_fail(name, "is not a PEM private key");
}

int key_load_private(const char *path, struct key **out)
{
    struct buffer pem;
    const char *name = file_input_name(path);
    if (file_read_private(path, KEY_FILE_MAX, &pem) != HOST_DONE)
        return HOST_FAILED;
    bool encrypted = false;
    EVP_PKEY *pkey = decode_private(&pem, &encrypted);
    ERR_clear_error();
    int status = pkey ? key_wrap(name, pkey, out) : explain_no_private(name, &pem, encrypted);
    buffer_free_secret(&pem);
    return status;
}

int key_load_public(const char *path, struct key **out)
{
    struct buffer pem;
    const char *name = file_input_name(path);
    if (file_read(path, KEY_FILE_MAX, &pem) != HOST_DONE)
        return HOST_FAILED;
    bool encrypted = false;
    EVP_PKEY *pkey = decode_public(&pem);
    if (!pkey)
        pkey = decode_private(&pem, &encrypted);
    ERR_clear_error();
    int status = pkey        ? key_wrap(name, pkey, out)
                 : encrypted ? explain_no_private(name, &pem, true)
                             : host_fail(name, "is not a PEM key or certificate");
    buffer_free_secret(&pem);
    return status;
}

void key_free(struct key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

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
                EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_E, &e) && BN_is_odd(n) &&
                BN_num_bits(e) <= 32 && BN_bn2lebinpad(n, out->n, RSA3072_BYTES) == RSA3072_BYTES &&
                montgomery_square(n, out->rinv);
    if (done) {
        out->e = (uint32_t)BN_get_word(e);
        out->mprime = montgomery_prime(le32_load(out->n));
    }
    BN_free(n);
    BN_free(e);
    return done ? HOST_DONE
                : host_fail(NULL, "the RSA key cannot be used (even modulus, or a "
                                  "public exponent of more than 32 bits)");
}

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

int key_sign_digest(const struct key *key, const uint8_t digest[SHA256_BYTES],
                    uint8_t signature[RSA3072_BYTES])
{
    uint8_t big_endian[RSA3072_BYTES];
    if (!sign_pss(key->pkey, digest, big_endian)) {
        ERR_clear_error();
        return host_fail(NULL, "signing failed (is the private key intact?)");
    }
    for (size_t i = 0; i < RSA3072_BYTES; i++)
        signature[i] = big_endian[RSA3072_BYTES - 1 - i];
    return HOST_DONE;
}

/* Takes what PEM_write_bio_* produced. */
static int create_from_bio(const char *path, BIO *bio, mode_t mode)
{
    char *text;
    long length = BIO_get_mem_data(bio, &text);
    if (length <= 0)
        return host_fail(path, "the key cannot be encoded");
    int status = file_create(path, text, (size_t)length, mode);
    OPENSSL_cleanse(text, (size_t)length);
    return status;
}

int key_generate_rsa3072(const char *path)
{
    EVP_PKEY *pkey = EVP_RSA_gen(RSA3072_BITS);
    BIO *bio = BIO_new(BIO_s_mem());
    int status;
    if (pkey && bio && PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) > 0)
        status = create_from_bio(path, bio, 0600);
    else
        status = host_fail(path, "no key could be generated");
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return status;
}

int key_generate_xts128(const char *path)
{
    uint8_t key[XTS_KEY_BYTES];
    int status;
    if (RAND_priv_bytes(key, sizeof key) == 1)
        status = file_create(path, key, sizeof key, 0600);
    else
        status = host_fail(path, "no key could be generated");
    OPENSSL_cleanse(key, sizeof key);
    return status;
}

int key_write_public(const struct key *key, const char *path)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long length = 0;
    if (bio && PEM_write_bio_PUBKEY(bio, key->pkey) > 0)
        length = BIO_get_mem_data(bio, &text);
    int status = length > 0 ? file_write(path, text, (size_t)length, 0644)
                            : host_fail(path, "the key cannot be encoded");
    BIO_free(bio);
    return status;
}
