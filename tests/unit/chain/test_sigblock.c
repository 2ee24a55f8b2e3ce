/* Signature blocks: layout vectors, every way to be refused, and a provider that lies once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "chain/bytes.h"
#include "chain/crc32.h"
#include "chain/error.h"
#include "chain/sigblock.h"
#include "host/crypto.h"
#include "sample.h"

enum { AT_DIGEST = 4, AT_N = 36, AT_SIGNATURE = 812, AT_CRC = 1196 };

static struct sample_key keys[2];

static int make_keys(void **state)
{
    (void)state;
    sample_key_make(&keys[0]);
    sample_key_make(&keys[1]);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    sample_key_free(&keys[0]);
    sample_key_free(&keys[1]);
    return 0;
}

static void from_hex(uint8_t *out, const char *hex, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned value = 0;
        for (int k = 0; k < 2; k++) {
            char c = hex[2 * i + (size_t)k];
            value = value * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        out[i] = (uint8_t)value;
    }
}

/* formats.md 2.6: n = 2^3072 - 1103717. */
static void rsa_layout_vector(void **state)
{
    (void)state;
    struct rsa3072_key key = {.e = 65537, .mprime = 0x25F7826D};
    memset(key.n, 0xFF, sizeof key.n);
    le32_store(key.n, 0u - 1103717u);
    le32_store(key.rinv, 0xA1DACDD9); /* R = 0x11BA1DACDD9 */
    le16_store(key.rinv + 4, 0x11B);

    uint8_t expected[SHA256_BYTES], digest[SHA256_BYTES], image_digest[SHA256_BYTES];
    from_hex(expected, "5601f8271a56e07ecb3264af6d48fc508550be41c73b66fd7c79b4b6202190cc", 32);
    assert_int_equal(sigblock_rsa_key_digest(&key, &host_crypto, digest), CHAIN_OK);
    assert_memory_equal(digest, expected, SHA256_BYTES);

    uint8_t signature[RSA3072_BYTES], block[SIGBLOCK_BYTES];
    memset(signature, 0x5A, sizeof signature);
    for (uint8_t i = 0; i < SHA256_BYTES; i++)
        image_digest[i] = i;
    sigblock_build_rsa(block, &key, image_digest, signature);
    assert_int_equal(le32_load(block + AT_CRC), 0xA3D94682);
    assert_int_equal(sigblock_key_digest(block, &host_crypto, digest), CHAIN_OK);
    assert_memory_equal(digest, expected, SHA256_BYTES);

    struct sigblock parsed;
    assert_int_equal(sigblock_parse(block, &parsed), CHAIN_OK);
    assert_int_equal(parsed.version, SIGBLOCK_RSA);
    assert_memory_equal(parsed.image_digest, image_digest, SHA256_BYTES);
    assert_memory_equal(&parsed.rsa, &key, sizeof key);
    assert_memory_equal(parsed.rsa_signature, signature, RSA3072_BYTES);
}

struct curve_case {
    enum ecdsa_curve curve;
    size_t bytes;
    const char *openssl_name;
    const char *gx, *gy; /* base point, big-endian */
    const char *key_digest;
};

static const struct curve_case curves[] = {
    {ECDSA_P256, 32, "prime256v1",
     "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
     "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
     "5908ff09f652723954169b269890241b0405fc45b6087f0db026debac4934a8d"},
    {ECDSA_P192, 24, "prime192v1", "188da80eb03090f67cbf20eb43a18800f4ff0afd82ff1012",
     "07192b95ffc8da78631011ed6b24cdd573f977a11e794811",
     "9000b7665fa5516a6210006f778b4bf0b88e26aad8248b069830a5cc93b9ea20"},
};

static void reverse(uint8_t *out, const uint8_t *in, size_t length)
{
    for (size_t i = 0; i < length; i++)
        out[i] = in[length - 1 - i];
}

