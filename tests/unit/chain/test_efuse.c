/* Reading eFuses: geometry, the field table, and what follows from the bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chain/efuse.h"
#include "chain/error.h"

/* Set bits directly: these tests read, programming has its own. */
static void set(struct efuse *efuse, unsigned block, unsigned bit, unsigned length, uint32_t value)
{
    for (unsigned i = 0; i < length; i++) {
        if (value >> i & 1)
            efuse->bytes[efuse_block_offset(block) + (bit + i) / 8] |=
                (uint8_t)(1u << (bit + i) % 8);
    }
}

static void blocks_lie_as_the_registers_do(void **state)
{
    (void)state;
    static const size_t read_offset[EFUSE_BLOCKS] = {0x02C, 0x044, 0x05C, 0x07C, 0x09C, 0x0BC,
                                                     0x0DC, 0x0FC, 0x11C, 0x13C, 0x15C};
    size_t total = 0;
    for (unsigned block = 0; block < EFUSE_BLOCKS; block++) {
        assert_int_equal(efuse_block_offset(block), read_offset[block] - 0x2C);
        assert_int_equal(efuse_block_offset(block), total);
        total += efuse_block_bytes(block);
    }
    assert_int_equal(total, EFUSE_IMAGE_BYTES);
}

/* Every bit of every block belongs to exactly one field; only BLOCK_USR_DATA leaves its end to the
 * custom MAC. */
static void the_table_covers_every_bit_once(void **state)
{
    (void)state;
    unsigned bit = 0, block = 0;
    assert_int_equal(efuse_field_count, 110);
    for (size_t i = 0; i < efuse_field_count; i++) {
        const struct efuse_field *field = &efuse_fields[i];
        if (field->block != block) {
            assert_int_equal(bit, 8 * efuse_block_bytes(block));
            block++;
            bit = 0;
        }
        assert_int_equal(field->block, block);
        assert_int_equal(field->bit, bit);
        bit += field->length;
        assert_ptr_equal(efuse_field_find(field->name), field);
        assert_true(strlen(field->meaning) > 0);
    }
    assert_int_equal(block, 10);
    assert_int_equal(bit, 256);
}

/* efuse.md 1 and 3, counted from the table: which WR_DIS and RD_DIS bit protects how many bits. */
static void protection_of_the_fields(void **state)
{
    (void)state;
    static const unsigned bits_under_wr_dis[32] = {
        7, 1, 10, 2, 3,   1,   1,   1,   4,   4,   4,   4,   4,   4,   2, 1,
        1, 1, 28, 3, 192, 256, 256, 256, 256, 256, 256, 256, 256, 256, 6, 3};
    unsigned found[32] = {0};
    for (size_t i = 0; i < efuse_field_count; i++) {
        const struct efuse_field *field = &efuse_fields[i];
        if (field->wr_dis >= 0)
            found[field->wr_dis] += field->length;
        assert_int_equal(field->rd_dis, field->block >= 4 ? field->block - 4 : -1);
        if (field->block > 0)
            assert_int_equal(field->wr_dis, 19 + field->block);
    }
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(found[i], bits_under_wr_dis[i]);
}

