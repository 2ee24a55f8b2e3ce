#include "tool/efuse_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "host/error.h"
#include "tool/cli.h"

#define FILE_MAX        (256u << 10) /* a summary has about 30 KB */
#define BINARY_MAX      4096u
#define VIRT_FIRST_READ 0x2Cu /* of the registers, those from here on are our 336 bytes */
#define USER_BLOCK      3u
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
        efuse->bytes[i] = bytes[EFUSE_VIRT_BYTES - 1 - VIRT_FIRST_READ - i];
}

void efuse_to_virt(const struct efuse *efuse, uint8_t bytes[EFUSE_VIRT_BYTES])
{
    for (size_t i = 0; i < EFUSE_IMAGE_BYTES; i++)
        bytes[EFUSE_VIRT_BYTES - 1 - VIRT_FIRST_READ - i] = efuse->bytes[i];
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

/* BLOCK_USR_DATA is the whole of its block to espefuse, with the custom MAC at its end. */
static bool length_fits(const struct efuse_field *field, size_t bits)
{
    bool users = field->block == USER_BLOCK && field->bit == 0;
    return bits == field->length || (users && bits == 8 * efuse_block_bytes(field->block));
}

/* "0x" and digits: a number, or where the field has bytes, these in block order. */
static bool set_raw(struct efuse *efuse, const struct efuse_field *field, size_t bits,
                    const char *type, const char *raw)
{
    if (strncmp(raw, "0x", 2) != 0 || !length_fits(field, bits))
        return false;
    if (strncmp(type, "bytes", 5) == 0) {
        uint8_t *block = efuse->bytes + efuse_block_offset(field->block);
        return field->bit % 8 == 0 && bits % 8 == 0 &&
               cli_unhex(raw + 2, block + field->bit / 8, bits / 8);
    }
    char *end;
    errno = 0;
    unsigned long value = strtoul(raw + 2, &end, 16);
    if (errno || end == raw + 2 || *end || field->length > 32 ||
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

static int from_summary(const char *name, json_t *summary, struct efuse_file *out)
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

static int read_text(const char *name, struct efuse_file *out)
{
    json_error_t error;
    char text[CLI_TEXT];
    out->form = EFUSE_FORM_SUMMARY;
    json_t *summary = json_loadb((const char *)out->bytes.bytes, out->bytes.length,
                                 JSON_REJECT_DUPLICATES, &error);
    if (!summary)
        return host_fail(name, "is no JSON summary of espefuse: line %d: %s", error.line,
                         cli_printable(error.text, text));
    int status = from_summary(name, summary, out);
    json_decref(summary);
    return status;
}

static int read_binary(const char *name, struct efuse_file *out)
{
    if (out->bytes.length < EFUSE_IMAGE_BYTES || out->bytes.length > BINARY_MAX)
        return host_fail(name,
                         "is %zu bytes, an eFuse file has %u (make one: trustchain efuse new), "
                         "one of espefuse %u",
                         out->bytes.length, EFUSE_IMAGE_BYTES, EFUSE_VIRT_BYTES);
    if (out->bytes.length == EFUSE_VIRT_BYTES) {
        out->form = EFUSE_FORM_ESPEFUSE;
        from_virt(out->bytes.bytes, &out->efuse);
    } else {
        memcpy(out->efuse.bytes, out->bytes.bytes, EFUSE_IMAGE_BYTES);
    }
    return HOST_DONE;
}

int efuse_file_parse(const char *name, struct buffer *bytes, struct efuse_file *out)
{
    *out = (struct efuse_file){.form = EFUSE_FORM_QEMU, .bytes = *bytes};
    *bytes = (struct buffer){0};
    /* No eFuses are without a byte of zeros, no text has one. */
    bool text = out->bytes.length > 0 && out->bytes.bytes[0] == '{' &&
                !memchr(out->bytes.bytes, '\0', out->bytes.length);
    int status = (text ? read_text : read_binary)(name, out);
    if (status != HOST_DONE)
        efuse_file_free(out);
    return status;
}

int efuse_file_read(const char *path, struct efuse_file *out)
{
    struct buffer bytes;
    *out = (struct efuse_file){.form = EFUSE_FORM_QEMU};
    if (file_read(path, FILE_MAX, &bytes) != HOST_DONE)
        return HOST_FAILED;
    return efuse_file_parse(file_input_name(path), &bytes, out);
}

int efuse_file_write(const char *path, struct efuse_file *file)
{
    struct efuse masked;
    switch (file->form) {
    case EFUSE_FORM_SUMMARY:
        return host_fail(file_input_name(path),
                         "is espefuse's summary, which cannot be burned (its "
                         "--virt file can)");
    case EFUSE_FORM_ESPEFUSE:
        efuse_read_masked(&file->efuse, &masked);
        efuse_to_virt(&masked, file->bytes.bytes);
        OPENSSL_cleanse(&masked, sizeof masked);
        break;
    case EFUSE_FORM_QEMU:
        memcpy(file->bytes.bytes, file->efuse.bytes, EFUSE_IMAGE_BYTES);
        break;
    }
    return file_write_lasting(path, file->bytes.bytes, file->bytes.length, 0600);
}

void efuse_file_free(struct efuse_file *file)
{
    OPENSSL_cleanse(&file->efuse, sizeof file->efuse);
    buffer_free_secret(&file->bytes);
}

bool efuse_file_hides_key(const struct efuse_file *file)
{
    for (unsigned n = 0; file->form != EFUSE_FORM_QEMU && n < EFUSE_KEY_BLOCKS; n++) {
        if (efuse_bits(&file->efuse, EFUSE_KEY_PURPOSE(n)) == EFUSE_PURPOSE_XTS_AES_128_KEY &&
            (efuse_bits(&file->efuse, EFUSE_RD_DIS) >> n & 1))
            return true;
    }
    return false;
}
