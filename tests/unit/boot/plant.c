/* tests/unit/boot/plant.c: see plant.h. */
#include "tests/unit/boot/plant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/flashcrypt.h"
#include "chain/image_build.h"
#include "chain/partition.h"
#include "chain/soc.h"
#include "host/crypto.h"
#include "host/file.h"
#include "tests/unit/folder.h"

#define SLOT_BYTES 0x40000u
#define DESC_BYTES 256u
#define MARKER     0x40800010u
#define BUDGET     320000000ull /* two seconds: the ROM waits 0.65 for its watchdog */

/* What builds the device cannot fail, or the test means nothing. */
static void must(int error)
{
    if (error == 0)
        return;
    fprintf(stderr, "plant: step failed with %d\n", error);
    abort();
}

static struct key *new_key(const char *folder, const char *name)
{
    char path[256];
    struct key *key = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (key_generate_rsa3072(path) == 0 && key_load_private(path, &key) != 0)
        key = NULL;
    return key;
}

static int open_files(struct works *works, const char *device_folder)
{
    char path[512];
    struct buffer rom = {0}, elf = {0};
    snprintf(path, sizeof path, "%s/rom.bin", device_folder);
    int error = file_read(path, sizeof works->rom, &rom);
    snprintf(path, sizeof path, "%s/boot.elf", device_folder);
    if (error == 0)
        error = file_read(path, FILE_MAX_DEFAULT, &elf);
    if (error == 0) {
        memcpy(works->rom, rom.bytes, rom.length);
        works->rom_bytes = rom.length;
        error = image_build(elf.bytes, elf.length, &image_build_defaults, &host_crypto,
                            works->bootloader.bytes, PLANT_IMAGE, &works->bootloader.length);
    }
    buffer_free(&rom);
    buffer_free(&elf);
    return error == 0 ? 0 : -1;
}

int works_open(struct works *works, const char *device_folder)
{
    char folder[FOLDER_BYTES];
    memset(works, 0, sizeof *works);
    for (size_t i = 0; i < XTS_KEY_BYTES; i++)
        works->flash_key[i] = (uint8_t)(i * 7 + 3);
    if (open_files(works, device_folder) != 0)
        return -1;
    folder_new("boot", folder);
    works->trusted = new_key(folder, "trusted.pem");
    works->foreign = new_key(folder, "foreign.pem");
    folder_remove(folder);
    return works->trusted != NULL && works->foreign != NULL ? 0 : -1;
}

void works_close(struct works *works)
{
    key_free(works->trusted);
    key_free(works->foreign);
}

/* --- images --------------------------------------------------------------------------------- */

void image_seal(struct image_bytes *image)
{
    struct image parsed;
    int error = image_parse(image->bytes, image->length, &parsed);
    must(error);
    uint8_t sum = IMAGE_CHECKSUM_SEED;
    for (size_t i = 0; i < parsed.segment_count; i++)
        for (size_t n = 0; n < parsed.segment[i].length; n++)
            sum ^= image->bytes[parsed.segment[i].offset + n];
    image->bytes[parsed.checksum_offset] = sum;
    const struct chain_span span = {image->bytes, parsed.hashed_length};
    host_crypto.sha256(&host_crypto, &span, 1, image->bytes + parsed.hashed_length);
}

