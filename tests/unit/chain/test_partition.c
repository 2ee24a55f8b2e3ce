/* The partition table in binary: Espressif's bytes, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/md5.h"
#include "chain/partition.h"
#include "host/crypto.h"

#define RECORD 32u

static const struct partition_table single_factory = {
    .count = 3,
    .entry = {
        {PARTITION_DATA, PARTITION_DATA_NVS, 0x9000, 0x6000, 0, "nvs"},
        {PARTITION_DATA, 1, 0xF000, 0x1000, 0, "phy_init"},
        {PARTITION_APP, PARTITION_APP_FACTORY, 0x10000, 0x100000, 0, "factory"},
    }};

static const struct partition_table two_ota = {
    .count = 6,
    .entry = {
        {PARTITION_DATA, PARTITION_DATA_NVS, 0x9000, 0x4000, 0, "nvs"},
        {PARTITION_DATA, PARTITION_DATA_OTA, 0xD000, 0x2000, 0, "otadata"},
        {PARTITION_DATA, 1, 0xF000, 0x1000, 0, "phy_init"},
        {PARTITION_APP, PARTITION_APP_FACTORY, 0x10000, 0x100000, 0, "factory"},
        {PARTITION_APP, PARTITION_APP_OTA_0, 0x110000, 0x100000, 0, "ota_0"},
        {PARTITION_APP, PARTITION_APP_OTA_0 + 1, 0x210000, 0x100000, 0, "ota_1"},
    }};

static void assert_sha256(const uint8_t *bytes, size_t length, const char *hex)
{
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    const struct chain_span span = {bytes, length};
    assert_int_equal(host_crypto.sha256(&host_crypto, &span, 1, digest), CHAIN_OK);
    for (size_t i = 0; i < sizeof digest; i++) {
        text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    text[sizeof text - 1] = '\0';
    assert_string_equal(text, hex);
}

/* formats.md 3.4 */
static void the_bytes_are_espressifs(void **state)
{
    (void)state;
    static const uint8_t factory_record[RECORD] = {0xAA, 0x50, 0,   0,   0,   0,   1,   0,   0,  0,
                                                   0x10, 0,    'f', 'a', 'c', 't', 'o', 'r', 'y'};
    static const uint8_t md5_single[16] = {0xf4, 0xad, 0x4f, 0x45, 0x38, 0x56, 0x4b, 0x5d,
                                           0x74, 0x35, 0xb6, 0x2c, 0x75, 0xb6, 0x95, 0x24};
    static const uint8_t md5_two[16] = {0xbf, 0x25, 0x82, 0x2c, 0x0f, 0xa6, 0xd8, 0x64,
                                        0x1b, 0xd9, 0x30, 0x25, 0x1e, 0x06, 0xb4, 0xc4};
    uint8_t bytes[PARTITION_TABLE_BYTES];
    assert_int_equal(partition_table_build(&single_factory, bytes), CHAIN_OK);
    assert_memory_equal(bytes + 2 * RECORD, factory_record, RECORD);
    assert_memory_equal(bytes + 3 * RECORD + 16, md5_single, 16);
    assert_sha256(bytes, sizeof bytes,
                  "7f00b6c042a89b15b0cac534f82ed988caf29278ff5700b0c511eb1b5bb7c820");
    assert_int_equal(partition_table_build(&two_ota, bytes), CHAIN_OK);
    assert_memory_equal(bytes + 6 * RECORD + 16, md5_two, 16);
    assert_sha256(bytes, sizeof bytes,
                  "d1c0e9d02fa9d26cd2e1984e7b5dd20157204f501ddc83ce82229e5f3175ee8b");
}

static void parse_gives_back_what_was_built(void **state)
{
    (void)state;
    struct partition_table table;
    uint8_t bytes[PARTITION_TABLE_BYTES];
    bool has_md5 = false;
    partition_table_build(&two_ota, bytes);
    assert_int_equal(partition_table_parse(bytes, sizeof bytes, 0x400000, &table, &has_md5),
                     CHAIN_OK);
    assert_true(has_md5);
    assert_int_equal(table.count, two_ota.count);
    for (size_t i = 0; i < table.count; i++) {
        const struct partition *a = &table.entry[i], *b = &two_ota.entry[i];
        assert_int_equal(a->type, b->type);
        assert_int_equal(a->subtype, b->subtype);
        assert_int_equal(a->offset, b->offset);
        assert_int_equal(a->size, b->size);
        assert_int_equal(a->flags, b->flags);
        assert_string_equal(a->label, b->label);
    }
    assert_ptr_equal(partition_find_label(&table, "ota_1"), &table.entry[5]);
    assert_null(partition_find_label(&table, "ota_2"));
    assert_ptr_equal(partition_find(&table, PARTITION_DATA, PARTITION_DATA_OTA), &table.entry[1]);
    assert_null(partition_find(&table, PARTITION_APP, PARTITION_APP_TEST));
    assert_int_equal(partition_ota_count(&table), 2);
}

