/* Reading and judging images: structure, target, checksum, digest, descriptor, versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "chain/error.h"
#include "chain/image.h"
#include "host/crypto.h"
#include "sample.h"

#define CHIP_REV 2 /* v0.2 */

/* Parses a copy of exactly `length` bytes, so that a sanitizer sees any read beyond. */
static int parse_exact(const uint8_t *bytes, size_t length, struct image *image)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    memcpy(copy, bytes, length);
    int error = image_parse(copy, length, image);
    if (error == CHAIN_OK) {
        (void)image_check_checksum(image, copy);
        (void)image_check_digest(image, copy, &host_crypto);
        (void)image_check_target(image, IMAGE_APP, CHIP_REV, IMAGE_MMU_PAGE);
        uint8_t digest[SHA256_BYTES];
        (void)image_signed_digest(image, copy, length, &host_crypto, digest);
    }
    free(copy);
    return error;
}

static void reads_every_field(void **state)
{
    (void)state;
    uint8_t bytes[SAMPLE_SIGNED_BYTES];
    struct image image;
    sample_app(bytes);
    assert_int_equal(image_parse(bytes, SAMPLE_BYTES, &image), CHAIN_OK);
    assert_memory_equal(image.header, bytes, IMAGE_HEADER_BYTES);
    assert_int_equal(image.spi_mode, 2);
    assert_int_equal(image.spi_speed, 0);
    assert_int_equal(image.flash_size, 2);
    assert_int_equal(image.entry, 0x40800010);
    assert_int_equal(image.chip_id, IMAGE_CHIP_ESP32C6);
    assert_int_equal(image.min_rev_full, 0);
    assert_int_equal(image.max_rev_full, 99);
    assert_true(image.hash_appended);
    assert_int_equal(image.segment_count, 3);
    assert_int_equal(image.segment[1].load_addr, 0x40800000);
    assert_int_equal(image.segment[1].length, SAMPLE_SEGMENT1_BYTES);
    assert_int_equal(image.segment[1].offset, SAMPLE_SEGMENT1 + 8);
    assert_int_equal(image.segment[0].memory, IMAGE_MEMORY_FLASH);
    assert_int_equal(image.segment[1].memory, IMAGE_MEMORY_HP_SRAM);
    assert_int_equal(image.segment[2].memory, IMAGE_MEMORY_LP_SRAM);
    assert_int_equal(image.checksum_offset, SAMPLE_CHECKSUM);
    assert_int_equal(image.hashed_length, SAMPLE_DIGEST);
    assert_int_equal(image.length, SAMPLE_BYTES);
    assert_int_equal(image.signed_length, SAMPLE_SIGNATURE);

    assert_int_equal(image_check_target(&image, IMAGE_APP, CHIP_REV, IMAGE_MMU_PAGE), CHAIN_OK);
    assert_int_equal(image_check_checksum(&image, bytes), CHAIN_OK);
    assert_int_equal(image_check_digest(&image, bytes, &host_crypto), CHAIN_OK);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[SAMPLE_SIGNED_BYTES];
    struct image image;
    sample_app(bytes);
    for (size_t length = 0; length < SAMPLE_BYTES; length++)
        assert_int_equal(parse_exact(bytes, length, &image), CHAIN_ETRUNCATED);
    assert_int_equal(parse_exact(bytes, SAMPLE_BYTES, &image), CHAIN_OK);
}

struct mutation {
    const char *name;
    size_t offset;
    unsigned width;
    uint32_t value;
    int expected;
};

