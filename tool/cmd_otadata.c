/* trustchain otadata: which slot boots, and why (formats.md 4). */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/flashcrypt.h"
#include "chain/otadata.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"
#include "tool/file_lock.h"
#include "tool/inputs.h"
#include "tool/otadata_names.h"

#define OTADATA_BYTES (2 * OTADATA_SECTOR_BYTES)
#define SLOTS_MAX     16u

enum { OPTION_SLOTS = CLI_LONG, OPTION_JSON, OPTION_STATE };

struct otadata_options {
    const char *input;
    const char *output;
    const char *slot;
    uint32_t state;
    const char *key;
    const char *efuse;
    uint32_t offset;
    uint32_t slots;
    bool json;
};

/* A dump or a partition's content, and the key its records are encrypted with. */
struct otadata_file {
    struct buffer bytes;
    bool encrypted;
    uint8_t key[XTS_KEY_BYTES];
};

static error_t parse_otadata(int key, char *text, struct argp_state *state)
{
    struct otadata_options *options = state->input;
    switch (key) {
    case 'a':
        options->offset = cli_option_number(state, "--offset", text);
        return 0;
    case 'k':
        options->key = text;
        return 0;
    case 'e':
        options->efuse = text;
        return 0;
    case OPTION_SLOTS:
        options->slots = cli_option_number(state, "--slots", text);
        if (options->slots == 0 || options->slots > SLOTS_MAX)
            cli_usage(state, "--slots is 1 to 16");
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_STATE:
        if (!otadata_state_parse(text, &options->state))
            cli_usage(state,
                      "--state is new, pending_verify, valid, invalid, aborted or undefined");
        return 0;
    case 's':
        options->slot = text;
        return 0;
    case 'o':
        options->output = text;
        return 0;
    default:
        return cli_one_argument(key, text, &options->input, "file", state);
    }
}

/* Encrypts or decrypts record i where it lies in flash. */
static int crypt_record(const struct otadata_options *options, const struct otadata_file *file,
                        bool encrypt, int i, uint8_t record[OTADATA_RECORD_BYTES])
{
    uint32_t offset = options->offset + (uint32_t)i * OTADATA_SECTOR_BYTES;
    if (!file->encrypted)
        return HOST_DONE;
    int error = (encrypt ? flashcrypt_encrypt : flashcrypt_decrypt)(
        &host_crypto, file->key, offset, record, record, OTADATA_RECORD_BYTES);
    return error ? host_fail(file_input_name(options->input), "%s", chain_error_text(error))
                 : HOST_DONE;
}

static void close_otadata(struct otadata_file *file)
{
    buffer_free(&file->bytes);
    OPENSSL_cleanse(file->key, sizeof file->key);
}

static int parse_records(const struct otadata_options *options, const struct otadata_file *file,
                         struct otadata *out)
{
    uint8_t record[2][OTADATA_RECORD_BYTES];
    if (!span_within(options->offset, OTADATA_BYTES, file->bytes.length))
        return host_fail(file_input_name(options->input),
                         "has no 0x2000 bytes of otadata at offset 0x%x",
                         (unsigned)options->offset);
    for (int i = 0; i < 2; i++) {
        memcpy(record[i], file->bytes.bytes + options->offset + (size_t)i * OTADATA_SECTOR_BYTES,
               OTADATA_RECORD_BYTES);
        if (crypt_record(options, file, false, i, record[i]) != HOST_DONE)
            return HOST_FAILED;
    }
    otadata_parse(record[0], record[1], out);
    return HOST_DONE;
}

/* The caller closes the file, whatever this returns. */
static int open_otadata(const struct otadata_options *options, struct otadata_file *file,
                        struct otadata *out)
{
    *file = (struct otadata_file){.encrypted = options->key || options->efuse};
    if (file_read(options->input, FILE_MAX_DEFAULT, &file->bytes) != HOST_DONE)
        return HOST_FAILED;
    if (file->encrypted && flash_key_read(options->key, options->efuse, file->key) != HOST_DONE)
        return HOST_FAILED;
    return parse_records(options, file, out);
}

static int print_json(const struct otadata *ota, uint32_t slots)
{
    json_t *records = json_array();
    int active = otadata_active(ota);
    for (int i = 0; i < 2; i++) {
        const struct otadata_record *record = &ota->record[i];
        json_array_append_new(records, json_pack("{s:I, s:s, s:b}", "seq", (json_int_t)record->seq,
                                                 "state", otadata_state_name(record->state),
                                                 "bootable", otadata_record_bootable(record)));
    }
    json_t *slot =
        active < 0 ? json_null() : json_integer(otadata_slot(ota->record[active].seq, slots));
    return cli_json_print(
        json_pack("{s:o, s:i, s:o}", "records", records, "active", active, "slot", slot));
}

