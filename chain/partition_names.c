#include "chain/partition.h"

#include <string.h>

#include "chain/partition_names.h"

struct keyword {
    uint8_t type; /* unused for the types themselves */
    uint8_t value;
    const char *name;
};

static const struct keyword types[] = {
    {0, PARTITION_APP, "app"},
    {0, PARTITION_DATA, "data"},
    {0, PARTITION_BOOTLOADER, "bootloader"},
    {0, PARTITION_PARTITION_TABLE, "partition_table"},
};

static const struct keyword subtypes[] = {
    {PARTITION_APP, 0x00, "factory"},
    {PARTITION_APP, 0x10, "ota_0"},
    {PARTITION_APP, 0x11, "ota_1"},
    {PARTITION_APP, 0x12, "ota_2"},
    {PARTITION_APP, 0x13, "ota_3"},
    {PARTITION_APP, 0x14, "ota_4"},
    {PARTITION_APP, 0x15, "ota_5"},
    {PARTITION_APP, 0x16, "ota_6"},
    {PARTITION_APP, 0x17, "ota_7"},
    {PARTITION_APP, 0x18, "ota_8"},
    {PARTITION_APP, 0x19, "ota_9"},
    {PARTITION_APP, 0x1A, "ota_10"},
    {PARTITION_APP, 0x1B, "ota_11"},
    {PARTITION_APP, 0x1C, "ota_12"},
    {PARTITION_APP, 0x1D, "ota_13"},
    {PARTITION_APP, 0x1E, "ota_14"},
    {PARTITION_APP, 0x1F, "ota_15"},
    {PARTITION_APP, 0x20, "test"},
    {PARTITION_APP, 0x30, "tee_0"},
    {PARTITION_APP, 0x31, "tee_1"},
    {PARTITION_DATA, 0x00, "ota"},
    {PARTITION_DATA, 0x01, "phy"},
    {PARTITION_DATA, 0x02, "nvs"},
    {PARTITION_DATA, 0x03, "coredump"},
    {PARTITION_DATA, 0x04, "nvs_keys"},
    {PARTITION_DATA, 0x05, "efuse"},
    {PARTITION_DATA, 0x06, "undefined"},
    {PARTITION_DATA, 0x80, "esphttpd"},
    {PARTITION_DATA, 0x81, "fat"},
    {PARTITION_DATA, 0x82, "spiffs"},
    {PARTITION_DATA, 0x83, "littlefs"},
    {PARTITION_DATA, 0x90, "tee_ota"},
    {PARTITION_BOOTLOADER, 0x00, "primary"},
    {PARTITION_BOOTLOADER, 0x01, "ota"},
    {PARTITION_BOOTLOADER, 0x02, "recovery"},
    {PARTITION_PARTITION_TABLE, 0x00, "primary"},
    {PARTITION_PARTITION_TABLE, 0x01, "ota"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool same_word(const char *keyword, const char *word, size_t length)
{
    if (strlen(keyword) != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        const char c = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] + 32) : word[i];
        if (c != keyword[i])
            return false;
    }
    return true;
}

bool partition_type_parse(const char *word, size_t length, uint8_t *type)
{
    for (size_t i = 0; i < COUNT(types); i++) {
        if (same_word(types[i].name, word, length)) {
            *type = types[i].value;
            return true;
        }
    }
    return false;
}

bool partition_subtype_parse(uint8_t type, const char *word, size_t length, uint8_t *subtype)
{
    for (size_t i = 0; i < COUNT(subtypes); i++) {
        if (subtypes[i].type == type && same_word(subtypes[i].name, word, length)) {
            *subtype = subtypes[i].value;
            return true;
        }
    }
    return false;
}

bool partition_type_word(const char *word, size_t length, uint8_t *type)
{
    return partition_type_parse(word, length, type) &&
           memcmp(partition_type_name(*type), word, length) == 0;
}

bool partition_subtype_word(const char *word, size_t length)
{
    for (size_t i = 0; i < COUNT(subtypes); i++) {
        if (strlen(subtypes[i].name) == length && memcmp(subtypes[i].name, word, length) == 0)
            return true;
    }
    return false;
}

const char *partition_type_name(uint8_t type)
{
    for (size_t i = 0; i < COUNT(types); i++) {
        if (types[i].value == type)
            return types[i].name;
    }
    return NULL;
}

const char *partition_subtype_name(uint8_t type, uint8_t subtype)
{
    for (size_t i = 0; i < COUNT(subtypes); i++) {
        if (subtypes[i].type == type && subtypes[i].value == subtype)
            return subtypes[i].name;
    }
    return NULL;
}