/* A block from little-endian numbers, written from formats.md 2.2. */
static void ecdsa_block(uint8_t block[SIGBLOCK_BYTES], const struct curve_case *c,
                        const uint8_t *digest, const uint8_t *x, const uint8_t *y, const uint8_t *r,
                        const uint8_t *s)
{
    memset(block, 0, SIGBLOCK_BYTES);
    block[0] = 0xE7;
    block[1] = 3;
    memcpy(block + AT_DIGEST, digest, SHA256_BYTES);
    block[36] = (uint8_t)c->curve;
    memcpy(block + 37, x, c->bytes);
    memcpy(block + 37 + c->bytes, y, c->bytes);
    memcpy(block + 101, r, c->bytes);
    memcpy(block + 101 + c->bytes, s, c->bytes);
    le32_store(block + AT_CRC, crc32_le(0, block, AT_CRC));
}

static void ecdsa_layout_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t big[32], x[32], y[32], r[32], s[32], expected[32], digest[32];
        uint8_t image_digest[32], block[SIGBLOCK_BYTES];
        const struct curve_case *c = &curves[i];
        from_hex(big, c->gx, c->bytes);
        reverse(x, big, c->bytes);
        from_hex(big, c->gy, c->bytes);
        reverse(y, big, c->bytes);
        memset(r, 0x11, sizeof r);
        memset(s, 0x22, sizeof s);
        for (uint8_t k = 0; k < 32; k++)
            image_digest[k] = k;
        ecdsa_block(block, c, image_digest, x, y, r, s);
        if (c->curve == ECDSA_P256)
            assert_int_equal(le32_load(block + AT_CRC), 0xF68F708B);
        uint8_t built[SIGBLOCK_BYTES];
        memset(built, 0xEE, sizeof built);
        sigblock_build_ecdsa(built, c->curve, x, y, image_digest, r, s);
        assert_memory_equal(built, block, sizeof built);
        from_hex(expected, c->key_digest, 32);
        assert_int_equal(sigblock_key_digest(block, &host_crypto, digest), CHAIN_OK);
        assert_memory_equal(digest, expected, 32);

        struct sigblock parsed;
        assert_int_equal(sigblock_parse(block, &parsed), CHAIN_OK);
        assert_int_equal(parsed.curve, c->curve);
        assert_memory_equal(parsed.x, x, c->bytes);
        assert_memory_equal(parsed.y, y, c->bytes);
        assert_memory_equal(parsed.r, r, c->bytes);
        assert_memory_equal(parsed.s, s, c->bytes);
    }
}

static void restore_crc(uint8_t *block)
{
    le32_store(block + AT_CRC, crc32_le(0, block, AT_CRC));
}

static void parse_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t offset;
        uint8_t value;
        bool crc;
        int expected;
    } table[] = {
        {"nothing changed", 0, 0xE7, true, CHAIN_OK},
        {"magic", 0, 0xE6, true, CHAIN_EMAGIC},
        {"erased", 0, 0xFF, true, CHAIN_EMAGIC},
        {"version 1", 1, 1, true, CHAIN_EFIELD},
        {"version 4", 1, 4, true, CHAIN_EFIELD},
        {"an ECDSA block of curve 0", 1, 3, true, CHAIN_EFIELD},
        {"covered byte, stale CRC", 700, 0xAA, false, CHAIN_ECHECKSUM},
        {"CRC itself", AT_CRC + 3, 0xAA, false, CHAIN_ECHECKSUM},
        {"bytes behind the CRC", AT_CRC + 4, 0xAA, false, CHAIN_OK},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t image[SAMPLE_SIGNED_BYTES], block[SIGBLOCK_BYTES];
        struct sigblock parsed;
        sample_app(image);
        sample_block(&keys[0], image, block);
        block[AT_N] = 0; /* read as a curve id when the version says ECDSA */
        restore_crc(block);
        block[table[i].offset] = table[i].value;
        if (table[i].crc)
            restore_crc(block);
        int error = sigblock_parse(block, &parsed);
        if (error != table[i].expected)
            fail_msg("%s: %d instead of %d", table[i].name, error, table[i].expected);
    }
}

