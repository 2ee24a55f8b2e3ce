/* fleet/nor.c: see nor.h. */
#include "fleet/nor.h"

#include <stdlib.h>
#include <string.h>

#include "device/agent/agent.h"

bool nor_init(struct nor *flash, struct sectors *store, uint32_t slot_bytes)
{
    *flash = (struct nor){.store = store, .slot_sectors = slot_bytes / SECTOR_BYTES};
    flash->slot[0] = calloc(2u * flash->slot_sectors, sizeof(void *));
    if (flash->slot[0] == NULL)
        return false;
    flash->slot[1] = flash->slot[0] + flash->slot_sectors;
    return true;
}

static void area_free(struct nor_area *area)
{
    free(area->sector[0].bytes);
    free(area->sector[1].bytes);
}

void nor_free(struct nor *flash)
{
    if (flash->slot[0] == NULL)
        return;
    for (uint32_t i = 0; i < 2u * flash->slot_sectors; i++)
        sectors_drop(flash->store, flash->slot[0][i]);
    free(flash->slot[0]);
    area_free(&flash->otadata);
    area_free(&flash->journal);
}

void nor_erase(struct nor *flash, unsigned slot, uint32_t offset)
{
    const struct sector **sector = &flash->slot[slot][offset / SECTOR_BYTES];
    sectors_drop(flash->store, *sector);
    *sector = NULL;
}

/* `length` bytes within one sector. */
static bool write_part(struct nor *flash, const struct sector **sector, uint32_t at,
                       const uint8_t *bytes, size_t length)
{
    uint8_t cells[SECTOR_BYTES];
    if (*sector != NULL)
        memcpy(cells, (*sector)->bytes, sizeof cells);
    else
        memset(cells, 0xFF, sizeof cells);
    for (size_t i = 0; i < length; i++)
        cells[at + i] &= bytes[i];
    const struct sector *written = sectors_take(flash->store, cells);
    if (written == NULL)
        return false;
    sectors_drop(flash->store, *sector);
    *sector = written;
    return true;
}

bool nor_write(struct nor *flash, unsigned slot, uint32_t offset, const uint8_t *bytes,
               size_t length)
{
    while (length > 0) {
        uint32_t at = offset % SECTOR_BYTES;
        size_t part = length < SECTOR_BYTES - at ? length : SECTOR_BYTES - at;
        if (!write_part(flash, &flash->slot[slot][offset / SECTOR_BYTES], at, bytes, part))
            return false;
        offset += (uint32_t)part;
        bytes += part;
        length -= part;
    }
    return true;
}

/* The agent stays inside its regions and never crosses from one of their sectors into the other. */
static struct nor_sector *sector_at(void *context, uint32_t offset)
{
    struct nor_area *area = context;
    return &area->sector[offset / REGION_SECTOR_BYTES];
}

static int area_read(void *context, uint32_t offset, void *out, size_t length)
{
    const struct nor_sector *sector = sector_at(context, offset);
    uint32_t at = offset % REGION_SECTOR_BYTES;
    size_t kept = at < sector->length ? sector->length - at : 0;
    if (kept > length)
        kept = length;
    if (kept > 0)
        memcpy(out, sector->bytes + at, kept);
    memset((uint8_t *)out + kept, 0xFF, length - kept);
    return AGENT_OK;
}

static bool area_blank(void *context, uint32_t offset, size_t length)
{
    const struct nor_sector *sector = sector_at(context, offset);
    uint32_t at = offset % REGION_SECTOR_BYTES;
    for (size_t i = at; i < at + length && i < sector->length; i++) {
        if (sector->bytes[i] != 0xFF)
            return false;
    }
    return true;
}

static int area_erase(void *context, uint32_t offset)
{
    struct nor_sector *sector = sector_at(context, offset);
    free(sector->bytes);
    *sector = (struct nor_sector){NULL, 0};
    return AGENT_OK;
}

static int area_write(void *context, uint32_t offset, const void *bytes, size_t length)
{
    struct nor_sector *sector = sector_at(context, offset);
    uint32_t at = offset % REGION_SECTOR_BYTES;
    uint32_t end = at + (uint32_t)length;
    if (end > sector->length) {
        uint8_t *grown = realloc(sector->bytes, end);
        if (grown == NULL)
            return AGENT_EFLASH;
        memset(grown + sector->length, 0xFF, end - sector->length);
        sector->bytes = grown;
        sector->length = end;
    }
    for (size_t i = 0; i < length; i++)
        sector->bytes[at + i] &= ((const uint8_t *)bytes)[i];
    return AGENT_OK;
}

struct agent_region nor_region(struct nor_area *area)
{
    return (struct agent_region){area, area_read, area_blank, area_erase, area_write};
}
