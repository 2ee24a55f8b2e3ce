/* eFuse files of all three forms: what is accepted shows the eFuses that the file has, what is
 * refused has one line that says why, and every rule of the audit answers for whatever was read.
 *
 * The input is tried as a file; then as eFuses (336 bytes) printed as espefuse's two forms, with
 * changes of three bytes each: where (two bytes) and what stands there instead.
 */
#include <string.h>

#include "chain/bytes.h"
#include "chain/efuse_audit.h"
#include "fuzz/fuzz.h"
#include "fuzz/kept_line.h"
#include "tool/efuse_file.h"

#define SUMMARY_MAX (64 * 1024)

static int parse(const uint8_t *bytes, size_t length, struct efuse_file *out)
{
    struct buffer copy = {.bytes = malloc(length > 0 ? length : 1), .length = length};
    require(copy.bytes != NULL);
    if (length > 0)
        memcpy(copy.bytes, bytes, length);
    const int status = efuse_file_parse("input", &copy, out);
    require(copy.bytes == NULL);
    if (status != HOST_DONE)
        kept_line_check();
    return status;
}

static void check_accepted(const uint8_t *bytes, size_t length, const struct efuse_file *file)
{
    uint8_t virt[EFUSE_VIRT_BYTES];
    require(efuse_form_name(file->form)[0] != '\0');
    switch (file->form) {
    case EFUSE_FORM_QEMU:
        require(memcmp(file->efuse.bytes, bytes, EFUSE_IMAGE_BYTES) == 0);
        break;
    case EFUSE_FORM_ESPEFUSE:
        require(length == sizeof virt);
        memcpy(virt, bytes, sizeof virt);
        efuse_to_virt(&file->efuse, virt);
        require(memcmp(virt, bytes, sizeof virt) == 0);
        break;
    case EFUSE_FORM_SUMMARY:
        break;
    }
    for (size_t i = 0; i < efuse_rule_count; i++)
        (void)efuse_rules[i].broken(&file->efuse);
    (void)efuse_file_hides_key(file);
}

static void try_file(const uint8_t *bytes, size_t length)
{
    struct efuse_file file;
    if (parse(bytes, length, &file) != HOST_DONE)
        return;
    check_accepted(bytes, length, &file);
    efuse_file_free(&file);
}

/* As espefuse prints a field: short ones as a number, the others as bytes. */
static size_t print_field(char *out, size_t room, const struct efuse *efuse,
                          const struct efuse_field *field)
{
    uint8_t bytes[32];
    const bool number = field->length <= 32;
    int length = snprintf(out, room,
                          "\"%s\":{\"block\":%u,\"word\":%u,\"pos\":%u,\"bit_len\":%u,"
                          "\"efuse_type\":\"%s\",\"raw_value\":\"0x",
                          field->name, field->block, field->bit / 32u, field->bit % 32u,
                          field->length, number ? "uint" : "bytes");
    if (number) {
        length += snprintf(out + length, room - (size_t)length, "%x", efuse_get(efuse, field));
    } else {
        efuse_field_bytes(efuse, field, bytes);
        for (unsigned i = 0; i < field->length / 8u; i++)
            length += snprintf(out + length, room - (size_t)length, "%02x", bytes[i]);
    }
    return (size_t)length + (size_t)snprintf(out + length, room - (size_t)length, "\"},");
}

/* Whole bytes are what the form can say of a long field. */
static bool printable(const struct efuse_field *field)
{
    return field->length <= 32 || (field->bit % 8 == 0 && field->length % 8 == 0);
}

static size_t print_summary(const struct efuse *efuse, char *out)
{
    size_t length = 1;
    out[0] = '{';
    for (size_t i = 0; i < efuse_field_count; i++) {
        if (printable(&efuse_fields[i]))
            length += print_field(out + length, SUMMARY_MAX - length, efuse, &efuse_fields[i]);
    }
    out[length - 1] = '}';
    return length;
}

static void check_summary(const struct efuse *efuse, const char *text, size_t length)
{
    struct efuse_file file;
    uint8_t there[32], here[32];
    require(parse((const uint8_t *)text, length, &file) == HOST_DONE);
    require(file.form == EFUSE_FORM_SUMMARY);
    for (size_t i = 0; i < efuse_field_count; i++) {
        const struct efuse_field *field = &efuse_fields[i];
        require(file.absent[i] == !printable(field));
        if (file.absent[i])
            continue;
        memset(there, 0, sizeof there);
        memset(here, 0, sizeof here);
        efuse_field_bytes(efuse, field, there);
        efuse_field_bytes(&file.efuse, field, here);
        require(memcmp(there, here, sizeof here) == 0);
    }
    efuse_file_free(&file);
}

static void change(uint8_t *bytes, size_t length, const uint8_t *changes, size_t size)
{
    for (size_t at = 0; size - at >= 3; at += 3)
        bytes[le16_load(changes + at) % length] = changes[at + 2];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char summary[SUMMARY_MAX];
    uint8_t virt[EFUSE_VIRT_BYTES] = {0};
    struct efuse efuse;
    try_file(data, size);
    if (size < sizeof efuse.bytes)
        return 0;
    memcpy(efuse.bytes, data, sizeof efuse.bytes);
    efuse_to_virt(&efuse, virt);
    try_file(virt, sizeof virt);
    const size_t length = print_summary(&efuse, summary);
    if (size == sizeof efuse.bytes)
        check_summary(&efuse, summary, length);
    change((uint8_t *)summary, length, data + sizeof efuse.bytes, size - sizeof efuse.bytes);
    try_file((const uint8_t *)summary, length);
    return 0;
}
