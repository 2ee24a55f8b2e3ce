/* Flash encryption in the chip: manual encryption block, cache decryption, their gates, and the
 * MMU (flash-encryption.md 1.2, 5; soc.md 4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "bench.h"
#include "chain/bytes.h"
#include "chain/flashcrypt.h"
#include "chain/reg/cache.h"
#include "chain/reg/efuse.h"
#include "chain/reg/lp_aon.h"
#include "chain/reg/spimem.h"
#include "chip/peripherals.h"
#include "host/crypto.h"

#define ENCRYPTED (MMU_VALID | MMU_SENSITIVE)

/* Vector 1: key 00..1f, offset 0x1000, plaintext 00..7f: the first 64 bytes of ciphertext. */
static const uint8_t vector1[64] = {
    0x27, 0x55, 0xcc, 0x24, 0x35, 0x19, 0x48, 0x03, 0xde, 0x92, 0x96, 0x0f, 0x67, 0xcd, 0xa5, 0x61,
    0x54, 0xda, 0x1a, 0x9b, 0x07, 0x3f, 0x34, 0x20, 0x1a, 0xe6, 0x6a, 0x6a, 0xba, 0x34, 0xa2, 0xf3,
    0x12, 0x43, 0xb4, 0x91, 0x6a, 0xee, 0xe9, 0x63, 0x80, 0x0b, 0xab, 0x27, 0xb8, 0xb3, 0xfb, 0x06,
    0x5a, 0x1c, 0xbc, 0xfb, 0x51, 0x1d, 0x2d, 0x74, 0xa4, 0xf5, 0x3e, 0xa8, 0xae, 0x7c, 0x39, 0x49};
static const uint8_t hidden_key[32] = {
    0x9E, 0x37, 0x79, 0xB9, 0x7F, 0x4A, 0x7C, 0x15, 0xF3, 0x9C, 0xC0, 0x60, 0x5C, 0xED, 0xC8, 0x34,
    0x10, 0x82, 0x27, 0x6B, 0xF3, 0xA2, 0x72, 0x51, 0xF8, 0x6C, 0x6A, 0x11, 0xD0, 0xC1, 0x8E, 0x95};
static uint8_t vector_key[32];
static uint8_t plain[128];

/* A chip with the vector's key burned and read-protected, encryption on or off. */
static struct chip *chip_with_key(bool on)
{
    struct chip *chip = bench_new(false, NULL);
    for (unsigned i = 0; i < 128; i++)
        plain[i] = (uint8_t)i;
    memcpy(vector_key, plain, 32);
    assert_int_equal(efuse_burn_key(&chip->efuse, 0, EFUSE_PURPOSE_XTS_AES_128_KEY, vector_key), 0);
    if (on)
        efuse_burn_field(&chip->efuse, efuse_field_find("SPI_BOOT_CRYPT_CNT"), 1);
    bench_reset(chip, SOC_RESET_POWERON);
    return chip;
}

static int set_up(void **state)
{
    *state = chip_with_key(true);
    return 0;
}

static int tear_down(void **state)
{
    bench_free(*state);
    return 0;
}

static void map(struct chip *chip, unsigned entry, uint32_t content)
{
    bench_write(chip, SOC_SPI0 + MMU_ITEM_INDEX, entry);
    bench_write(chip, SOC_SPI0 + MMU_ITEM_CONTENT, content);
}

static const uint8_t *window(struct chip *chip, uint32_t offset)
{
    uint32_t bytes;
    const uint8_t *page = chip_flash_page(chip, offset, &bytes);
    return page != NULL ? page + offset % bytes : NULL;
}

