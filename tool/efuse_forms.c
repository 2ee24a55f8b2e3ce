#include "tool/efuse_forms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "host/error.h"
#include "tool/cli.h"
#include "tool/file_lock.h"
#include "tool/inputs.h"

#define FILE_MAX        (256u << 10) /* a summary has about 30 KB */
#define BINARY_MAX      4096u
#define VIRT_BYTES      512u  /* the controller's registers 0x000 to 0x1FF, */
#define VIRT_FIRST_READ 0x2Cu /* of which those from here on are our 336 bytes */
#define KEY_BLOCK_FIRST 4u

const char *efuse_form_name(enum efuse_form form)
{
    static const char *const names[] = {
        [EFUSE_FORM_QEMU] = "qemu",
        [EFUSE_FORM_ESPEFUSE] = "espefuse",
        [EFUSE_FORM_SUMMARY] = "summary",
    };
    return names[form];
}

/* The register file, last byte first. */
static void from_virt(const uint8_t *bytes, struct efuse *efuse)
{
    for (size_t i = 0; i < EFUSE_IMAGE_BYTES; i++)
        efuse->bytes[i] = bytes[VIRT_BYTES - 1 - VIRT_FIRST_READ - i];
}

static void to_virt(const struct efuse *efuse, uint8_t bytes[VIRT_BYTES])
{
    memset(bytes, 0, VIRT_BYTES);
    for (size_t i = 0; i < EFUSE_IMAGE_BYTES; i++)
        bytes[VIRT_BYTES - 1 - VIRT_FIRST_READ - i] = efuse->bytes[i];
}

/* Fields that espefuse does not list: reserved ones, calibration, USB thresholds. Without any of
 * the others nothing can be said about a device. */
static bool decides(const struct efuse_field *field)
{
    bool security = field->block == 0 && strncmp(field->name, "RPT4_", 5) != 0 &&
                    strncmp(field->name, "RESERVED", 8) != 0 &&
                    strncmp(field->name, "USB_DREF", 8) != 0;
    bool key = field->block >= KEY_BLOCK_FIRST && field->block < KEY_BLOCK_FIRST + EFUSE_KEY_BLOCKS;
    return security || key;
}

static void set_number(struct efuse *efuse, const struct efuse_field *field, unsigned long value)
{
    uint8_t *block = efuse->bytes + efuse_block_offset(field->block);
    for (unsigned i = 0; i < field->length; i++) {
        unsigned bit = field->bit + i;
        if (value >> i & 1)
            block[bit / 8] |= (uint8_t)(1u << bit % 8);
    }
}

/* "0x" and digits: a number, or where the field has bytes, these in block order. */
static bool set_raw(struct efuse *efuse, const struct efuse_field *field, size_t bits,
                    const char *type, const char *raw)
{
    if (strncmp(raw, "0x", 2) != 0)
        return false;
    if (strncmp(type, "bytes", 5) == 0) {
        uint8_t *block = efuse->bytes + efuse_block_offset(field->block);
        return field->bit % 8 == 0 && bits % 8 == 0 &&
               field->bit + bits <= 8 * efuse_block_bytes(field->block) &&
               cli_unhex(raw + 2, block + field->bit / 8, bits / 8);
    }
    char *end;
    errno = 0;
    unsigned long value = strtoul(raw + 2, &end, 16);
    if (errno || end == raw + 2 || *end || bits != field->length || field->length > 32 ||
        value > 0xFFFFFFFFul >> (32 - field->length))
        return false;
    set_number(efuse, field, value);
    return true;
}

/* Where espefuse says a field is must be where a C6 has it: other chips have the same names. */
static bool set_entry(struct efuse *efuse, const struct efuse_field *field, json_t *entry)
{
    json_int_t block, word, position, bits;
    const char *type, *raw;
    if (json_unpack(entry, "{s:I, s:I, s:I, s:I, s:s, s:s}", "block", &block, "word", &word, "pos",
                    &position, "bit_len", &bits, "efuse_type", &type, "raw_value", &raw) != 0)
        return false;
    return block == field->block && word >= 0 && word < 8 && position >= 0 && position < 32 &&
           word * 32 + position == field->bit && bits >= 1 && bits <= 256 &&
           set_raw(efuse, field, (size_t)bits, type, raw);
}

static int from_summary(const char *name, json_t *summary, struct efuse_source *out)
{
    for (size_t i = 0; i < efuse_field_count && i < EFUSE_FIELDS_MAX; i++) {
        const struct efuse_field *field = &efuse_fields[i];
        json_t *entry = json_object_get(summary, field->name);
        out->absent[i] = !entry;
        if (!entry && decides(field))
            return host_fail(name,
                             "has no %s (make it with: espefuse --chip esp32c6 summary "
                             "--format json)",
                             field->name);
        if (entry && !set_entry(&out->efuse, field, entry))
            return host_fail(name, "has a %s that is none of an ESP32-C6, or has no raw_value",
                             field->name);
    }
    return HOST_DONE;
}

static int read_text(const char *name, const struct buffer *file, struct efuse_source *out)
{
    json_error_t error;
    char text[CLI_TEXT];
    out->form = EFUSE_FORM_SUMMARY;
    json_t *summary =
        json_loadb((const char *)file->bytes, file->length, JSON_REJECT_DUPLICATES, &error);
    if (!summary)
        return host_fail(name, "is no JSON summary of espefuse: line %d: %s", error.line,
                         cli_printable(error.text, text));
    int status = from_summary(name, summary, out);
    json_decref(summary);
    return status;
}

