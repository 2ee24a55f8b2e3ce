/* Espressif's rules for a partition table (formats.md 3.2), each with a message of its own. */
#include "chain/partition.h"

#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/partition_names.h"
#include "chain/text.h"

#define SECTOR_BYTES     0x1000u
#define APP_ALIGN        0x10000u
#define OTADATA_BYTES    0x2000u
#define NVS_WRITABLE_MIN 0x3000u
#define OTA_SLOTS_MAX    16

/* A refusal about entry `index`: begins the message with the entry's name. */
static struct text refuse(struct partition_problem *problem, const struct partition_table *table,
                          size_t index)
{
    struct text text;
    problem->line = (unsigned)index + 1;
    text_begin(&text, problem->text, sizeof problem->text);
    const char *label = table->entry[index].label;
    text_quoted(&text, label, strlen(label));
    text_char(&text, ' ');
    return text;
}

static bool is_data(const struct partition *entry, uint8_t subtype)
{
    return entry->type == PARTITION_DATA && entry->subtype == subtype;
}

static int check_alignment(const struct partition_table *table, size_t i,
                           struct partition_problem *problem)
{
    const struct partition *entry = &table->entry[i];
    const uint32_t align = entry->type == PARTITION_APP ? APP_ALIGN : SECTOR_BYTES;
    if (entry->offset % align != 0) {
        struct text text = refuse(problem, table, i);
        text_string(&text, "starts at ");
        text_hex(&text, entry->offset);
        text_string(&text, " (move it to a multiple of ");
        text_hex(&text, align);
        text_string(&text, ")");
        return CHAIN_EALIGN;
    }
    if (entry->type == PARTITION_APP && entry->size % SECTOR_BYTES != 0) {
        struct text text = refuse(problem, table, i);
        text_string(&text, "has size ");
        text_hex(&text, entry->size);
        text_string(&text, " (an app's size is a multiple of 0x1000)");
        return CHAIN_EALIGN;
    }
    return CHAIN_OK;
}

static int check_place(const struct partition_table *table, size_t i, uint32_t table_offset,
                       uint32_t flash_size, struct partition_problem *problem)
{
    const struct partition *entry = &table->entry[i];
    uint32_t end, first;
    if (entry->size == 0) {
        struct text text = refuse(problem, table, i);
        text_string(&text, "has size 0 (give it a size)");
        return CHAIN_EFIELD;
    }
    if (!sum_u32(entry->offset, entry->size, &end) || (flash_size != 0 && end > flash_size)) {
        struct text text = refuse(problem, table, i);
        text_string(&text, "at ");
        text_hex(&text, entry->offset);
        text_string(&text, ", size ");
        text_hex(&text, entry->size);
        text_string(&text, ", does not fit the flash of ");
        text_hex(&text, flash_size == 0 ? UINT32_MAX : flash_size);
        text_string(&text, " bytes (make it smaller, or state the right flash size)");
        return CHAIN_EBOUNDS;
    }
    if (!sum_u32(table_offset, PARTITION_TABLE_SECTOR, &first))
        first = UINT32_MAX;
    if (entry->offset < first && !partition_is_primary(entry)) {
        struct text text = refuse(problem, table, i);
        text_string(&text, "starts at ");
        text_hex(&text, entry->offset);
        text_string(&text, ", before the end of the partition table (first free offset ");
        text_hex(&text, first);
        text_string(&text, ")");
        return CHAIN_EOVERLAP;
    }
    return CHAIN_OK;
}

static int check_kind(const struct partition_table *table, size_t i,
                      struct partition_problem *problem)
{
    const struct partition *entry = &table->entry[i];
    const bool readonly = (entry->flags & PARTITION_READONLY) != 0;
    const bool otadata =
        is_data(entry, PARTITION_DATA_OTA) || is_data(entry, PARTITION_DATA_TEE_OTA);
    if (otadata && entry->size != OTADATA_BYTES) {
        struct text text = refuse(problem, table, i);
        text_string(&text, "has size ");
        text_hex(&text, entry->size);
        text_string(&text, " (otadata is two sectors: 0x2000)");
        return CHAIN_EFIELD;
    }
    if (readonly &&
        (is_data(entry, PARTITION_DATA_OTA) || is_data(entry, PARTITION_DATA_COREDUMP))) {
        struct text text = refuse(problem, table, i);
        text_string(&text, "is written by the device (take away its readonly flag)");
        return CHAIN_EFIELD;
    }
    if (!readonly && is_data(entry, PARTITION_DATA_NVS) && entry->size < NVS_WRITABLE_MIN) {
        struct text text = refuse(problem, table, i);
        text_string(&text, "has size ");
        text_hex(&text, entry->size);
        text_string(&text, " (writable NVS needs 0x3000; or flag it readonly)");
        return CHAIN_EFIELD;
    }
    return CHAIN_OK;
}

