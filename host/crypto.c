/* host/crypto.c: chain/crypto.h on OpenSSL 3. */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Init() and its kind: see crypto_sha256() */

#include "host/crypto.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "chain/error.h"

#define AES_BLOCK_BYTES 16
#define XTS_FEEDBACK    0x87

/* Algorithms are looked up once: a look-up takes a lock, and the first one makes OpenSSL list all
 * ciphers it has, which costs a process that needs none half a millisecond. */
static EVP_CIPHER *aes128_ecb_algorithm, *aes256_ecb_algorithm;
static pthread_key_t xts_state_key;
static int xts_setup_error;
static pthread_once_t xts_once = PTHREAD_ONCE_INIT;

/* A thread's AES contexts, with the key they are scheduled for: consecutive units of a flash share
 * one key, and a key schedule costs more than a unit. XTS itself is computed here on top of AES-ECB
 * because OpenSSL refuses to encrypt with two equal halves, which the chip does not mind (a blank
 * key block, for one). */
struct xts_state {
    EVP_CIPHER_CTX *data;
    EVP_CIPHER_CTX *tweak;
    uint8_t key[XTS256_KEY_BYTES];
    size_t key_bytes; /* 0: none scheduled */
    bool encrypt;
};

static void xts_state_free(void *argument)
{
    struct xts_state *state = argument;
    if (state == NULL)
        return;
    EVP_CIPHER_CTX_free(state->data); /* OpenSSL wipes the key schedules */
    EVP_CIPHER_CTX_free(state->tweak);
    OPENSSL_clear_free(state, sizeof *state);
}

static void xts_setup(void)
{
    aes128_ecb_algorithm = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
    aes256_ecb_algorithm = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
    bool good = aes128_ecb_algorithm != NULL && aes256_ecb_algorithm != NULL &&
                pthread_key_create(&xts_state_key, xts_state_free) == 0;
    xts_setup_error = good ? CHAIN_OK : CHAIN_ECRYPTO;
}

/* OpenSSL's SHA-256 without the machinery that finds it, whose start costs a process a millisecond
 * and a hash of a block more than the block. */
static bool sha256_spans(SHA256_CTX *context, const struct chain_span *spans, size_t count)
{
    bool good = true;
    for (size_t i = 0; good && i < count; i++)
        good = SHA256_Update(context, spans[i].data, spans[i].length) == 1;
    return good;
}

static int crypto_sha256_twice(const struct chain_crypto *crypto, const struct chain_span *spans,
                               size_t head, size_t count, uint8_t head_digest[SHA256_BYTES],
                               uint8_t digest[SHA256_BYTES])
{
    (void)crypto;
    SHA256_CTX context;
    bool good = SHA256_Init(&context) == 1 && sha256_spans(&context, spans, head);
    SHA256_CTX at_head = context;
    good = good && SHA256_Final(head_digest, &at_head) == 1 &&
           sha256_spans(&context, spans + head, count - head) &&
           SHA256_Final(digest, &context) == 1;
    OPENSSL_cleanse(&context, sizeof context);
    OPENSSL_cleanse(&at_head, sizeof at_head);
    return good ? CHAIN_OK : CHAIN_ECRYPTO;
}

static int crypto_sha256(const struct chain_crypto *crypto, const struct chain_span *spans,
                         size_t count, uint8_t digest[SHA256_BYTES])
{
    (void)crypto;
    SHA256_CTX context;
    bool good = SHA256_Init(&context) == 1 && sha256_spans(&context, spans, count) &&
                SHA256_Final(digest, &context) == 1;
    OPENSSL_cleanse(&context, sizeof context);
    return good ? CHAIN_OK : CHAIN_ECRYPTO;
}

/* A thread's arithmetic for the modulus it used last: who checks many signatures checks most of
 * them by one key, and to make ready for a modulus costs a third of the operation. */
struct rsa_state {
    BN_CTX *numbers;
    BN_MONT_CTX *montgomery;
    uint8_t n[RSA3072_BYTES];
    bool ready; /* for n */
};

static pthread_key_t rsa_state_key;
static int rsa_setup_error;
static pthread_once_t rsa_once = PTHREAD_ONCE_INIT;

