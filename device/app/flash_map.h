/* device/app/flash_map.h: where things are on this device's flash.
 *
 * The partition table is the one the bootloader used; the running slot is the one whose pages the
 * MMU shows where this program is linked. Mappings of the app: its own from entry 0 on, the two
 * small regions permanently, a slot as a whole (flash_map_slot()) and a few bytes elsewhere
 * (flash_map_read()) for a moment.
 */
#ifndef DEVICE_APP_FLASH_MAP_H
#define DEVICE_APP_FLASH_MAP_H

#include "chain/partition.h"
#include "device/agent/region.h"

#define FLASH_MAP_SLOTS_MAX 16

struct flash_map {
    unsigned slot_count; /* ota_0.. without gaps */
    struct partition slot[FLASH_MAP_SLOTS_MAX];
    unsigned running;
    struct agent_region otadata, journal;
};

/* NULL, or what is wrong in a few words. */
const char *flash_map_init(struct flash_map *map);

/* Once the table was read: the first partition of that type and subtype, or, with a label, the one
 * that is called so. NULL: there is none. */
const struct partition *flash_map_find(uint8_t type, uint8_t subtype, const char *label);

/* Bytes as the cache shows them: decrypted on a device with flash encryption. At most a page. */
bool flash_map_read(uint32_t offset, void *out, size_t length);

/* The whole slot as the cache shows it; one at a time, until flash_map_unmap_slot(). */
const uint8_t *flash_map_slot(const struct partition *slot);
void flash_map_unmap_slot(const struct partition *slot);

#endif