static int read_binary(const char *name, const struct buffer *file, struct efuse_source *out)
{
    if (file->length < EFUSE_IMAGE_BYTES || file->length > BINARY_MAX)
        return host_fail(name,
                         "is %zu bytes, an eFuse file has %u (make one: trustchain efuse new), "
                         "one of espefuse %u",
                         file->length, EFUSE_IMAGE_BYTES, VIRT_BYTES);
    if (file->length == VIRT_BYTES) {
        out->form = EFUSE_FORM_ESPEFUSE;
        from_virt(file->bytes, &out->efuse);
    } else {
        memcpy(out->efuse.bytes, file->bytes, EFUSE_IMAGE_BYTES);
    }
    return HOST_DONE;
}

int efuse_source_read(const char *path, struct efuse_source *out)
{
    struct buffer file;
    *out = (struct efuse_source){.form = EFUSE_FORM_QEMU};
    if (file_read(path, FILE_MAX, &file) != HOST_DONE)
        return HOST_FAILED;
    /* No eFuses are without a byte of zeros, no text has one. */
    bool text = file.bytes[0] == '{' && !memchr(file.bytes, '\0', file.length);
    int status = (text ? read_text : read_binary)(file_input_name(path), &file, out);
    buffer_free_secret(&file);
    if (status != HOST_DONE)
        efuse_source_wipe(out);
    return status;
}

void efuse_source_wipe(struct efuse_source *source)
{
    OPENSSL_cleanse(source, sizeof *source);
}

enum { OPTION_TO = CLI_LONG };

struct convert_options {
    const char *in;
    const char *out;
    enum efuse_form to;
    bool to_given;
};

static error_t parse_convert(int key, char *text, struct argp_state *state)
{
    struct convert_options *options = state->input;
    switch (key) {
    case 'o':
        options->out = text;
        return 0;
    case OPTION_TO:
        options->to = strcmp(text, "qemu") == 0 ? EFUSE_FORM_QEMU : EFUSE_FORM_ESPEFUSE;
        if (strcmp(text, efuse_form_name(options->to)) != 0)
            cli_usage(state, "--to is qemu or espefuse, not \"%s\"", text);
        options->to_given = true;
        return 0;
    case ARGP_KEY_END:
        if (!options->in || !options->out || !options->to_given)
            cli_usage(state, "IN, -o OUT and --to are needed");
        return 0;
    default:
        return cli_one_argument(key, text, &options->in, "eFuse file", state);
    }
}

/* Read-protected keys do not pass through espefuse's form, in either direction. */
static void name_lost_keys(const struct efuse *efuse)
{
    for (unsigned n = 0; n < EFUSE_KEY_BLOCKS; n++) {
        if (efuse_bits(efuse, EFUSE_RD_DIS) >> n & 1)
            printf("KEY%u is read-protected: zeros in the espefuse form, its content is lost\n", n);
    }
}

static int convert(const struct convert_options *options, const struct efuse_source *source)
{
    uint8_t virt[VIRT_BYTES];
    struct efuse masked;
    if (options->to == EFUSE_FORM_QEMU)
        return file_write(options->out, source->efuse.bytes, EFUSE_IMAGE_BYTES, 0600);
    efuse_read_masked(&source->efuse, &masked);
    to_virt(&masked, virt);
    int status = file_write(options->out, virt, sizeof virt, 0600);
    OPENSSL_cleanse(&masked, sizeof masked);
    OPENSSL_cleanse(virt, sizeof virt);
    return status;
}

int efuse_convert(int argc, char **argv)
{
    static const struct argp_option options_known[] = {
        {"output", 'o', "FILE", 0, "where the result goes", 0},
        {"to", OPTION_TO, "FORM", 0, "qemu: our 336 bytes; espefuse: its 512 bytes", 0},
        {0}};
    static const struct argp argp = {
        options_known,
        parse_convert,
        "IN",
        "Turn an eFuse file into the form that another tool keeps. `espefuse' is the file of "
        "espefuse --virt --path-efuse-file, in which read-protected keys are zeros.",
        NULL,
        NULL,
        NULL};
    struct convert_options options = {0};
    struct efuse_source source = {0};
    int lock = -1;
    int status = cli_parse(&argp, argc, argv, &options);
    if (status == HOST_DONE)
        status = file_lock_output(options.out, &lock);
    if (status == HOST_DONE)
        status = efuse_source_read(options.in, &source);
    if (status != HOST_DONE) {
        file_unlock(lock);
        return status;
    }
    if (source.form == EFUSE_FORM_SUMMARY)
        status = host_fail(file_input_name(options.in), "is a summary, which has not every bit "
                                                        "(convert the file of espefuse --virt)");
    else
        status = convert(&options, &source);
    if (status == HOST_DONE && strcmp(options.out, "-") != 0 &&
        (source.form == EFUSE_FORM_ESPEFUSE || options.to == EFUSE_FORM_ESPEFUSE))
        name_lost_keys(&source.efuse);
    efuse_source_wipe(&source);
    file_unlock(lock);
    return status;
}
