#include "tool/flash_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/flashcrypt.h"
#include "chain/otadata.h"
#include "chain/verify.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "server/project.h"
#include "tool/cli.h"
#include "tool/file_lock.h"
#include "tool/flash_data.h"
#include "tool/inputs.h"
#include "tool/table.h"

#define BOOTLOADER_OFFSET  0u
#define SECTOR_BYTES       4096u
#define FLASH_SIZE_DEFAULT (4u << 20)
#define PARTS_MAX          32

enum { OPTION_PROJECT = CLI_LONG, OPTION_SIZE, OPTION_OTADATA, OPTION_TRUST, OPTION_OFFSET };

/* LABEL=FILE from the command line. */
struct part {
    char label[PARTITION_LABEL_BYTES + 1];
    const char *path;
};

struct build_options {
    const char *output;
    const char *project; /* folder; NULL: everything is on the command line */
    uint32_t size;       /* bytes; 0: not given */
    const char *partitions;
    uint32_t table_offset; /* a multiple of 4096 */
    const char *bootloader;
    struct part app[PARTS_MAX];
    size_t app_count;
    struct part data[PARTS_MAX];
    size_t data_count;
    const char *otadata;
    const char *key;
    const char *efuse;
    struct trust_source trust;
};

/* The flash being built: plaintext first, then encrypted region by region. */
struct flash {
    uint8_t *bytes;
    uint32_t size;
    struct partition_table table;
    uint32_t table_offset;
    bool encrypted;
    uint8_t key[XTS_KEY_BYTES];
    bool signature_needed;
    struct sigblock_trust trust;
    bool chip_known;
    uint16_t chip_rev;
    uint32_t secure_version;
};

static void add_part(const struct argp_state *state, struct part *list, size_t *count, char *text)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;
    if (length == 0 || length > PARTITION_LABEL_BYTES || !equals[1])
        cli_usage(state, "\"%s\" is not LABEL=FILE", text);
    if (*count == PARTS_MAX)
        cli_usage(state, "more than %d parts", PARTS_MAX);
    memcpy(list[*count].label, text, length);
    list[*count].label[length] = '\0';
    list[(*count)++].path = equals + 1;
}

static void check_complete(const struct argp_state *state, const struct build_options *options)
{
    if (!options->output || !(options->partitions || options->project) || !options->bootloader)
        cli_usage(state, "an output (-o FILE), --project or --partitions, and --bootloader are "
                         "needed");
    if (options->app_count == 0)
        cli_usage(state, "no application given (--app LABEL=FILE)");
}

