/* SHA, AES and RSA accelerators against OpenSSL, on pseudo-random inputs (soc.md 8-10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <string.h>

#include "bench.h"
#include "chain/reg/aes.h"
#include "chain/reg/rsa.h"
#include "chain/reg/sha.h"

static int set_up(void **state)
{
    *state = bench_new(false, NULL);
    return 0;
}

static int tear_down(void **state)
{
    bench_free(*state);
    return 0;
}

/* --- SHA ------------------------------------------------------------------------------------ */

/* Software pads; `length` is at most 1000. */
static void sha(struct chip *chip, uint32_t mode, const uint8_t *message, size_t length,
                uint8_t digest[32])
{
    uint8_t padded[1088] = {0};
    size_t total = (length + 9 + 63) / 64 * 64;
    memcpy(padded, message, length);
    padded[length] = 0x80;
    for (unsigned i = 0; i < 8; i++)
        padded[total - 1 - i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
    bench_write(chip, SOC_SHA + SHA_MODE, mode);
    for (size_t at = 0; at < total; at += 64) {
        bench_write_bytes(chip, SOC_SHA + SHA_M, padded + at, 64);
        bench_write(chip, SOC_SHA + (at == 0 ? SHA_START : SHA_CONTINUE), 1);
        assert_true(chip->known);
        assert_int_equal(bench_read(chip, SOC_SHA + SHA_BUSY), 0);
    }
    bench_read_bytes(chip, SOC_SHA + SHA_H, digest, 32);
}

static void sha_equals_openssl(void **state)
{
    static const size_t lengths[] = {0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 777, 1000};
    const struct {
        uint32_t mode;
        const EVP_MD *md;
    } modes[] = {{SHA_MODE_SHA1, EVP_sha1()},
                 {SHA_MODE_SHA224, EVP_sha224()},
                 {SHA_MODE_SHA256, EVP_sha256()}};
    uint8_t message[1000], got[32], want[32];
    for (size_t m = 0; m < 3; m++) {
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            unsigned want_length = 0;
            bench_fill(message, lengths[i], 7 * i + m);
            sha(*state, modes[m].mode, message, lengths[i], got);
            EVP_Digest(message, lengths[i], want, &want_length, modes[m].md, NULL);
            assert_memory_equal(got, want, want_length);
        }
    }
}

/* A hash can be put aside and taken up again through H. */
static void sha_resumes(void **state)
{
    struct chip *chip = *state;
    uint8_t message[128] = {0}, saved[32], got[32], want[32];
    bench_fill(message, 100, 5);
    EVP_Digest(message, 100, want, NULL, EVP_sha256(), NULL);
    message[100] = 0x80;
    message[126] = 100 * 8 >> 8;
    message[127] = 100 * 8 & 0xFF;
    bench_write(chip, SOC_SHA + SHA_MODE, SHA_MODE_SHA256);
    bench_write_bytes(chip, SOC_SHA + SHA_M, message, 64);
    bench_write(chip, SOC_SHA + SHA_START, 1);
    bench_read_bytes(chip, SOC_SHA + SHA_H, saved, 32);
    sha(chip, SHA_MODE_SHA256, message, 64, got); /* another hash in between */
    bench_write_bytes(chip, SOC_SHA + SHA_H, saved, 32);
    bench_write_bytes(chip, SOC_SHA + SHA_M, message + 64, 64);
    bench_write(chip, SOC_SHA + SHA_CONTINUE, 1);
    bench_read_bytes(chip, SOC_SHA + SHA_H, got, 32);
    assert_memory_equal(got, want, 32);
}

static void sha_reports_what_it_cannot(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_SHA + SHA_DMA_START, 1);
    assert_false(chip->known);
    bench_write(chip, SOC_SHA + SHA_MODE, 3);
    bench_write(chip, SOC_SHA + SHA_START, 1);
    assert_false(chip->known);
}

/* --- AES ------------------------------------------------------------------------------------ */

static void openssl_aes(bool wide, bool decrypt, const uint8_t *key, const uint8_t in[16],
                        uint8_t out[16])
{
    int length = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = wide ? EVP_aes_256_ecb() : EVP_aes_128_ecb();
    assert_int_equal(EVP_CipherInit_ex(context, cipher, NULL, key, NULL, !decrypt), 1);
    EVP_CIPHER_CTX_set_padding(context, 0);
    assert_int_equal(EVP_CipherUpdate(context, out, &length, in, 16), 1);
    EVP_CIPHER_CTX_free(context);
}

