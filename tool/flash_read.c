#include "tool/flash_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/flashcrypt.h"
#include "chain/image.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"
#include "tool/inputs.h"
#include "tool/table.h"

#define FLASH_MAX_BYTES (16u << 20)

struct dump_options {
    const char *dump;
    const char *partition;
    const char *output;
    const char *key;
    const char *efuse;
};

struct dump {
    struct buffer raw;
    bool encrypted;
    uint8_t key[XTS_KEY_BYTES];
    struct partition_table table;
};

static error_t parse_dump(int key, char *text, struct argp_state *state)
{
    struct dump_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case 'p':
        options->partition = text;
        return 0;
    case 'k':
        options->key = text;
        return 0;
    case 'e':
        options->efuse = text;
        return 0;
    default:
        return cli_one_argument(key, text, &options->dump, "flash dump", state);
    }
}

static bool is_blank(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != 0xFF)
            return false;
    }
    return true;
}

/* A copy of a region as the device reads it; the caller frees it. Erased flash stays erased: it
 * decrypts to noise, and nothing was ever written there. */
static int dump_region(const struct dump *dump, uint32_t offset, uint32_t length, bool decrypt,
                       struct buffer *out)
{
    *out = (struct buffer){.bytes = malloc(length), .length = length};
    if (!out->bytes)
        return host_fail(NULL, "out of memory");
    memcpy(out->bytes, dump->raw.bytes + offset, length);
    if (!decrypt || !dump->encrypted)
        return HOST_DONE;
    int error = flashcrypt_decrypt(&host_crypto, dump->key, offset, out->bytes, out->bytes, length);
    if (error == CHAIN_OK)
        return HOST_DONE;
    buffer_free_secret(out);
    return host_fail("flash", "%s", chain_error_text(error));
}

static int read_table(const char *name, struct dump *dump)
{
    struct buffer table;
    if (!span_within(PARTITION_TABLE_OFFSET, PARTITION_TABLE_BYTES, dump->raw.length))
        return host_fail(name, "is too short for a flash with a partition table");
    if (dump_region(dump, PARTITION_TABLE_OFFSET, PARTITION_TABLE_BYTES, true, &table) != HOST_DONE)
        return HOST_FAILED;
    int error = partition_table_parse(table.bytes, table.length, (uint32_t)dump->raw.length,
                                      &dump->table, NULL);
    buffer_free(&table);
    if (error)
        return host_fail(name, "no partition table at 0x8000: %s%s", chain_error_text(error),
                         dump->encrypted ? " (is it the right key?)"
                                         : " (if it is encrypted, give --key or --efuse)");
    return HOST_DONE;
}

static int dump_open(const struct dump_options *options, struct dump *dump)
{
    *dump = (struct dump){.encrypted = options->key || options->efuse};
    if (file_read(options->dump, FLASH_MAX_BYTES, &dump->raw) != HOST_DONE)
        return HOST_FAILED;
    if (dump->encrypted && flash_key_read(options->key, options->efuse, dump->key) != HOST_DONE)
        return HOST_FAILED;
    return read_table(file_input_name(options->dump), dump);
}

static void dump_close(struct dump *dump)
{
    buffer_free(&dump->raw);
    OPENSSL_cleanse(dump->key, sizeof dump->key);
}

int flash_dump_table(const char *path, const char *key, const char *efuse,
                     struct partition_table *table)
{
    struct dump_options options = {.dump = path, .key = key, .efuse = efuse};
    struct dump dump;
    int status = dump_open(&options, &dump);
    if (status == HOST_DONE)
        *table = dump.table;
    dump_close(&dump);
    return status;
}

static bool is_decrypted(const struct partition *partition)
{
    return partition->type == PARTITION_APP || partition_all_encrypted(partition);
}

static int read_partition(const struct dump_options *options, const struct dump *dump)
{
    struct buffer content;
    const struct partition *partition = partition_find_label(&dump->table, options->partition);
    if (!partition)
        return host_fail(options->partition, "is no partition of this flash");
    if (dump_region(dump, partition->offset, partition->size, is_decrypted(partition), &content) !=
        HOST_DONE)
        return HOST_FAILED;
    int status = file_write(options->output, content.bytes, content.length, 0600);
    buffer_free_secret(&content);
    return status;
}

static const struct argp_option dump_options_known[] = {
    {"partition", 'p', "LABEL", 0, "which partition", 0},
    {"output", 'o', "FILE", 0, "where its content goes", 0},
    {"key", 'k', "FILE", 0, "decrypt with this flash encryption key", 0},
    {"efuse", 'e', "FILE", 0, "decrypt with the key of these eFuses", 0},
    {0}};

int flash_read(int argc, char **argv)
{
    static const struct argp argp = {
        dump_options_known,
        parse_dump,
        "DUMP",
        "Take one partition out of a flash dump, decrypted where the device decrypts.",
        NULL,
        NULL,
        NULL};
    struct dump_options options = {0};
    struct dump dump;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE && (!options.partition || !options.output))
        status = host_usage("flash read", "--partition LABEL and -o FILE are needed");
    if (status != HOST_DONE)
        return status;
    status = dump_open(&options, &dump);
    if (status == HOST_DONE)
        status = read_partition(&options, &dump);
    dump_close(&dump);
    return status;
}

/* One line: what a region holds, judged by its content. */
static int print_region(const struct dump *dump, const char *label, uint32_t offset, uint32_t size,
                        bool decrypt)
{
    struct buffer content;
    struct image image;
    struct image_app_desc desc;
    char size_text[CLI_SIZE_TEXT];
    char text[2][CLI_TEXT];
    const uint8_t *raw = dump->raw.bytes + offset;
    if (dump_region(dump, offset, size, decrypt, &content) != HOST_DONE)
        return HOST_FAILED;
    printf("0x%06x  %-8s %-16s ", (unsigned)offset, cli_size(size, size_text),
           cli_printable(label, text[0]));
    if (is_blank(raw, size) || is_blank(content.bytes, size))
        printf("empty");
    else if (image_parse(content.bytes, size, &image) != CHAIN_OK)
        printf("data");
    else if (image_app_desc_read(content.bytes, size, &desc) == CHAIN_OK)
        printf("app %s %s, %u bytes", cli_printable(desc.project_name, text[0]),
               cli_printable(desc.version, text[1]), (unsigned)image.length);
    else
        printf("image, %u bytes", (unsigned)image.length);
    puts(decrypt && dump->encrypted ? ", encrypted" : "");
    buffer_free_secret(&content);
    return HOST_DONE;
}

static int print_map(const struct dump *dump)
{
    int status = print_region(dump, "(bootloader)", 0, PARTITION_TABLE_OFFSET, true);
    if (status == HOST_DONE)
        status = print_region(dump, "(partition table)", PARTITION_TABLE_OFFSET, 0x1000, true);
    for (size_t i = 0; i < dump->table.count && status == HOST_DONE; i++) {
        const struct partition *partition = &dump->table.entry[i];
        status = print_region(dump, partition->label, partition->offset, partition->size,
                              is_decrypted(partition));
    }
    return status;
}

int flash_map(int argc, char **argv)
{
    static const struct argp argp = {&dump_options_known[2],
                                     parse_dump,
                                     "DUMP",
                                     "Say what is where in a flash dump.",
                                     NULL,
                                     NULL,
                                     NULL};
    struct dump_options options = {0};
    struct dump dump;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    status = dump_open(&options, &dump);
    if (status == HOST_DONE)
        status = print_map(&dump);
    dump_close(&dump);
    return status;
}
