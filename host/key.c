#include "host/key.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "host/error.h"
#include "host/file.h"
#include "host/key_own.h"

#define KEY_FILE_MAX 65536u

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

/* Takes over `pkey`. P-192 is for verifying only: 96 bits of security are too few for a new
 * signature. */
static int key_wrap(const char *name, EVP_PKEY *pkey, bool to_sign, struct key **out)
{
    int status = HOST_DONE;
    unsigned curve = known_curve(pkey);
    bool rsa = EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) == RSA3072_BITS;
    if (!rsa && curve != ECDSA_P256 && (to_sign || curve != ECDSA_P192))
        status = describe_other_key(name, pkey);
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
    int status = pkey ? key_wrap(name, pkey, true, out) : explain_no_private(name, &pem, encrypted);
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
    int status = pkey        ? key_wrap(name, pkey, false, out)
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

/* Takes over `pkey`, which may be NULL. */
static int create_private(const char *path, EVP_PKEY *pkey)
{
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

int key_generate_rsa3072(const char *path)
{
    return create_private(path, EVP_RSA_gen(RSA3072_BITS));
}

int key_generate_ecdsa_p256(const char *path)
{
    return create_private(path, EVP_EC_gen("P-256"));
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
