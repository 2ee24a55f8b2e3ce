/* EMSA-PSS: encodings with one defect each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "chain/error.h"
#include "chain/pss.h"
#include "host/crypto.h"

enum { DB_BYTES = 351, H_AT = 351, ONE_AT = 318, SALT_AT = 319, TRAILER_AT = 383 };

/* Builds an encoding as RFC 8017 9.1.1 does, from a data block that may be wrong already. */
static void encode(uint8_t em[RSA3072_BYTES], const uint8_t db[DB_BYTES],
                   const uint8_t digest[SHA256_BYTES], const uint8_t *salt, size_t salt_bytes)
{
    uint8_t message[8 + 32 + 64] = {0};
    memcpy(message + 8, digest, 32);
    memcpy(message + 40, salt, salt_bytes);
    SHA256(message, 40 + salt_bytes, em + H_AT);
    for (size_t i = 0; i < DB_BYTES; i++) {
        uint8_t seed[36] = {0}, mask[32];
        memcpy(seed, em + H_AT, 32);
        seed[35] = (uint8_t)(i / 32);
        SHA256(seed, sizeof seed, mask);
        em[i] = db[i] ^ mask[i % 32];
    }
    em[0] &= 0x7F;
    em[TRAILER_AT] = 0xBC;
}

static void good_block(uint8_t db[DB_BYTES])
{
    memset(db, 0, DB_BYTES);
    db[ONE_AT] = 1;
    for (size_t i = 0; i < 32; i++)
        db[SALT_AT + i] = (uint8_t)(0x80 + i);
}

static void one_defect_is_enough(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t offset; /* in the data block, flipped before encoding */
        uint8_t flip;
        int expected;
    } table[] = {
        {"none", 0, 0, CHAIN_OK},
        {"unused top bit, which encoding clears", 0, 0x80, CHAIN_OK},
        {"first padding bit", 0, 0x40, CHAIN_ESIGNATURE},
        {"padding in the middle", 100, 0x01, CHAIN_ESIGNATURE},
        {"last padding byte", ONE_AT - 1, 0x80, CHAIN_ESIGNATURE},
        {"separator 0", ONE_AT, 0x01, CHAIN_ESIGNATURE},
        {"separator 3", ONE_AT, 0x02, CHAIN_ESIGNATURE},
        {"first salt byte", SALT_AT, 0x01, CHAIN_ESIGNATURE},
        {"last salt byte", DB_BYTES - 1, 0x80, CHAIN_ESIGNATURE},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t db[DB_BYTES], em[RSA3072_BYTES], salt[32], digest[32] = {9};
        good_block(db);
        memcpy(salt, db + SALT_AT, sizeof salt);
        db[table[i].offset] ^= table[i].flip;
        encode(em, db, digest, salt, sizeof salt);
        int error = pss_verify(em, digest, &host_crypto);
        if (error != table[i].expected)
            fail_msg("%s: %d instead of %d", table[i].name, error, table[i].expected);
    }
}

static void every_encoded_bit_counts(void **state)
{
    (void)state;
    uint8_t db[DB_BYTES], em[RSA3072_BYTES], digest[32] = {9};
    good_block(db);
    encode(em, db, digest, db + SALT_AT, 32);
    assert_int_equal(pss_verify(em, digest, &host_crypto), CHAIN_OK);
    for (size_t i = 0; i < 8 * RSA3072_BYTES; i++) {
        em[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(pss_verify(em, digest, &host_crypto), CHAIN_ESIGNATURE);
        em[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    digest[31] ^= 1;
    assert_int_equal(pss_verify(em, digest, &host_crypto), CHAIN_ESIGNATURE);
}

/* Well-formed PSS with another salt length: the separator stands elsewhere. */
static void other_salt_lengths(void **state)
{
    (void)state;
    for (size_t salt_bytes = 0; salt_bytes <= 64; salt_bytes++) {
        uint8_t db[DB_BYTES] = {0}, em[RSA3072_BYTES], digest[32] = {9};
        memset(db + DB_BYTES - salt_bytes, 0x01, salt_bytes);
        db[DB_BYTES - 1 - salt_bytes] = 1;
        encode(em, db, digest, db + DB_BYTES - salt_bytes, salt_bytes);
        assert_int_equal(pss_verify(em, digest, &host_crypto),
                         salt_bytes == 32 ? CHAIN_OK : CHAIN_ESIGNATURE);
    }
}

static int failing_calls; /* the hash call that fails, counted down */

static int failing_sha256(const struct chain_crypto *crypto, const struct chain_span *spans,
                          size_t count, uint8_t digest[SHA256_BYTES])
{
    (void)crypto;
    return --failing_calls == 0 ? CHAIN_ECRYPTO
                                : host_crypto.sha256(&host_crypto, spans, count, digest);
}

static void provider_failure_is_passed_on(void **state)
{
    (void)state;
    uint8_t db[DB_BYTES], em[RSA3072_BYTES], digest[32] = {9};
    const struct chain_crypto failing = {.sha256 = failing_sha256};
    good_block(db);
    encode(em, db, digest, db + SALT_AT, 32);
    for (int call = 1; call <= 12; call++) {
        failing_calls = call;
        assert_int_equal(pss_verify(em, digest, &failing), CHAIN_ECRYPTO);
    }
    failing_calls = 13;
    assert_int_equal(pss_verify(em, digest, &failing), CHAIN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_defect_is_enough),
        cmocka_unit_test(every_encoded_bit_counts),
        cmocka_unit_test(other_salt_lengths),
        cmocka_unit_test(provider_failure_is_passed_on),
    };
    return cmocka_run_group_tests_name("pss", tests, NULL, NULL);
}
