/* server/ticket.c: see server/ticket.h. */
#include "server/ticket.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECRET_BYTES 32

/* All of it but the period is derived, in this order. */
struct ticket_key {
    unsigned char name[16]; /* in clear in each ticket */
    unsigned char aes[32];
    unsigned char mac[32];
};

struct ticket_keys {
    pthread_rwlock_t lock;
    unsigned char secret[SECRET_BYTES]; /* of the private key */
    EVP_CIPHER *cipher;
    int64_t first; /* period of key[0] */
    bool filled;
    struct ticket_salts salts;
    struct ticket_key key[TICKET_PERIODS];
};

int64_t ticket_period(int64_t now)
{
    return now / TICKET_PERIOD_S;
}

/* HKDF. `salt` NULL: none. */
static bool derive(const unsigned char *secret, size_t length, const unsigned char *salt,
                   unsigned char *out, size_t out_length)
{
    static unsigned char no_salt[TICKET_SALT_BYTES];
    static char digest[] = "SHA256";
    static char purpose[] = "trustchain session tickets";
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret, length),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
                                          salt != NULL ? (void *)(uintptr_t)salt : no_salt,
                                          TICKET_SALT_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, purpose, sizeof purpose - 1),
        OSSL_PARAM_construct_end(),
    };
    bool done = context != NULL && EVP_KDF_derive(context, out, out_length, parameters) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return done;
}

struct ticket_keys *ticket_keys_new(const EVP_PKEY *private_key)
{
    unsigned char *der = NULL;
    struct ticket_keys *keys = calloc(1, sizeof *keys);
    int length = i2d_PrivateKey(private_key, &der);
    if (keys != NULL && length > 0) {
        pthread_rwlock_init(&keys->lock, NULL);
        keys->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
        if (keys->cipher == NULL ||
            !derive(der, (size_t)length, NULL, keys->secret, sizeof keys->secret)) {
            ticket_keys_free(keys);
            keys = NULL;
        }
    } else {
        free(keys);
        keys = NULL;
    }
    OPENSSL_clear_free(der, length > 0 ? (size_t)length : 0);
    return keys;
}

void ticket_keys_free(struct ticket_keys *keys)
{
    if (keys == NULL)
        return;
    pthread_rwlock_destroy(&keys->lock);
    EVP_CIPHER_free(keys->cipher);
    OPENSSL_cleanse(keys, sizeof *keys);
    free(keys);
}

/* Of the periods there are already, the same; of the others, new ones. */
static bool make_salts(const struct ticket_keys *keys, int64_t first, struct ticket_salts *out)
{
    for (int64_t i = 0; i < TICKET_PERIODS; i++) {
        int64_t at = first + i - keys->first;
        if (keys->filled && at >= 0 && at < TICKET_PERIODS)
            memcpy(out->salt[i], keys->salts.salt[at], sizeof out->salt[i]);
        else if (RAND_bytes(out->salt[i], sizeof out->salt[i]) != 1)
            return false;
    }
    return true;
}

static bool derive_all(const struct ticket_keys *keys, const struct ticket_salts *salts,
                       struct ticket_key out[TICKET_PERIODS])
{
    for (int i = 0; i < TICKET_PERIODS; i++) {
        if (!derive(keys->secret, sizeof keys->secret, salts->salt[i], (unsigned char *)&out[i],
                    sizeof out[i]))
            return false;
    }
    return true;
}

bool ticket_keys_roll(struct ticket_keys *keys, int64_t period, const struct ticket_salts *salts)
{
    struct ticket_salts fresh;
    struct ticket_key key[TICKET_PERIODS];
    int64_t first = period - 1;
    bool good = salts != NULL || make_salts(keys, first, &fresh);
    if (salts != NULL)
        fresh = *salts;
    good = good && derive_all(keys, &fresh, key);
    if (good) {
        pthread_rwlock_wrlock(&keys->lock);
        keys->first = first;
        keys->filled = true;
        keys->salts = fresh;
        memcpy(keys->key, key, sizeof key);
        pthread_rwlock_unlock(&keys->lock);
    }
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(&fresh, sizeof fresh);
    return good;
}

/* Handshakes */

/* This period's; if nobody could be asked for it, the next older one, as tickets have to be given
 * out under TLS 1.3. */
static const struct ticket_key *sealing_key(const struct ticket_keys *keys, int64_t period)
{
    int64_t at = period - keys->first;
    if (!keys->filled)
        return NULL;
    if (at < 0)
        at = 0;
    return &keys->key[at < TICKET_PERIODS ? at : TICKET_PERIODS - 1];
}

/* One that a ticket may still have at this time. */
static const struct ticket_key *opening_key(const struct ticket_keys *keys, int64_t period,
                                            const unsigned char *name)
{
    for (int64_t i = 0; keys->filled && i < TICKET_PERIODS; i++) {
        if (keys->first + i >= period - 1 &&
            memcmp(keys->key[i].name, name, sizeof keys->key[i].name) == 0)
            return &keys->key[i];
    }
    return NULL;
}

static bool start_mac(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
    static char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_init(mac, key->mac, sizeof key->mac, parameters) == 1;
}

/* For OpenSSL: 1 done, 2 the same but give out a new ticket, 0 no such key, -1 failed. `renew`: the
 * client may use a ticket once. */
static int use(struct ticket_keys *keys, unsigned char *name, unsigned char *iv,
               EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool sealing, bool renew)
{
    int64_t period = ticket_period(time(NULL));
    const struct ticket_key *now = sealing_key(keys, period);
    const struct ticket_key *key = sealing ? now : opening_key(keys, period, name);
    if (key == NULL)
        return 0;
    if (sealing) {
        memcpy(name, key->name, sizeof key->name);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(keys->cipher)) != 1)
            return -1;
    }
    if (EVP_CipherInit_ex2(cipher, keys->cipher, key->aes, iv, sealing, NULL) != 1 ||
        !start_mac(mac, key))
        return -1;
    return sealing || (key == now && !renew) ? 1 : 2;
}

static int on_ticket(SSL *tls, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int sealing)
{
    struct ticket_keys *keys = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));
    pthread_rwlock_rdlock(&keys->lock);
    int result = use(keys, name, iv, cipher, mac, sealing != 0, SSL_version(tls) >= TLS1_3_VERSION);
    pthread_rwlock_unlock(&keys->lock);
    return result;
}

void ticket_keys_install(struct ticket_keys *keys, SSL_CTX *context)
{
    SSL_CTX_set_app_data(context, keys);
    SSL_CTX_set_timeout(context, TICKET_PERIOD_S);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}