static error_t parse_build(int key, char *text, struct argp_state *state)
{
    struct build_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case OPTION_PROJECT:
        options->project = text;
        return 0;
    case OPTION_SIZE:
        options->size = cli_option_flash_size(state, text);
        return 0;
    case 'p':
        options->partitions = text;
        return 0;
    case OPTION_OFFSET:
        options->table_offset = cli_option_number(state, "--offset", text);
        if (options->table_offset == 0 || options->table_offset % SECTOR_BYTES != 0)
            cli_usage(state, "--offset must be a multiple of 0x1000, behind the bootloader");
        return 0;
    case 'b':
        options->bootloader = text;
        return 0;
    case 'a':
        add_part(state, options->app, &options->app_count, text);
        return 0;
    case 'd':
        add_part(state, options->data, &options->data_count, text);
        return 0;
    case OPTION_OTADATA:
        options->otadata = text;
        return 0;
    case 'k':
        options->key = text;
        return 0;
    case 'e':
        options->efuse = text;
        return 0;
    case OPTION_TRUST:
        if (options->trust.key_count == SIGBLOCK_MAX)
            cli_usage(state, "a device trusts at most three keys");
        options->trust.keys[options->trust.key_count++] = text;
        return 0;
    case ARGP_KEY_ARG:
        cli_usage(state, "\"%s\" is not an option (see --help)", text);
    case ARGP_KEY_END:
        check_complete(state, options);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What the eFuses of the device demand. */
static int apply_efuse(const struct build_options *options, struct flash *flash)
{
    struct efuse_file file;
    if (efuse_file_read(options->efuse, &file) != HOST_DONE)
        return HOST_FAILED;
    flash->chip_known = true;
    flash->chip_rev = efuse_chip_revision(&file.efuse);
    flash->secure_version = efuse_secure_version(&file.efuse);
    flash->encrypted = flash->encrypted || efuse_flash_encryption(&file.efuse);
    if (efuse_bits(&file.efuse, EFUSE_SECURE_BOOT_EN)) {
        flash->signature_needed = true;
        if (flash->trust.count == 0)
            efuse_trust(&file.efuse, &flash->trust);
    }
    efuse_file_free(&file);
    return HOST_DONE;
}

static int prepare(const struct build_options *options, struct flash *flash)
{
    *flash = (struct flash){.size = options->size, .table_offset = options->table_offset};
    flash->encrypted = options->key != NULL;
    flash->signature_needed = options->trust.key_count > 0;
    if (!span_within(options->table_offset, SECTOR_BYTES, options->size))
        return host_fail("flash build", "--offset 0x%x lies outside of the flash",
                         (unsigned)options->table_offset);
    if (trust_read(&options->trust, &flash->trust) != HOST_DONE ||
        table_read_at(options->partitions, options->table_offset, options->size, &flash->table) !=
            HOST_DONE)
        return HOST_FAILED;
    if (options->efuse && apply_efuse(options, flash) != HOST_DONE)
        return HOST_FAILED;
    if (flash->encrypted && flash_key_read(options->key, options->efuse, flash->key) != HOST_DONE)
        return HOST_FAILED;
    flash->bytes = malloc(flash->size);
    if (!flash->bytes)
        return host_fail(options->output, "out of memory");
    memset(flash->bytes, 0xFF, flash->size);
    return HOST_DONE;
}

static int encrypt_region(struct flash *flash, uint32_t offset, uint32_t length)
{
    if (!flash->encrypted)
        return HOST_DONE;
    uint8_t *region = flash->bytes + offset;
    int error = flashcrypt_encrypt(&host_crypto, flash->key, offset, region, region, length);
    return error ? host_fail("flash", "%s", chain_error_text(error)) : HOST_DONE;
}

/* The verdict of the device this flash is for, before it is soldered. */
static int judge(const struct flash *flash, const char *name, const struct buffer *file,
                 enum image_kind kind, uint32_t room, struct image *image)
{
    struct verify_policy policy = {.kind = kind,
                                   .chip_rev = flash->chip_rev,
                                   .max_length = room,
                                   .trust = flash->signature_needed ? &flash->trust : NULL,
                                   .own_mmu_page = true};
    struct image_app_desc desc;
    int reason;
    if (kind != image_kind_of(file->bytes, file->length))
        return host_fail(name, "is not %s image",
                         kind == IMAGE_APP ? "an application" : "a bootloader");
    int error = image_parse(file->bytes, file->length, image);
    if (error)
        return host_fail(name, "is no ESP32-C6 image: %s", chain_error_text(error));
    if (!flash->chip_known)
        policy.chip_rev = image->min_rev_full;
    if (kind == IMAGE_APP)
        policy.min_secure_version = flash->secure_version;
    if (verify_image(file->bytes, file->length, &policy, &host_crypto, NULL, &desc, &reason) !=
        SIGBLOCK_TRUSTED)
        return host_fail(name, "would be refused by the device: %s", chain_error_text(reason));
    return HOST_DONE;
}

/* A device does not look behind the signature sector; a file with more than that is not the image
 * it is taken for. */
static int check_end(const char *name, const struct buffer *file, const struct image *image)
{
    size_t end = image->signed_length;
    if (image_signature_sector(image, file->bytes, file->length))
        end += SIGBLOCK_SECTOR_BYTES;
    if (file->length <= end)
        return HOST_DONE;
    return host_fail(name, "has %zu bytes after the end of the image", file->length - end);
}

/* An image with its signature sector, in whole sectors, is what the chip encrypts. */
static int place_image(struct flash *flash, const char *path, enum image_kind kind, uint32_t offset,
                       uint32_t room)
{
    struct buffer file;
    struct image image;
    uint32_t sectors = 0;
    const char *name = file_input_name(path);
    if (file_read(path, FILE_MAX_DEFAULT, &file) != HOST_DONE)
        return HOST_FAILED;
    int status = judge(flash, name, &file, kind, room, &image);
    if (status == HOST_DONE)
        status = check_end(name, &file, &image);
    if (status == HOST_DONE &&
        (!round_up_u32((uint32_t)file.length, SECTOR_BYTES, &sectors) || sectors > room))
        status = host_fail(name, "is %zu bytes, there is room for %u", file.length, (unsigned)room);
    if (status == HOST_DONE) {
        memcpy(flash->bytes + offset, file.bytes, file.length);
        status = encrypt_region(flash, offset, sectors);
    }
    buffer_free(&file);
    return status;
}

static const struct partition *find_partition(const struct flash *flash, const char *label,
                                              bool app)
{
    const struct partition *partition = partition_find_label(&flash->table, label);
    if (partition && (partition->type == PARTITION_APP) == app && !partition_is_primary(partition))
        return partition;
    host_fail(label, "is no %s partition of the table", app ? "application" : "data");
    return NULL;
}

/* Is part `i` the first of its label? */
static int check_once(const struct part *list, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(list[i].label, list[k].label) == 0)
            return host_fail(list[i].label, "is given twice");
    }
    return HOST_DONE;
}

