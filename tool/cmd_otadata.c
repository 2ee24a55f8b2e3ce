/* trustchain otadata: which slot boots, and why (formats.md 4). */
#include "tool/tool.h"

#include <stdio.h>

#include <openssl/crypto.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/flashcrypt.h"
#include "chain/otadata.h"
#include "host/crypto.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"
#include "tool/inputs.h"

#define OTADATA_BYTES (2 * OTADATA_SECTOR_BYTES)
#define SLOTS_MAX     16u

enum { OPTION_SLOTS = CLI_LONG, OPTION_JSON };

struct otadata_options {
    const char *input;
    const char *key;
    const char *efuse;
    uint32_t offset;
    uint32_t slots;
    bool json;
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
    default:
        return cli_one_argument(key, text, &options->input, "file", state);
    }
}

static const char *state_name(uint32_t state)
{
    static const char *const names[] = {"NEW", "PENDING_VERIFY", "VALID", "INVALID", "ABORTED"};
    if (state < sizeof names / sizeof *names)
        return names[state];
    return state == UINT32_MAX ? "UNDEFINED" : "unknown";
}

static int decrypt_in_place(const struct otadata_options *options, uint8_t *bytes)
{
    uint8_t key[XTS_KEY_BYTES];
    if (!options->key && !options->efuse)
        return HOST_DONE;
    if (flash_key_read(options->key, options->efuse, key) != HOST_DONE)
        return HOST_FAILED;
    int error = flashcrypt_decrypt(&host_crypto, key, options->offset, bytes, bytes, OTADATA_BYTES);
    OPENSSL_cleanse(key, sizeof key);
    return error ? host_fail(options->input, "%s", chain_error_text(error)) : HOST_DONE;
}

static int read_otadata(const struct otadata_options *options, struct otadata *out)
{
    struct buffer file;
    if (file_read(options->input, FILE_MAX_DEFAULT, &file) != HOST_DONE)
        return HOST_FAILED;
    int status = HOST_DONE;
    if (!span_within(options->offset, OTADATA_BYTES, file.length))
        status =
            host_fail(file_input_name(options->input),
                      "has no 0x2000 bytes of otadata at offset 0x%x", (unsigned)options->offset);
    uint8_t *bytes = file.bytes + options->offset;
    if (status == HOST_DONE)
        status = decrypt_in_place(options, bytes);
    if (status == HOST_DONE)
        otadata_parse(bytes, bytes + OTADATA_SECTOR_BYTES, out);
    buffer_free(&file);
    return status;
}

static int print_json(const struct otadata *ota, uint32_t slots)
{
    json_t *records = json_array();
    int active = otadata_active(ota);
    for (int i = 0; i < 2; i++) {
        const struct otadata_record *record = &ota->record[i];
        json_array_append_new(records, json_pack("{s:I, s:s, s:b}", "seq", (json_int_t)record->seq,
                                                 "state", state_name(record->state), "bootable",
                                                 otadata_record_bootable(record)));
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
               state_name(record->state),
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
    struct otadata ota;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = read_otadata(&options, &ota);
    if (status != HOST_DONE)
        return status;
    if (options.json)
        return print_json(&ota, options.slots);
    print_text(&ota, options.slots);
    return HOST_DONE;
}

int cmd_otadata(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {{"show", otadata_show, "the two records"}};
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
