/* tests/unit/boot/test_on_chip.c: the real ROM and bootloader on the virtual chip: what they run,
 * what they refuse, and what they leave in flash and eFuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chain/bytes.h"
#include "chain/crc32.h"
#include "chain/image.h"
#include "chain/partition.h"
#include "chain/soc.h"
#include "tests/unit/boot/plant.h"

#define CTEST_SKIP 77

static struct works works;
static struct plant plant; /* too large for the stack */

/* --- changes to a good device ---------------------------------------------------------------- */

static void put_bootloader(struct image_bytes *image, const struct key *key)
{
    if (key != NULL)
        image_sign(image, key);
    else
        image->length = (image->length + 4095) & ~(size_t)4095;
    memset(plant.flash, 0xFF, PARTITION_TABLE_OFFSET);
    plant_put_image(&plant, 0, image);
}

static void put_app(uint32_t offset, unsigned id, uint32_t secure_version, const struct key *key)
{
    struct image_bytes image;
    app_make(&image, id, secure_version);
    image_sign(&image, key);
    plant_put_image(&plant, offset, &image);
}

static void put_table(uint32_t otadata, uint32_t slot1)
{
    struct partition_table table = {
        .count = 3,
        .entry = {{PARTITION_DATA, PARTITION_DATA_OTA, otadata, 0x2000, 0, "otadata"},
                  {PARTITION_APP, PARTITION_APP_OTA_0, PLANT_SLOT0, 0x20000, 0, "ota_0"},
                  {PARTITION_APP, PARTITION_APP_OTA_0 + 1, slot1, 0x20000, 0, "ota_1"}}};
    uint8_t binary[PARTITION_TABLE_BYTES];
    assert_int_equal(partition_table_build(&table, binary), 0);
    plant_put(&plant, PARTITION_TABLE_OFFSET, binary, sizeof binary);
}

static void nothing(void)
{
}

static void bootloader_unsigned(void)
{
    struct image_bytes image = works.bootloader;
    memset(image.bytes + image.length, 0xFF, 4096);
    put_bootloader(&image, NULL);
}

static void bootloader_foreign(void)
{
    struct image_bytes image = works.bootloader;
    put_bootloader(&image, works.foreign);
}

static void bootloader_onto_rom_memory(void)
{
    struct image_bytes image = works.bootloader;
    struct image parsed;
    image_parse(image.bytes, image.length, &parsed);
    /* The last segment, moved so that its last word is the first the ROM works with. */
    const struct image_segment *last = &parsed.segment[parsed.segment_count - 1];
    le32_store(image.bytes + last->offset - 8, 0x4087A614u - last->length);
    le32_store(image.bytes + 4, 0x4087A614u - last->length);
    image_seal(&image);
    put_bootloader(&image, works.trusted);
}

static void bootloader_digest_revoked(void)
{
    plant_burn(&plant, "SECURE_BOOT_KEY_REVOKE0", 1);
}

static void bootloader_in_plaintext(void)
{
    struct image_bytes image = works.bootloader;
    image_sign(&image, works.trusted);
    memcpy(plant.flash, image.bytes, image.length);
}

static void flash_erased(void)
{
    memset(plant.flash, 0xFF, sizeof plant.flash);
}

static void flash_random(void)
{
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof plant.flash; i++) {
        x = x * 1664525u + 1013904223u;
        plant.flash[i] = (uint8_t)(x >> 24);
    }
}

static void table_flipped(void)
{
    plant.flash[PARTITION_TABLE_OFFSET + 5] ^= 1;
}

/* Otadata where the bootloader is: settling records would erase it. */
static void otadata_on_bootloader(void)
{
    put_table(0, PLANT_SLOT1);
    plant_put_record(&plant, 0, 1, OTADATA_PENDING_VERIFY);
}

static void slots_overlap(void)
{
    put_table(PLANT_OTADATA, PLANT_SLOT0 + 0x10000);
}

static void otadata_flipped(void)
{
    plant_put_record(&plant, 0, 2, OTADATA_VALID);
    plant.flash[PLANT_OTADATA + 1] ^= 1;
}

static void app_flipped(void)
{
    plant.flash[PLANT_SLOT0 + 300] ^= 1;
}

static void both_apps_flipped(void)
{
    plant.flash[PLANT_SLOT0 + 300] ^= 1;
    plant.flash[PLANT_SLOT1 + 300] ^= 1;
}