static void rsa_state_free(void *argument)
{
    struct rsa_state *state = argument;
    if (state == NULL)
        return;
    BN_CTX_free(state->numbers);
    BN_MONT_CTX_free(state->montgomery);
    OPENSSL_free(state);
}

static void rsa_setup(void)
{
    rsa_setup_error =
        pthread_key_create(&rsa_state_key, rsa_state_free) == 0 ? CHAIN_OK : CHAIN_ECRYPTO;
}

static struct rsa_state *rsa_state_new(void)
{
    struct rsa_state *state = OPENSSL_zalloc(sizeof *state);
    if (state == NULL)
        return NULL;
    state->numbers = BN_CTX_new();
    state->montgomery = BN_MONT_CTX_new();
    if (state->numbers == NULL || state->montgomery == NULL ||
        pthread_setspecific(rsa_state_key, state) != 0) {
        rsa_state_free(state);
        return NULL;
    }
    return state;
}

/* The calling thread's; NULL on failure. */
static struct rsa_state *rsa_state_get(void)
{
    if (pthread_once(&rsa_once, rsa_setup) != 0 || rsa_setup_error != CHAIN_OK)
        return NULL;
    struct rsa_state *state = pthread_getspecific(rsa_state_key);
    return state != NULL ? state : rsa_state_new();
}

/* An odd modulus of full size, or none. */
static bool rsa_make_ready(struct rsa_state *state, const uint8_t bytes[RSA3072_BYTES],
                           const BIGNUM *n)
{
    if (state->ready && memcmp(state->n, bytes, RSA3072_BYTES) == 0)
        return true;
    state->ready = BN_num_bits(n) == 8 * RSA3072_BYTES && BN_is_odd(n) &&
                   BN_MONT_CTX_set(state->montgomery, n, state->numbers) == 1;
    memcpy(state->n, bytes, RSA3072_BYTES);
    return state->ready;
}

/* out = signature^e mod n, for a signature below n. */
static bool rsa_power(struct rsa_state *state, const struct rsa3072_key *key,
                      const uint8_t *signature, uint8_t *out)
{
    BIGNUM *n = BN_lebin2bn(key->n, RSA3072_BYTES, BN_CTX_get(state->numbers));
    BIGNUM *s = BN_lebin2bn(signature, RSA3072_BYTES, BN_CTX_get(state->numbers));
    BIGNUM *e = BN_CTX_get(state->numbers);
    BIGNUM *result = BN_CTX_get(state->numbers);
    return n != NULL && s != NULL && result != NULL && BN_set_word(e, key->e) == 1 &&
           rsa_make_ready(state, key->n, n) && BN_cmp(s, n) < 0 &&
           BN_mod_exp_mont(result, s, e, n, state->numbers, state->montgomery) == 1 &&
           BN_bn2lebinpad(result, out, RSA3072_BYTES) == RSA3072_BYTES;
}

static int crypto_rsa_public(const struct chain_crypto *crypto, const struct rsa3072_key *key,
                             const uint8_t signature[RSA3072_BYTES], uint8_t out[RSA3072_BYTES])
{
    (void)crypto;
    struct rsa_state *state = rsa_state_get();
    if (state == NULL)
        return CHAIN_ECRYPTO;
    BN_CTX_start(state->numbers);
    bool good = rsa_power(state, key, signature, out);
    BN_CTX_end(state->numbers);
    return good ? CHAIN_OK : CHAIN_ECRYPTO;
}

static void reverse_copy(uint8_t *out, const uint8_t *in, size_t length)
{
    for (size_t i = 0; i < length; i++)
        out[i] = in[length - 1 - i];
}

/* NULL when the point is not on the curve. */
static EVP_PKEY *ecdsa_key(char *group, size_t bytes, const uint8_t *x, const uint8_t *y)
{
    uint8_t point[1 + 2 * 32] = {POINT_CONVERSION_UNCOMPRESSED};
    reverse_copy(point + 1, x, bytes);
    reverse_copy(point + 1 + bytes, y, bytes);

    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * bytes),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