static void print_text(const struct otadata *ota, uint32_t slots)
{
    int active = otadata_active(ota);
    for (int i = 0; i < 2; i++) {
        const struct otadata_record *record = &ota->record[i];
        if (record->seq == UINT32_MAX) {
            printf("record %d  empty\n", i);
            continue;
        }
        printf("record %d  seq %u, state %s, %s\n", i, (unsigned)record->seq,
               otadata_state_name(record->state),
               otadata_record_bootable(record) ? "bootable" : "not bootable");
    }
    if (active < 0)
        printf("boots     factory, or the first slot that verifies\n");
    else
        printf("boots     ota_%u (record %d)\n", otadata_slot(ota->record[active].seq, slots),
               active);
}

static int otadata_show(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"offset", 'a', "N", 0, "where otadata starts in a flash dump, e.g. 0xd000", 0},
        {"key", 'k', "FILE", 0, "decrypt with this flash encryption key", 0},
        {"efuse", 'e', "FILE", 0, "decrypt with the key of these eFuses", 0},
        {"slots", OPTION_SLOTS, "N", 0, "number of OTA slots (default 2)", 0},
        {"json", OPTION_JSON, NULL, 0, "print JSON", 0},
        {0}};
    static const struct argp argp = {
        options_known, parse_otadata, "FILE", "Show the records that decide which slot boots.",
        NULL,          NULL,          NULL};
    struct otadata_options options = {.slots = 2};
    struct otadata_file file;
    struct otadata ota;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    status = open_otadata(&options, &file, &ota);
    close_otadata(&file);
    if (status != HOST_DONE)
        return status;
    if (options.json)
        return print_json(&ota, options.slots);
    print_text(&ota, options.slots);
    return HOST_DONE;
}

/* "ota_1" or "1"; a usage line otherwise. */
static int slot_number(const struct otadata_options *options, uint32_t *slot)
{
    const char *digits = strncmp(options->slot, "ota_", 4) == 0 ? options->slot + 4 : options->slot;
    if (cli_number(digits, slot) && *slot < options->slots)
        return HOST_DONE;
    return host_usage("otadata set", "--slot is ota_0 to ota_%u", (unsigned)options->slots - 1);
}

/* The sector is erased and holds the record alone, as a device leaves it. */
static int put_record(const struct otadata_options *options, struct otadata_file *file, int index,
                      const uint8_t record[OTADATA_RECORD_BYTES])
{
    uint8_t *sector = file->bytes.bytes + options->offset + (size_t)index * OTADATA_SECTOR_BYTES;
    memset(sector, 0xFF, OTADATA_SECTOR_BYTES);
    memcpy(sector, record, OTADATA_RECORD_BYTES);
    return crypt_record(options, file, true, index, sector);
}

/* Where and with which sequence number is otadata_set_boot()'s decision, the state is the
 * caller's. */
static int set_slot(const struct otadata_options *options, uint32_t slot, struct otadata_file *file,
                    const struct otadata *ota)
{
    struct otadata_write write = otadata_set_boot(ota, options->slots, slot);
    if (write.index < 0)
        return host_fail(file_input_name(options->input),
                         "the sequence numbers are used up (erase otadata)");
    uint8_t record[OTADATA_RECORD_BYTES];
    otadata_record_build(record, le32_load(write.bytes), options->state);
    if (put_record(options, file, write.index, record) != HOST_DONE)
        return HOST_FAILED;
    return file_write(options->output, file->bytes.bytes, file->bytes.length, 0600);
}

static int otadata_set(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"slot", 's', "SLOT", 0, "the slot to boot, e.g. ota_1", 0},
        {"state", OPTION_STATE, "STATE", 0,
         "new (default), pending_verify, valid, invalid, aborted or undefined", 0},
        {"output", 'o', "FILE", 0, "where the result goes; may be the input", 0},
        {"offset", 'a', "N", 0, "where otadata starts in a flash dump, e.g. 0xd000", 0},
        {"key", 'k', "FILE", 0, "the flash is encrypted with this key", 0},
        {"efuse", 'e', "FILE", 0, "the flash is encrypted with the key of these eFuses", 0},
        {"slots", OPTION_SLOTS, "N", 0, "number of OTA slots (default 2)", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_otadata,
        "FILE",
        "Make a slot the next to boot, in a flash dump or in the content of the otadata "
        "partition. The record that boots now stays; the other is replaced.",
        NULL,
        NULL,
        NULL};
    struct otadata_options options = {.slots = 2};
    struct otadata_file file;
    struct otadata ota;
    uint32_t slot;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE && (!options.slot || !options.output))
        status = host_usage("otadata set", "--slot SLOT and -o FILE are needed");
    if (status == HOST_DONE)
        status = slot_number(&options, &slot);
    if (status != HOST_DONE)
        return status;
    int lock;
    status = file_lock_output(options.output, &lock);
    if (status != HOST_DONE)
        return status;
    status = open_otadata(&options, &file, &ota);
    if (status == HOST_DONE)
        status = set_slot(&options, slot, &file, &ota);
    close_otadata(&file);
    file_unlock(lock);
    return status;
}

int cmd_otadata(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"show", otadata_show, "the two records"},
        {"set", otadata_set, "make a slot the next to boot"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