static void structure_refusals(void **state)
{
    (void)state;
    static const struct mutation table[] = {
        {"nothing changed", 0, 1, 0xE9, CHAIN_OK},
        {"magic", 0, 1, 0xE8, CHAIN_EMAGIC},
        {"no segments", 1, 1, 0, CHAIN_EFIELD},
        {"17 segments", 1, 1, 17, CHAIN_EFIELD},
        {"a segment fewer than there are", 1, 1, 2, CHAIN_OK},
        {"hash flag 2", 23, 1, 2, CHAIN_EFIELD},
        {"length not of words", SAMPLE_SEGMENT1 + 4, 4, SAMPLE_SEGMENT1_BYTES - 2, CHAIN_EFIELD},
        {"length of 16 MiB", SAMPLE_SEGMENT1 + 4, 4, 0x1000000, CHAIN_EBOUNDS},
        {"length just below", SAMPLE_SEGMENT1 + 4, 4, 0xFFFFFC, CHAIN_ETRUNCATED},
        {"length that wraps", SAMPLE_SEGMENT1 + 4, 4, 0xFFFFFFFC, CHAIN_EBOUNDS},
        {"data one word too long", SAMPLE_SEGMENT2 + 4, 4, SAMPLE_SIGNED_BYTES, CHAIN_ETRUNCATED},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t bytes[SAMPLE_SIGNED_BYTES];
        struct image image;
        sample_app(bytes);
        sample_poke(bytes, table[i].offset, table[i].width, table[i].value);
        int error = parse_exact(bytes, SAMPLE_BYTES, &image);
        if (error != table[i].expected)
            fail_msg("%s: %d instead of %d", table[i].name, error, table[i].expected);
    }
}

static void target_refusals(void **state)
{
    (void)state;
    enum { ENTRY = 4, CHIP = 12, MIN = 15, MAX = 17 };
    static const struct mutation table[] = {
        {"nothing changed", 0, 1, 0xE9, CHAIN_OK},
        {"another chip", CHIP, 2, 5, CHAIN_ECHIP},
        {"chip id with the right low byte", CHIP, 2, 0x010D, CHAIN_ECHIP},
        {"needs a later revision", MIN, 2, CHIP_REV + 1, CHAIN_EREVISION},
        {"needs this revision", MIN, 2, CHIP_REV, CHAIN_OK},
        {"ends before this revision", MAX, 2, CHIP_REV - 1, CHAIN_EREVISION},
        {"ends with this revision", MAX, 2, CHIP_REV, CHAIN_OK},
        {"no maximum, as 0", MAX, 2, 0, CHAIN_OK},
        {"no maximum, as 65535", MAX, 2, 65535, CHAIN_OK},
        {"entry below its segment", ENTRY, 4, 0x407FFFFC, CHAIN_EBOUNDS},
        {"entry behind its segment", ENTRY, 4, 0x40800000 + SAMPLE_SEGMENT1_BYTES, CHAIN_EBOUNDS},
        {"entry in the last bytes", ENTRY, 4, 0x40800000 + SAMPLE_SEGMENT1_BYTES - 2, CHAIN_OK},
        {"entry in flash", ENTRY, 4, 0x42000120, CHAIN_OK},
        {"entry in LP SRAM", ENTRY, 4, 0x50000000, CHAIN_OK},
        {"entry 0", ENTRY, 4, 0, CHAIN_EBOUNDS},
        {"flash segment off its place", SAMPLE_SEGMENT0, 4, 0x42000024, CHAIN_EALIGN},
        {"flash segment on another page", SAMPLE_SEGMENT0, 4, 0x42550020, CHAIN_OK},
        {"flash segment up to the bootloader's pages", SAMPLE_SEGMENT0, 4, 0x42BF0020, CHAIN_OK},
        {"flash segment on the bootloader's pages", SAMPLE_SEGMENT0, 4, 0x42C00020, CHAIN_EBOUNDS},
        {"segment in ROM", SAMPLE_SEGMENT2, 4, 0x40000000, CHAIN_EBOUNDS},
        {"segment in a peripheral", SAMPLE_SEGMENT2, 4, 0x60000000, CHAIN_EBOUNDS},
        {"segment over the end of LP SRAM", SAMPLE_SEGMENT2, 4, 0x50003FF4, CHAIN_EBOUNDS},
        {"segment up to the end of LP SRAM", SAMPLE_SEGMENT2, 4, 0x50003FF0, CHAIN_OK},
        {"segment at the end of addresses", SAMPLE_SEGMENT2, 4, 0xFFFFFFF8, CHAIN_EBOUNDS},
        {"segment over the bootloader", SAMPLE_SEGMENT2, 4, 0x4086E604, CHAIN_EBOUNDS},
        {"segment up to the bootloader", SAMPLE_SEGMENT2, 4, 0x4086E600, CHAIN_OK},
        {"segments overlap by a word", SAMPLE_SEGMENT2, 4, 0x4080005C, CHAIN_EOVERLAP},
        {"segments touch", SAMPLE_SEGMENT2, 4, 0x40800060, CHAIN_OK},
        {"padding segment", SAMPLE_SEGMENT2, 4, 0, CHAIN_OK},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint8_t bytes[SAMPLE_SIGNED_BYTES];
        struct image image;
        sample_app(bytes);
        sample_poke(bytes, table[i].offset, table[i].width, table[i].value);
        assert_int_equal(image_parse(bytes, SAMPLE_BYTES, &image), CHAIN_OK);
        int error = image_check_target(&image, IMAGE_APP, CHIP_REV, IMAGE_MMU_PAGE);
        if (error != table[i].expected)
            fail_msg("%s: %d instead of %d", table[i].name, error, table[i].expected);
    }
}

