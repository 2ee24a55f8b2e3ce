/* trustchain nvs: NVS partitions from CSV, and what is in one (docs/nvs.md). */
#include "tool/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/nvs.h"
#include "host/error.h"
#include "host/file.h"
#include "tool/cli.h"
#include "tool/nvs_crypt.h"
#include "tool/nvs_from_csv.h"
#include "tool/nvs_list.h"

struct nvs_options {
    const char *input;
    const char *output;
    const char *keys; /* NULL: plain */
    uint32_t size;
    bool json;
};

enum { OPTION_SIZE = CLI_LONG, OPTION_JSON, OPTION_KEYS };

static error_t parse_nvs(int key, char *text, struct argp_state *state)
{
    struct nvs_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case OPTION_SIZE:
        options->size = cli_option_number(state, "--size", text);
        if (options->size == 0 || options->size % NVS_PAGE_BYTES != 0 ||
            options->size > NVS_FILE_MAX)
            cli_usage(state, "--size %s: must be a multiple of 4096, at most 16M", text);
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_KEYS:
        options->keys = text;
        return 0;
    default:
        return cli_one_argument(key, text, &options->input, "file", state);
    }
}

static int build(const struct nvs_options *options)
{
    struct buffer partition;
    int status = nvs_from_csv(options->input, options->keys, options->size, &partition);
    if (status == HOST_DONE)
        status = file_write(options->output, partition.bytes, partition.length, 0600);
    buffer_free_secret(&partition);
    return status;
}

static int nvs_build(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "where the partition goes (default: stdout)", 0},
        {"size", OPTION_SIZE, "SIZE", 0, "of the partition, e.g. 24K or 0x6000", 0},
        {"keys", OPTION_KEYS, "FILE", 0, "encrypt it with this keys partition", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_nvs,
        "CSV",
        "Make an NVS partition from CSV (key,type,encoding,value), the bytes of Espressif's "
        "nvs_partition_gen.",
        NULL,
        NULL,
        NULL};
    struct nvs_options options = {.output = "-"};
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    if (options.size == 0)
        return host_usage("nvs build", "--size is missing (that of the partition)");
    return build(&options);
}

static const char *type_name(const struct nvs_entry *entry)
{
    switch ((enum nvs_type)entry->type) {
    case NVS_U8:
        return "u8";
    case NVS_U16:
        return "u16";
    case NVS_U32:
        return "u32";
    case NVS_U64:
        return "u64";
    case NVS_I8:
        return "i8";
    case NVS_I16:
        return "i16";
    case NVS_I32:
        return "i32";
    case NVS_I64:
        return "i64";
    case NVS_STRING:
        return "string";
    case NVS_BLOB:
    case NVS_BLOB_DATA:
    case NVS_BLOB_INDEX:
        break;
    }
    return "blob";
}

/* A blob's bytes as hex, in one piece; NULL without memory. */
static char *blob_hex(const struct nvs_value *value)
{
    const bool whole = value->head->entry.type == NVS_BLOB;
    const struct nvs_item *parts = whole ? value->head : value->chunks;
    const size_t count = whole ? 1 : value->count;
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i].entry.size;
    char *hex = malloc(2 * size + 1);
    if (hex == NULL)
        return NULL;
    hex[0] = 0;
    for (size_t i = 0, at = 0; i < count; i++) {
        cli_hex(parts[i].data, parts[i].entry.size, hex + at);
        at += 2 * parts[i].entry.size;
    }
    return hex;
}

/* The value as text in *owned: digits, the string, or hex. */
static char *value_text(const struct nvs_value *value)
{
    const struct nvs_entry *head = &value->head->entry;
    char number[24];
    if (head->type == NVS_STRING)
        return strdup((const char *)value->head->data);
    if (head->type == NVS_BLOB || head->type == NVS_BLOB_INDEX)
        return blob_hex(value);
    if (head->type & NVS_SIGNED)
        snprintf(number, sizeof number, "%" PRId64, (int64_t)nvs_integer(head));
    else
        snprintf(number, sizeof number, "%" PRIu64, nvs_integer(head));
    return strdup(number);
}

