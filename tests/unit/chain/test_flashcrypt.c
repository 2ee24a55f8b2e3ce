/* The flash cipher: vectors of flash-encryption.md 1.2, and that splitting never matters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "chain/error.h"
#include "chain/flashcrypt.h"
#include "host/crypto.h"

static const uint8_t key_1[32] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
                                  0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
                                  0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f};
static const uint8_t key_2[32] = {0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78, 0x87, 0x96, 0xa5,
                                  0xb4, 0xc3, 0xd2, 0xe1, 0xf0, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
                                  0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static const struct {
    const uint8_t *key;
    uint32_t offset;
    size_t length;
    uint8_t plain_start; /* plaintext counts up from here; 0xE9 marks vector 2 */
    const char *cipher;
} vectors[] = {
    {key_1, 0x1000, 128, 0x00,
     "2755cc2435194803de92960f67cda56154da1a9b073f34201ae66a6aba34a2f3"
     "1243b4916aeee963800bab27b8b3fb065a1cbcfb511d2d74a4f53ea8ae7c3949"
     "badee84eebdd24cea450d79d10f934928cdf2f3b42741bcb0626b499313e486b"
     "0d37284151487f30d97b49d89594d0b4383a3cf77427130103b1f16e9d9c3b29"},
    {key_1, 0x1000, 32, 0x00, "2755cc2435194803de92960f67cda56154da1a9b073f34201ae66a6aba34a2f3"},
    {key_2, 0x0, 64, 0xE9,
     "c9bf0585b86c167fda7c011b94fd5a08987ac833158ac5abc05a7831e3d54e8b"
     "ab785e023221a6a50028c8b0500642cce68d4de3642475d3b4ae3aef85718c57"},
    {key_2, 0x110070, 48, 0xA0,
     "beb9ef720eb51177456a280e3f17bd651e62fb4422f883d1db47fef336ef8948"
     "11111390cd8269c0a80137cd2b225312"},
    {key_2, 0x12345670, 48, 0xA0,
     "93e55b4ed97c95f182c9675da716afa5a43708c41256ea894efa4c98b16c2fd1"
     "b14d70a56480adea0f58bffad2ed4d61"},
};

static void plaintext_of(size_t vector, uint8_t *plain)
{
    static const uint8_t header[4] = {0xE9, 0x03, 0x02, 0x20};
    memset(plain, 0, vectors[vector].length);
    if (vectors[vector].plain_start == 0xE9)
        memcpy(plain, header, sizeof header);
    else
        for (size_t i = 0; i < vectors[vector].length; i++)
            plain[i] = (uint8_t)(vectors[vector].plain_start + i);
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void known_vectors(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof vectors / sizeof *vectors; v++) {
        uint8_t plain[128], cipher[128], out[128];
        size_t length = vectors[v].length;
        plaintext_of(v, plain);
        for (size_t i = 0; i < length; i++)
            cipher[i] = (uint8_t)(hex_digit(vectors[v].cipher[2 * i]) << 4 |
                                  hex_digit(vectors[v].cipher[2 * i + 1]));
        assert_int_equal(
            flashcrypt_encrypt(&host_crypto, vectors[v].key, vectors[v].offset, plain, out, length),
            CHAIN_OK);
        assert_memory_equal(out, cipher, length);
        assert_int_equal(
            flashcrypt_decrypt(&host_crypto, vectors[v].key, vectors[v].offset, out, out, length),
            CHAIN_OK);
        assert_memory_equal(out, plain, length);
    }
}

/* Every pair of 16-byte boundaries in 640 bytes, from an offset inside a unit, in place. */
static void any_split_is_the_same(void **state)
{
    (void)state;
    enum { LENGTH = 640, OFFSET = 0x20030 };
    uint8_t plain[LENGTH], whole[LENGTH], parts[LENGTH];
    for (size_t i = 0; i < LENGTH; i++)
        plain[i] = (uint8_t)(i * i + 3);
    assert_int_equal(flashcrypt_encrypt(&host_crypto, key_2, OFFSET, plain, whole, LENGTH), 0);

    for (size_t a = 0; a <= LENGTH; a += 16) {
        for (size_t b = a; b <= LENGTH; b += 16) {
            const size_t cuts[] = {0, a, b, LENGTH};
            memcpy(parts, plain, LENGTH);
            for (size_t i = 0; i < 3; i++)
                assert_int_equal(flashcrypt_encrypt(&host_crypto, key_2,
                                                    (uint32_t)(OFFSET + cuts[i]), parts + cuts[i],
                                                    parts + cuts[i], cuts[i + 1] - cuts[i]),
                                 CHAIN_OK);
            assert_memory_equal(parts, whole, LENGTH);
            assert_int_equal(flashcrypt_decrypt(&host_crypto, key_2, (uint32_t)(OFFSET + a),
                                                parts + a, parts + a, b - a),
                             CHAIN_OK);
            assert_memory_equal(parts + a, plain + a, b - a);
        }
    }
}