/* The file given for the NVS keys partition; NULL when none is. */
static const char *keys_path(const struct build_options *options, const struct flash *flash)
{
    const struct partition *keys =
        partition_find(&flash->table, PARTITION_DATA, PARTITION_DATA_NVS_KEYS);
    for (size_t i = 0; keys && i < options->data_count; i++) {
        if (strcmp(options->data[i].label, keys->label) == 0)
            return options->data[i].path;
    }
    return NULL;
}

static int place_apps(const struct build_options *options, struct flash *flash)
{
    for (size_t i = 0; i < options->app_count; i++) {
        const struct partition *slot = find_partition(flash, options->app[i].label, true);
        if (!slot || check_once(options->app, i) != HOST_DONE ||
            place_image(flash, options->app[i].path, IMAGE_APP, slot->offset, slot->size) !=
                HOST_DONE)
            return HOST_FAILED;
    }
    return HOST_DONE;
}

static int place_table(struct flash *flash)
{
    int error = partition_table_build(&flash->table, flash->bytes + flash->table_offset);
    if (error)
        return host_fail("partition table", "%s", chain_error_text(error));
    return encrypt_region(flash, flash->table_offset, SECTOR_BYTES);
}

/* Which slot boots first: "initial" leaves the records empty, as a factory does. */
static int place_otadata(struct flash *flash, const char *choice)
{
    const struct partition *otadata =
        partition_find(&flash->table, PARTITION_DATA, PARTITION_DATA_OTA);
    if (strcmp(choice, "initial") == 0)
        return HOST_DONE;
    const struct partition *slot = partition_find_label(&flash->table, choice);
    if (!slot || slot->type != PARTITION_APP || slot->subtype < PARTITION_APP_OTA_0 ||
        slot->subtype > PARTITION_APP_OTA_15)
        return host_fail(choice, "is no OTA slot of the table (--otadata initial, or a slot)");
    if (!otadata)
        return host_fail(choice, "cannot be chosen, the table has no otadata partition");
    struct otadata_write write = otadata_initial(slot->subtype - PARTITION_APP_OTA_0);
    memcpy(flash->bytes + otadata->offset + (uint32_t)write.index * OTADATA_SECTOR_BYTES,
           write.bytes, sizeof write.bytes);
    return HOST_DONE;
}

static int place_file(const struct build_options *options, struct flash *flash,
                      const struct partition *place, const char *path)
{
    struct buffer file;
    if (place->type == PARTITION_BOOTLOADER)
        return place_image(flash, path, IMAGE_BOOTLOADER, place->offset, place->size);
    if (flash_data_read(place, path, keys_path(options, flash), &file) != HOST_DONE)
        return HOST_FAILED;
    memcpy(flash->bytes + place->offset, file.bytes, file.length);
    buffer_free_secret(&file);
    return HOST_DONE;
}

