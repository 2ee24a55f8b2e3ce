/* The OpenSSL provider against published answers, misuse and threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>

#include "chain/error.h"
#include "host/crypto.h"
#include "sample.h"

static void sha256_of_spans(void **state)
{
    (void)state;
    /* FIPS 180-4 example "abc". */
    static const uint8_t expected[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                         0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                         0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                         0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t digest[SHA256_BYTES];
    const struct chain_span spans[] = {{"a", 1}, {NULL, 0}, {"bc", 2}};
    assert_int_equal(host_crypto.sha256(&host_crypto, spans, 3, digest), CHAIN_OK);
    assert_memory_equal(digest, expected, SHA256_BYTES);
    assert_int_equal(host_crypto.sha256(&host_crypto, spans, 0, digest), CHAIN_OK);
    assert_int_equal(digest[0], 0xe3); /* of nothing: e3b0c442... */
    assert_int_equal(digest[31], 0x55);
}

static void sha256_twice_is_both(void **state)
{
    (void)state;
    uint8_t bytes[200], head[SHA256_BYTES], all[SHA256_BYTES], expected[SHA256_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 11);
    for (size_t i = 0; i <= sizeof bytes; i++) {
        const struct chain_span spans[] = {
            {bytes, i / 3}, {bytes + i / 3, i - i / 3}, {bytes + i, sizeof bytes - i}};
        assert_int_equal(host_crypto.sha256_twice(&host_crypto, spans, 2, 3, head, all), CHAIN_OK);
        SHA256(bytes, i, expected);
        assert_memory_equal(head, expected, SHA256_BYTES);
        SHA256(bytes, sizeof bytes, expected);
        assert_memory_equal(all, expected, SHA256_BYTES);
    }
}

/* 5^3 mod n, and numbers a key or signature may not be. */
static void rsa_public_operation(void **state)
{
    (void)state;
    struct rsa3072_key key = {.e = 3};
    uint8_t signature[RSA3072_BYTES] = {5}, out[RSA3072_BYTES], expected[RSA3072_BYTES] = {125};
    memset(key.n, 0xFF, sizeof key.n);
    assert_int_equal(host_crypto.rsa_public(&host_crypto, &key, signature, out), CHAIN_OK);
    assert_memory_equal(out, expected, RSA3072_BYTES);

    memset(signature, 0xFF, sizeof signature);
    assert_int_equal(host_crypto.rsa_public(&host_crypto, &key, signature, out), CHAIN_ECRYPTO);
    signature[0] = 0xFE; /* n - 1 = -1: its cube is itself */
    assert_int_equal(host_crypto.rsa_public(&host_crypto, &key, signature, out), CHAIN_OK);
    assert_memory_equal(out, signature, RSA3072_BYTES);

    memset(signature, 0, sizeof signature);
    signature[0] = 5;
    key.n[0] = 0xFE;
    assert_int_equal(host_crypto.rsa_public(&host_crypto, &key, signature, out), CHAIN_ECRYPTO);
    key.n[0] = 0xFF;
    key.n[RSA3072_BYTES - 1] = 0x7F;
    assert_int_equal(host_crypto.rsa_public(&host_crypto, &key, signature, out), CHAIN_ECRYPTO);
    memset(key.n, 0, sizeof key.n);
    assert_int_equal(host_crypto.rsa_public(&host_crypto, &key, signature, out), CHAIN_ECRYPTO);
}

static void ecdsa_refuses_what_is_no_point(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0}, ones[32], digest[32] = {1};
    memset(ones, 0xFF, sizeof ones);
    assert_int_equal(
        host_crypto.ecdsa_verify(&host_crypto, ECDSA_P256, zeros, zeros, digest, digest, digest),
        CHAIN_ESIGNATURE);
    assert_int_equal(
        host_crypto.ecdsa_verify(&host_crypto, ECDSA_P256, ones, ones, ones, ones, digest),
        CHAIN_ESIGNATURE);
    assert_int_equal(host_crypto.ecdsa_verify(&host_crypto, (enum ecdsa_curve)3, zeros, zeros,
                                              digest, digest, digest),
                     CHAIN_ECRYPTO);
}

/* The XTS mode of OpenSSL itself. */
static void reference_xts(const uint8_t *key, const uint8_t *tweak, uint8_t *bytes, size_t length)
{
    int written;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_128_xts(), NULL, key, tweak), 1);
    assert_int_equal(EVP_EncryptUpdate(context, bytes, &written, bytes, (int)length), 1);
    EVP_CIPHER_CTX_free(context);
}