/* What differs for bootloaders, and pages that two flash segments share. */
static void target_kinds_and_pages(void **state)
{
    (void)state;
    struct image image = {.chip_id = IMAGE_CHIP_ESP32C6,
                          .entry = 0x40870000,
                          .max_rev_full = 1,
                          .segment_count = 1,
                          .segment = {{0x40870000, 0x100, 32, IMAGE_MEMORY_HP_SRAM}}};
    assert_int_equal(image_check_target(&image, IMAGE_BOOTLOADER, CHIP_REV, IMAGE_MMU_PAGE),
                     CHAIN_OK);
    assert_int_equal(image_check_target(&image, IMAGE_APP, 1, IMAGE_MMU_PAGE), CHAIN_EBOUNDS);
    image.segment[0].length = 0xC614; /* one word over the ROM's memory */
    assert_int_equal(image_check_target(&image, IMAGE_BOOTLOADER, CHIP_REV, IMAGE_MMU_PAGE),
                     CHAIN_EBOUNDS);
    image.segment[0].length = 0xC610;
    assert_int_equal(image_check_target(&image, IMAGE_BOOTLOADER, CHIP_REV, IMAGE_MMU_PAGE),
                     CHAIN_OK);

    image.segment_count = 2;
    image.segment[1] = (struct image_segment){0x50000000, 16, 0xD000, IMAGE_MEMORY_LP_SRAM};
    assert_int_equal(image_check_target(&image, IMAGE_BOOTLOADER, CHIP_REV, IMAGE_MMU_PAGE),
                     CHAIN_EBOUNDS);
    image.segment[1] = (struct image_segment){0x42000020, 16, 0x20, IMAGE_MEMORY_FLASH};
    assert_int_equal(image_check_target(&image, IMAGE_BOOTLOADER, CHIP_REV, IMAGE_MMU_PAGE),
                     CHAIN_EBOUNDS);

    image.max_rev_full = 0;
    image.entry = 0x42000020;
    image.segment[0] = (struct image_segment){0x42001000, 0x100, 0x11000, IMAGE_MEMORY_FLASH};
    assert_int_equal(image_check_target(&image, IMAGE_APP, CHIP_REV, IMAGE_MMU_PAGE),
                     CHAIN_EOVERLAP);
    image.segment[0].offset = 0x1000; /* the same page of the file behind both */
    assert_int_equal(image_check_target(&image, IMAGE_APP, CHIP_REV, IMAGE_MMU_PAGE), CHAIN_OK);
}

