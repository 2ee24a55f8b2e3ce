#include "tool/efuse_report.h"

#include <stdio.h>
#include <string.h>

#include "tool/cli.h"

#define FIRST_KEY_BLOCK 4u

static bool is_key_block(unsigned block)
{
    return block >= FIRST_KEY_BLOCK && block < FIRST_KEY_BLOCK + EFUSE_KEY_BLOCKS;
}

static uint32_t named_bits(const struct efuse *efuse, const char *name)
{
    const struct efuse_field *field = efuse_field_find(name);
    return field ? efuse_get(efuse, field) : 0;
}

static bool is_digest(unsigned purpose)
{
    return purpose >= EFUSE_PURPOSE_SECURE_BOOT_DIGEST0 &&
           purpose <= EFUSE_PURPOSE_SECURE_BOOT_DIGEST2;
}

static bool is_blank(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

static char *key_text(const struct efuse *efuse, unsigned block, char out[EFUSE_VALUE_TEXT])
{
    unsigned n = block - FIRST_KEY_BLOCK;
    const uint8_t *bytes = efuse->bytes + efuse_block_offset(block);
    bool hidden = (efuse_bits(efuse, EFUSE_RD_DIS) >> n) & 1;
    unsigned purpose = efuse_bits(efuse, EFUSE_KEY_PURPOSE(n));
    if (hidden)
        return strcpy(out, "read-protected");
    if (is_digest(purpose))
        return cli_hex(bytes, SHA256_BYTES, out);
    return strcpy(out, is_blank(bytes, SHA256_BYTES) ? "unused" : "secret");
}

bool efuse_mac_parse(const char *text, uint8_t mac[6])
{
    char digits[13];
    if (strlen(text) != 17)
        return false;
    for (size_t i = 0; i < 6; i++) {
        if (i < 5 && text[3 * i + 2] != ':')
            return false;
        memcpy(digits + 2 * i, text + 3 * i, 2);
    }
    digits[12] = '\0';
    return cli_unhex(digits, mac, 6);
}

static bool is_factory_mac(const struct efuse_field *field)
{
    return strcmp(field->name, "MAC") == 0;
}

bool efuse_is_mac(const struct efuse_field *field)
{
    return is_factory_mac(field) || strcmp(field->name, "CUSTOM_MAC") == 0;
}

void efuse_mac_turn(const struct efuse_field *field, const uint8_t in[6], uint8_t out[6])
{
    for (size_t i = 0; i < 6; i++)
        out[i] = in[is_factory_mac(field) ? 5 - i : i];
}

static char *mac_text(const struct efuse_field *field, const uint8_t bytes[6],
                      char out[EFUSE_VALUE_TEXT])
{
    uint8_t mac[6];
    efuse_mac_turn(field, bytes, mac);
    snprintf(out, EFUSE_VALUE_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
    return out;
}

char *efuse_value_text(const struct efuse *efuse, const struct efuse_field *field,
                       char out[EFUSE_VALUE_TEXT])
{
    uint8_t bytes[32] = {0};
    if (is_key_block(field->block))
        return key_text(efuse, field->block, out);
    if (field->length <= 32) {
        snprintf(out, EFUSE_VALUE_TEXT, "%u", (unsigned)efuse_get(efuse, field));
        return out;
    }
    struct efuse masked;
    efuse_read_masked(efuse, &masked);
    efuse_field_bytes(&masked, field, bytes);
    if (efuse_is_mac(field))
        return mac_text(field, bytes, out);
    return cli_hex(bytes, (field->length + 7u) / 8u, out);
}

static void print_summary(const struct efuse *efuse)
{
    char mac[EFUSE_VALUE_TEXT];
    unsigned revision = efuse_chip_revision(efuse);
    printf("chip revision v%u.%u, MAC %s\n", revision / 100, revision % 100,
           efuse_value_text(efuse, efuse_field_find("MAC"), mac));
    printf("Secure Boot %s, flash encryption %s, secure version %u\n",
           efuse_bits(efuse, EFUSE_SECURE_BOOT_EN) ? "on" : "off",
           efuse_flash_encryption(efuse) ? "on" : "off", efuse_secure_version(efuse));
}

static void print_keys(const struct efuse *efuse)
{
    char text[EFUSE_VALUE_TEXT];
    for (unsigned n = 0; n < EFUSE_KEY_BLOCKS; n++) {
        unsigned purpose = efuse_bits(efuse, EFUSE_KEY_PURPOSE(n));
        const char *name = efuse_purpose_name(purpose);
        printf("KEY%u  %-30s %s\n", n, name ? name : "(unnamed purpose)",
               key_text(efuse, FIRST_KEY_BLOCK + n, text));
    }
}

void efuse_report_print(const struct efuse *efuse)
{
    char text[EFUSE_VALUE_TEXT];
    print_summary(efuse);
    print_keys(efuse);
    for (size_t i = 0; i < efuse_field_count; i++) {
        const struct efuse_field *field = &efuse_fields[i];
        uint32_t protection = named_bits(efuse, "WR_DIS");
        bool locked = field->wr_dis >= 0 && (protection >> field->wr_dis) & 1;
        printf("%-36s %-34s %c  %s\n", field->name, efuse_value_text(efuse, field, text),
               locked ? 'L' : '-', field->meaning);
    }
}

static json_t *keys_json(const struct efuse *efuse)
{
    char text[EFUSE_VALUE_TEXT];
    json_t *list = json_array();
    for (unsigned n = 0; n < EFUSE_KEY_BLOCKS; n++) {
        const char *purpose = efuse_purpose_name(efuse_bits(efuse, EFUSE_KEY_PURPOSE(n)));
        json_array_append_new(list, json_pack("{s:s?, s:s}", "purpose", purpose, "value",
                                              key_text(efuse, FIRST_KEY_BLOCK + n, text)));
    }
    return list;
}

json_t *efuse_report_json(const struct efuse *efuse)
{
    char text[EFUSE_VALUE_TEXT];
    json_t *fields = json_object();
    for (size_t i = 0; i < efuse_field_count; i++) {
        const struct efuse_field *field = &efuse_fields[i];
        json_object_set_new(fields, field->name,
                            field->length <= 32
                                ? json_integer((json_int_t)efuse_get(efuse, field))
                                : json_string(efuse_value_text(efuse, field, text)));
    }
    return json_pack("{s:i, s:b, s:b, s:i, s:o, s:o}", "chip_revision",
                     (int)efuse_chip_revision(efuse), "secure_boot",
                     efuse_bits(efuse, EFUSE_SECURE_BOOT_EN) != 0, "flash_encryption",
                     efuse_flash_encryption(efuse), "secure_version",
                     (int)efuse_secure_version(efuse), "keys", keys_json(efuse), "fields", fields);
}