/* Key and mode are written only when they change: each alone, both, and none of them. */
static void aes_equals_openssl(void **state)
{
    struct chip *chip = *state;
    uint8_t key[32] = {0};
    bool wide = false, decrypt = false;
    for (unsigned i = 0; i < 64; i++) {
        uint8_t in[16], got[16], want[16];
        bench_fill(in, sizeof in, 100 + i);
        if (i % 2 == 0) {
            bench_fill(key, sizeof key, i);
            bench_write_bytes(chip, SOC_AES + AES_KEY, key, sizeof key);
        }
        if (i % 3 == 0) {
            wide = (i / 3 & 1) != 0;
            decrypt = (i / 3 & 2) != 0;
            bench_write(chip, SOC_AES + AES_MODE, (wide ? 2u : 0) | (decrypt ? 4u : 0));
        }
        bench_write_bytes(chip, SOC_AES + AES_TEXT_IN, in, 16);
        bench_write(chip, SOC_AES + AES_TRIGGER, 1);
        assert_true(chip->known);
        assert_int_equal(bench_read(chip, SOC_AES + AES_STATE), 2);
        bench_read_bytes(chip, SOC_AES + AES_TEXT_OUT, got, 16);
        openssl_aes(wide, decrypt, key, in, want);
        assert_memory_equal(got, want, 16);
    }
}

static void aes_reports_what_it_cannot(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_AES + AES_MODE, 1); /* AES-192 is not in this chip */
    bench_write(chip, SOC_AES + AES_TRIGGER, 1);
    assert_false(chip->known);
    bench_write(chip, SOC_AES + AES_DMA_ENABLE, 1);
    assert_false(chip->known);
}

/* --- RSA ------------------------------------------------------------------------------------ */

#define WORDS_MAX 96

struct numbers {
    BIGNUM *m, *x, *y, *r2, *want;
    uint32_t m_prime;
    BN_CTX *context;
};

static BIGNUM *random_number(unsigned words, uint64_t seed)
{
    uint8_t bytes[4 * WORDS_MAX];
    bench_fill(bytes, 4 * words, seed);
    return BN_lebin2bn(bytes, (int)(4 * words), NULL);
}

/* An odd modulus of full length, X and Y below it, R^2 mod M and -M^-1 mod 2^32. */
static struct numbers numbers_new(unsigned words, uint64_t seed)
{
    struct numbers n = {.m = random_number(words, seed), .context = BN_CTX_new()};
    BN_set_bit(n.m, 0);
    BN_set_bit(n.m, (int)(32 * words) - 1);
    n.x = random_number(words, seed + 1);
    n.y = random_number(words, seed + 2);
    BN_mod(n.x, n.x, n.m, n.context);
    BN_mod(n.y, n.y, n.m, n.context);
    n.r2 = BN_new();
    n.want = BN_new();
    BN_set_bit(n.r2, (int)(64 * words));
    BN_mod(n.r2, n.r2, n.m, n.context);
    uint32_t low = (uint32_t)BN_get_word(n.m), inverse = 1;
    uint8_t bytes[4 * WORDS_MAX];
    BN_bn2lebinpad(n.m, bytes, (int)(4 * words));
    low = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
          (uint32_t)bytes[3] << 24;
    for (unsigned i = 0; i < 5; i++)
        inverse *= 2 - low * inverse;
    n.m_prime = 0u - inverse;
    return n;
}

static void numbers_free(struct numbers *n)
{
    BN_free(n->m);
    BN_free(n->x);
    BN_free(n->y);
    BN_free(n->r2);
    BN_free(n->want);
    BN_CTX_free(n->context);
}

static void put(struct chip *chip, uint32_t memory, const BIGNUM *number, unsigned words)
{
    uint8_t bytes[4 * WORDS_MAX];
    assert_int_not_equal(BN_bn2lebinpad(number, bytes, (int)(4 * words)), -1);
    bench_write_bytes(chip, SOC_RSA + memory, bytes, 4 * words);
}

static void load(struct chip *chip, const struct numbers *n, unsigned words)
{
    put(chip, RSA_M, n->m, words);
    put(chip, RSA_X, n->x, words);
    put(chip, RSA_Y, n->y, words);
    put(chip, RSA_Z, n->r2, words);
    bench_write(chip, SOC_RSA + RSA_M_PRIME, n->m_prime);
    bench_write(chip, SOC_RSA + RSA_MODE, words - 1);
}

static void expect(struct chip *chip, const BIGNUM *want, unsigned words)
{
    uint8_t got[4 * WORDS_MAX], bytes[4 * WORDS_MAX];
    assert_int_equal(bench_read(chip, SOC_RSA + RSA_QUERY_IDLE), 1);
    bench_read_bytes(chip, SOC_RSA + RSA_Z, got, 4 * words);
    assert_int_not_equal(BN_bn2lebinpad(want, bytes, (int)(4 * words)), -1);
    assert_memory_equal(got, bytes, 4 * words);
}