void app_make(struct image_bytes *image, unsigned id, uint32_t secure_version)
{
    const uint32_t code[] = {
        0x30047073,     /* csrci mstatus, 8 */
        0x10500073,     /* wfi */
        0xFFDFF06F,     /* j to the wfi */
        0,          id, /* at MARKER */
    };
    memset(image, 0, sizeof *image);
    uint8_t *p = image->bytes;
    p[0] = IMAGE_MAGIC;
    p[1] = 2;
    p[2] = 2;
    p[3] = 0x10;
    le32_store(p + 4, PLANT_ENTRY);
    p[8] = 0xEE;
    le16_store(p + 12, IMAGE_CHIP_ESP32C6);
    p[23] = 1;
    p += IMAGE_HEADER_BYTES;
    le32_store(p, SOC_FLASH_BASE + IMAGE_APP_DESC_OFFSET);
    le32_store(p + 4, DESC_BYTES);
    le32_store(p + 8, IMAGE_APP_DESC_MAGIC);
    le32_store(p + 12, secure_version);
    snprintf((char *)p + 8 + 16, 32, "%u.0.0", id);
    p += IMAGE_SEGMENT_BYTES + DESC_BYTES;
    le32_store(p, PLANT_ENTRY);
    le32_store(p + 4, sizeof code);
    for (size_t i = 0; i < sizeof code / 4; i++)
        le32_store(p + 8 + 4 * i, code[i]);
    p += IMAGE_SEGMENT_BYTES + sizeof code;
    image->length = (((size_t)(p - image->bytes)) | 15) + 1 + SHA256_BYTES;
    image_seal(image);
}

void image_sign(struct image_bytes *image, const struct key *key)
{
    size_t filled = (image->length + IMAGE_SIGNATURE_ALIGN - 1) & ~(size_t)(4096 - 1);
    uint8_t digest[SHA256_BYTES], signature[RSA3072_BYTES], block[1][SIGBLOCK_BYTES];
    struct rsa3072_key rsa;
    memset(image->bytes + image->length, 0xFF, filled - image->length);
    const struct chain_span span = {image->bytes, filled};
    host_crypto.sha256(&host_crypto, &span, 1, digest);
    int error = key_rsa_public(key, &rsa);
    if (error == 0)
        error = key_sign_digest(key, digest, signature);
    must(error);
    sigblock_build_rsa(block[0], &rsa, digest, signature);
    sigblock_sector_build(image->bytes + filled, (const uint8_t(*)[SIGBLOCK_BYTES])block, 1);
    image->length = filled + SIGBLOCK_SECTOR_BYTES;
}

/* --- the device ----------------------------------------------------------------------------- */

void plant_put(struct plant *plant, uint32_t offset, const void *bytes, size_t length)
{
    int error = flashcrypt_encrypt(&host_crypto, plant->works->flash_key, offset, bytes,
                                   plant->flash + offset, length);
    must(error);
}

void plant_get(const struct plant *plant, uint32_t offset, void *out, size_t length)
{
    int error = flashcrypt_decrypt(&host_crypto, plant->works->flash_key, offset,
                                   plant->flash + offset, out, length);
    must(error);
}

void plant_put_image(struct plant *plant, uint32_t offset, const struct image_bytes *image)
{
    plant_put(plant, offset, image->bytes, image->length);
}

void plant_put_record(struct plant *plant, int index, uint32_t seq, uint32_t state)
{
    uint8_t record[OTADATA_RECORD_BYTES];
    otadata_record_build(record, seq, state);
    plant_put(plant, PLANT_OTADATA + (uint32_t)index * OTADATA_SECTOR_BYTES, record, sizeof record);
}

struct otadata plant_records(const struct plant *plant)
{
    uint8_t record[2][OTADATA_RECORD_BYTES];
    struct otadata ota;
    for (uint32_t i = 0; i < 2; i++)
        plant_get(plant, PLANT_OTADATA + i * OTADATA_SECTOR_BYTES, record[i], sizeof record[i]);
    otadata_parse(record[0], record[1], &ota);
    return ota;
}

void plant_burn(struct plant *plant, const char *field, uint32_t value)
{
    int error = efuse_burn_field(&plant->efuse, efuse_field_find(field), value);
    must(error);
}

static void burn_all(struct plant *plant)
{
    static const uint8_t mac[6] = {0x02, 0, 0, 0, 0, 1};
    struct rsa3072_key rsa;
    uint8_t digest[SHA256_BYTES];
    efuse_factory(&plant->efuse, mac, 0);
    int error = key_rsa_public(plant->works->trusted, &rsa);
    if (error == 0)
        error = sigblock_rsa_key_digest(&rsa, &host_crypto, digest);
    if (error == 0)
        error = efuse_burn_key(&plant->efuse, 0, EFUSE_PURPOSE_XTS_AES_128_KEY,
                               plant->works->flash_key);
    if (error == 0)
        error = efuse_burn_key(&plant->efuse, 1, EFUSE_PURPOSE_SECURE_BOOT_DIGEST0, digest);
    must(error);
    plant_burn(plant, "SECURE_BOOT_EN", 1);
    plant_burn(plant, "SPI_BOOT_CRYPT_CNT", 7);
}