static void a_label_may_fill_its_field(void **state)
{
    (void)state;
    struct partition_table table = single_factory, back;
    uint8_t bytes[PARTITION_TABLE_BYTES];
    strcpy(table.entry[0].label, "sixteen_letters_");
    assert_int_equal(partition_table_build(&table, bytes), CHAIN_OK);
    assert_int_equal(le32_load(bytes + 28), 0); /* the flags after it */
    assert_int_equal(partition_table_parse(bytes, sizeof bytes, 0, &back, NULL), CHAIN_OK);
    assert_string_equal(back.entry[0].label, "sixteen_letters_");
}

static void redo_md5(uint8_t *bytes, size_t entries)
{
    md5(bytes, entries * RECORD, bytes + entries * RECORD + 16);
}

static void end_at_once(uint8_t *b)
{
    memset(b, 0xFF, RECORD);
}
static void bad_magic(uint8_t *b)
{
    b[RECORD] ^= 1;
}
static void changed_entry(uint8_t *b)
{
    b[2 * RECORD + 9] ^= 1;
}
static void changed_md5(uint8_t *b)
{
    b[3 * RECORD + 31] ^= 0x80;
}
static void md5_first(uint8_t *b)
{
    memset(b, 0xFF, 2 * RECORD);
    b[0] = b[1] = 0xEB;
    redo_md5(b, 0);
}
static void entry_after_md5(uint8_t *b)
{
    memcpy(b + 4 * RECORD, b, RECORD);
}
static void second_md5(uint8_t *b)
{
    memcpy(b + 4 * RECORD, b + 3 * RECORD, RECORD);
    redo_md5(b, 4);
}
static void impure_end(uint8_t *b)
{
    b[5 * RECORD - 1] = 0xFE;
}
static void no_md5(uint8_t *b)
{
    memset(b + 3 * RECORD, 0xFF, RECORD);
}
static void beyond_flash(uint8_t *b)
{
    le32_store(b + 2 * RECORD + 8, 0x3F0001); /* offset 0x10000 + this = 4 MB + 1 */
    redo_md5(b, 3);
}
static void wraps_around(uint8_t *b)
{
    le32_store(b + 2 * RECORD + 4, 0xFFFFF000);
    le32_store(b + 2 * RECORD + 8, 0x2000);
    redo_md5(b, 3);
}
static void never_ends(uint8_t *b)
{
    for (size_t i = 3; i < 96; i++)
        memcpy(b + i * RECORD, b, RECORD);
}
static void ends_in_the_last_record(uint8_t *b)
{
    for (size_t i = 3; i < 95; i++)
        memcpy(b + i * RECORD, b, RECORD);
}
static void unchanged(uint8_t *b)
{
    (void)b;
}

static void what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*mutate)(uint8_t *bytes);
        size_t length;
        int verdict;
    } cases[] = {
        {"as built", unchanged, PARTITION_TABLE_BYTES, CHAIN_OK},
        {"longer view", unchanged, PARTITION_TABLE_BYTES + 64, CHAIN_OK},
        {"cut after the end marker", unchanged, 5 * RECORD, CHAIN_OK},
        {"cut before the end marker", unchanged, 5 * RECORD - 1, CHAIN_ETRUNCATED},
        {"nothing", unchanged, 0, CHAIN_ETRUNCATED},
        {"erased flash", end_at_once, PARTITION_TABLE_BYTES, CHAIN_EMISSING},
        {"only an MD5", md5_first, PARTITION_TABLE_BYTES, CHAIN_EMISSING},
        {"magic", bad_magic, PARTITION_TABLE_BYTES, CHAIN_EMAGIC},
        {"an entry changed", changed_entry, PARTITION_TABLE_BYTES, CHAIN_ECHECKSUM},
        {"the MD5 changed", changed_md5, PARTITION_TABLE_BYTES, CHAIN_ECHECKSUM},
        {"entry after the MD5", entry_after_md5, PARTITION_TABLE_BYTES, CHAIN_EMAGIC},
        {"second MD5", second_md5, PARTITION_TABLE_BYTES, CHAIN_EMAGIC},
        {"end marker with a stray bit", impure_end, PARTITION_TABLE_BYTES, CHAIN_EMAGIC},
        {"without MD5", no_md5, PARTITION_TABLE_BYTES, CHAIN_OK},
        {"beyond the flash", beyond_flash, PARTITION_TABLE_BYTES, CHAIN_EBOUNDS},
        {"offset + size wraps", wraps_around, PARTITION_TABLE_BYTES, CHAIN_EBOUNDS},
        {"96 entries", never_ends, PARTITION_TABLE_BYTES + 64, CHAIN_EMISSING},
        {"95 entries", ends_in_the_last_record, PARTITION_TABLE_BYTES, CHAIN_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct partition_table table;
        uint8_t bytes[PARTITION_TABLE_BYTES + 64];
        memset(bytes, 0xFF, sizeof bytes);
        partition_table_build(&single_factory, bytes);
        cases[i].mutate(bytes);
        const int verdict = partition_table_parse(bytes, cases[i].length, 0x400000, &table, NULL);
        if (verdict != cases[i].verdict)
            fail_msg("%s: %s", cases[i].name, chain_error_text(verdict));
    }
}

