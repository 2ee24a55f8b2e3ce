#include "chain/partition.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/md5.h"

#define RECORD_BYTES 32u
#define RECORDS_MAX  (PARTITION_TABLE_BYTES / RECORD_BYTES)
#define MAGIC_ENTRY  0x50AAu
#define MAGIC_MD5    0xEBEBu
#define LABEL_OFFSET 12
#define FLAGS_OFFSET 28
#define MD5_OFFSET   16

static bool is_end(const uint8_t *record)
{
    for (size_t i = 0; i < RECORD_BYTES; i++) {
        if (record[i] != 0xFF)
            return false;
    }
    return true;
}

static int entry_parse(const uint8_t *record, uint32_t flash_size, struct partition *out)
{
    out->type = record[2];
    out->subtype = record[3];
    out->offset = le32_load(record + 4);
    out->size = le32_load(record + 8);
    out->flags = le32_load(record + FLAGS_OFFSET);
    memcpy(out->label, record + LABEL_OFFSET, PARTITION_LABEL_BYTES);
    out->label[PARTITION_LABEL_BYTES] = '\0';
    if (flash_size != 0 && !span_within(out->offset, out->size, flash_size))
        return CHAIN_EBOUNDS;
    return CHAIN_OK;
}

static int md5_check(const uint8_t *bytes, size_t covered)
{
    uint8_t digest[16];
    md5(bytes, covered, digest);
    return memcmp(bytes + covered + MD5_OFFSET, digest, sizeof digest) == 0 ? CHAIN_OK
                                                                            : CHAIN_ECHECKSUM;
}

int partition_table_parse(const uint8_t *bytes, size_t length, uint32_t flash_size,
                          struct partition_table *table, bool *has_md5)
{
    bool checked = false;
    table->count = 0;
    for (size_t i = 0; i < RECORDS_MAX; i++) {
        const size_t at = i * RECORD_BYTES;
        if (!span_within(at, RECORD_BYTES, length))
            return CHAIN_ETRUNCATED;
        const uint8_t *record = bytes + at;
        int error;
        if (is_end(record)) {
            if (has_md5 != NULL)
                *has_md5 = checked;
            return table->count > 0 ? CHAIN_OK : CHAIN_EMISSING;
        }
        if (checked) /* nothing but the end may follow: the MD5 does not cover it */
            return CHAIN_EMAGIC;
        if (le16_load(record) == MAGIC_MD5) {
            error = md5_check(bytes, at);
            checked = true;
        } else if (le16_load(record) == MAGIC_ENTRY) {
            if (table->count == PARTITION_ENTRIES_MAX)
                return CHAIN_EMISSING;
            error = entry_parse(record, flash_size, &table->entry[table->count++]);
        } else {
            return CHAIN_EMAGIC;
        }
        if (error != CHAIN_OK)
            return error;
    }
    return CHAIN_EMISSING;
}

int partition_table_build(const struct partition_table *table, uint8_t out[PARTITION_TABLE_BYTES])
{
    if (table->count > RECORDS_MAX - 2) /* room for the MD5 record and the end marker */
        return CHAIN_ESPACE;
    memset(out, 0xFF, PARTITION_TABLE_BYTES);
    uint8_t *record = out;
    for (size_t i = 0; i < table->count; i++, record += RECORD_BYTES) {
        const struct partition *entry = &table->entry[i];
        le16_store(record, MAGIC_ENTRY);
        record[2] = entry->type;
        record[3] = entry->subtype;
        le32_store(record + 4, entry->offset);
        le32_store(record + 8, entry->size);
        memset(record + LABEL_OFFSET, 0, PARTITION_LABEL_BYTES);
        for (size_t c = 0; c < PARTITION_LABEL_BYTES && entry->label[c] != '\0'; c++)
            record[LABEL_OFFSET + c] = (uint8_t)entry->label[c];
        le32_store(record + FLAGS_OFFSET, entry->flags);
    }
    le16_store(record, MAGIC_MD5);
    md5(out, (size_t)(record - out), record + MD5_OFFSET);
    return CHAIN_OK;
}

bool partition_is_primary(const struct partition *entry)
{
    return (entry->type == PARTITION_BOOTLOADER &&
            entry->subtype == PARTITION_BOOTLOADER_PRIMARY) ||
           (entry->type == PARTITION_PARTITION_TABLE &&
            entry->subtype == PARTITION_PARTITION_TABLE_PRIMARY);
}

bool partition_overlaps(const struct partition *a, const struct partition *b)
{
    return a->offset - b->offset < b->size || b->offset - a->offset < a->size;
}

int partition_table_check_places(const struct partition_table *table, uint32_t table_offset)
{
    uint32_t first;
    if (!sum_u32(table_offset, PARTITION_TABLE_SECTOR, &first))
        return CHAIN_EBOUNDS;
    for (size_t i = 0; i < table->count; i++) {
        const struct partition *entry = &table->entry[i];
        if (entry->offset < first && !partition_is_primary(entry))
            return CHAIN_EOVERLAP;
        for (size_t k = 0; k < i; k++) {
            if (partition_overlaps(entry, &table->entry[k]))
                return CHAIN_EOVERLAP;
        }
    }
    return CHAIN_OK;
}

const struct partition *partition_find(const struct partition_table *table, uint8_t type,
                                       uint8_t subtype)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->entry[i].type == type && table->entry[i].subtype == subtype)
            return &table->entry[i];
    }
    return NULL;
}

const struct partition *partition_find_label(const struct partition_table *table, const char *label)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->entry[i].label, label) == 0)
            return &table->entry[i];
    }
    return NULL;
}

size_t partition_ota_count(const struct partition_table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct partition *entry = &table->entry[i];
        if (entry->type == PARTITION_APP && entry->subtype >= PARTITION_APP_OTA_0 &&
            entry->subtype <= PARTITION_APP_OTA_15)
            count++;
    }
    return count;
}