/* An app is held to the MMU pages it was built for, and by Trustchain's bootloader to its own. */
static void pages_of_the_apps_own_size(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t load_addr[2], offset[2];
        uint8_t recorded_log2;
        uint32_t page;
        int own, ours;
    } table[] = {
        {"64 KB", {0x42000020, 0x42110020}, {0x20, 0x10020}, 0, 0x10000, CHAIN_OK, CHAIN_OK},
        {"32 KB", {0x42008020, 0x42110020}, {0x20, 0x8020}, 0, 0x8000, CHAIN_OK, CHAIN_EALIGN},
        {"16 KB", {0x42004020, 0x42110020}, {0x20, 0x4020}, 0, 0x4000, CHAIN_OK, CHAIN_EALIGN},
        {"8 KB", {0x42002020, 0x42110020}, {0x20, 0x2020}, 0, 0x2000, CHAIN_OK, CHAIN_EALIGN},
        {"none", {0x42001020, 0x42110020}, {0x20, 0x1020}, 0, 0x10000, CHAIN_EALIGN, CHAIN_EALIGN},
        {"recorded, and suits more",
         {0x42000020, 0x42110020},
         {0x20, 0x10020},
         13,
         0x2000,
         CHAIN_OK,
         CHAIN_OK},
        {"recorded, and does not suit",
         {0x42004020, 0x42110020},
         {0x20, 0x4020},
         15,
         0x8000,
         CHAIN_EALIGN,
         CHAIN_EALIGN},
        {"12 is no page",
         {0x42008020, 0x42110020},
         {0x20, 0x8020},
         12,
         0x8000,
         CHAIN_OK,
         CHAIN_EALIGN},
        {"17 is no page",
         {0x42008020, 0x42110020},
         {0x20, 0x8020},
         17,
         0x8000,
         CHAIN_OK,
         CHAIN_EALIGN},
        {"one page of 64 KB for two",
         {0x42000020, 0x42008020},
         {0x20, 0x18020},
         0,
         0x8000,
         CHAIN_OK,
         CHAIN_EOVERLAP},
        {"behind the window of 16 KB",
         {0x42000020, 0x423FFFF0},
         {0x20, 0x1FFF0},
         14,
         0x4000,
         CHAIN_EBOUNDS,
         CHAIN_OK},
        {"up to the end of the window",
         {0x42000020, 0x423FFFE0},
         {0x20, 0x1FFE0},
         14,
         0x4000,
         CHAIN_OK,
         CHAIN_OK},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct image image = {
            .chip_id = IMAGE_CHIP_ESP32C6, .entry = table[i].load_addr[0], .segment_count = 2};
        for (size_t k = 0; k < 2; k++)
            image.segment[k] = (struct image_segment){table[i].load_addr[k], 0x20,
                                                      table[i].offset[k], IMAGE_MEMORY_FLASH};
        uint32_t page = image_mmu_page(&image, table[i].recorded_log2);
        int own = image_check_target(&image, IMAGE_APP, CHIP_REV, page);
        int ours = image_check_target(&image, IMAGE_APP, CHIP_REV, IMAGE_MMU_PAGE);
        if (page != table[i].page || own != table[i].own || ours != table[i].ours)
            fail_msg("%s: page 0x%x, own %d, ours %d", table[i].name, page, own, ours);
    }
}

static void memories_have_exact_ends(void **state)
{
    (void)state;
    assert_int_equal(image_memory_of(0x0FFFFFFF, 4), IMAGE_MEMORY_PADDING);
    assert_int_equal(image_memory_of(0x10000000, 0), IMAGE_MEMORY_INVALID);
    assert_int_equal(image_memory_of(0x40800000, 0x80000), IMAGE_MEMORY_HP_SRAM);
    assert_int_equal(image_memory_of(0x40800000, 0x80001), IMAGE_MEMORY_INVALID);
    assert_int_equal(image_memory_of(0x42000000, 0x1000000), IMAGE_MEMORY_FLASH);
    assert_int_equal(image_memory_of(0x42000004, 0x1000000), IMAGE_MEMORY_INVALID);
    assert_int_equal(image_memory_of(0x50000000, 0x4000), IMAGE_MEMORY_LP_SRAM);
    assert_int_equal(image_memory_of(0x50000000, 0xFFFFFFFF), IMAGE_MEMORY_INVALID);
}

