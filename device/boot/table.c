/* device/boot/table.c: the partition table (formats.md 3). */
#include <string.h>

#include "chain/error.h"
#include "device/boot/boot.h"
#include "device/hal/flash.h"
#include "device/hal/mmu.h"

uint8_t boot_sector[SIGBLOCK_SECTOR_BYTES] __attribute__((aligned(4)));

static const char *usage(const struct partition *entry)
{
    if (entry->type == PARTITION_APP) {
        if (entry->subtype == PARTITION_APP_FACTORY)
            return "factory app";
        if (entry->subtype == PARTITION_APP_TEST)
            return "test app";
        return entry->subtype <= PARTITION_APP_OTA_15 ? "OTA app" : "Unknown app";
    }
    if (entry->type != PARTITION_DATA)
        return "Unknown";
    switch (entry->subtype) {
    case PARTITION_DATA_OTA:
        return "OTA data";
    case PARTITION_DATA_NVS:
        return "WiFi data";
    case PARTITION_DATA_NVS_KEYS:
        return "NVS keys";
    default:
        return "Unknown data";
    }
}

static void print(const struct partition_table *table)
{
    boot_log('I', "Partition Table:");
    boot_log('I', "## Label            Usage          Type ST Offset   Length");
    for (size_t i = 0; i < table->count; i++) {
        const struct partition *entry = &table->entry[i];
        boot_log('I', "%2d %-16s %-16s %02x %02x %08lx %08lx", (int)i, entry->label, usage(entry),
                 entry->type, entry->subtype, entry->offset, entry->size);
    }
    boot_log('I', "End of partition table");
}

int boot_table_read(struct partition_table *table)
{
    const void *view =
        hal_mmu_map(HAL_MMU_SCRATCH_ENTRY, PARTITION_TABLE_OFFSET, PARTITION_TABLE_BYTES);
    if (view == 0)
        return CHAIN_EBOUNDS;
    memcpy(boot_sector, view, PARTITION_TABLE_BYTES); /* parsed and checked from one copy */
    hal_mmu_unmap(HAL_MMU_SCRATCH_ENTRY, 1);
    const uint32_t flash = hal_flash_size();
    if (flash == 0)
        return CHAIN_EBOUNDS; /* the chip does not say how large it is */
    int error = partition_table_parse(boot_sector, PARTITION_TABLE_BYTES, flash, table, 0);
    if (error == CHAIN_OK)
        error = partition_table_check_places(table, PARTITION_TABLE_OFFSET);
    if (error == CHAIN_OK)
        print(table);
    return error;
}
