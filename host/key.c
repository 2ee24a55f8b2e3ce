#include "host/key.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "host/error.h"
#include "host/file.h"
#include "host/key_own.h"
#include "host/key_secret.h"
#include "host/key_token.h"

#define KEY_FILE_MAX 65536u

/* What decoding one PEM file has to do with its passphrase. */
struct lock {
    const char *name; /* of the key, for messages */
    const char *file; /* that holds the passphrase, or NULL */
    bool may_ask;
    bool asked;
    int status; /* of reading the passphrase */
    struct key_secret passphrase;
};

/* OpenSSL may ask once for each form it tries; a person shall answer once. */
static int give_passphrase(char *out, int size, int writing, void *context)
{
    struct lock *lock = context;
    (void)writing;
    if (!lock->asked && lock->may_ask)
        lock->status =
            key_secret_read(lock->name, &key_passphrase, lock->file, false, &lock->passphrase);
    lock->asked = true;
    if (!lock->may_ask || lock->status != HOST_DONE || lock->passphrase.length > (size_t)size)
        return -1;
    memcpy(out, lock->passphrase.text, lock->passphrase.length);
    return (int)lock->passphrase.length;
}

static int describe_other_key(const char *name, const EVP_PKEY *pkey)
{
    const char *type = EVP_PKEY_get0_type_name(pkey);
    char group[KEY_GROUP_NAME];
    size_t length;
    bool named = EVP_PKEY_get_group_name(pkey, group, sizeof group, &length) == 1;
    return host_fail(name,
                     "is a key of type %s%s%s, %d bits (signing here takes RSA-3072 or ECDSA "
                     "P-256)",
                     type ? type : "unknown", named ? " " : "", named ? group : "",
                     EVP_PKEY_get_bits(pkey));
}

/* The curve of an EC key that an ESP32-C6 knows, else 0. */
static unsigned known_curve(const EVP_PKEY *pkey)
{
    char group[KEY_GROUP_NAME];
    size_t length;
    if (!EVP_PKEY_is_a(pkey, "EC") ||
        EVP_PKEY_get_group_name(pkey, group, sizeof group, &length) != 1)
        return 0;
    if (strcmp(group, "prime256v1") == 0)
        return ECDSA_P256;
    return strcmp(group, "prime192v1") == 0 ? ECDSA_P192 : 0;
}

/* What the chip computes with: an odd modulus, and an exponent of 32 bits that hides something. */
static bool rsa_usable(const EVP_PKEY *pkey)
{
    BIGNUM *n = NULL;
    BIGNUM *e = NULL;
    bool usable = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) &&
                  EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) && BN_is_odd(n) &&
                  BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= 32;
    BN_free(n);
    BN_free(e);
    return usable;
}

/* Takes over `pkey`. P-192 is for verifying only: 96 bits of security are too few for a new
 * signature. */
static int key_wrap(const char *name, EVP_PKEY *pkey, bool to_sign, struct key **out)
{
    int status = HOST_DONE;
    unsigned curve = known_curve(pkey);
    bool rsa = EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) == RSA3072_BITS;
    if (!rsa && curve != ECDSA_P256 && (to_sign || curve != ECDSA_P192))
        status = describe_other_key(name, pkey);
    else if (rsa && !rsa_usable(pkey))
        status = host_fail(name, "is no usable RSA key (even modulus, or a public exponent that is "
                                 "1, even or longer than 32 bits)");
    struct key *key = status == HOST_DONE ? malloc(sizeof *key) : NULL;
    if (status == HOST_DONE && !key)
        status = host_fail(name, "out of memory");
    if (status != HOST_DONE) {
        EVP_PKEY_free(pkey);
        return status;
    }
    *key = (struct key){.pkey = pkey, .curve = curve};
    *out = key;
    return HOST_DONE;
}

static EVP_PKEY *decode_private(const struct buffer *pem, struct lock *lock)
{
    BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->length);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, lock) : NULL;
    BIO_free(bio);
    return pkey;
}

/* Without it OpenSSL asks on the terminal as soon as the file holds a protected private key. */
static int never_ask(char *out, int size, int writing, void *unused)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)unused;
    return -1;
}

static EVP_PKEY *decode_certificate(const struct buffer *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->length);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, never_ask, NULL) : NULL;
    EVP_PKEY *pkey = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    BIO_free(bio);
    return pkey;
}

static EVP_PKEY *decode_public(const struct buffer *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->bytes, (int)pem->length);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PUBKEY(bio, NULL, never_ask, NULL) : NULL;
    BIO_free(bio);
    return pkey ? pkey : decode_certificate(pem);
}

static int explain_locked(const struct lock *lock)
{
    if (!lock->may_ask)
        return host_fail(lock->name, "is protected by a passphrase (its public key will do: "
                                     "trustchain key public)");
    if (lock->status != HOST_DONE)
        return HOST_FAILED; /* said already */
    return host_fail(lock->name, "does not open with this passphrase");
}

static int explain_no_private(const struct lock *lock, const struct buffer *pem)
{
    if (lock->asked)
        return explain_locked(lock);
    EVP_PKEY *pkey = decode_public(pem);
    bool is_public = pkey != NULL;
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    if (is_public)
        return host_fail(lock->name, "is a public key (signing needs the private one)");
    return host_fail(lock->name, "is not a PEM private key");
}

static int open_token(const char *uri, const char *pin_file, struct key **out)
{
    EVP_PKEY *pkey;
    if (key_token_open(uri, pin_file, &pkey) != HOST_DONE)
        return HOST_FAILED;
    return key_wrap(uri, pkey, true, out);
}

int key_unlock(const char *path, const char *passphrase_file, struct key **out)
{
    struct buffer pem;
    struct lock lock = {.name = file_input_name(path), .file = passphrase_file, .may_ask = true};
    if (key_is_token(path))
        return open_token(path, passphrase_file, out);
    if (file_read_private(path, KEY_FILE_MAX, &pem) != HOST_DONE)
        return HOST_FAILED;
    EVP_PKEY *pkey = decode_private(&pem, &lock);
    key_secret_wipe(&lock.passphrase);
    ERR_clear_error();
    int status = pkey ? key_wrap(lock.name, pkey, true, out) : explain_no_private(&lock, &pem);
    buffer_free_secret(&pem);
    return status;
}

int key_load_private(const char *path, struct key **out)
{
    return key_unlock(path, NULL, out);
}

static int load_public(const char *path, struct lock *lock, struct key **out)
{
    struct buffer pem;
    lock->name = file_input_name(path);
    if (file_read(path, KEY_FILE_MAX, &pem) != HOST_DONE)
        return HOST_FAILED;
    EVP_PKEY *pkey = decode_public(&pem);
    if (!pkey)
        pkey = decode_private(&pem, lock);
    key_secret_wipe(&lock->passphrase);
    ERR_clear_error();
    int status = pkey          ? key_wrap(lock->name, pkey, false, out)
                 : lock->asked ? explain_locked(lock)
                               : host_fail(lock->name, "is not a PEM key or certificate");
    buffer_free_secret(&pem);
    return status;
}

int key_load_public(const char *path, struct key **out)
{
    struct lock lock = {.may_ask = false};
    return load_public(path, &lock, out);
}

int key_unlock_public(const char *path, const char *passphrase_file, struct key **out)
{
    struct lock lock = {.file = passphrase_file, .may_ask = true};
    if (key_is_token(path))
        return open_token(path, passphrase_file, out);
    return load_public(path, &lock, out);
}

void key_free(struct key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
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
