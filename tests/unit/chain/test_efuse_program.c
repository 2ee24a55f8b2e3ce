/* Programming eFuses: the Reed-Solomon code, what write protection protects, and the tools' verbs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chain/efuse.h"
#include "chain/error.h"

static const uint8_t blank[EFUSE_IMAGE_BYTES];

static void set_bit(uint8_t *bytes, unsigned bit)
{
    bytes[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static bool field_is(const struct efuse *efuse, const struct efuse_field *field, bool ones)
{
    for (unsigned i = 0; i < field->length; i++) {
        if ((efuse_bits(efuse, field->block, field->bit + i, 1) != 0) != ones)
            return false;
    }
    return true;
}

static int program(struct efuse *efuse, unsigned block, const uint8_t data[32])
{
    uint8_t parity[EFUSE_RS_BYTES];
    efuse_rs_encode(data, parity);
    return efuse_program(efuse, block, data, parity);
}

static void reed_solomon_vectors(void **state)
{
    (void)state;
    static const uint8_t counting[EFUSE_RS_BYTES] = {0xa0, 0x4c, 0x47, 0x0d, 0x3f, 0xfc,
                                                     0xb2, 0x03, 0xda, 0xe9, 0xf4, 0x13};
    static const uint8_t first[EFUSE_RS_BYTES] = {0xe1, 0x0f, 0x62, 0x6e, 0xaf, 0xec,
                                                  0xc5, 0xfb, 0xc6, 0xe0, 0x97, 0x2f};
    static const uint8_t last[EFUSE_RS_BYTES] = {0x44, 0x77, 0x43, 0x76, 0xdc, 0x1f,
                                                 0x07, 0x54, 0x5c, 0x7f, 0xd5, 0x61};
    uint8_t data[32], parity[EFUSE_RS_BYTES];
    for (unsigned i = 0; i < 32; i++)
        data[i] = (uint8_t)i;
    efuse_rs_encode(data, parity);
    assert_memory_equal(parity, counting, sizeof parity);
    memset(data, 0, sizeof data);
    efuse_rs_encode(data, parity);
    assert_memory_equal(parity, blank, sizeof parity);
    data[0] = 1;
    efuse_rs_encode(data, parity);
    assert_memory_equal(parity, first, sizeof parity);
    data[0] = 0;
    data[31] = 1;
    efuse_rs_encode(data, parity);
    assert_memory_equal(parity, last, sizeof parity);
}

/* For each WR_DIS bit: program everything. What the bit protects stays blank, all else goes up. */
static void each_protection_bit_protects(void **state)
{
    (void)state;
    uint8_t ones[32];
    memset(ones, 0xFF, sizeof ones);
    for (int bit = -1; bit < 32; bit++) {
        struct efuse efuse = {{0}};
        if (bit >= 0)
            set_bit(efuse.bytes, (unsigned)bit);
        for (unsigned block = EFUSE_BLOCKS; block-- > 0;) {
            uint8_t data[32] = {0};
            memcpy(data, ones, efuse_block_bytes(block));
            const bool whole = bit >= 20 && bit <= 29 && block == (unsigned)(bit - 19);
            const bool partly = bit >= 0 && (bit < 20 || bit > 29) && block == 0;
            assert_int_equal(program(&efuse, block, data),
                             whole || partly ? CHAIN_EPROTECTED : CHAIN_OK);
        }
        for (size_t i = 0; i < efuse_field_count; i++) {
            const struct efuse_field *field = &efuse_fields[i];
            const bool is_protected = bit >= 0 && field->wr_dis == bit;
            if (!field_is(&efuse, field, !is_protected))
                fail_msg("WR_DIS %d, %s", bit, field->name);
        }
    }
}

