/* chain/nvs_layout.h: offsets and values of the NVS format, for what writes, reads and encrypts
 * it (nvs.md 1 to 3). */
#ifndef CHAIN_NVS_LAYOUT_H
#define CHAIN_NVS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/bytes.h"
#include "chain/crc32.h"

/* nvs.md 1: page header; its CRC covers what lies between. */
enum {
    PAGE_STATE = 0,
    PAGE_SEQUENCE = 4,
    PAGE_VERSION = 8,
    PAGE_CRC = 28,
    PAGE_BITMAP = 32,
    PAGE_SLOTS = 64,
};
#define PAGE_EMPTY   0xFFFFFFFFu
#define PAGE_ACTIVE  0xFFFFFFFEu
#define PAGE_FULL    0xFFFFFFFCu
#define PAGE_FREEING 0xFFFFFFF8u
#define PAGE_CORRUPT 0xFFFFFFF0u
#define PAGE_INVALID 0x00000000u
enum { VERSION_1 = 0xFF, VERSION_2 = 0xFE };

/* nvs.md 2: two bits a slot. */
enum { SLOT_ERASED = 0, SLOT_WRITTEN = 2, SLOT_EMPTY = 3 };

/* nvs.md 3: entry. */
enum {
    ENTRY_NAMESPACE = 0,
    ENTRY_TYPE = 1,
    ENTRY_SPAN = 2,
    ENTRY_CHUNK = 3,
    ENTRY_CRC = 4,
    ENTRY_KEY = 8,
    ENTRY_KEY_BYTES = 16,
    ENTRY_DATA = 24,
    ENTRY_DATA_BYTES = 8,
    DATA_SIZE = ENTRY_DATA,    /* of a string, blob or chunk */
    DATA_CRC = ENTRY_DATA + 4, /* and the CRC of its bytes */
    INDEX_COUNT = ENTRY_DATA + 4,
    INDEX_FIRST = ENTRY_DATA + 5,
};
enum { CHUNK_NONE = 0xFF };

#define NVS_CRC_START 0xFFFFFFFFu

/* The device reads only these; a page that is empty or given up holds nothing. */
static inline bool nvs_holds_entries(const uint8_t *page)
{
    const uint32_t state = le32_load(page + PAGE_STATE);
    return state == PAGE_ACTIVE || state == PAGE_FULL || state == PAGE_FREEING;
}

static inline unsigned nvs_slot_state(const uint8_t *bitmap, unsigned slot)
{
    return ((unsigned)bitmap[slot / 4] >> (slot % 4 * 2)) & 3u;
}

static inline uint32_t nvs_page_crc(const uint8_t *page)
{
    return crc32_le(NVS_CRC_START, page + PAGE_SEQUENCE, PAGE_CRC - PAGE_SEQUENCE);
}

static inline uint32_t nvs_entry_crc(const uint8_t *entry)
{
    uint32_t crc = crc32_le(NVS_CRC_START, entry, ENTRY_CRC);
    return crc32_le(crc, entry + ENTRY_KEY, ENTRY_DATA + ENTRY_DATA_BYTES - ENTRY_KEY);
}

#endif