/* For a terminal: what is not printable ASCII shows as '?'. */
static void print_line(const struct nvs_value *value, char *text)
{
    char space[CLI_TEXT], key[CLI_TEXT];
    for (char *c = text; *c != 0; c++) {
        if (*c < 0x20 || *c > 0x7E)
            *c = '?';
    }
    printf("%-15s  %-15s  %-6s  %s\n", cli_printable(value->namespace_name, space),
           cli_printable(value->head->entry.key, key), type_name(&value->head->entry), text);
}

/* Numbers as JSON has them, but as text where a double would not hold them: u64 over 2^63 - 1. */
static json_t *value_json(const struct nvs_value *value, const char *text)
{
    const struct nvs_entry *head = &value->head->entry;
    const bool number = (head->type & ~(unsigned)NVS_SIGNED) <= NVS_U64;
    const bool too_large = head->type == NVS_U64 && nvs_integer(head) > INT64_MAX;
    json_t *content =
        number && !too_large ? json_integer((json_int_t)nvs_integer(head)) : cli_json_text(text);
    return json_pack("{s:o, s:o, s:s, s:o}", "namespace", cli_json_text(value->namespace_name),
                     "key", cli_json_text(head->key), "type", type_name(head), "value", content);
}

static int print_list(const char *name, const struct nvs_list *list, bool json)
{
    json_t *array = json ? json_array() : NULL;
    for (size_t i = 0; i < list->count; i++) {
        char *text = value_text(&list->values[i]);
        if (text == NULL) {
            json_decref(array);
            return host_fail(name, "not enough memory");
        }
        if (json)
            json_array_append_new(array, value_json(&list->values[i], text));
        else
            print_line(&list->values[i], text);
        free(text);
    }
    return json ? cli_json_print(array) : HOST_DONE;
}

/* Beside the list: what the device would drop. */
static void tell_stale(const char *name, const struct nvs_list *list)
{
    char key[CLI_TEXT], space[CLI_TEXT];
    for (size_t i = 0; i < list->stale_count; i++) {
        const struct nvs_entry *entry = &list->stale[i];
        fprintf(stderr, "trustchain: %s: page %u, entry %u: key %s in namespace %s is stale: %s\n",
                name, (unsigned)entry->page, entry->slot, cli_printable(entry->key, key),
                cli_printable(list->names[entry->namespace_index], space),
                entry->fault ? "written or erased halfway" : "replaced by a later entry");
    }
}

static int show(const char *name, const struct buffer *file, const struct nvs_options *options)
{
    struct nvs_list list;
    int status = nvs_list_read(name, file->bytes, file->length,
                               options->keys ? NVS_DECRYPTED : NVS_PLAIN, &list);
    if (status != HOST_DONE)
        return status;
    status = print_list(name, &list, options->json);
    tell_stale(name, &list);
    nvs_list_free(&list);
    return status;
}

static int nvs_show(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"json", OPTION_JSON, NULL, 0, "print JSON", 0},
        {"keys", OPTION_KEYS, "FILE", 0, "decrypt it with this keys partition", 0},
        {0}};
    static const struct argp argp = {
        options_known, parse_nvs,
        "FILE",        "Print what an NVS partition holds: namespace, key, type, value.",
        NULL,          NULL,
        NULL};
    struct nvs_options options = {0};
    struct buffer file;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status != HOST_DONE)
        return status;
    if (file_read(options.input, NVS_FILE_MAX, &file) != HOST_DONE)
        return HOST_FAILED;
    const char *name = file_input_name(options.input);
    status = options.keys ? nvs_crypt_file(name, options.keys, false, file.bytes, file.length)
                          : HOST_DONE;
    if (status == HOST_DONE)
        status = show(name, &file, &options);
    buffer_free_secret(&file);
    return status;
}

int cmd_nvs(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"build", nvs_build, "CSV to partition"},
        {"show", nvs_show, "print what is in one"},
        {"keys", nvs_keys, "make the keys of encrypted NVS"},
        {"encrypt", nvs_encrypt, "a plain partition"},
        {"decrypt", nvs_decrypt, "an encrypted one"},
    };
    return cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
}
