/* The small checksums, and the error texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chain/crc32.h"
#include "chain/error.h"
#include "chain/md5.h"

static void crc32_vectors(void **state)
{
    (void)state;
    assert_int_equal(crc32_le(0, "123456789", 9), 0xCBF43926); /* formats.md 2.4 */
    assert_int_equal(crc32_le(0xFFFFFFFF, "123456789", 9), 0xD202D277);
    assert_int_equal(crc32_le(0, "", 0), 0);
    assert_int_equal(crc32_le(crc32_le(0, "1234", 4), "56789", 5), 0xCBF43926);
}

static void md5_vectors(void **state)
{
    (void)state;
    /* RFC 1321 A.5; then lengths on both sides of where the padding takes a second block. */
    static const struct {
        const char *text;
        uint8_t digest[16];
    } vectors[] = {
        {"",
         {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42,
          0x7e}},
        {"abc",
         {0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f,
          0x72}},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         {0xd1, 0x74, 0xab, 0x98, 0xd2, 0x77, 0xd9, 0xf5, 0xa5, 0x61, 0x1c, 0x2c, 0x9f, 0x41, 0x9d,
          0x9f}},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         {0x57, 0xed, 0xf4, 0xa2, 0x2b, 0xe3, 0xc9, 0x55, 0xac, 0x49, 0xda, 0x2e, 0x21, 0x07, 0xb6,
          0x7a}},
        {"0123456789012345678901234567890123456789012345678901234",
         {0x6e, 0x7a, 0x4f, 0xc9, 0x2e, 0xb1, 0xc3, 0xf6, 0xe6, 0x52, 0x42, 0x5b, 0xcc, 0x8d, 0x44,
          0xb5}},
        {"01234567890123456789012345678901234567890123456789012345",
         {0x8a, 0xf2, 0x70, 0xb2, 0x84, 0x76, 0x10, 0xe7, 0x42, 0xb0, 0x79, 0x1b, 0x53, 0x64, 0x8c,
          0x09}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint8_t digest[16];
        md5(vectors[i].text, strlen(vectors[i].text), digest);
        assert_memory_equal(digest, vectors[i].digest, sizeof digest);
    }
}

static void every_error_has_a_text(void **state)
{
    (void)state;
    const char *unknown = chain_error_text(1);
    for (int error = CHAIN_OK; error >= CHAIN_ECRYPTO; error--) {
        const char *text = chain_error_text(error);
        assert_non_null(text);
        assert_string_not_equal(text, unknown);
        for (int other = CHAIN_OK; other > error; other--)
            assert_string_not_equal(text, chain_error_text(other));
    }
    assert_string_equal(chain_error_text(CHAIN_ECRYPTO - 1), unknown);
    assert_string_equal(chain_error_text(INT32_MIN), unknown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32_vectors),
        cmocka_unit_test(md5_vectors),
        cmocka_unit_test(every_error_has_a_text),
    };
    return cmocka_run_group_tests_name("checksums", tests, NULL, NULL);
}