/* One signed sample, its digest, and trust in keys[0]. */
struct signed_sample {
    uint8_t image[SAMPLE_SIGNED_BYTES];
    uint8_t digest[SHA256_BYTES];
    uint8_t block[SIGBLOCK_MAX][SIGBLOCK_BYTES];
    uint8_t sector[SIGBLOCK_SECTOR_BYTES];
    struct sigblock_trust trust;
};

static void signed_sample_make(struct signed_sample *sample)
{
    sample_app(sample->image);
    SHA256(sample->image, SAMPLE_SIGNATURE, sample->digest);
    sample_block(&keys[0], sample->image, sample->block[0]);
    sample_block(&keys[1], sample->image, sample->block[1]);
    memset(sample->block[2], 0xFF, SIGBLOCK_BYTES);
    sigblock_sector_build(sample->sector, sample->block, 1);
    sample->trust = sample_trust(keys, 1);
}

static uint32_t verdict(const struct signed_sample *sample, int *reason, uint8_t *slot)
{
    return sigblock_verify(sample->sector, sample->digest, &sample->trust, &host_crypto, reason,
                           slot);
}

static void assert_verdict(const char *name, const struct signed_sample *sample, int expected)
{
    int reason = 1;
    uint32_t answer = verdict(sample, &reason, NULL);
    uint32_t wanted = expected == CHAIN_OK ? SIGBLOCK_TRUSTED : SIGBLOCK_REFUSED;
    if (answer != wanted || reason != expected)
        fail_msg("%s: %08x, reason %d instead of %d", name, answer, reason, expected);
}

static void sector_layout(void **state)
{
    (void)state;
    struct signed_sample sample;
    signed_sample_make(&sample);
    sigblock_sector_build(sample.sector, sample.block, 2);
    assert_memory_equal(sample.sector, sample.block[0], SIGBLOCK_BYTES);
    assert_memory_equal(sample.sector + 1216, sample.block[1], SIGBLOCK_BYTES);
    for (size_t i = 2432; i < 4096; i++)
        assert_int_equal(sample.sector[i], 0xFF);
    assert_int_equal(sigblock_sector_count(sample.sector), 2);
    sample.sector[1216] = 0;
    assert_int_equal(sigblock_sector_count(sample.sector), 1);
    sample.sector[0] = 0;
    assert_int_equal(sigblock_sector_count(sample.sector), 0);
    memcpy(sample.block[2], sample.block[0], SIGBLOCK_BYTES);
    sigblock_sector_build(sample.sector, sample.block, 3);
    assert_int_equal(sigblock_sector_count(sample.sector), 3);
}

static void verdicts(void **state)
{
    (void)state;
    struct signed_sample good, s;
    signed_sample_make(&good);
    assert_verdict("good", &good, CHAIN_OK);

    s = good;
    memset(s.sector, 0xFF, sizeof s.sector);
    assert_verdict("erased sector", &s, CHAIN_EUNSIGNED);
    s = good;
    s.digest[31] ^= 1;
    assert_verdict("another image", &s, CHAIN_EDIGEST);
    s = good;
    s.trust = sample_trust(&keys[1], 1);
    assert_verdict("another key is trusted", &s, CHAIN_EUNTRUSTED);
    s = good;
    s.trust.count = 0;
    assert_verdict("no key is trusted", &s, CHAIN_EUNTRUSTED);
    s = good;
    s.trust.digest[0][31] ^= 1;
    assert_verdict("trusted digest differs in its last byte", &s, CHAIN_EUNTRUSTED);
    s = good;
    s.sector[AT_N + 100] ^= 1;
    restore_crc(s.sector);
    assert_verdict("another modulus", &s, CHAIN_EUNTRUSTED);
    s = good;
    s.sector[808] ^= 1;
    restore_crc(s.sector);
    assert_verdict("another Montgomery constant", &s, CHAIN_EUNTRUSTED);
    s = good;
    memset(s.sector + AT_SIGNATURE, 0, RSA3072_BYTES);
    restore_crc(s.sector);
    assert_verdict("signature 0", &s, CHAIN_ESIGNATURE);
    s = good;
    memcpy(s.sector + AT_SIGNATURE, s.sector + AT_N, RSA3072_BYTES);
    restore_crc(s.sector);
    assert_verdict("signature n", &s, CHAIN_ESIGNATURE);
    s = good;
    memset(s.sector + AT_SIGNATURE, 0xFF, RSA3072_BYTES);
    restore_crc(s.sector);
    assert_verdict("signature above n", &s, CHAIN_ESIGNATURE);
    s = good;
    memcpy(s.sector + AT_SIGNATURE, s.block[1] + AT_SIGNATURE, RSA3072_BYTES);
    restore_crc(s.sector);
    assert_verdict("another key's signature", &s, CHAIN_ESIGNATURE);
}