/* Parts first, then everything that is encrypted whole: also what nothing was given for. */
static int place_data(const struct build_options *options, struct flash *flash)
{
    for (size_t i = 0; i < options->data_count; i++) {
        const struct partition *place = find_partition(flash, options->data[i].label, false);
        if (!place || check_once(options->data, i) != HOST_DONE ||
            place_file(options, flash, place, options->data[i].path) != HOST_DONE)
            return HOST_FAILED;
    }
    for (size_t i = 0; i < flash->table.count; i++) {
        const struct partition *partition = &flash->table.entry[i];
        if (partition_all_encrypted(partition) &&
            encrypt_region(flash, partition->offset, partition->size) != HOST_DONE)
            return HOST_FAILED;
    }
    return HOST_DONE;
}

static int assemble(const struct build_options *options, struct flash *flash)
{
    if (prepare(options, flash) != HOST_DONE ||
        place_image(flash, options->bootloader, IMAGE_BOOTLOADER, BOOTLOADER_OFFSET,
                    flash->table_offset) != HOST_DONE ||
        place_table(flash) != HOST_DONE || place_apps(options, flash) != HOST_DONE ||
        place_otadata(flash, options->otadata) != HOST_DONE ||
        place_data(options, flash) != HOST_DONE)
        return HOST_FAILED;
    int lock, status = file_lock_output(options->output, &lock);
    /* Settings and NVS keys stay their owner's. */
    if (status == HOST_DONE)
        status = file_write(options->output, flash->bytes, flash->size,
                            options->data_count > 0 ? 0600 : 0644);
    file_unlock(lock);
    return status;
}

/* What the command line left open, from the project. With eFuses the device decides whom it trusts
 * and whether it decrypts. */
static int fill_in(struct build_options *options, struct release_project *project)
{
    if (release_project_read(options->project, project) != HOST_DONE)
        return HOST_FAILED;
    if (!options->partitions)
        options->partitions = project->partitions;
    if (options->size == 0)
        options->size = project->flash_size;
    if (!options->efuse && !options->key && project->encryption)
        options->key = project->flash_key;
    if (!options->efuse && options->trust.key_count == 0)
        options->trust.keys[options->trust.key_count++] = project->signing_key;
    return HOST_DONE;
}

int flash_build(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "where the flash image goes", 0},
        {"project", OPTION_PROJECT, "DIR", 0,
         "the project: flash size, partition table, flash encryption key, signing key", 0},
        {"size", OPTION_SIZE, "SIZE", 0, "flash chip, e.g. 4MB (default)", 0},
        {"partitions", 'p', "FILE", 0, "partition table, CSV or binary", 0},
        {"offset", OPTION_OFFSET, "N", 0, "where the table goes (default: 0x8000)", 0},
        {"bootloader", 'b', "IMAGE", 0, "bootloader image, signed when the device demands it", 0},
        {"app", 'a', "LABEL=IMAGE", 0, "application image for a slot, e.g. ota_0=app.bin", 0},
        {"data", 'd', "LABEL=FILE", 0, "content of a data partition; for NVS also CSV", 0},
        {"otadata", OPTION_OTADATA, "SLOT", 0, "`initial' (default), or the slot to boot", 0},
        {"key", 'k', "FILE", 0, "encrypt with this flash encryption key", 0},
        {"efuse", 'e', "FILE", 0, "build for the device with these eFuses", 0},
        {"trust", OPTION_TRUST, "FILE", 0, "refuse images not signed by this key", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_build,
        NULL,
        "Build one factory flash image. Every part is judged as the device would judge it, and "
        "with a key (or eFuses that hold one) encrypted where the device decrypts: bootloader, "
        "partition table, applications, otadata, partitions flagged encrypted.",
        NULL,
        NULL,
        NULL};
    struct build_options options = {.otadata = "initial", .table_offset = PARTITION_TABLE_OFFSET};
    struct release_project project;
    struct flash flash = {0};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE && options.project)
        status = fill_in(&options, &project);
    if (options.size == 0)
        options.size = FLASH_SIZE_DEFAULT;
    if (status == HOST_DONE)
        status = assemble(&options, &flash);
    free(flash.bytes);
    OPENSSL_cleanse(flash.key, sizeof flash.key);
    return status;
}
