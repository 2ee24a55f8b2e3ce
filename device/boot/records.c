/* device/boot/records.c: the otadata partition on flash (formats.md 4, chain/otadata.h). */
#include <string.h>

#include "device/boot/boot.h"
#include "device/hal/flash.h"
#include "device/hal/hal.h"
#include "device/hal/mmu.h"

#define ATTEMPTS 3

static bool read_record(const struct partition *partition, int index,
                        uint8_t out[OTADATA_RECORD_BYTES])
{
    uint32_t offset = partition->offset + (uint32_t)index * OTADATA_SECTOR_BYTES;
    const void *view = hal_mmu_map(HAL_MMU_SCRATCH_ENTRY, offset, OTADATA_RECORD_BYTES);
    if (view != 0)
        memcpy(out, view, OTADATA_RECORD_BYTES);
    hal_mmu_unmap(HAL_MMU_SCRATCH_ENTRY, 1);
    return view != 0;
}

void boot_records_read(const struct partition *partition, struct otadata *ota)
{
    uint8_t record[2][OTADATA_RECORD_BYTES];
    memset(record, 0xFF, sizeof record); /* unreadable counts as empty */
    if (partition->size >= 2 * OTADATA_SECTOR_BYTES) {
        read_record(partition, 0, record[0]);
        read_record(partition, 1, record[1]);
    }
    otadata_parse(record[0], record[1], ota);
}

static int write_once(const struct partition *partition, const struct otadata_write *write)
{
    uint8_t back[OTADATA_RECORD_BYTES];
    uint32_t offset = partition->offset + (uint32_t)write->index * OTADATA_SECTOR_BYTES;
    int error = hal_flash_erase(offset, OTADATA_SECTOR_BYTES);
    if (error == HAL_OK)
        error = hal_flash_write_auto(offset, write->bytes, OTADATA_RECORD_BYTES);
    if (error != HAL_OK)
        return error;
    if (!read_record(partition, write->index, back))
        return HAL_EBOUNDS;
    return memcmp(back, write->bytes, OTADATA_RECORD_BYTES) == 0 ? HAL_OK : HAL_EVERIFY;
}

int boot_record_write(const struct partition *partition, const struct otadata_write *write)
{
    int error = HAL_EBOUNDS;
    if (partition->size < 2 * OTADATA_SECTOR_BYTES)
        return error;
    for (int i = 0; i < ATTEMPTS && error != HAL_OK; i++)
        error = write_once(partition, write);
    if (error != HAL_OK)
        boot_log('E', "otadata record %d could not be written (%d)", write->index, error);
    return error;
}

void boot_records_settle(const struct partition *partition, unsigned slots, struct otadata *ota)
{
    bool trial = false;
    boot_records_read(partition, ota);
    for (int i = 0; i < OTADATA_BOOT_STEPS_MAX; i++) {
        struct otadata_write write = otadata_boot_step(ota, slots, &trial);
        if (write.index < 0)
            return;
        /* When the flash refuses, what it holds now decides: a record that cannot be marked as
         * tried is erased by then and boots nothing. */
        int error = boot_record_write(partition, &write);
        boot_records_read(partition, ota);
        if (error != HAL_OK)
            return;
    }
}