/* The driver's sequence; false when the block does not get to "released". */
static bool encrypt(struct chip *chip, uint32_t offset, const uint8_t *data, uint32_t line_size)
{
    uint32_t bytes = 16u << line_size;
    bench_write(chip, SOC_SPI0 + XTS_DESTINATION, 0);
    bench_write(chip, SOC_SPI0 + XTS_LINESIZE, line_size);
    bench_write(chip, SOC_SPI0 + XTS_PHYSICAL, offset);
    bench_write_bytes(chip, SOC_SPI0 + XTS_PLAIN + offset % 64, data, bytes);
    bench_write(chip, SOC_SPI0 + XTS_TRIGGER, 1);
    assert_int_not_equal(bench_read(chip, SOC_SPI0 + XTS_STATE), XTS_STATE_BUSY);
    bench_write(chip, SOC_SPI0 + XTS_RELEASE, 1);
    return bench_read(chip, SOC_SPI0 + XTS_STATE) == XTS_STATE_RELEASED;
}

static void write_encrypted(struct chip *chip, uint32_t offset, const uint8_t *data,
                            uint32_t line_size)
{
    uint8_t ones[64];
    memset(ones, 0xFF, sizeof ones); /* what the buffer holds does not matter */
    bench_write(chip, SOC_HP_SYSTEM, HP_SYSTEM_SPI_MANUAL_ENCRYPT);
    assert_true(encrypt(chip, offset, data, line_size));
    bench_spi_write(chip, FLASH_CMD_PROGRAM, offset, ones, 16u << line_size);
    bench_write(chip, SOC_SPI0 + XTS_DESTROY, 1);
    assert_int_equal(bench_read(chip, SOC_SPI0 + XTS_STATE), XTS_STATE_IDLE);
    bench_write(chip, SOC_HP_SYSTEM, 0);
}

static void manual_encryption_gives_the_vector(void **state)
{
    struct chip *chip = *state;
    write_encrypted(chip, 0x1000, plain, 2);
    assert_memory_equal(chip->flash + 0x1000, vector1, 64);
    write_encrypted(chip, 0x2000, plain, 0);
    assert_int_equal(chip->flash[0x2010], 0xFF);

    /* 16 and 32 byte lines, at places inside the unit: the same bytes in the end. */
    bench_spi_write(chip, FLASH_CMD_ERASE4K, 0x1000, NULL, 0);
    write_encrypted(chip, 0x1010, plain + 16, 0);
    write_encrypted(chip, 0x1020, plain + 32, 1);
    write_encrypted(chip, 0x1000, plain, 0);
    assert_memory_equal(chip->flash + 0x1000, vector1, 64);
}

static void what_the_cache_shows_is_the_plaintext(void **state)
{
    struct chip *chip = *state;
    for (uint32_t i = 0; i < 128; i += 32)
        write_encrypted(chip, 0x1000 + i, plain + i, 1);
    map(chip, 5, 0 | ENCRYPTED);
    assert_memory_equal(window(chip, 5 * 0x10000 + 0x1000), plain, 128);
    /* An entry without bit 10 shows the ciphertext; so does SPI1. */
    map(chip, 6, 0 | MMU_VALID);
    assert_memory_equal(window(chip, 6 * 0x10000 + 0x1000), vector1, 64);
    uint8_t raw[64];
    bench_spi(chip, FLASH_CMD_READ, 0x1000, NULL, 0, raw, 64);
    assert_memory_equal(raw, vector1, 64);
}

static void a_whole_page_equals_flashcrypt(void **state)
{
    struct chip *chip = *state;
    static uint8_t page[0x10000], cipher[0x10000];
    bench_fill(page, sizeof page, 9);
    assert_int_equal(
        flashcrypt_encrypt(&host_crypto, vector_key, 0x110000, page, cipher, sizeof page), 0);
    memcpy(chip->flash + 0x110000, cipher, sizeof cipher);
    map(chip, 0, 0x11 | ENCRYPTED);
    assert_memory_equal(window(chip, 0), page, sizeof page);
}

