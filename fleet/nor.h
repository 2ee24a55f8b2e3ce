/* fleet/nor.h: the flash of one native device: two slots and the agent's two small regions.
 *
 * NOR flash: an erase sets all bits of a sector, a write only clears bits. Slots are pointers to
 * shared sectors (fleet/sectors.h), so a slot costs 8 bytes a sector; of the regions only what has
 * been written since the last erase is kept. A device of 512 KB slots that has been updated takes
 * about 5 KB.
 */
#ifndef FLEET_NOR_H
#define FLEET_NOR_H

#include <stdbool.h>

#include "device/agent/region.h"
#include "fleet/sectors.h"

struct nor_sector {
    uint8_t *bytes; /* what lies behind `length` is erased */
    uint32_t length;
};

struct nor_area {
    struct nor_sector sector[2];
};

struct nor {
    struct sectors *store;
    uint32_t slot_sectors;
    const struct sector **slot[2]; /* NULL is an erased sector */
    struct nor_area otadata, journal;
};

/* All erased. False: out of memory. slot_bytes is a multiple of SECTOR_BYTES. */
bool nor_init(struct nor *flash, struct sectors *store, uint32_t slot_bytes);
void nor_free(struct nor *flash);

/* Offsets are from the start of the slot and inside it. False: out of memory. */
void nor_erase(struct nor *flash, unsigned slot, uint32_t offset);
bool nor_write(struct nor *flash, unsigned slot, uint32_t offset, const uint8_t *bytes,
               size_t length);

/* The area as device/agent/{journal,slots}.h want it; valid as long as the flash is. */
struct agent_region nor_region(struct nor_area *area);

#endif