static void salt_must_be_32_bytes(void **state)
{
    (void)state;
    static const int salts[] = {0, 20, 31, 33, 64};
    for (size_t i = 0; i < sizeof salts / sizeof *salts; i++) {
        struct signed_sample s;
        uint8_t signature[RSA3072_BYTES];
        signed_sample_make(&s);
        sample_key_sign(&keys[0], s.digest, salts[i], signature);
        sigblock_build_rsa(s.block[0], &keys[0].rsa, s.digest, signature);
        sigblock_sector_build(s.sector, s.block, 1);
        assert_verdict("salt", &s, CHAIN_ESIGNATURE);
    }
}

/* Any block may carry the trusted signature; the slot tells which digest matched. */
static void any_block_may_count(void **state)
{
    (void)state;
    struct signed_sample s;
    int reason;
    uint8_t slot = 0xEE;
    signed_sample_make(&s);
    s.trust = sample_trust(keys, 2);
    s.trust.slot[0] = 2;
    s.trust.slot[1] = 1;
    assert_int_equal(verdict(&s, &reason, &slot), SIGBLOCK_TRUSTED);
    assert_int_equal(slot, 2);

    sigblock_sector_build(s.sector, s.block, 2);
    s.trust = sample_trust(&keys[1], 1);
    assert_int_equal(verdict(&s, &reason, &slot), SIGBLOCK_TRUSTED);
    assert_int_equal(reason, CHAIN_OK);
    assert_int_equal(slot, 0);

    s.sector[SIGBLOCK_BYTES + AT_SIGNATURE] ^= 1; /* trusted key, CRC stale: block not valid */
    assert_verdict("second block damaged", &s, CHAIN_EUNTRUSTED);
    restore_crc(s.sector + SIGBLOCK_BYTES);
    assert_verdict("second block forged", &s, CHAIN_ESIGNATURE);

    memcpy(s.sector + 2 * SIGBLOCK_BYTES, s.block[1], SIGBLOCK_BYTES);
    assert_verdict("third block good", &s, CHAIN_OK);
    assert_int_equal(sigblock_check(s.block[1], s.digest, &s.trust, &host_crypto), CHAIN_OK);
    s.block[1][AT_SIGNATURE] ^= 1;
    restore_crc(s.block[1]);
    assert_int_equal(sigblock_check(s.block[1], s.digest, &s.trust, &host_crypto),
                     CHAIN_ESIGNATURE);
    s.digest[0] ^= 1;
    assert_int_equal(sigblock_check(s.block[1], s.digest, &s.trust, &host_crypto), CHAIN_EDIGEST);
    s.digest[0] ^= 1;
    assert_int_equal(sigblock_verify(s.sector, s.digest, &s.trust, &host_crypto, NULL, NULL),
                     SIGBLOCK_TRUSTED);
}