static void protection_counts_as_it_stood_before(void **state)
{
    (void)state;
    struct efuse efuse = {{0}};
    uint8_t data[32] = {0};
    set_bit(data, 4);  /* WR_DIS.SPI_BOOT_CRYPT_CNT, */
    set_bit(data, 82); /* together with its first bit */
    assert_int_equal(program(&efuse, 0, data), CHAIN_OK);
    assert_int_equal(efuse_bits(&efuse, EFUSE_SPI_BOOT_CRYPT_CNT), 1);
    assert_int_equal(program(&efuse, 0, data), CHAIN_OK); /* nothing new asked for */
    memset(data, 0, sizeof data);
    set_bit(data, 83);
    set_bit(data, 116);
    assert_int_equal(program(&efuse, 0, data), CHAIN_EPROTECTED);
    assert_int_equal(efuse_bits(&efuse, EFUSE_SPI_BOOT_CRYPT_CNT), 1);
    assert_int_equal(efuse_bits(&efuse, EFUSE_SECURE_BOOT_EN), 1); /* unprotected: it went up */
}

static void a_coded_block_is_programmed_once(void **state)
{
    (void)state;
    for (unsigned block = 1; block < EFUSE_BLOCKS; block++) {
        struct efuse efuse = {{0}};
        uint8_t data[32] = {0}, parity[EFUSE_RS_BYTES];
        for (size_t i = 0; i < efuse_block_bytes(block); i++)
            data[i] = (uint8_t)(block + i);
        efuse_rs_encode(data, parity);
        parity[11] ^= 1;
        assert_int_equal(efuse_program(&efuse, block, data, parity), CHAIN_ECHECKSUM);
        assert_memory_equal(&efuse, blank, sizeof blank);
        parity[11] ^= 1;
        assert_int_equal(efuse_program(&efuse, block, data, parity), CHAIN_OK);
        assert_memory_equal(efuse.bytes + efuse_block_offset(block), data,
                            efuse_block_bytes(block));
        const struct efuse before = efuse;
        data[0] |= 0x80;
        assert_int_equal(program(&efuse, block, data), CHAIN_EDUPLICATE);
        assert_memory_equal(&efuse, &before, sizeof efuse);
        memset(data, 0, sizeof data);
        assert_int_equal(program(&efuse, block, data), CHAIN_OK);
        assert_memory_equal(&efuse, &before, sizeof efuse);
    }
    struct efuse efuse = {{0}};
    assert_int_equal(program(&efuse, EFUSE_BLOCKS, blank), CHAIN_EFIELD);
}

static int burn(struct efuse *efuse, const char *name, uint32_t value)
{
    const struct efuse_field *field = efuse_field_find(name);
    assert_non_null(field);
    return efuse_burn_field(efuse, field, value);
}

static void fields_only_go_up(void **state)
{
    (void)state;
    struct efuse efuse = {{0}};
    assert_int_equal(burn(&efuse, "SPI_BOOT_CRYPT_CNT", 1), CHAIN_OK);
    assert_int_equal(burn(&efuse, "SPI_BOOT_CRYPT_CNT", 3), CHAIN_OK);
    assert_int_equal(burn(&efuse, "SPI_BOOT_CRYPT_CNT", 3), CHAIN_OK);
    const struct efuse before = efuse;
    assert_int_equal(burn(&efuse, "SPI_BOOT_CRYPT_CNT", 5), CHAIN_EFIELD);  /* bit 1 down */
    assert_int_equal(burn(&efuse, "SPI_BOOT_CRYPT_CNT", 15), CHAIN_EFIELD); /* 4 bits in 3 */
    assert_int_equal(burn(&efuse, "BLOCK_KEY0", 1), CHAIN_EFIELD);          /* not a number */
    assert_memory_equal(&efuse, &before, sizeof efuse);
    assert_int_equal(efuse_bits(&efuse, EFUSE_SPI_BOOT_CRYPT_CNT), 3);
    assert_int_equal(burn(&efuse, "WR_DIS", 1u << 4 | 1u << 31), CHAIN_OK); /* a field of 32 bits */
    assert_int_equal(burn(&efuse, "SPI_BOOT_CRYPT_CNT", 7), CHAIN_EPROTECTED);
    assert_int_equal(burn(&efuse, "SPI_BOOT_CRYPT_CNT", 3), CHAIN_OK);
    assert_int_equal(efuse_bits(&efuse, EFUSE_SPI_BOOT_CRYPT_CNT), 3);
}