static void app_foreign(void)
{
    put_app(PLANT_SLOT0, 3, 0, works.foreign);
}

static void app_onto_bootloader(void)
{
    struct image_bytes image;
    app_make(&image, 3, 0);
    const size_t segment1 = IMAGE_HEADER_BYTES + IMAGE_SEGMENT_BYTES + 256;
    le32_store(image.bytes + segment1, SOC_APP_RAM_END - 16);
    le32_store(image.bytes + 4, SOC_APP_RAM_END - 16);
    image_seal(&image);
    image_sign(&image, works.trusted);
    plant_put_image(&plant, PLANT_SLOT0, &image);
}

static void app_of_another_chip(void)
{
    struct image_bytes image;
    app_make(&image, 3, 0);
    image.bytes[12] = 5;
    image_seal(&image);
    image_sign(&image, works.trusted);
    plant_put_image(&plant, PLANT_SLOT0, &image);
}

static void app_too_old(void)
{
    plant_burn(&plant, "SECURE_VERSION", 3);
    put_app(PLANT_SLOT0, 3, 1, works.trusted);
    put_app(PLANT_SLOT1, 4, 2, works.trusted);
}

static void second_slot_chosen(void)
{
    plant_put_record(&plant, 0, 1, OTADATA_VALID);
    plant_put_record(&plant, 1, 2, OTADATA_VALID);
}

static void trial_that_failed(void)
{
    plant_put_record(&plant, 0, 1, OTADATA_VALID);
    plant_put_record(&plant, 1, 2, OTADATA_PENDING_VERIFY);
}

static void strapped_for_download(void)
{
    plant.strap = SOC_STRAP_DOWNLOAD;
}

static const struct boot_case {
    const char *name;
    void (*change)(void);
    enum outcome outcome;
    unsigned app;
} cases[] = {
    {"as it left the factory", nothing, APP_RUNS, 1},
    {"bootloader unsigned", bootloader_unsigned, ROM_REFUSES, 0},
    {"bootloader of another key", bootloader_foreign, ROM_REFUSES, 0},
    {"bootloader onto the ROM's memory, signed", bootloader_onto_rom_memory, ROM_REFUSES, 0},
    {"the only digest is revoked", bootloader_digest_revoked, ROM_REFUSES, 0},
    {"bootloader not encrypted", bootloader_in_plaintext, ROM_REFUSES, 0},
    {"flash erased", flash_erased, ROM_REFUSES, 0},
    {"flash full of noise", flash_random, ROM_REFUSES, 0},
    {"bit flipped in the partition table", table_flipped, BOOT_REFUSES, 0},
    {"otadata on the bootloader", otadata_on_bootloader, BOOT_REFUSES, 0},
    {"slots overlap", slots_overlap, BOOT_REFUSES, 0},
    {"bit flipped in otadata", otadata_flipped, APP_RUNS, 1},
    {"bit flipped in the active app", app_flipped, APP_RUNS, 2},
    {"bit flipped in both apps", both_apps_flipped, BOOT_REFUSES, 0},
    {"app of another key", app_foreign, APP_RUNS, 2},
    {"app onto the bootloader's memory, signed", app_onto_bootloader, APP_RUNS, 2},
    {"app of another chip, signed", app_of_another_chip, APP_RUNS, 2},
    {"app below the anti-rollback floor", app_too_old, APP_RUNS, 4},
    {"records name the second slot", second_slot_chosen, APP_RUNS, 2},
    {"the last trial did not confirm", trial_that_failed, APP_RUNS, 1},
    {"strapped for download", strapped_for_download, HALTED, 0},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        plant_make(&plant, &works);
        cases[i].change();
        struct result result = plant_run(&plant);
        if (result.outcome != cases[i].outcome || result.app != cases[i].app)
            fail_msg("%s: outcome %d, app %u, reset cause 0x%x", cases[i].name, result.outcome,
                     result.app, result.reset_cause);
        if (result.unknown_registers != 0)
            fail_msg("%s: %u unknown registers", cases[i].name, result.unknown_registers);
    }
}

/* Any bit of what the ROM relies on: image, fill and signature block. */
static void test_bootloader_flips(void **state)
{
    (void)state;
    const uint32_t end = (uint32_t)((works.bootloader.length + 4095) & ~(size_t)4095) + 1200;
    for (uint32_t offset = 0; offset < end; offset += 641) {
        plant_make(&plant, &works);
        plant.flash[offset] ^= (uint8_t)(1u << offset % 8);
        struct result result = plant_run(&plant);
        if (result.outcome != ROM_REFUSES)
            fail_msg("flip at 0x%x: outcome %d", offset, result.outcome);
    }
}