/* A flip of any bit of the data, checksum or digest is seen by one of the two. */
static void every_byte_is_covered(void **state)
{
    (void)state;
    uint8_t bytes[SAMPLE_SIGNED_BYTES];
    struct image image;
    sample_app(bytes);
    assert_int_equal(image_parse(bytes, SAMPLE_BYTES, &image), CHAIN_OK);
    for (size_t i = 0; i < SAMPLE_BYTES; i++) {
        bool header = i < SAMPLE_DESC || (i >= SAMPLE_SEGMENT1 && i < SAMPLE_SEGMENT1 + 8) ||
                      (i >= SAMPLE_SEGMENT2 && i < SAMPLE_SEGMENT2 + 8);
        bool summed = !header && (i < SAMPLE_END || i == SAMPLE_CHECKSUM);
        bytes[i] ^= 0x10;
        assert_int_equal(image_check_checksum(&image, bytes), summed ? CHAIN_ECHECKSUM : CHAIN_OK);
        /* Headers were copied by image_parse(): a later change of the view changes nothing. */
        assert_int_equal(image_check_digest(&image, bytes, &host_crypto),
                         header ? CHAIN_OK : CHAIN_EDIGEST);
        bytes[i] ^= 0x10;
    }
    bytes[23] = 0;
    assert_int_equal(image_parse(bytes, SAMPLE_BYTES, &image), CHAIN_OK);
    assert_int_equal(image.length, SAMPLE_DIGEST);
    assert_int_equal(image_check_digest(&image, bytes, &host_crypto), CHAIN_OK);
}

static void signed_digest_is_of_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[SAMPLE_SIGNED_BYTES], expected[SHA256_BYTES], digest[SHA256_BYTES];
    struct image image;
    sample_app(bytes);
    assert_int_equal(image_parse(bytes, sizeof bytes, &image), CHAIN_OK);
    assert_int_equal(image_signed_digest(&image, bytes, 4095, &host_crypto, digest),
                     CHAIN_ETRUNCATED);
    assert_int_equal(image_signed_digest(&image, bytes, 4096, &host_crypto, digest), CHAIN_OK);
    SHA256(bytes, 4096, expected);
    assert_memory_equal(digest, expected, SHA256_BYTES);
}

static size_t hashed;

static int counting_twice(const struct chain_crypto *crypto, const struct chain_span *spans,
                          size_t head, size_t count, uint8_t head_digest[SHA256_BYTES],
                          uint8_t digest[SHA256_BYTES])
{
    for (size_t i = 0; i < count; i++)
        hashed += spans[i].length;
    return host_crypto.sha256_twice(crypto, spans, head, count, head_digest, digest);
}