static void fields_are_found_by_any_name(void **state)
{
    (void)state;
    static const struct {
        const char *alias, *name;
    } pairs[] = {{"DIS_CAN", "DIS_TWAI"},
                 {"KEY3_PURPOSE", "KEY_PURPOSE_3"},
                 {"MAC_CUSTOM", "CUSTOM_MAC"},
                 {"USER_DATA_MAC_CUSTOM", "CUSTOM_MAC"},
                 {"DPA_SEC_LEVEL", "SEC_DPA_LEVEL"},
                 {"KEY0", "BLOCK_KEY0"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const struct efuse_field *field = efuse_field_find(pairs[i].alias);
        assert_non_null(field);
        assert_string_equal(field->name, pairs[i].name);
    }
    assert_null(efuse_field_find("KEY"));
    assert_null(efuse_field_find("MAC_CUSTOM USER_DATA_MAC_CUSTOM"));
    assert_null(efuse_field_find(""));
    assert_null(efuse_field_find("NO_SUCH_FIELD"));
}

static void shortcuts_agree_with_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned block, bit, length;
    } shortcuts[] = {
        {"RD_DIS", EFUSE_RD_DIS},
        {"DIS_DOWNLOAD_ICACHE", EFUSE_DIS_DOWNLOAD_ICACHE},
        {"DIS_USB_JTAG", EFUSE_DIS_USB_JTAG},
        {"DIS_FORCE_DOWNLOAD", EFUSE_DIS_FORCE_DOWNLOAD},
        {"SOFT_DIS_JTAG", EFUSE_SOFT_DIS_JTAG},
        {"DIS_PAD_JTAG", EFUSE_DIS_PAD_JTAG},
        {"DIS_DOWNLOAD_MANUAL_ENCRYPT", EFUSE_DIS_DOWNLOAD_MANUAL_ENCRYPT},
        {"WDT_DELAY_SEL", EFUSE_WDT_DELAY_SEL},
        {"SPI_BOOT_CRYPT_CNT", EFUSE_SPI_BOOT_CRYPT_CNT},
        {"SECURE_BOOT_KEY_REVOKE2", EFUSE_SECURE_BOOT_KEY_REVOKE(2)},
        {"KEY_PURPOSE_5", EFUSE_KEY_PURPOSE(5)},
        {"SECURE_BOOT_EN", EFUSE_SECURE_BOOT_EN},
        {"SECURE_BOOT_AGGRESSIVE_REVOKE", EFUSE_SECURE_BOOT_AGGRESSIVE_REVOKE},
        {"DIS_DOWNLOAD_MODE", EFUSE_DIS_DOWNLOAD_MODE},
        {"DIS_DIRECT_BOOT", EFUSE_DIS_DIRECT_BOOT},
        {"ENABLE_SECURITY_DOWNLOAD", EFUSE_ENABLE_SECURITY_DOWNLOAD},
        {"UART_PRINT_CONTROL", EFUSE_UART_PRINT_CONTROL},
        {"SECURE_VERSION", EFUSE_SECURE_VERSION},
        {"DISABLE_WAFER_VERSION_MAJOR", EFUSE_DISABLE_WAFER_VERSION_MAJOR},
        {"WAFER_VERSION_MINOR", EFUSE_WAFER_VERSION_MINOR},
        {"WAFER_VERSION_MAJOR", EFUSE_WAFER_VERSION_MAJOR},
    };
    for (size_t i = 0; i < sizeof shortcuts / sizeof shortcuts[0]; i++) {
        const struct efuse_field *field = efuse_field_find(shortcuts[i].name);
        assert_non_null(field);
        assert_int_equal(field->block, shortcuts[i].block);
        assert_int_equal(field->bit, shortcuts[i].bit);
        assert_int_equal(field->length, shortcuts[i].length);
    }
}

/* Each field set alone reads back as itself and leaves all others zero. */
static void each_field_reads_its_own_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < efuse_field_count; i++) {
        const struct efuse_field *field = &efuse_fields[i];
        struct efuse efuse = {{0}};
        for (unsigned bit = 0; bit < field->length; bit++)
            set(&efuse, field->block, field->bit + bit, 1, 1);
        for (size_t k = 0; k < efuse_field_count; k++) {
            const struct efuse_field *other = &efuse_fields[k];
            uint8_t bytes[32] = {0};
            unsigned ones = 0;
            efuse_field_bytes(&efuse, other, bytes);
            for (size_t bit = 0; bit < 256; bit++)
                ones += bytes[bit / 8] >> bit % 8 & 1;
            assert_int_equal(ones, k == i ? field->length : 0);
            if (other->length <= 32)
                assert_int_equal(efuse_get(&efuse, other) != 0, k == i);
        }
    }
}