/* Whole units, with and without a part before and after: as many blocks alone would give. */
static void many_units(void **state)
{
    (void)state;
    enum { UNITS = 70, LENGTH = UNITS * 128 + 96 };
    static uint8_t plain[LENGTH], blocks[LENGTH], out[LENGTH + 16];
    for (size_t i = 0; i < LENGTH; i++)
        plain[i] = (uint8_t)(i * i * 3 + i / 128);
    for (uint32_t offset = 0x7F00; offset < 0x7F80; offset += 48) {
        for (size_t at = 0; at < LENGTH; at += 16)
            assert_int_equal(flashcrypt_encrypt(&host_crypto, key_1, offset + (uint32_t)at,
                                                plain + at, blocks + at, 16),
                             CHAIN_OK);
        for (size_t units = 1; units <= UNITS; units++) {
            for (size_t length = units * 128; length <= units * 128 + 96; length += 48) {
                memset(out, 0xA5, sizeof out);
                assert_int_equal(
                    flashcrypt_encrypt(&host_crypto, key_1, offset, plain, out, length), CHAIN_OK);
                assert_memory_equal(out, blocks, length);
                assert_int_equal(out[length], 0xA5);
                assert_int_equal(flashcrypt_decrypt(&host_crypto, key_1, offset, out, out, length),
                                 CHAIN_OK);
                assert_memory_equal(out, plain, length);
            }
        }
    }
}

/* A key block that was never burned reads as zeros: the chip encrypts with it all the same. */
static void equal_key_halves_work(void **state)
{
    (void)state;
    static const uint8_t zeros[32];
    uint8_t plain[256], out[256];
    memset(plain, 0x3C, sizeof plain);
    assert_int_equal(flashcrypt_encrypt(&host_crypto, zeros, 0, plain, out, 256), CHAIN_OK);
    assert_memory_not_equal(out, plain, 16);
    assert_memory_not_equal(out, out + 128, 16);
    assert_int_equal(flashcrypt_decrypt(&host_crypto, zeros, 0, out, out, 256), CHAIN_OK);
    assert_memory_equal(out, plain, 256);
}

static void bounds(void **state)
{
    (void)state;
    uint8_t bytes[256] = {0};
    for (uint32_t i = 1; i < 16; i++) {
        assert_int_equal(flashcrypt_encrypt(&host_crypto, key_1, i, bytes, bytes, 16),
                         CHAIN_EALIGN);
        assert_int_equal(flashcrypt_decrypt(&host_crypto, key_1, 0, bytes, bytes, i), CHAIN_EALIGN);
    }
    assert_int_equal(flashcrypt_encrypt(&host_crypto, key_1, 0xFFFFFFF0, bytes, bytes, 32),
                     CHAIN_EBOUNDS);
    assert_int_equal(flashcrypt_encrypt(&host_crypto, key_1, 0xFFFFFFF0, bytes, bytes, 16),
                     CHAIN_OK);
    assert_int_equal(flashcrypt_encrypt(&host_crypto, key_1, 0, bytes, bytes, 0), CHAIN_OK);
}

static int no_xts(const struct chain_crypto *crypto, bool encrypt, const uint8_t *key,
                  const struct xts_run *run)
{
    (void)crypto, (void)encrypt, (void)key, (void)run;
    return CHAIN_ECRYPTO;
}

static void provider_failure_is_passed_on(void **state)
{
    (void)state;
    uint8_t bytes[160] = {7}, out[160] = {0};
    const struct chain_crypto broken = {.aes_xts = no_xts};
    assert_int_equal(flashcrypt_encrypt(&broken, key_1, 0, bytes, out, 128), CHAIN_ECRYPTO);
    assert_int_equal(flashcrypt_encrypt(&broken, key_1, 16, bytes, out, 16), CHAIN_ECRYPTO);
    assert_int_equal(out[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_vectors), cmocka_unit_test(any_split_is_the_same),
        cmocka_unit_test(many_units),    cmocka_unit_test(equal_key_halves_work),
        cmocka_unit_test(bounds),        cmocka_unit_test(provider_failure_is_passed_on),
    };
    return cmocka_run_group_tests_name("flashcrypt", tests, NULL, NULL);
}