static void a_field_of_a_coded_block(void **state)
{
    (void)state;
    struct efuse efuse = {{0}};
    assert_int_equal(burn(&efuse, "WAFER_VERSION_MINOR", 2), CHAIN_OK);
    assert_int_equal(efuse_chip_revision(&efuse), 2);
    assert_int_equal(burn(&efuse, "PKG_VERSION", 1), CHAIN_EDUPLICATE);
    assert_int_equal(efuse_bits(&efuse, 1, 120, 3), 0);
}

/* Every number field, protected by its own bit and burned to the full. */
static void each_field_burns_unless_protected(void **state)
{
    (void)state;
    for (size_t i = 0; i < efuse_field_count; i++) {
        const struct efuse_field *field = &efuse_fields[i];
        if (field->length > 32)
            continue;
        const uint32_t full = 0xFFFFFFFFu >> (32 - field->length);
        struct efuse efuse = {{0}};
        assert_int_equal(efuse_burn_field(&efuse, field, full), CHAIN_OK);
        assert_int_equal(efuse_get(&efuse, field), full);
        if (field->wr_dis < 0)
            continue;
        memset(&efuse, 0, sizeof efuse);
        set_bit(efuse.bytes, (unsigned)field->wr_dis);
        const struct efuse before = efuse;
        assert_int_equal(efuse_burn_field(&efuse, field, full), CHAIN_EPROTECTED);
        assert_memory_equal(&efuse, &before, sizeof efuse);
    }
}

static void keys_by_purpose(void **state)
{
    (void)state;
    static const struct {
        enum efuse_purpose purpose;
        bool reversed, read_protected;
    } rows[] = {{EFUSE_PURPOSE_USER, false, false},
                {EFUSE_PURPOSE_XTS_AES_128_KEY, true, true},
                {EFUSE_PURPOSE_HMAC_DOWN_ALL, false, true},
                {EFUSE_PURPOSE_HMAC_DOWN_JTAG, false, true},
                {EFUSE_PURPOSE_HMAC_DOWN_DIGITAL_SIGNATURE, false, true},
                {EFUSE_PURPOSE_HMAC_UP, false, true},
                {EFUSE_PURPOSE_SECURE_BOOT_DIGEST0, false, false},
                {EFUSE_PURPOSE_SECURE_BOOT_DIGEST1, false, false},
                {EFUSE_PURPOSE_SECURE_BOOT_DIGEST2, false, false}};
    uint8_t key[32], back[32];
    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)(0x40 + i);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned n = 0; n < EFUSE_KEY_BLOCKS; n++) {
            struct efuse efuse = {{0}};
            const bool xts = rows[i].purpose == EFUSE_PURPOSE_XTS_AES_128_KEY;
            const int verdict = efuse_burn_key(&efuse, n, rows[i].purpose, key);
            if (xts && n == 5) {
                assert_int_equal(verdict, CHAIN_EFIELD);
                assert_memory_equal(&efuse, blank, sizeof blank);
                continue;
            }
            assert_int_equal(verdict, CHAIN_OK);
            const uint8_t *block = efuse.bytes + efuse_block_offset(4 + n);
            for (unsigned k = 0; k < 32; k++)
                assert_int_equal(block[k], key[rows[i].reversed ? 31 - k : k]);
            assert_int_equal(efuse_bits(&efuse, EFUSE_KEY_PURPOSE(n)), rows[i].purpose);
            assert_int_equal(efuse_bits(&efuse, 0, 0, 32), 1u << (23 + n) | 1u << (8 + n));
            assert_int_equal(efuse_bits(&efuse, EFUSE_RD_DIS),
                             rows[i].read_protected ? 1u << n : 0);
            if (xts) {
                assert_int_equal(efuse_xts_key(&efuse, back), CHAIN_OK);
                assert_memory_equal(back, key, sizeof key);
            }
        }
    }
}