static void every_byte_of_a_block_counts(void **state)
{
    (void)state;
    struct signed_sample s;
    signed_sample_make(&s);
    for (size_t i = 0; i < SIGBLOCK_BYTES; i++) {
        s.sector[i] ^= 0x40;
        uint32_t stale = verdict(&s, NULL, NULL);
        restore_crc(s.sector);
        uint32_t fresh = verdict(&s, NULL, NULL);
        bool counts = i < AT_CRC && i != 2 && i != 3; /* reserved: covered by the CRC alone */
        assert_int_equal(stale, i < AT_CRC + 4 ? SIGBLOCK_REFUSED : SIGBLOCK_TRUSTED);
        assert_int_equal(fresh, counts ? SIGBLOCK_REFUSED : SIGBLOCK_TRUSTED);
        s.sector[i] ^= 0x40;
        restore_crc(s.sector);
    }
}

/* A provider whose RSA result can be replaced in one of its calls: what a glitched accelerator or
 * a skipped comparison amounts to. */
struct liar {
    int calls;
    int lies_at;             /* number of the call */
    int answers;             /* CHAIN_OK with the good encoding below, or an error */
    const uint8_t *encoding; /* of a good signature */
};

static int lying_rsa(const struct chain_crypto *crypto, const struct rsa3072_key *key,
                     const uint8_t signature[RSA3072_BYTES], uint8_t out[RSA3072_BYTES])
{
    struct liar *liar = crypto->context;
    if (++liar->calls != liar->lies_at)
        return host_crypto.rsa_public(&host_crypto, key, signature, out);
    memcpy(out, liar->encoding, RSA3072_BYTES);
    return liar->answers;
}

static void one_lie_is_not_enough(void **state)
{
    (void)state;
    struct signed_sample s;
    uint8_t encoding[RSA3072_BYTES];
    signed_sample_make(&s);
    assert_int_equal(
        host_crypto.rsa_public(&host_crypto, &keys[0].rsa, s.sector + AT_SIGNATURE, encoding),
        CHAIN_OK);
    for (int call = 1; call <= 2; call++) {
        struct liar liar = {.lies_at = call, .answers = CHAIN_OK, .encoding = encoding};
        struct chain_crypto crypto = host_crypto;
        crypto.context = &liar;
        crypto.rsa_public = lying_rsa;
        struct signed_sample forged = s;
        int reason = CHAIN_OK;
        memset(forged.sector + AT_SIGNATURE, 1, 8);
        restore_crc(forged.sector);
        assert_int_equal(
            sigblock_verify(forged.sector, forged.digest, &forged.trust, &crypto, &reason, NULL),
            SIGBLOCK_REFUSED);
        assert_int_equal(reason, call == 1 ? CHAIN_ECRYPTO : CHAIN_ESIGNATURE);

        liar = (struct liar){.lies_at = call, .answers = CHAIN_ECRYPTO, .encoding = encoding};
        assert_int_equal(sigblock_verify(s.sector, s.digest, &s.trust, &crypto, &reason, NULL),
                         SIGBLOCK_REFUSED);
        assert_int_equal(reason, CHAIN_ECRYPTO);
    }
}

/* External flash that shows the trusted key whenever something is hashed, and the forger's else. */
struct two_faced {
    uint8_t *block;
    const uint8_t *trusted;
};

static int two_faced_sha256(const struct chain_crypto *crypto, const struct chain_span *spans,
                            size_t count, uint8_t digest[SHA256_BYTES])
{
    const struct two_faced *flash = crypto->context;
    uint8_t forged[SIGBLOCK_BYTES];
    memcpy(forged, flash->block, sizeof forged);
    memcpy(flash->block + AT_N, flash->trusted + AT_N, AT_SIGNATURE - AT_N);
    const int error = host_crypto.sha256(&host_crypto, spans, count, digest);
    memcpy(flash->block, forged, sizeof forged);
    return error;
}