static void the_result_replaces_only_its_own_bytes(void **state)
{
    struct chip *chip = *state;
    uint8_t data[64];
    memset(data, 0xA5, sizeof data);
    bench_write(chip, SOC_HP_SYSTEM, HP_SYSTEM_SPI_MANUAL_ENCRYPT);
    assert_true(encrypt(chip, 0x1020, plain + 32, 1));
    bench_spi_write(chip, FLASH_CMD_PROGRAM, 0x1010, data, 64);
    assert_memory_equal(chip->flash + 0x1010, data, 16);
    assert_memory_equal(chip->flash + 0x1020, vector1 + 32, 32);
    assert_memory_equal(chip->flash + 0x1040, data, 16);

    /* Triggered but not released, or destroyed: plain data. */
    bench_write(chip, SOC_SPI0 + XTS_DESTROY, 1);
    bench_spi_write(chip, FLASH_CMD_PROGRAM, 0x3000, data, 16);
    assert_memory_equal(chip->flash + 0x3000, data, 16);
    bench_write(chip, SOC_SPI0 + XTS_PHYSICAL, 0x3040);
    bench_write(chip, SOC_SPI0 + XTS_TRIGGER, 1);
    assert_int_equal(bench_read(chip, SOC_SPI0 + XTS_STATE), XTS_STATE_DONE);
    bench_spi_write(chip, FLASH_CMD_PROGRAM, 0x3040, data, 16);
    assert_memory_equal(chip->flash + 0x3040, data, 16);
}

static void alignment_is_checked(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_HP_SYSTEM, HP_SYSTEM_SPI_MANUAL_ENCRYPT);
    bench_write(chip, SOC_SPI0 + XTS_LINESIZE, 1);
    bench_write(chip, SOC_SPI0 + XTS_PHYSICAL, 0x1010);
    bench_write(chip, SOC_SPI0 + XTS_TRIGGER, 1);
    assert_int_equal(bench_read(chip, SOC_SPI0 + XTS_STATE), XTS_STATE_IDLE);
    bench_write(chip, SOC_SPI0 + XTS_LINESIZE, 3);
    bench_write(chip, SOC_SPI0 + XTS_PHYSICAL, 0x1000);
    bench_write(chip, SOC_SPI0 + XTS_TRIGGER, 1);
    assert_int_equal(bench_read(chip, SOC_SPI0 + XTS_STATE), XTS_STATE_IDLE);
}