static void keys_that_are_refused(void **state)
{
    (void)state;
    struct efuse efuse = {{0}};
    uint8_t key[32];
    memset(key, 0x5A, sizeof key);
    static const unsigned bad_purpose[] = {1, 2, 3, 12, 15};
    for (size_t i = 0; i < sizeof bad_purpose / sizeof bad_purpose[0]; i++)
        assert_int_equal(efuse_burn_key(&efuse, 0, (enum efuse_purpose)bad_purpose[i], key),
                         CHAIN_EFIELD);
    assert_int_equal(efuse_burn_key(&efuse, 6, EFUSE_PURPOSE_USER, key), CHAIN_EFIELD);
    assert_int_equal(efuse_burn_key(&efuse, 0, EFUSE_PURPOSE_HMAC_UP, blank), CHAIN_EFIELD);
    assert_memory_equal(&efuse, blank, sizeof blank);

    /* Each single bit that makes KEY2 no longer virgin, and the verdict it leads to. */
    static const struct {
        unsigned block, bit;
        int verdict;
    } used[] = {{6, 255, CHAIN_EDUPLICATE},    {0, 88 + 8, CHAIN_EDUPLICATE},
                {0, 23 + 2, CHAIN_EPROTECTED}, {0, 8 + 2, CHAIN_EPROTECTED},
                {0, 32 + 2, CHAIN_EPROTECTED}, {0, 0, CHAIN_EPROTECTED}};
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        struct efuse marked = {{0}};
        set_bit(marked.bytes + efuse_block_offset(used[i].block), used[i].bit);
        const struct efuse before = marked;
        assert_int_equal(efuse_burn_key(&marked, 2, EFUSE_PURPOSE_XTS_AES_128_KEY, key),
                         used[i].verdict);
        assert_memory_equal(&marked, &before, sizeof before);
    }
    /* WR_DIS of RD_DIS is no obstacle to a key that stays readable. */
    struct efuse sealed = {{0}};
    set_bit(sealed.bytes, 0);
    assert_int_equal(efuse_burn_key(&sealed, 2, EFUSE_PURPOSE_SECURE_BOOT_DIGEST0, key), CHAIN_OK);

    /* One XTS key, one block for each digest; several HMAC keys are fine. */
    assert_int_equal(efuse_burn_key(&efuse, 0, EFUSE_PURPOSE_XTS_AES_128_KEY, key), CHAIN_OK);
    assert_int_equal(efuse_burn_key(&efuse, 1, EFUSE_PURPOSE_XTS_AES_128_KEY, key),
                     CHAIN_EDUPLICATE);
    assert_int_equal(efuse_burn_key(&efuse, 1, EFUSE_PURPOSE_SECURE_BOOT_DIGEST1, key), CHAIN_OK);
    assert_int_equal(efuse_burn_key(&efuse, 2, EFUSE_PURPOSE_SECURE_BOOT_DIGEST1, key),
                     CHAIN_EDUPLICATE);
    assert_int_equal(efuse_burn_key(&efuse, 2, EFUSE_PURPOSE_HMAC_UP, key), CHAIN_OK);
    assert_int_equal(efuse_burn_key(&efuse, 3, EFUSE_PURPOSE_HMAC_UP, key), CHAIN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reed_solomon_vectors),
        cmocka_unit_test(each_protection_bit_protects),
        cmocka_unit_test(protection_counts_as_it_stood_before),
        cmocka_unit_test(a_coded_block_is_programmed_once),
        cmocka_unit_test(fields_only_go_up),
        cmocka_unit_test(a_field_of_a_coded_block),
        cmocka_unit_test(each_field_burns_unless_protected),
        cmocka_unit_test(keys_by_purpose),
        cmocka_unit_test(keys_that_are_refused),
    };
    return cmocka_run_group_tests_name("eFuse, programming", tests, NULL, NULL);
}