static void checked_digest_is_both(void **state)
{
    (void)state;
    uint8_t bytes[SAMPLE_SIGNED_BYTES], expected[SHA256_BYTES], digest[SHA256_BYTES];
    struct chain_crypto one_pass = host_crypto, two_passes = host_crypto;
    const struct chain_crypto *providers[] = {&one_pass, &two_passes};
    struct image image;
    one_pass.sha256_twice = counting_twice;
    one_pass.sha256 = NULL;
    two_passes.sha256_twice = NULL;
    sample_app(bytes);
    assert_int_equal(image_parse(bytes, sizeof bytes, &image), CHAIN_OK);
    SHA256(bytes, 4096, expected);
    for (size_t i = 0; i < 2; i++) {
        hashed = 0;
        memset(digest, 0, sizeof digest);
        assert_int_equal(image_checked_digest(&image, bytes, 4096, providers[i], digest), CHAIN_OK);
        assert_memory_equal(digest, expected, SHA256_BYTES);
        assert_int_equal(hashed, i == 0 ? 4096 : 0);
        for (size_t at = SAMPLE_DESC; at < SAMPLE_BYTES; at += 7) {
            bytes[at] ^= 1;
            assert_int_equal(image_checked_digest(&image, bytes, 4096, providers[i], digest),
                             image_check_digest(&image, bytes, &host_crypto));
            bytes[at] ^= 1;
        }
    }
    assert_int_equal(image_checked_digest(&image, bytes, 4095, &host_crypto, digest),
                     CHAIN_ETRUNCATED);
    bytes[23] = 0; /* no digest appended */
    SHA256(bytes, 4096, expected);
    assert_int_equal(image_parse(bytes, sizeof bytes, &image), CHAIN_OK);
    assert_int_equal(image_checked_digest(&image, bytes, 4096, &host_crypto, digest), CHAIN_OK);
    assert_memory_equal(digest, expected, SHA256_BYTES);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void random_damage_stays_inside(void **state)
{
    (void)state;
    uint32_t seed = 0x1234567;
    size_t accepted = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[SAMPLE_SIGNED_BYTES];
        struct image image;
        sample_app(bytes);
        for (uint32_t n = next_random(&seed) % 4 + 1; n > 0; n--) {
            static const size_t fields[] = {1,
                                            23,
                                            SAMPLE_SEGMENT0,
                                            SAMPLE_SEGMENT0 + 4,
                                            SAMPLE_SEGMENT1 + 4,
                                            SAMPLE_SEGMENT2 + 4};
            size_t at = fields[next_random(&seed) % 6] + next_random(&seed) % 4;
            bytes[at] = (uint8_t)next_random(&seed);
        }
        size_t length = next_random(&seed) % sizeof bytes;
        accepted += parse_exact(bytes, length, &image) == CHAIN_OK;
    }
    assert_true(accepted > 100); /* the damage is not all fatal: the checks behind were reached */
}

static void descriptor(void **state)
{
    (void)state;
    uint8_t bytes[SAMPLE_SIGNED_BYTES];
    struct image_app_desc desc;
    sample_app(bytes);
    assert_int_equal(image_app_desc_read(bytes, 287, &desc), CHAIN_ETRUNCATED);
    assert_int_equal(image_app_desc_read(bytes, 288, &desc), CHAIN_OK);
    assert_int_equal(desc.secure_version, 3);
    assert_string_equal(desc.version, "1.2.0-rc1");
    assert_string_equal(desc.project_name, "sample-of-exactly-32-characters!");
    assert_string_equal(desc.time, "12:34:56");
    assert_string_equal(desc.date, "Jan  2 2025");
    assert_string_equal(desc.idf_version, "v5.5");
    assert_memory_equal(desc.elf_sha256, bytes + 0xB0, 32);
    assert_int_equal(desc.min_efuse_rev_full, 0);
    assert_int_equal(desc.max_efuse_rev_full, 99);
    assert_int_equal(desc.mmu_page_log2, 16);
    bytes[SAMPLE_DESC] ^= 1;
    assert_int_equal(image_app_desc_read(bytes, 288, &desc), CHAIN_EMAGIC);
    bytes[SAMPLE_DESC] ^= 1;
    bytes[0] = 0;
    assert_int_equal(image_app_desc_read(bytes, 288, &desc), CHAIN_EMAGIC);
}