/* flash-encryption.md 5, "Gating". Crypt count odd, key burned. */
static void gates(void **state)
{
    static const struct {
        uint32_t strap, gates;
        const char *burn; /* eFuse field set to 1 */
        bool manual, automatic, cache;
    } rows[] = {
        {SOC_STRAP_SPI_BOOT, 0, NULL, false, true, true},
        {SOC_STRAP_SPI_BOOT, 1, NULL, true, true, true},
        {SOC_STRAP_SPI_BOOT, 8, NULL, false, true, true},
        {SOC_STRAP_SPI_BOOT, 1, "DIS_DOWNLOAD_MANUAL_ENCRYPT", true, true, true},
        {SOC_STRAP_SPI_BOOT, 0, "DIS_DOWNLOAD_ICACHE", false, true, true},
        {SOC_STRAP_DOWNLOAD, 1, NULL, false, false, true},
        {SOC_STRAP_DOWNLOAD, 8, NULL, true, false, true},
        {SOC_STRAP_DOWNLOAD, 8, "DIS_DOWNLOAD_MANUAL_ENCRYPT", false, false, true},
        {SOC_STRAP_DOWNLOAD, 4, NULL, false, true, true},
        {SOC_STRAP_DOWNLOAD, 4, "DIS_DOWNLOAD_ICACHE", false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct chip *chip = chip_with_key(true);
        memcpy(chip->flash + 0x1000, vector1, 64);
        if (rows[i].burn != NULL)
            efuse_burn_field(&chip->efuse, efuse_field_find(rows[i].burn), 1);
        chip->config.strap = rows[i].strap;
        bench_reset(chip, SOC_RESET_POWERON);
        map(chip, 0, 0 | ENCRYPTED);
        bench_write(chip, SOC_HP_SYSTEM, rows[i].gates);
        if (encrypt(chip, 0x8000, plain, 1) != rows[i].manual)
            fail_msg("row %zu: manual encryption", i);
        const uint8_t *shown = window(chip, 0x1000);
        if ((shown != NULL) != rows[i].cache)
            fail_msg("row %zu: cache", i);
        if (shown != NULL && (memcmp(shown, plain, 64) == 0) != rows[i].automatic)
            fail_msg("row %zu: decryption", i);
        bench_free(chip);
    }
}

/* Opening the gate, burning the counter: pages that were already shown change. */
static void pages_follow_what_they_were_made_from(void **state)
{
    (void)state;
    struct chip *chip = chip_with_key(false);
    memcpy(chip->flash + 0x1000, vector1, 64);
    map(chip, 0, 0 | ENCRYPTED);
    assert_memory_equal(window(chip, 0x1000), vector1, 64);
    uint8_t count[24] = {0};
    count[10] = 1 << 2;
    unsigned changes = chip->window_changes;
    bench_burn(chip, 0, count, sizeof count);
    assert_int_equal(chip->window_changes, changes + 1);
    assert_memory_equal(window(chip, 0x1000), plain, 64);

    /* A program under the page; one elsewhere leaves the core's code alone. */
    write_encrypted(chip, 0x1040, plain, 1);
    assert_int_equal(chip->window_changes, changes + 2);
    assert_memory_equal(window(chip, 0x1040), plain, 32);
    write_encrypted(chip, 0x11040, plain, 1);
    bench_spi_write(chip, FLASH_CMD_ERASE4K, 0x11000, NULL, 0);
    assert_int_equal(chip->window_changes, changes + 2);

    map(chip, 0, 1 | ENCRYPTED);
    assert_int_equal(chip->window_changes, changes + 3);
    map(chip, 0, 1 | ENCRYPTED);
    assert_int_equal(chip->window_changes, changes + 3);
    map(chip, 7, 1 | ENCRYPTED); /* nobody has looked at this page or the one above yet */
    map(chip, 0, 2 | ENCRYPTED);
    assert_int_equal(chip->window_changes, changes + 3);
    bench_free(chip);
}

/* Four bytes of the key next to each other, either way round, in any register software can read. */
static bool key_readable(struct chip *chip)
{
    for (size_t i = 0; i < chip_peripheral_count; i++) {
        const struct peripheral *self = chip_peripherals[i];
        for (uint32_t offset = 0; offset < self->bytes; offset += 4) {
            uint8_t word[4], turned[4];
            le32_store(word, bench_read(chip, self->base + offset));
            for (unsigned k = 0; k < 4; k++)
                turned[k] = word[3 - k];
            if (memmem(hidden_key, sizeof hidden_key, word, 4) != NULL ||
                memmem(hidden_key, sizeof hidden_key, turned, 4) != NULL)
                return true;
        }
    }
    return false;
}

/* The key serves, and no register shows it: not the eFuse controller's, not those of the block that
 * encrypts with it, not those of any other. Without the read protection it is found. */
static void no_register_shows_the_key(void **state)
{
    static const uint32_t boots[] = {SOC_STRAP_SPI_BOOT, SOC_STRAP_DOWNLOAD};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof boots / sizeof boots[0]; i++) {
        struct chip *chip = bench_new(false, NULL);
        bool hidden = i % 2 == 0;
        efuse_burn_key(&chip->efuse, 0, EFUSE_PURPOSE_XTS_AES_128_KEY, hidden_key);
        efuse_burn_field(&chip->efuse, efuse_field_find("SPI_BOOT_CRYPT_CNT"), 1);
        if (!hidden)
            chip->efuse.bytes[4] &= 0x80; /* RD_DIS, as no software could */
        chip->config.strap = boots[i / 2];
        bench_reset(chip, SOC_RESET_POWERON);
        assert_int_equal(key_readable(chip), !hidden);
        bench_write(chip, SOC_HP_SYSTEM, 0xF);
        assert_true(encrypt(chip, 0x1000, plain, 2));
        map(chip, 0, ENCRYPTED);
        assert_non_null(window(chip, 0x1000));
        bench_write(chip, SOC_EFUSE + EFUSE_CONF, EFUSE_CONF_READ);
        bench_write(chip, SOC_EFUSE + EFUSE_CMD, EFUSE_CMD_READ);
        assert_int_equal(key_readable(chip), !hidden);
        bench_free(chip);
    }
}