static void bits_outside_a_block_are_none(void **state)
{
    (void)state;
    struct efuse efuse;
    memset(&efuse, 0xFF, sizeof efuse);
    assert_int_equal(efuse_bits(&efuse, 0, 160, 32), 0xFFFFFFFF);
    assert_int_equal(efuse_bits(&efuse, 0, 161, 32), 0);
    assert_int_equal(efuse_bits(&efuse, 10, 255, 1), 1);
    assert_int_equal(efuse_bits(&efuse, 11, 0, 1), 0);
    assert_int_equal(efuse_bits(&efuse, 10, 0, 33), 0);
}

/* The example of efuse.md 7.1. */
static void a_chip_from_the_factory(void **state)
{
    (void)state;
    static const uint8_t mac[6] = {0x60, 0x55, 0xf9, 0xf7, 0x2c, 0xa2};
    static const uint8_t block1[8] = {0xa2, 0x2c, 0xf7, 0xf9, 0x55, 0x60, 0xfe, 0xff};
    struct efuse efuse;
    uint8_t read[6];
    efuse_factory(&efuse, mac, 1);
    assert_memory_equal(efuse.bytes + 0x18, block1, sizeof block1);
    assert_int_equal(efuse.bytes[0x26], 0x04);
    efuse_mac(&efuse, read);
    assert_memory_equal(read, mac, sizeof mac);
    assert_int_equal(efuse_chip_revision(&efuse), 1);
    assert_int_equal(efuse_get(&efuse, efuse_field_find("WR_DIS")), 3u << 20);
    efuse_factory(&efuse, mac, 312);
    assert_int_equal(efuse_chip_revision(&efuse), 312);
}

static void counters_count_ones(void **state)
{
    (void)state;
    static const bool odd[8] = {false, true, true, false, true, false, false, true};
    for (uint32_t value = 0; value < 8; value++) {
        struct efuse efuse = {{0}};
        set(&efuse, EFUSE_SPI_BOOT_CRYPT_CNT, value);
        assert_int_equal(efuse_flash_encryption(&efuse), odd[value]);
    }
    struct efuse efuse = {{0}};
    assert_int_equal(efuse_secure_version(&efuse), 0);
    set(&efuse, EFUSE_SECURE_VERSION, 0x7);
    assert_int_equal(efuse_secure_version(&efuse), 3);
    set(&efuse, EFUSE_SECURE_VERSION, 0xFFFF);
    assert_int_equal(efuse_secure_version(&efuse), 16);
}

static void trust_follows_purpose_and_revocation(void **state)
{
    (void)state;
    struct efuse efuse = {{0}};
    struct sigblock_trust trust;
    efuse_trust(&efuse, &trust);
    assert_int_equal(trust.count, 0);

    /* Digests 2, 0, 1 in KEY1, KEY3, KEY5; something else in KEY0. */
    set(&efuse, EFUSE_KEY_PURPOSE(0), EFUSE_PURPOSE_XTS_AES_128_KEY);
    set(&efuse, EFUSE_KEY_PURPOSE(1), EFUSE_PURPOSE_SECURE_BOOT_DIGEST2);
    set(&efuse, EFUSE_KEY_PURPOSE(3), EFUSE_PURPOSE_SECURE_BOOT_DIGEST0);
    set(&efuse, EFUSE_KEY_PURPOSE(5), EFUSE_PURPOSE_SECURE_BOOT_DIGEST1);
    for (unsigned n = 0; n < EFUSE_KEY_BLOCKS; n++)
        memset(efuse.bytes + efuse_block_offset(4 + n), 0xA0 + (int)n, 32);
    efuse_trust(&efuse, &trust);
    assert_int_equal(trust.count, 3);
    static const uint8_t first_byte[3] = {0xA3, 0xA5, 0xA1};
    for (uint8_t slot = 0; slot < 3; slot++) {
        assert_int_equal(trust.slot[slot], slot);
        assert_int_equal(trust.digest[slot][0], first_byte[slot]);
        assert_int_equal(trust.digest[slot][31], first_byte[slot]);
    }

    /* Each set of revocations leaves exactly the others. */
    for (unsigned revoked = 0; revoked < 8; revoked++) {
        struct efuse some = efuse;
        for (unsigned slot = 0; slot < 3; slot++)
            set(&some, EFUSE_SECURE_BOOT_KEY_REVOKE(slot), revoked >> slot & 1);
        efuse_trust(&some, &trust);
        unsigned trusted = 0;
        for (unsigned i = 0; i < trust.count; i++) {
            trusted |= 1u << trust.slot[i];
            assert_int_equal(trust.digest[i][0], first_byte[trust.slot[i]]);
        }
        assert_int_equal(trusted, ~revoked & 7);
    }

    /* A digest behind read protection reads as zeros to everybody: not trusted. */
    set(&efuse, EFUSE_RD_DIS, 1u << 3);
    efuse_trust(&efuse, &trust);
    assert_int_equal(trust.count, 2);
    assert_int_equal(trust.slot[0], 1);
}