static int one_unit(bool encrypt, const uint8_t *key, const uint8_t *tweak, const uint8_t *in,
                    uint8_t *out, size_t length)
{
    const struct xts_run run = {1, length, tweak, in, out};
    return host_crypto.aes_xts(&host_crypto, encrypt, key, &run);
}

static void xts_is_the_standard_one(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 64; round++) {
        uint8_t key[32], tweak[16], bytes[128], expected[128], out[128];
        for (size_t i = 0; i < 128; i++)
            bytes[i] = (uint8_t)(i * 31 + round);
        for (size_t i = 0; i < 32; i++)
            key[i] = (uint8_t)(i * i * 5 + round * 3);
        for (size_t i = 0; i < 16; i++)
            tweak[i] = (uint8_t)(255 - i * round);
        size_t length = 16 + 16 * (round % 8);
        memcpy(expected, bytes, sizeof bytes);
        reference_xts(key, tweak, expected, length);
        assert_int_equal(one_unit(true, key, tweak, bytes, out, length), CHAIN_OK);
        assert_memory_equal(out, expected, length);
        assert_int_equal(one_unit(false, key, tweak, out, out, length), CHAIN_OK);
        assert_memory_equal(out, bytes, length);
    }
}

/* Every number of units that a run can have, of three lengths: each as if it were alone. */
static void xts_units_do_not_meet(void **state)
{
    (void)state;
    static const size_t unit_bytes[] = {16, 32, 128};
    static uint8_t in[XTS_RUN_BYTES], expected[XTS_RUN_BYTES], tweaks[XTS_RUN_BYTES];
    static uint8_t out[XTS_RUN_BYTES + 16];
    uint8_t key[XTS_KEY_BYTES] = {9, [16] = 7};
    for (size_t i = 0; i < XTS_RUN_BYTES; i++) {
        in[i] = (uint8_t)(i * i * 7 + i / 256);
        tweaks[i] = (uint8_t)(i * 13 + i / 16);
    }
    for (size_t l = 0; l < 3; l++) {
        memcpy(expected, in, sizeof in);
        for (size_t i = 0; i < XTS_RUN_BYTES / unit_bytes[l]; i++)
            reference_xts(key, tweaks + 16 * i, expected + unit_bytes[l] * i, unit_bytes[l]);
        for (size_t units = 0; units <= XTS_RUN_BYTES / unit_bytes[l]; units++) {
            struct xts_run run = {units, unit_bytes[l], tweaks, in, out};
            size_t length = units * unit_bytes[l];
            memset(out, 0xA5, sizeof out);
            assert_int_equal(host_crypto.aes_xts(&host_crypto, true, key, &run), CHAIN_OK);
            assert_memory_equal(out, expected, length);
            for (size_t i = length; i < length + 16; i++)
                assert_int_equal(out[i], 0xA5);
            run.in = out;
            assert_int_equal(host_crypto.aes_xts(&host_crypto, false, key, &run), CHAIN_OK);
            assert_memory_equal(out, in, length);
        }
    }
}

/* The provider keeps the last key scheduled: another one must not meet it, in either half. */
static void xts_sees_key_changes(void **state)
{
    (void)state;
    const uint8_t tweak[16] = {0};
    for (size_t changed = 0; changed < 32; changed++) {
        uint8_t key[32], bytes[128] = {0}, expected[128] = {0};
        for (uint8_t i = 0; i < 32; i++)
            key[i] = i;
        assert_int_equal(one_unit(true, key, tweak, bytes, bytes, 128), CHAIN_OK);
        memset(bytes, 0, sizeof bytes);
        key[changed] ^= 0x80;
        reference_xts(key, tweak, expected, 128);
        assert_int_equal(one_unit(true, key, tweak, bytes, bytes, 128), CHAIN_OK);
        assert_memory_equal(bytes, expected, 128);
    }
}

/* A key of the other size that begins with the same bytes is another key. */
static void xts_sees_key_sizes(void **state)
{
    (void)state;
    uint8_t key[XTS256_KEY_BYTES], tweak[16] = {0}, plain[32] = {5}, expected[32], out[32];
    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    memcpy(expected, plain, sizeof plain);
    reference_xts(key, tweak, expected, sizeof expected);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(one_unit(true, key, tweak, plain, out, sizeof out), CHAIN_OK);
        assert_memory_equal(out, expected, sizeof out);
        assert_int_equal(
            host_crypto.aes256_xts(&host_crypto, true, key, tweak, plain, out, sizeof out),
            CHAIN_OK);
        assert_memory_not_equal(out, expected, sizeof out);
    }
}