/* Software in SPI boot may read plaintext, maps it, and asks for download mode with a reset of the
 * CPU alone, which keeps the MMU: what was decrypted before must not show after. */
static void a_cpu_reset_into_download_shuts_the_gate(void **state)
{
    struct chip *chip = *state;
    write_encrypted(chip, 0x10000, plain, 2);
    map(chip, 0, 1 | ENCRYPTED);
    assert_memory_equal(window(chip, 0), plain, 64);
    bench_write(chip, SOC_LP_AON + LP_AON_SYS_CFG, LP_AON_FORCE_DOWNLOAD);
    bench_reset(chip, SOC_RESET_SW_CPU);
    assert_memory_equal(window(chip, 0), chip->flash + 0x10000, 64);
    bench_write(chip, SOC_LP_AON + LP_AON_SYS_CFG, 0);
    bench_reset(chip, SOC_RESET_SW_CPU);
    assert_memory_equal(window(chip, 0), plain, 64);
}

/* The eFuses that take the cache away: always, or in download boot. */
static void fuses_shut_the_cache(void **state)
{
    static const struct {
        const char *fuse;
        uint32_t strap;
        bool open;
    } rows[] = {
        {"DIS_TWAI", SOC_STRAP_DOWNLOAD, true},
        {"DIS_ICACHE", SOC_STRAP_SPI_BOOT, false},
        {"DIS_DOWNLOAD_ICACHE", SOC_STRAP_SPI_BOOT, true},
        {"DIS_DOWNLOAD_ICACHE", SOC_STRAP_DOWNLOAD, false},
        {"SPI_DOWNLOAD_MSPI_DIS", SOC_STRAP_SPI_BOOT, true},
        {"SPI_DOWNLOAD_MSPI_DIS", SOC_STRAP_DOWNLOAD, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct chip *chip = bench_new(false, NULL);
        efuse_burn_field(&chip->efuse, efuse_field_find(rows[i].fuse), 1);
        chip->config.strap = rows[i].strap;
        bench_reset(chip, SOC_RESET_POWERON);
        map(chip, 0, MMU_VALID);
        if ((window(chip, 0) != NULL) != rows[i].open)
            fail_msg("%s with strap 0x%x", rows[i].fuse, rows[i].strap);
        bench_free(chip);
    }
}

static void no_key_no_secret(void **state)
{
    (void)state;
    struct chip *chip = bench_new(false, NULL);
    bench_write(chip, SOC_HP_SYSTEM, HP_SYSTEM_SPI_MANUAL_ENCRYPT);
    assert_false(encrypt(chip, 0x1000, plain, 1));
    bench_free(chip);
}

static void mmu_page_sizes(void **state)
{
    static const struct {
        uint32_t power, bytes;
    } rows[] = {{0 << 3, 0x10000}, {1 << 3, 0x8000}, {2 << 3, 0x4000}, {3 << 3, 0x2000}};
    struct chip *chip = *state;
    bench_fill(chip->flash, BENCH_FLASH_BYTES, 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t bytes = rows[i].bytes, got;
        bench_write(chip, SOC_SPI0 + MMU_POWER_CTRL, rows[i].power);
        map(chip, 3, 7 | MMU_VALID);
        map(chip, 4, 2 | MMU_VALID);
        assert_non_null(chip_flash_page(chip, 3 * bytes, &got));
        assert_int_equal(got, bytes);
        assert_memory_equal(window(chip, 3 * bytes), chip->flash + 7 * bytes, bytes);
        assert_memory_equal(window(chip, 4 * bytes), chip->flash + 2 * bytes, bytes);
        /* 256 entries, whatever their size: the window repeats. */
        assert_ptr_equal(window(chip, (256 + 3) * bytes & (SOC_FLASH_BYTES - 1)),
                         window(chip, (i == 0 ? 3 : 259) * bytes));
    }
}

static void mmu_invalid_entries_and_shut_cache(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, SOC_EXTMEM + 0x168, 1u << 4);
    assert_null(window(chip, 0x20000));
    assert_false(chip->level[SOC_SOURCE_CACHE]); /* looking is free, a guest's access is not */
    chip_flash_failed(chip, SOC_FLASH_BASE + 0x20000);
    assert_int_equal(bench_read(chip, SOC_EXTMEM + CACHE_FAIL_ADDR), SOC_FLASH_BASE + 0x20000);
    assert_true(chip->level[SOC_SOURCE_CACHE]);
    bench_write(chip, SOC_EXTMEM + 0x16C, 1u << 4);
    assert_false(chip->level[SOC_SOURCE_CACHE]);

    map(chip, 2, MMU_VALID);
    assert_non_null(window(chip, 0x20000));
    unsigned changes = chip->window_changes;
    bench_write(chip, SOC_EXTMEM + CACHE_L1_CTRL, CACHE_SHUT_IBUS | CACHE_SHUT_DBUS);
    assert_int_equal(chip->window_changes, changes + 1);
    assert_null(window(chip, 0x20000));
    bench_write(chip, SOC_EXTMEM + CACHE_L1_CTRL, 0);
    assert_non_null(window(chip, 0x20000));

    /* MMU survives a CPU reset, no other. */
    bench_reset(chip, SOC_RESET_SW_CPU);
    assert_non_null(window(chip, 0x20000));
    bench_reset(chip, SOC_RESET_SW_SYS);
    assert_null(window(chip, 0x20000));
}