static void the_key_that_verifies_is_the_key_that_is_trusted(void **state)
{
    (void)state;
    struct signed_sample s;
    signed_sample_make(&s);
    uint8_t trusted[SIGBLOCK_BYTES];
    memcpy(trusted, s.sector, sizeof trusted);
    sigblock_sector_build(s.sector, &s.block[1], 1); /* signed by a key nobody trusts */
    struct two_faced flash = {s.sector, trusted};
    struct chain_crypto crypto = host_crypto;
    crypto.context = &flash;
    crypto.sha256 = two_faced_sha256;
    int reason = CHAIN_OK;
    assert_int_equal(sigblock_verify(s.sector, s.digest, &s.trust, &crypto, &reason, NULL),
                     SIGBLOCK_REFUSED);
    assert_int_equal(reason, CHAIN_EUNTRUSTED);
}

/* Signs with a fresh key of the curve and builds the block. */
static void ecdsa_sign(const struct curve_case *c, const uint8_t *digest, uint8_t *block)
{
    EVP_PKEY *key = EVP_EC_gen(c->openssl_name);
    uint8_t point[65], der[80], x[32], y[32], r[32], s[32];
    size_t length = sizeof point;
    assert_int_equal(
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &length),
        1);
    assert_int_equal(length, 1 + 2 * c->bytes);
    reverse(x, point + 1, c->bytes);
    reverse(y, point + 1 + c->bytes, c->bytes);

    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    length = sizeof der;
    assert_int_equal(EVP_PKEY_sign_init(context), 1);
    assert_int_equal(EVP_PKEY_sign(context, der, &length, digest, SHA256_BYTES), 1);
    const uint8_t *cursor = der;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &cursor, (long)length);
    BN_bn2lebinpad(ECDSA_SIG_get0_r(signature), r, (int)c->bytes);
    BN_bn2lebinpad(ECDSA_SIG_get0_s(signature), s, (int)c->bytes);
    ecdsa_block(block, c, digest, x, y, r, s);
    ECDSA_SIG_free(signature);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
}

static void ecdsa_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct signed_sample s;
        signed_sample_make(&s);
        ecdsa_sign(&curves[i], s.digest, s.block[0]);
        s.trust.count = 1;
        assert_int_equal(sigblock_key_digest(s.block[0], &host_crypto, s.trust.digest[0]),
                         CHAIN_OK);
        sigblock_sector_build(s.sector, s.block, 1);
        assert_verdict("ECDSA", &s, CHAIN_OK);
        s.sector[101] ^= 1;
        restore_crc(s.sector);
        assert_verdict("ECDSA, another r", &s, CHAIN_ESIGNATURE);
        memset(s.sector + 101, 0, 64);
        restore_crc(s.sector);
        assert_verdict("ECDSA, zeros", &s, CHAIN_ESIGNATURE);
        s.sector[2] = 1;
        restore_crc(s.sector);
        assert_verdict("ECDSA over SHA-384", &s, CHAIN_EUNSIGNED);
        sigblock_sector_build(s.sector, s.block, 1);
        if (curves[i].curve == ECDSA_P192) {
            s.sector[37 + 63] = 1;
            restore_crc(s.sector);
            assert_verdict("ECDSA, padding not zero", &s, CHAIN_EUNSIGNED);
        }

        sigblock_sector_build(s.sector, s.block, 1);
        struct chain_crypto without = host_crypto;
        without.ecdsa_verify = NULL;
        int reason;
        assert_int_equal(sigblock_verify(s.sector, s.digest, &s.trust, &without, &reason, NULL),
                         SIGBLOCK_REFUSED);
        assert_int_equal(reason, CHAIN_ECRYPTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_layout_vector),
        cmocka_unit_test(ecdsa_layout_vectors),
        cmocka_unit_test(parse_refusals),
        cmocka_unit_test(sector_layout),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(salt_must_be_32_bytes),
        cmocka_unit_test(any_block_may_count),
        cmocka_unit_test(every_byte_of_a_block_counts),
        cmocka_unit_test(one_lie_is_not_enough),
        cmocka_unit_test(the_key_that_verifies_is_the_key_that_is_trusted),
        cmocka_unit_test(ecdsa_verdicts),
    };
    return cmocka_run_group_tests_name("sigblock", tests, make_keys, free_keys);
}
