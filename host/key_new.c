/* host/key_new.c: making keys. */
#include <stdbool.h>

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "host/error.h"
#include "host/file.h"
#include "host/key_own.h"
#include "host/key_secret.h"

#define PBKDF2_ROUNDS 600000 /* each guess of a passphrase costs as many hashes */

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

/* PKCS#8 under PBKDF2 and AES-256. */
static bool encode_protected(BIO *bio, EVP_PKEY *pkey, const struct key_secret *passphrase)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    X509_ALGOR *scheme =
        PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ROUNDS, NULL, 0, NULL, NID_hmacWithSHA256);
    X509_SIG *sealed = NULL;
    if (info && scheme)
        sealed = PKCS8_set0_pbe(passphrase->text, (int)passphrase->length, info, scheme);
    if (!sealed)
        X509_ALGOR_free(scheme);
    bool done = sealed && PEM_write_bio_PKCS8(bio, sealed) > 0;
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
    return done;
}

static bool encode_private(BIO *bio, EVP_PKEY *pkey, const struct key_secret *passphrase)
{
    return passphrase ? encode_protected(bio, pkey, passphrase)
                      : PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) > 0;
}

/* Takes over `pkey`, which may be NULL. */
static int create_private(const char *path, EVP_PKEY *pkey, const struct key_secret *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int status;
    if (pkey && bio && encode_private(bio, pkey, passphrase))
        status = create_from_bio(path, bio, 0600);
    else
        status = host_fail(path, "no key could be generated");
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return status;
}

static EVP_PKEY *generate(enum key_scheme scheme)
{
    return scheme == KEY_RSA3072 ? EVP_RSA_gen(RSA3072_BITS) : EVP_EC_gen("P-256");
}

int key_generate_rsa3072(const char *path)
{
    return create_private(path, generate(KEY_RSA3072), NULL);
}

int key_generate_ecdsa_p256(const char *path)
{
    return create_private(path, generate(KEY_ECDSA_P256), NULL);
}

int key_generate_protected(const char *path, enum key_scheme scheme, const char *passphrase_file)
{
    struct key_secret passphrase;
    int status = key_secret_read(path, &key_passphrase, passphrase_file, true, &passphrase);
    if (status == HOST_DONE)
        status = create_private(path, generate(scheme), &passphrase);
    key_secret_wipe(&passphrase);
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