static void mmu_content_is_masked(void **state)
{
    struct chip *chip = *state;
    map(chip, 9, 0xFFFFFFFF);
    assert_int_equal(bench_read(chip, SOC_SPI0 + MMU_ITEM_CONTENT), 0x7FF);
    map(chip, 9, MMU_VALID | 0x1FF); /* beyond the flash: its upper address bits are ignored */
    assert_memory_equal(window(chip, 9 * 0x10000), chip->flash + 0x1F0000, 0x100);
    bench_write(chip, SOC_EXTMEM + CACHE_SYNC_CTRL, CACHE_SYNC_INVALIDATE);
    assert_true(bench_read(chip, SOC_EXTMEM + CACHE_SYNC_CTRL) & CACHE_SYNC_DONE);
    bench_write(chip, SOC_EXTMEM + CACHE_FREEZE_CTRL, CACHE_FREEZE_EN);
    assert_true(bench_read(chip, SOC_EXTMEM + CACHE_FREEZE_CTRL) & CACHE_FREEZE_DONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(manual_encryption_gives_the_vector),
        TEST(what_the_cache_shows_is_the_plaintext),
        TEST(a_whole_page_equals_flashcrypt),
        TEST(the_result_replaces_only_its_own_bytes),
        TEST(alignment_is_checked),
        TEST(gates),
        TEST(pages_follow_what_they_were_made_from),
        TEST(no_register_shows_the_key),
        TEST(a_cpu_reset_into_download_shuts_the_gate),
        TEST(fuses_shut_the_cache),
        TEST(no_key_no_secret),
        TEST(mmu_page_sizes),
        TEST(mmu_invalid_entries_and_shut_cache),
        TEST(mmu_content_is_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