static void put_table(struct plant *plant)
{
    struct partition_table table = {
        .count = 3,
        .entry = {{PARTITION_DATA, PARTITION_DATA_OTA, PLANT_OTADATA, 0x2000, 0, "otadata"},
                  {PARTITION_APP, PARTITION_APP_OTA_0, PLANT_SLOT0, SLOT_BYTES, 0, "ota_0"},
                  {PARTITION_APP, PARTITION_APP_OTA_0 + 1, PLANT_SLOT1, SLOT_BYTES, 0, "ota_1"}}};
    uint8_t binary[PARTITION_TABLE_BYTES];
    int error = partition_table_build(&table, binary);
    must(error);
    plant_put(plant, PARTITION_TABLE_OFFSET, binary, sizeof binary);
}

void plant_make(struct plant *plant, const struct works *works)
{
    memset(plant, 0, sizeof *plant);
    plant->works = works;
    plant->strap = SOC_STRAP_SPI_BOOT;
    memset(plant->flash, 0xFF, sizeof plant->flash);
    burn_all(plant);
    put_table(plant);
    struct image_bytes image = works->bootloader;
    image_sign(&image, works->trusted);
    plant_put_image(plant, 0, &image);
    app_make(&image, 1, 0);
    image_sign(&image, works->trusted);
    plant_put_image(plant, PLANT_SLOT0, &image);
    app_make(&image, 2, 0);
    image_sign(&image, works->trusted);
    plant_put_image(plant, PLANT_SLOT1, &image);
}

static enum outcome outcome_of(enum chip_stop stop, const struct chip_stats *stats,
                               bool bootloader_ran)
{
    if (stop == CHIP_STOP_BREAKPOINT)
        return APP_RUNS;
    if (stop == CHIP_STOP_HALT)
        return HALTED;
    if (stop != CHIP_STOP_RESET_LIMIT)
        return OTHERWISE;
    if (!bootloader_ran && stats->last_reset_cause == SOC_RESET_TG0_SYS)
        return ROM_REFUSES;
    return bootloader_ran && stats->last_reset_cause == SOC_RESET_SW_SYS ? BOOT_REFUSES : OTHERWISE;
}

/* First up to where the ROM hands over, so that who refused is known for certain. */
struct result plant_run(struct plant *plant)
{
    struct chip_config config;
    struct chip *chip;
    struct chip_stats stats;
    chip_config_init(&config);
    config.rom = plant->works->rom;
    config.rom_bytes = plant->works->rom_bytes;
    config.flash = plant->flash;
    config.flash_bytes = sizeof plant->flash;
    config.efuse = &plant->efuse;
    config.strap = plant->strap;
    int error = chip_new(&config, &chip);
    must(error);
    chip_limit_resets(chip, 1);
    chip_breakpoint(chip, le32_load(plant->works->bootloader.bytes + 4));
    enum chip_stop stop = chip_run(chip, BUDGET);
    bool bootloader_ran = stop == CHIP_STOP_BREAKPOINT;
    if (bootloader_ran) {
        chip_breakpoint(chip, PLANT_ENTRY);
        stop = chip_run(chip, BUDGET);
    }
    chip_get_stats(chip, &stats);
    struct result result = {.outcome = outcome_of(stop, &stats, bootloader_ran),
                            .reset_cause = stats.last_reset_cause,
                            .unknown_registers = stats.unknown_registers};
    uint8_t marker[4];
    if (result.outcome == APP_RUNS && chip_peek(chip, MARKER, marker, sizeof marker))
        result.app = le32_load(marker);
    chip_free(chip);
    return result;
}