static void bootloader_descriptor(void **state)
{
    (void)state;
    uint8_t bytes[112] = {IMAGE_MAGIC};
    struct image_boot_desc desc;
    bytes[32] = 0x50;
    bytes[35] = 7;
    sample_poke(bytes, 36, 4, 0x01020304);
    memset(bytes + 40, 'v', 32); /* full, without a NUL */
    memcpy(bytes + 72, "Jan  2 2025 12:34:56", 20);
    assert_int_equal(image_boot_desc_read(bytes, 111, &desc), CHAIN_ETRUNCATED);
    assert_int_equal(image_boot_desc_read(bytes, 112, &desc), CHAIN_OK);
    assert_int_equal(desc.secure_version, 7);
    assert_int_equal(desc.version, 0x01020304);
    assert_string_equal(desc.idf_version, "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv");
    assert_string_equal(desc.date_time, "Jan  2 2025 12:34:56");
    bytes[32] ^= 1;
    assert_int_equal(image_boot_desc_read(bytes, 112, &desc), CHAIN_EMAGIC);
    bytes[32] ^= 1;
    bytes[0] = 0;
    assert_int_equal(image_boot_desc_read(bytes, 112, &desc), CHAIN_EMAGIC);
}

/* What a downloader asks before it has more than the start. */
static void header_alone(void **state)
{
    (void)state;
    uint8_t bytes[SAMPLE_SIGNED_BYTES];
    struct image image;
    sample_app(bytes);
    assert_int_equal(image_header_read(bytes, 23, &image), CHAIN_ETRUNCATED);
    assert_int_equal(image_header_read(bytes, 24, &image), CHAIN_OK);
    assert_int_equal(image.chip_id, IMAGE_CHIP_ESP32C6);
    assert_int_equal(image.segment_count, 3);
    assert_int_equal(image.length, 0);
    bytes[1] = 17;
    assert_int_equal(image_header_read(bytes, 24, &image), CHAIN_EFIELD);
    bytes[0] = 0;
    assert_int_equal(image_header_read(bytes, 24, &image), CHAIN_EMAGIC);
}

static int sign_of(int order)
{
    return (order > 0) - (order < 0);
}

/* Each list ascends; every pair is compared both ways. */
static void version_order(void **state)
{
    (void)state;
    static const char *const ascending[] = {
        "",
        "0.9.9",
        "1",
        "1.0",
        "1.2",
        "1.2.0-alpha",
        "1.2.0-alpha.1",
        "1.2.0-alpha.2",
        "1.2.0-alpha.10",
        "1.2.0-rc1",
        "1.2.0-rc2",
        "1.2.0-rc10",
        "1.2.0",
        "1.2.1",
        "1.10.0",
        "2.0.0",
        "10.0.0",
        "99999999999999999999999.0",
        "v1.9",
        "v1.10",
    };
    size_t count = sizeof ascending / sizeof *ascending;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int expected = (i > j) - (i < j);
            if (sign_of(image_version_compare(ascending[i], ascending[j])) != expected)
                fail_msg("\"%s\" against \"%s\"", ascending[i], ascending[j]);
        }
    }
    assert_int_equal(image_version_compare("1.2.0+build7", "1.2.0"), 0);
    assert_int_equal(image_version_compare("1.2.0-rc1+a", "1.2.0-rc1+b"), 0);
    assert_int_equal(image_version_compare("1.02.0", "1.2.00"), 0);
    assert_true(image_version_compare("1.2.0+build7", "1.2.1-rc1") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(structure_refusals),
        cmocka_unit_test(target_refusals),
        cmocka_unit_test(target_kinds_and_pages),
        cmocka_unit_test(pages_of_the_apps_own_size),
        cmocka_unit_test(memories_have_exact_ends),
        cmocka_unit_test(every_byte_is_covered),
        cmocka_unit_test(signed_digest_is_of_the_whole),
        cmocka_unit_test(checked_digest_is_both),
        cmocka_unit_test(random_damage_stays_inside),
        cmocka_unit_test(descriptor),
        cmocka_unit_test(bootloader_descriptor),
        cmocka_unit_test(header_alone),
        cmocka_unit_test(version_order),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