/* The DER form OpenSSL verifies; 0 on failure. */
static size_t ecdsa_signature_der(const uint8_t *r, const uint8_t *s, size_t bytes, uint8_t *der,
                                  size_t der_size)
{
    int length = 0;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r_number = BN_lebin2bn(r, (int)bytes, NULL);
    BIGNUM *s_number = BN_lebin2bn(s, (int)bytes, NULL);
    if (signature != NULL && r_number != NULL && s_number != NULL &&
        ECDSA_SIG_set0(signature, r_number, s_number) == 1) {
        r_number = s_number = NULL; /* owned by the signature now */
        if (i2d_ECDSA_SIG(signature, NULL) <= (int)der_size)
            length = i2d_ECDSA_SIG(signature, &der);
    }
    BN_free(r_number);
    BN_free(s_number);
    ECDSA_SIG_free(signature);
    return length > 0 ? (size_t)length : 0;
}

static int crypto_ecdsa_verify(const struct chain_crypto *crypto, enum ecdsa_curve curve,
                               const uint8_t *x, const uint8_t *y, const uint8_t *r,
                               const uint8_t *s, const uint8_t digest[SHA256_BYTES])
{
    (void)crypto;
    if (curve != ECDSA_P192 && curve != ECDSA_P256)
        return CHAIN_ECRYPTO;
    size_t bytes = curve == ECDSA_P192 ? 24 : 32;

    uint8_t der[80]; /* two integers of at most 33 bytes, with their headers */
    size_t der_length = ecdsa_signature_der(r, s, bytes, der, sizeof der);
    if (der_length == 0)
        return CHAIN_ECRYPTO;
    char p192[] = "prime192v1", p256[] = "prime256v1"; /* OpenSSL takes no const names */
    EVP_PKEY *key = ecdsa_key(curve == ECDSA_P192 ? p192 : p256, bytes, x, y);
    if (key == NULL)
        return CHAIN_ESIGNATURE;

    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    int error = CHAIN_ECRYPTO;
    if (context != NULL && EVP_PKEY_verify_init(context) == 1)
        error = EVP_PKEY_verify(context, der, der_length, digest, SHA256_BYTES) == 1
                    ? CHAIN_OK
                    : CHAIN_ESIGNATURE;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return error;
}

static struct xts_state *xts_state_new(void)
{
    struct xts_state *state = OPENSSL_zalloc(sizeof *state);
    if (state == NULL)
        return NULL;
    state->data = EVP_CIPHER_CTX_new();
    state->tweak = EVP_CIPHER_CTX_new();
    if (state->data == NULL || state->tweak == NULL ||
        pthread_setspecific(xts_state_key, state) != 0) {
        xts_state_free(state);
        return NULL;
    }
    return state;
}

/* The calling thread's state, scheduled for this key and direction; NULL on failure. */
static struct xts_state *xts_state_for(const uint8_t *key, size_t key_bytes, bool encrypt)
{
    if (pthread_once(&xts_once, xts_setup) != 0 || xts_setup_error != CHAIN_OK)
        return NULL;
    struct xts_state *state = pthread_getspecific(xts_state_key);
    if (state == NULL)
        state = xts_state_new();
    if (state == NULL)
        return NULL;
    if (state->key_bytes == key_bytes && state->encrypt == encrypt &&
        CRYPTO_memcmp(state->key, key, key_bytes) == 0)
        return state;

    /* The schedules are overwritten in place: nothing of the old key remains. */
    const EVP_CIPHER *aes =
        key_bytes == XTS_KEY_BYTES ? aes128_ecb_algorithm : aes256_ecb_algorithm;
    bool scheduled =
        EVP_CipherInit_ex2(state->data, aes, key, NULL, encrypt, NULL) == 1 &&
        EVP_CipherInit_ex2(state->tweak, aes, key + key_bytes / 2, NULL, 1, NULL) == 1 &&
        EVP_CIPHER_CTX_set_padding(state->data, 0) == 1 &&
        EVP_CIPHER_CTX_set_padding(state->tweak, 0) == 1;
    OPENSSL_cleanse(state->key, sizeof state->key);
    memcpy(state->key, key, key_bytes);
    state->key_bytes = scheduled ? key_bytes : 0;
    state->encrypt = encrypt;
    return scheduled ? state : NULL;
}