static void room_for_94(void **state)
{
    (void)state;
    struct partition_table table = {.count = 94}, back;
    uint8_t bytes[PARTITION_TABLE_BYTES];
    assert_int_equal(partition_table_build(&table, bytes), CHAIN_OK);
    assert_int_equal(partition_table_parse(bytes, sizeof bytes, 0, &back, NULL), CHAIN_OK);
    assert_int_equal(back.count, 94);
    table.count = 95;
    assert_int_equal(partition_table_build(&table, bytes), CHAIN_ESPACE);
}

static void places_a_device_insists_on(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct partition entry; /* beside one at 0x10000, 64 KB long */
        int verdict;
    } cases[] = {
        {"right after the table", {PARTITION_DATA, 2, 0x9000, 0x7000, 0, "a"}, CHAIN_OK},
        {"on the table's sector", {PARTITION_DATA, 2, 0x8000, 0x1000, 0, "a"}, CHAIN_EOVERLAP},
        {"on the bootloader", {PARTITION_DATA, 0, 0, 0x2000, 0, "a"}, CHAIN_EOVERLAP},
        {"the bootloader itself", {PARTITION_BOOTLOADER, 0, 0, 0x8000, 0, "a"}, CHAIN_OK},
        {"a spare bootloader", {PARTITION_BOOTLOADER, 1, 0, 0x8000, 0, "a"}, CHAIN_EOVERLAP},
        {"by a byte into the next", {PARTITION_DATA, 2, 0x9000, 0x7001, 0, "a"}, CHAIN_EOVERLAP},
        {"by a byte into the last", {PARTITION_APP, 0, 0x1FFFF, 0x1000, 0, "a"}, CHAIN_EOVERLAP},
        {"behind it", {PARTITION_APP, 0, 0x20000, 0x1000, 0, "a"}, CHAIN_OK},
        {"around it", {PARTITION_DATA, 2, 0x9000, 0x100000, 0, "a"}, CHAIN_EOVERLAP},
        {"the same place", {PARTITION_APP, 0x10, 0x10000, 0x10000, 0, "a"}, CHAIN_EOVERLAP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct partition_table table = {
            .count = 2, .entry = {cases[i].entry, {PARTITION_APP, 0x11, 0x10000, 0x10000, 0, "b"}}};
        const int verdict = partition_table_check_places(&table, PARTITION_TABLE_OFFSET);
        if (verdict != cases[i].verdict)
            fail_msg("%s: %s", cases[i].name, chain_error_text(verdict));
    }
}

static void every_flipped_bit_is_seen(void **state)
{
    (void)state;
    uint8_t bytes[PARTITION_TABLE_BYTES];
    struct partition_table table;
    partition_table_build(&single_factory, bytes);
    for (size_t bit = 0; bit < 8 * 5 * RECORD; bit++) {
        /* The MD5 record's own filler (14 bytes after its magic) carries nothing. */
        const size_t at = bit / 8;
        if (at >= 3 * RECORD + 2 && at < 3 * RECORD + 16)
            continue;
        bytes[at] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(partition_table_parse(bytes, sizeof bytes, 0, &table, NULL), CHAIN_OK);
        bytes[at] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_espressifs),
        cmocka_unit_test(parse_gives_back_what_was_built),
        cmocka_unit_test(a_label_may_fill_its_field),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(room_for_94),
        cmocka_unit_test(places_a_device_insists_on),
        cmocka_unit_test(every_flipped_bit_is_seen),
    };
    return cmocka_run_group_tests_name("partition table", tests, NULL, NULL);
}