static void the_flash_key_is_the_first_and_reversed(void **state)
{
    (void)state;
    struct efuse efuse = {{0}};
    uint8_t key[32];
    assert_int_equal(efuse_xts_key(&efuse, key), CHAIN_EMISSING);
    set(&efuse, EFUSE_KEY_PURPOSE(5), EFUSE_PURPOSE_XTS_AES_128_KEY); /* cannot feed the cipher */
    assert_int_equal(efuse_xts_key(&efuse, key), CHAIN_EMISSING);
    set(&efuse, EFUSE_KEY_PURPOSE(4), EFUSE_PURPOSE_XTS_AES_128_KEY);
    set(&efuse, EFUSE_KEY_PURPOSE(2), EFUSE_PURPOSE_XTS_AES_128_KEY);
    for (unsigned i = 0; i < 32; i++)
        efuse.bytes[efuse_block_offset(4 + 2) + i] = (uint8_t)i;
    assert_int_equal(efuse_xts_key(&efuse, key), CHAIN_OK);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(key[i], 31 - i);
}

static void read_protection_hides_exactly_its_block(void **state)
{
    (void)state;
    for (unsigned protected = 0; protected < 128; protected ++) {
        struct efuse efuse, seen;
        memset(&efuse, 0xFF, sizeof efuse);
        efuse.bytes[4] = (uint8_t)(0x80 | protected);
        efuse_read_masked(&efuse, &seen);
        assert_memory_equal(seen.bytes, efuse.bytes, efuse_block_offset(4));
        for (unsigned block = 4; block < EFUSE_BLOCKS; block++) {
            const uint8_t expected = protected >> (block - 4) & 1 ? 0x00 : 0xFF;
            for (size_t i = 0; i < 32; i++)
                assert_int_equal(seen.bytes[efuse_block_offset(block) + i], expected);
        }
        efuse_read_masked(&efuse, &efuse); /* in place as well */
        assert_memory_equal(&efuse, &seen, sizeof seen);
    }
}

static void purposes_have_names(void **state)
{
    (void)state;
    assert_string_equal(efuse_purpose_name(0), "USER");
    assert_string_equal(efuse_purpose_name(4), "XTS_AES_128_KEY");
    assert_string_equal(efuse_purpose_name(11), "SECURE_BOOT_DIGEST2");
    assert_null(efuse_purpose_name(2));
    assert_null(efuse_purpose_name(12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_lie_as_the_registers_do),
        cmocka_unit_test(the_table_covers_every_bit_once),
        cmocka_unit_test(protection_of_the_fields),
        cmocka_unit_test(fields_are_found_by_any_name),
        cmocka_unit_test(shortcuts_agree_with_the_table),
        cmocka_unit_test(each_field_reads_its_own_bits),
        cmocka_unit_test(bits_outside_a_block_are_none),
        cmocka_unit_test(a_chip_from_the_factory),
        cmocka_unit_test(counters_count_ones),
        cmocka_unit_test(trust_follows_purpose_and_revocation),
        cmocka_unit_test(the_flash_key_is_the_first_and_reversed),
        cmocka_unit_test(read_protection_hides_exactly_its_block),
        cmocka_unit_test(purposes_have_names),
    };
    return cmocka_run_group_tests_name("eFuse, reading", tests, NULL, NULL);
}