static void rsa_equals_openssl(void **state)
{
    static const unsigned sizes[] = {1, 2, 7, 16, 32, 64, 96};
    struct chip *chip = *state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (uint64_t seed = 0; seed < 6; seed++) {
            unsigned words = sizes[i];
            struct numbers n = numbers_new(words, 100 * i + 3 * seed);
            load(chip, &n, words);
            bench_write(chip, SOC_RSA + RSA_START_MODMULT, 1);
            BN_mod_mul(n.want, n.x, n.y, n.m, n.context);
            expect(chip, n.want, words);

            BN_set_word(n.y, seed % 2 ? 65537 : 3);
            load(chip, &n, words);
            bench_write(chip, SOC_RSA + RSA_START_MODEXP, 1);
            BN_mod_exp(n.want, n.x, n.y, n.m, n.context);
            expect(chip, n.want, words);
            numbers_free(&n);
        }
    }
}

static void rsa_full_exponent_and_zero(void **state)
{
    struct chip *chip = *state;
    struct numbers n = numbers_new(16, 1);
    load(chip, &n, 16);
    bench_write(chip, SOC_RSA + RSA_START_MODEXP, 1);
    BN_mod_exp(n.want, n.x, n.y, n.m, n.context);
    expect(chip, n.want, 16);

    BN_zero(n.y);
    load(chip, &n, 16);
    bench_write(chip, SOC_RSA + RSA_START_MODEXP, 1);
    BN_one(n.want);
    expect(chip, n.want, 16);
    numbers_free(&n);
}

static void rsa_multiplies(void **state)
{
    static const unsigned sizes[] = {1, 2, 13, 32, 48};
    struct chip *chip = *state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned words = sizes[i];
        struct numbers n = numbers_new(words, 900 + i);
        put(chip, RSA_X, n.x, words);
        put(chip, RSA_Z + 4 * words, n.y, words);
        bench_write(chip, SOC_RSA + RSA_MODE, 2 * words - 1);
        bench_write(chip, SOC_RSA + RSA_START_MULT, 1);
        BN_mul(n.want, n.x, n.y, n.context);
        expect(chip, n.want, 2 * words);
        numbers_free(&n);
    }
}

/* The result hangs on what software supplies: a wrong M_PRIME or R^2 is not silently repaired. */
static void rsa_trusts_its_inputs(void **state)
{
    struct chip *chip = *state;
    uint8_t right[64], wrong[64];
    struct numbers n = numbers_new(16, 5);
    load(chip, &n, 16);
    bench_write(chip, SOC_RSA + RSA_START_MODMULT, 1);
    bench_read_bytes(chip, SOC_RSA + RSA_Z, right, 64);
    load(chip, &n, 16);
    bench_write(chip, SOC_RSA + RSA_M_PRIME, n.m_prime ^ 4);
    bench_write(chip, SOC_RSA + RSA_START_MODMULT, 1);
    bench_read_bytes(chip, SOC_RSA + RSA_Z, wrong, 64);
    assert_memory_not_equal(right, wrong, 64);
    load(chip, &n, 16);
    put(chip, RSA_Z, n.x, 16);
    bench_write(chip, SOC_RSA + RSA_START_MODMULT, 1);
    bench_read_bytes(chip, SOC_RSA + RSA_Z, wrong, 64);
    assert_memory_not_equal(right, wrong, 64);
    numbers_free(&n);
}

static void rsa_bounds_and_interrupt(void **state)
{
    struct chip *chip = *state;
    bench_read(chip, SOC_RSA + RSA_M + 384);
    assert_false(chip->known); /* the gap behind each memory */
    bench_write(chip, SOC_RSA + RSA_MODE, 96);
    bench_write(chip, SOC_RSA + RSA_START_MODEXP, 1);
    assert_false(chip->known);
    assert_int_equal(bench_read(chip, SOC_RSA + RSA_QUERY_CLEAN), 1);

    bench_write(chip, SOC_RSA + RSA_INT_ENA, 1);
    assert_false(chip->level[SOC_SOURCE_RSA]);
    bench_write(chip, SOC_RSA + RSA_MODE, 1);
    bench_write(chip, SOC_RSA + RSA_START_MULT, 1);
    assert_true(chip->level[SOC_SOURCE_RSA]);
    bench_write(chip, SOC_RSA + RSA_INT_CLR, 1);
    assert_false(chip->level[SOC_SOURCE_RSA]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(sha_equals_openssl),         TEST(sha_resumes),
        TEST(sha_reports_what_it_cannot), TEST(aes_equals_openssl),
        TEST(aes_reports_what_it_cannot), TEST(rsa_equals_openssl),
        TEST(rsa_full_exponent_and_zero), TEST(rsa_multiplies),
        TEST(rsa_trusts_its_inputs),      TEST(rsa_bounds_and_interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