/* What entry i may not share with the entries before it. */
static int check_against_earlier(const struct partition_table *table, size_t i,
                                 struct partition_problem *problem)
{
    const struct partition *entry = &table->entry[i];
    for (size_t k = 0; k < i; k++) {
        const struct partition *earlier = &table->entry[k];
        if (strcmp(entry->label, earlier->label) == 0) {
            struct text text = refuse(problem, table, i);
            text_string(&text, "is already the name of another partition (names are unique)");
            return CHAIN_EDUPLICATE;
        }
        if (partition_overlaps(entry, earlier)) {
            struct text text = refuse(problem, table, i);
            text_string(&text, "at ");
            text_hex(&text, entry->offset);
            text_string(&text, " overlaps ");
            text_quoted(&text, earlier->label, strlen(earlier->label));
            text_string(&text, " at ");
            text_hex(&text, earlier->offset);
            text_string(&text, " (move or shrink one)");
            return CHAIN_EOVERLAP;
        }
        if (entry->type == PARTITION_DATA && entry->subtype == earlier->subtype &&
            earlier->type == PARTITION_DATA &&
            (entry->subtype == PARTITION_DATA_OTA || entry->subtype == PARTITION_DATA_TEE_OTA)) {
            struct text text = refuse(problem, table, i);
            text_string(&text, "is a second otadata partition (keep one)");
            return CHAIN_EDUPLICATE;
        }
    }
    return CHAIN_OK;
}

/* ota_0, ota_1, ... each once: the bootloader takes the slot number modulo their count. */
static int check_ota_slots(const struct partition_table *table, struct partition_problem *problem)
{
    bool seen[OTA_SLOTS_MAX] = {false};
    const size_t count = partition_ota_count(table);
    for (size_t i = 0; i < table->count; i++) {
        const struct partition *entry = &table->entry[i];
        const unsigned slot = entry->subtype - (unsigned)PARTITION_APP_OTA_0;
        if (entry->type != PARTITION_APP || slot >= OTA_SLOTS_MAX)
            continue;
        if (seen[slot] || slot >= count) {
            struct text text = refuse(problem, table, i);
            text_string(&text, "is ota_");
            text_decimal(&text, slot);
            text_string(&text, seen[slot] ? " again (each OTA slot occurs once)"
                                          : " after a gap (number OTA slots from ota_0 on)");
            return seen[slot] ? CHAIN_EDUPLICATE : CHAIN_EMISSING;
        }
        seen[slot] = true;
    }
    return CHAIN_OK;
}

bool partition_name_misleads(const struct partition *entry, struct partition_problem *problem)
{
    const size_t length = strlen(entry->label);
    struct text text;
    uint8_t type;
    const bool type_word = partition_type_word(entry->label, length, &type) && type != entry->type;
    const char *own = partition_subtype_name(entry->type, entry->subtype);
    const bool subtype_word = partition_subtype_word(entry->label, length) &&
                              (own == NULL || strcmp(own, entry->label) != 0);
    if (!type_word && !subtype_word)
        return false;
    text_begin(&text, problem->text, sizeof problem->text);
    text_quoted(&text, entry->label, length);
    text_string(&text, " is a partition ");
    text_string(&text, type_word ? "type" : "subtype");
    text_string(&text, ", and this one has another (a mistake?)");
    return true;
}

int partition_table_check(const struct partition_table *table, uint32_t table_offset,
                          uint32_t flash_size, struct partition_problem *problem)
{
    struct text text;
    problem->line = 0;
    text_begin(&text, problem->text, sizeof problem->text);
    if (table->count == 0) {
        text_string(&text, "no partition at all (add at least one)");
        return CHAIN_EMISSING;
    }
    for (size_t i = 0; i < table->count; i++) {
        int error = check_alignment(table, i, problem);
        if (error == CHAIN_OK)
            error = check_place(table, i, table_offset, flash_size, problem);
        if (error == CHAIN_OK)
            error = check_kind(table, i, problem);
        if (error == CHAIN_OK)
            error = check_against_earlier(table, i, problem);
        if (error != CHAIN_OK)
            return error;
    }
    return check_ota_slots(table, problem);
}