/* --- what is left behind --------------------------------------------------------------------- */

static void assert_record(int index, uint32_t seq, uint32_t wanted)
{
    struct otadata ota = plant_records(&plant);
    assert_int_equal(ota.record[index].seq, seq);
    assert_int_equal(ota.record[index].state, wanted);
}

static void assert_boots(unsigned app)
{
    struct result result = plant_run(&plant);
    assert_int_equal(result.outcome, APP_RUNS);
    assert_int_equal(result.app, app);
}

static void test_first_boot_is_recorded(void **state)
{
    (void)state;
    plant_make(&plant, &works);
    assert_boots(1);
    assert_record(0, 1, OTADATA_VALID);
}

static void test_trial_and_rollback(void **state)
{
    (void)state;
    plant_make(&plant, &works);
    plant_put_record(&plant, 0, 1, OTADATA_VALID);
    plant_put_record(&plant, 1, 2, OTADATA_NEW);
    assert_boots(2);
    assert_record(1, 2, OTADATA_PENDING_VERIFY);
    assert_boots(1); /* nobody confirmed */
    assert_record(1, 2, OTADATA_ABORTED);
    assert_boots(1);
    assert_record(0, 1, OTADATA_VALID);
}

/* The records follow to the slot that boots, so the broken one is not tried for ever. */
static void test_records_follow(void **state)
{
    (void)state;
    plant_make(&plant, &works);
    plant_put_record(&plant, 0, 1, OTADATA_VALID);
    app_flipped();
    assert_boots(2);
    assert_record(0, 1, OTADATA_VALID);
    assert_record(1, 2, OTADATA_PENDING_VERIFY);
    plant_put_record(&plant, 1, 2, OTADATA_VALID); /* the app confirms */
    assert_boots(2);
    assert_record(1, 2, OTADATA_VALID);
}

static void test_floor_rises_with_a_confirmed_app(void **state)
{
    (void)state;
    plant_make(&plant, &works);
    put_app(PLANT_SLOT1, 5, 3, works.trusted);
    plant_put_record(&plant, 0, 1, OTADATA_VALID);
    plant_put_record(&plant, 1, 2, OTADATA_NEW);
    assert_boots(5);
    assert_int_equal(efuse_secure_version(&plant.efuse), 0); /* on trial: not yet */
    plant_put_record(&plant, 1, 2, OTADATA_VALID);
    assert_boots(5);
    assert_int_equal(efuse_secure_version(&plant.efuse), 3);
    plant.flash[PLANT_SLOT1 + 300] ^= 1; /* now only the older app is left: it must not run */
    assert_int_equal(plant_run(&plant).outcome, BOOT_REFUSES);
}

/* A trusted key whose signature is wrong, with and without aggressive revocation. */
static void test_aggressive_revoke(void **state)
{
    (void)state;
    for (uint32_t aggressive = 0; aggressive <= 1; aggressive++) {
        plant_make(&plant, &works);
        if (aggressive != 0)
            plant_burn(&plant, "SECURE_BOOT_AGGRESSIVE_REVOKE", 1);
        struct image_bytes image = works.bootloader;
        image_sign(&image, works.trusted);
        uint8_t *block = image.bytes + image.length - SIGBLOCK_SECTOR_BYTES;
        block[900] ^= 1;
        le32_store(block + 1196, crc32_le(0, block, 1196));
        plant_put_image(&plant, 0, &image);
        assert_int_equal(plant_run(&plant).outcome, ROM_REFUSES);
        assert_int_equal(efuse_bits(&plant.efuse, EFUSE_SECURE_BOOT_KEY_REVOKE(0)), aggressive);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_bootloader_flips),
        cmocka_unit_test(test_first_boot_is_recorded),
        cmocka_unit_test(test_trial_and_rollback),
        cmocka_unit_test(test_records_follow),
        cmocka_unit_test(test_floor_rises_with_a_confirmed_app),
        cmocka_unit_test(test_aggressive_revoke),
    };
    if (argc != 2 || works_open(&works, argv[1]) != 0) {
        fprintf(stderr, "skipped: give the folder with rom.bin and boot.elf\n");
        return CTEST_SKIP;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    works_close(&works);
    return failed;
}
