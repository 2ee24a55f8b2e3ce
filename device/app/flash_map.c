/* device/app/flash_map.c: see flash_map.h. */
#include "device/app/flash_map.h"

#include <string.h>

#include "chain/error.h"
#include "chain/reg/spimem.h"
#include "chain/soc.h"
#include "device/agent/agent.h"
#include "device/agent/journal.h"
#include "device/hal/flash.h"
#include "device/hal/hal.h"
#include "device/hal/mmu.h"

/* Window entries: this program is linked into 0..127 (app.ld: 8 MB). */
#define SLOT_ENTRY    128u
#define SLOT_ENTRIES  120u
#define OTADATA_ENTRY 248u
#define JOURNAL_ENTRY 250u
#define BRIEF_ENTRY   252u

#define UPDATE_TYPE  0x40u /* the journal's partition: type 0x40, subtype 0, label "update" */
#define UPDATE_LABEL "update"

/* A partition of two sectors, and where it is mapped. */
struct region_place {
    uint32_t offset;
    const uint8_t *view;
};

static struct region_place otadata_place, journal_place;
static struct partition_table table; /* too large for the stack */

static int region_read(void *context, uint32_t offset, void *out, size_t length)
{
    const struct region_place *place = context;
    memcpy(out, place->view + offset, length);
    return AGENT_OK;
}

static bool region_blank(void *context, uint32_t offset, size_t length)
{
    const struct region_place *place = context;
    uint8_t bytes[64];
    for (size_t done = 0; done < length; done += sizeof bytes) {
        size_t part = length - done < sizeof bytes ? length - done : sizeof bytes;
        if (hal_flash_read(place->offset + offset + (uint32_t)done, bytes, part) != HAL_OK)
            return false;
        for (size_t i = 0; i < part; i++) {
            if (bytes[i] != 0xFF)
                return false;
        }
    }
    return true;
}

static int region_erase(void *context, uint32_t offset)
{
    const struct region_place *place = context;
    int error = hal_flash_erase(place->offset + offset, REGION_SECTOR_BYTES);
    return error == HAL_OK ? AGENT_OK : AGENT_EFLASH;
}

/* Read back through the mapping: what was written is what will be read. */
static int region_write(void *context, uint32_t offset, const void *bytes, size_t length)
{
    const struct region_place *place = context;
    if (hal_flash_write_auto(place->offset + offset, bytes, length) != HAL_OK)
        return AGENT_EFLASH;
    return memcmp(place->view + offset, bytes, length) == 0 ? AGENT_OK : AGENT_EFLASH;
}

static bool region_open(struct agent_region *region, struct region_place *place,
                        const struct partition *partition, unsigned entry)
{
    if (partition == NULL || partition->size < JOURNAL_BYTES)
        return false;
    place->offset = partition->offset;
    place->view = hal_mmu_map(entry, partition->offset, JOURNAL_BYTES);
    *region = (struct agent_region){place, region_read, region_blank, region_erase, region_write};
    return place->view != NULL;
}

/* The flash offset of the page that holds the first byte of this program's read-only data. */
static uint32_t running_offset(void)
{
    hal_write(SOC_SPI0 + MMU_ITEM_INDEX, 0);
    return (hal_read(SOC_SPI0 + MMU_ITEM_CONTENT) & MMU_PAGE_MASK) * SOC_MMU_PAGE;
}

static const char *find_slots(struct flash_map *map)
{
    uint32_t here = running_offset();
    bool found = false;
    map->slot_count = 0;
    for (unsigned i = 0; i < FLASH_MAP_SLOTS_MAX; i++) {
        const struct partition *slot =
            partition_find(&table, PARTITION_APP, (uint8_t)(PARTITION_APP_OTA_0 + i));
        if (slot == NULL)
            break;
        map->slot[i] = *slot;
        map->slot_count++;
        if (slot->offset == here) {
            map->running = i;
            found = true;
        }
        if (slot->size > SLOT_ENTRIES * SOC_MMU_PAGE)
            return "a slot is larger than can be mapped";
    }
    if (map->slot_count < 2)
        return "the partition table has no two ota slots";
    return found ? NULL : "the running program is in no ota slot";
}

/* The bootloader's checks again: flash may have changed, and updates are written by this table. */
static int table_read(void)
{
    const uint32_t flash = hal_flash_size();
    const uint8_t *bytes = hal_mmu_map(BRIEF_ENTRY, PARTITION_TABLE_OFFSET, PARTITION_TABLE_BYTES);
    int error = CHAIN_EBOUNDS;
    if (flash != 0 && bytes != NULL)
        error = partition_table_parse(bytes, PARTITION_TABLE_BYTES, flash, &table, NULL);
    hal_mmu_unmap(BRIEF_ENTRY, 1);
    return error == CHAIN_OK ? partition_table_check_places(&table, PARTITION_TABLE_OFFSET) : error;
}

const struct partition *flash_map_find(uint8_t type, uint8_t subtype, const char *label)
{
    if (label == NULL)
        return partition_find(&table, type, subtype);
    const struct partition *found = partition_find_label(&table, label);
    return found != NULL && found->type == type && found->subtype == subtype ? found : NULL;
}

bool flash_map_read(uint32_t offset, void *out, size_t length)
{
    const uint8_t *bytes = hal_mmu_map(BRIEF_ENTRY, offset, length);
    if (bytes != NULL)
        memcpy(out, bytes, length);
    hal_mmu_unmap(BRIEF_ENTRY, 2);
    return bytes != NULL;
}

const char *flash_map_init(struct flash_map *map)
{
    if (table_read() != CHAIN_OK)
        return "the partition table cannot be read";
    const char *wrong = find_slots(map);
    if (wrong != NULL)
        return wrong;
    if (!region_open(&map->otadata, &otadata_place,
                     flash_map_find(PARTITION_DATA, PARTITION_DATA_OTA, NULL), OTADATA_ENTRY))
        return "the partition table has no otadata";
    if (!region_open(&map->journal, &journal_place, flash_map_find(UPDATE_TYPE, 0, UPDATE_LABEL),
                     JOURNAL_ENTRY))
        return "the partition table has no \"" UPDATE_LABEL "\" of type 0x40 and 8 KB";
    return NULL;
}

const uint8_t *flash_map_slot(const struct partition *slot)
{
    return hal_mmu_map(SLOT_ENTRY, slot->offset, slot->size);
}

void flash_map_unmap_slot(const struct partition *slot)
{
    hal_mmu_unmap(SLOT_ENTRY, (slot->size + SOC_MMU_PAGE - 1) / SOC_MMU_PAGE);
}