static void xts_refuses_other_lengths(void **state)
{
    (void)state;
    static uint8_t bytes[XTS_RUN_BYTES + 16], tweaks[XTS_RUN_BYTES];
    static const struct {
        size_t units, unit_bytes;
    } wrong[] = {{1, 0}, {1, 17}, {1, XTS_RUN_BYTES + 16}, {33, 128}, {257, 16}, {SIZE_MAX, 16}};
    uint8_t key[32] = {1};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct xts_run run = {wrong[i].units, wrong[i].unit_bytes, tweaks, bytes, bytes};
        assert_int_equal(host_crypto.aes_xts(&host_crypto, true, key, &run), CHAIN_ECRYPTO);
        assert_int_equal(bytes[0], 0);
    }
}

/* IEEE 1619, vector 10: its first 32 bytes. */
static void aes256_xts_is_the_standard_one(void **state)
{
    (void)state;
    static const uint8_t key[XTS256_KEY_BYTES] = {
        0x27, 0x18, 0x28, 0x18, 0x28, 0x45, 0x90, 0x45, 0x23, 0x53, 0x60, 0x28, 0x74,
        0x71, 0x35, 0x26, 0x62, 0x49, 0x77, 0x57, 0x24, 0x70, 0x93, 0x69, 0x99, 0x59,
        0x57, 0x49, 0x66, 0x96, 0x76, 0x27, 0x31, 0x41, 0x59, 0x26, 0x53, 0x58, 0x97,
        0x93, 0x23, 0x84, 0x62, 0x64, 0x33, 0x83, 0x27, 0x95, 0x02, 0x88, 0x41, 0x97,
        0x16, 0x93, 0x99, 0x37, 0x51, 0x05, 0x82, 0x09, 0x74, 0x94, 0x45, 0x92};
    static const uint8_t expected[32] = {0x1c, 0x3b, 0x3a, 0x10, 0x2f, 0x77, 0x03, 0x86,
                                         0xe4, 0x83, 0x6c, 0x99, 0xe3, 0x70, 0xcf, 0x9b,
                                         0xea, 0x00, 0x80, 0x3f, 0x5e, 0x48, 0x23, 0x57,
                                         0xa4, 0xae, 0x12, 0xd4, 0x14, 0xa3, 0xe6, 0x3b};
    const uint8_t tweak[16] = {0xff};
    uint8_t plain[32], out[32];
    for (uint8_t i = 0; i < sizeof plain; i++)
        plain[i] = i;
    assert_int_equal(host_crypto.aes256_xts(&host_crypto, true, key, tweak, plain, out, sizeof out),
                     CHAIN_OK);
    assert_memory_equal(out, expected, sizeof out);
    assert_int_equal(host_crypto.aes256_xts(&host_crypto, false, key, tweak, out, out, sizeof out),
                     CHAIN_OK);
    assert_memory_equal(out, plain, sizeof out);
    const size_t wrong[] = {0, 17, 144};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(
            host_crypto.aes256_xts(&host_crypto, true, key, tweak, plain, out, wrong[i]),
            CHAIN_ECRYPTO);
}

/* Threads with keys of their own, changing direction and key all the time. */
static void *encrypt_and_back(void *argument)
{
    const uint8_t number = *(const uint8_t *)argument;
    for (unsigned round = 0; round < 5000; round++) {
        uint8_t key[32] = {number, (uint8_t)(round / 16)}, tweak[16] = {(uint8_t)round};
        uint8_t bytes[128] = {number}, out[128];
        if (one_unit(true, key, tweak, bytes, out, 128) != CHAIN_OK ||
            memcmp(out, bytes, 128) == 0 ||
            one_unit(false, key, tweak, out, out, 128) != CHAIN_OK || memcmp(out, bytes, 128) != 0)
            return "failed";
    }
    return NULL;
}

static void threads_do_not_meet(void **state)
{
    (void)state;
    pthread_t threads[4];
    uint8_t numbers[4] = {1, 2, 3, 4};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, encrypt_and_back, &numbers[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failure;
        assert_int_equal(pthread_join(threads[i], &failure), 0);
        assert_null(failure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_spans),
        cmocka_unit_test(sha256_twice_is_both),
        cmocka_unit_test(rsa_public_operation),
        cmocka_unit_test(ecdsa_refuses_what_is_no_point),
        cmocka_unit_test(xts_is_the_standard_one),
        cmocka_unit_test(xts_units_do_not_meet),
        cmocka_unit_test(xts_sees_key_changes),
        cmocka_unit_test(xts_sees_key_sizes),
        cmocka_unit_test(xts_refuses_other_lengths),
        cmocka_unit_test(aes256_xts_is_the_standard_one),
        cmocka_unit_test(threads_do_not_meet),
    };
    return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
