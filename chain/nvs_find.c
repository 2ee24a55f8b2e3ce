#include "chain/nvs_find.h"

#include <stdbool.h>
#include <string.h>

#include "chain/error.h"
#include "chain/nvs.h"

/* The newest sound entry of namespace number `space` that is called `key` and of a type wanted. */
static int find(const struct nvs_source *source, unsigned space, const char *key,
                bool (*wanted)(uint8_t type), struct nvs_entry *found)
{
    struct nvs_cursor cursor;
    struct nvs_entry entry;
    int verdict = CHAIN_EMISSING;
    int error = nvs_begin(&cursor, source);
    while (error == CHAIN_OK && (error = nvs_next(&cursor, &entry)) == CHAIN_OK) {
        if (entry.fault == CHAIN_OK && entry.namespace_index == space && wanted(entry.type) &&
            strcmp(entry.key, key) == 0) {
            *found = entry;
            verdict = CHAIN_OK;
        }
    }
    return error == CHAIN_EMISSING ? verdict : error;
}

static bool is_string(uint8_t type)
{
    return type == NVS_STRING;
}

static bool is_unsigned(uint8_t type)
{
    return type == NVS_U8 || type == NVS_U16 || type == NVS_U32 || type == NVS_U64;
}

static int find_in(const struct nvs_source *source, const char *space, const char *key,
                   bool (*wanted)(uint8_t type), struct nvs_entry *found)
{
    int error = find(source, 0, space, is_unsigned, found);
    return error ? error : find(source, found->value[0], key, wanted, found);
}

int nvs_find_string(const struct nvs_source *source, const char *space, const char *key, char *out,
                    size_t size)
{
    struct nvs_entry found;
    int error = find_in(source, space, key, is_string, &found);
    if (error == CHAIN_OK && found.size > size)
        error = CHAIN_ESPACE;
    return error ? error : nvs_entry_data(source, &found, out);
}

int nvs_find_unsigned(const struct nvs_source *source, const char *space, const char *key,
                      uint64_t *value)
{
    struct nvs_entry found;
    int error = find_in(source, space, key, is_unsigned, &found);
    if (error == CHAIN_OK)
        *value = nvs_integer(&found);
    return error;
}