/* From each unit's encrypted tweak T, which stand close together at the front, the sequences T, xT,
 * x^2 T, ... in GF(2^128), low word first (IEEE 1619). From the last unit down, so that none is
 * overwritten before its turn. No branch depends on a tweak. */
static void xts_tweaks_spread(uint64_t *tweaks, size_t units, size_t unit_words)
{
    for (size_t unit = units; unit-- > 0;) {
        uint64_t low = le64toh(tweaks[2 * unit]), high = le64toh(tweaks[2 * unit + 1]);
        uint64_t *spread = tweaks + unit * unit_words;
        for (size_t i = 0; i < unit_words; i += 2) {
            spread[i] = htole64(low);
            spread[i + 1] = htole64(high);
            uint64_t carry = high >> 63;
            high = (high << 1) | (low >> 63);
            low = (low << 1) ^ (carry * XTS_FEEDBACK);
        }
    }
}

/* out = in xor with. Words, not bytes: with bytes the two additions cost more than the cipher. */
static void words_xor(uint8_t *out, const uint8_t *in, const uint64_t *with, size_t length)
{
    for (size_t i = 0; i < length / 8; i++) {
        uint64_t word;
        memcpy(&word, in + 8 * i, 8);
        word ^= with[i];
        memcpy(out + 8 * i, &word, 8);
    }
}

static bool xts_run_possible(const struct xts_run *run)
{
    return run->unit_bytes > 0 && run->unit_bytes % AES_BLOCK_BYTES == 0 &&
           run->units <= XTS_RUN_BYTES / run->unit_bytes;
}

/* AES-ECB twice, over all tweaks and over all blocks: OpenSSL keeps the processor's AES unit full
 * with eight and more blocks, where XTS a unit at a time would wait for each tweak. */
static bool xts_compute(struct xts_state *state, const struct xts_run *run)
{
    uint64_t tweaks[XTS_RUN_BYTES / 8];
    size_t length = run->units * run->unit_bytes;
    int written;
    bool good = EVP_CipherUpdate(state->tweak, (uint8_t *)tweaks, &written, run->tweaks,
                                 (int)(run->units * XTS_TWEAK_BYTES)) == 1;
    if (good) {
        xts_tweaks_spread(tweaks, run->units, run->unit_bytes / 8);
        words_xor(run->out, run->in, tweaks, length);
        good = EVP_CipherUpdate(state->data, run->out, &written, run->out, (int)length) == 1;
        words_xor(run->out, run->out, tweaks, length);
    }
    OPENSSL_cleanse(tweaks, length);
    return good;
}

static int crypto_xts(bool encrypt, const uint8_t *key, size_t key_bytes, const struct xts_run *run)
{
    if (!xts_run_possible(run))
        return CHAIN_ECRYPTO;
    struct xts_state *state = xts_state_for(key, key_bytes, encrypt);
    return state != NULL && xts_compute(state, run) ? CHAIN_OK : CHAIN_ECRYPTO;
}

static int crypto_aes_xts(const struct chain_crypto *crypto, bool encrypt,
                          const uint8_t key[XTS_KEY_BYTES], const struct xts_run *run)
{
    (void)crypto;
    return crypto_xts(encrypt, key, XTS_KEY_BYTES, run);
}

static int crypto_aes256_xts(const struct chain_crypto *crypto, bool encrypt,
                             const uint8_t key[XTS256_KEY_BYTES],
                             const uint8_t tweak[XTS_TWEAK_BYTES], const uint8_t *in, uint8_t *out,
                             size_t length)
{
    (void)crypto;
    const struct xts_run run = {1, length, tweak, in, out};
    if (length > XTS_UNIT_BYTES)
        return CHAIN_ECRYPTO;
    return crypto_xts(encrypt, key, XTS256_KEY_BYTES, &run);
}

const struct chain_crypto host_crypto = {
    .sha256 = crypto_sha256,
    .sha256_twice = crypto_sha256_twice,
    .rsa_public = crypto_rsa_public,
    .ecdsa_verify = crypto_ecdsa_verify,
    .aes_xts = crypto_aes_xts,
    .aes256_xts = crypto_aes256_xts,
};
