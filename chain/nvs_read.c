/* chain/nvs_read.c: see chain/nvs.h. Every byte may come from a stranger's flash. */
#include "chain/nvs.h"

#include <stdbool.h>
#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/nvs_layout.h"

static const uint8_t *page_at(const struct nvs_cursor *cursor, size_t page)
{
    return cursor->bytes + page * NVS_PAGE_BYTES;
}

/* The device reads only these; a page that is empty or given up holds nothing. */
static bool holds_entries(const uint8_t *page)
{
    const uint32_t state = le32_load(page + PAGE_STATE);
    return state == PAGE_ACTIVE || state == PAGE_FULL || state == PAGE_FREEING;
}

static bool is_blank(const uint8_t *page)
{
    for (size_t i = 0; i < NVS_PAGE_BYTES; i++) {
        if (page[i] != 0xFF)
            return false;
    }
    return true;
}

static int check_page(const uint8_t *page)
{
    const uint32_t state = le32_load(page + PAGE_STATE);
    if (state == PAGE_EMPTY)
        return is_blank(page) ? CHAIN_OK : CHAIN_EMAGIC;
    if (state == PAGE_CORRUPT || state == PAGE_INVALID)
        return CHAIN_OK;
    if (!holds_entries(page))
        return CHAIN_EMAGIC;
    if (le32_load(page + PAGE_CRC) != nvs_page_crc(page))
        return CHAIN_ECHECKSUM;
    const uint8_t version = page[PAGE_VERSION];
    return version == VERSION_1 || version == VERSION_2 ? CHAIN_OK : CHAIN_EFIELD;
}

/* True when page a comes before page b: by sequence number, then by place. */
static bool is_before(const struct nvs_cursor *cursor, size_t a, size_t b)
{
    const uint32_t of_a = le32_load(page_at(cursor, a) + PAGE_SEQUENCE);
    const uint32_t of_b = le32_load(page_at(cursor, b) + PAGE_SEQUENCE);
    return of_a != of_b ? of_a < of_b : a < b;
}

/* To the first page behind `last` (cursor->pages: to the very first); false when there is none. */
static bool turn_page(struct nvs_cursor *cursor, size_t last)
{
    size_t best = cursor->pages;
    for (size_t page = 0; page < cursor->pages; page++) {
        if (!holds_entries(page_at(cursor, page)))
            continue;
        if (last < cursor->pages && !is_before(cursor, last, page))
            continue;
        if (best == cursor->pages || is_before(cursor, page, best))
            best = page;
    }
    if (best == cursor->pages)
        return false;
    cursor->page = best;
    cursor->slot = 0;
    return true;
}

int nvs_begin(struct nvs_cursor *cursor, const uint8_t *bytes, size_t length)
{
    *cursor = (struct nvs_cursor){.bytes = bytes, .pages = length / NVS_PAGE_BYTES};
    if (length == 0 || length % NVS_PAGE_BYTES != 0)
        return CHAIN_EALIGN;
    for (cursor->page = 0; cursor->page < cursor->pages; cursor->page++) {
        int error = check_page(page_at(cursor, cursor->page));
        if (error)
            return error;
    }
    if (!turn_page(cursor, cursor->pages)) {
        cursor->page = cursor->pages - 1;
        cursor->slot = NVS_PAGE_ENTRIES;
    }
    return CHAIN_OK;
}

static unsigned slot_state(const uint8_t *page, unsigned slot)
{
    return ((unsigned)page[PAGE_BITMAP + slot / 4] >> (slot % 4 * 2)) & 3u;
}

/* To the next written slot, on this page or a later one. */
static int seek_written(struct nvs_cursor *cursor)
{
    for (;;) {
        if (cursor->slot == NVS_PAGE_ENTRIES) {
            const size_t last = cursor->page;
            if (!holds_entries(page_at(cursor, last)) || !turn_page(cursor, last))
                return CHAIN_EMISSING;
            continue;
        }
        switch (slot_state(page_at(cursor, cursor->page), cursor->slot)) {
        case SLOT_WRITTEN:
            return CHAIN_OK;
        case SLOT_EMPTY:
        case SLOT_ERASED:
            cursor->slot++;
            continue;
        default:
            return CHAIN_EFIELD;
        }
    }
}

/* Value and span of an entry that fits its own 32 bytes. */
static int read_inline(const uint8_t *raw, struct nvs_entry *entry)
{
    const bool index = entry->type == NVS_BLOB_INDEX;
    entry->data = raw + ENTRY_DATA;
    entry->size = index ? ENTRY_DATA_BYTES : entry->type & 0x0Fu;
    if (raw[ENTRY_SPAN] != 1)
        return CHAIN_EBOUNDS;
    if (entry->namespace_index != 0)
        return CHAIN_OK;
    const bool names = entry->type == NVS_U8 && entry->data[0] != 0 && entry->data[0] != 0xFF;
    return names ? CHAIN_OK : CHAIN_EFIELD;
}

/* The same for one with data behind it; span was found to lie within the page. */
static int read_data(const uint8_t *raw, struct nvs_entry *entry)
{
    const size_t room = (raw[ENTRY_SPAN] - 1u) * NVS_ENTRY_BYTES;
    entry->data = raw + NVS_ENTRY_BYTES;
    entry->size = le16_load(raw + DATA_SIZE);
    if (entry->namespace_index == 0)
        return CHAIN_EFIELD;
    if (entry->size > room || room - entry->size >= NVS_ENTRY_BYTES)
        return CHAIN_EBOUNDS;
    if (crc32_le(NVS_CRC_START, entry->data, entry->size) != le32_load(raw + DATA_CRC))
        return CHAIN_ECHECKSUM;
    if (entry->type == NVS_STRING && (entry->size == 0 || entry->data[entry->size - 1] != 0))
        return CHAIN_EFIELD;
    return CHAIN_OK;
}

static int read_value(const uint8_t *raw, struct nvs_entry *entry)
{
    switch (entry->type) {
    case NVS_U8:
    case NVS_U16:
    case NVS_U32:
    case NVS_U64:
    case NVS_I8:
    case NVS_I16:
    case NVS_I32:
    case NVS_I64:
    case NVS_BLOB_INDEX:
        return read_inline(raw, entry);
    case NVS_STRING:
    case NVS_BLOB:
    case NVS_BLOB_DATA:
        return read_data(raw, entry);
    default:
        return CHAIN_EFIELD;
    }
}

int nvs_next(struct nvs_cursor *cursor, struct nvs_entry *entry)
{
    int error = seek_written(cursor);
    if (error)
        return error;
    const uint8_t *page = page_at(cursor, cursor->page);
    const uint8_t *raw = page + PAGE_SLOTS + cursor->slot * NVS_ENTRY_BYTES;
    const unsigned span = raw[ENTRY_SPAN];
    if (le32_load(raw + ENTRY_CRC) != nvs_entry_crc(raw))
        return CHAIN_ECHECKSUM;
    if (span == 0 || span > NVS_PAGE_ENTRIES - cursor->slot)
        return CHAIN_EBOUNDS;
    if (raw[ENTRY_KEY] == 0 || memchr(raw + ENTRY_KEY, 0, ENTRY_KEY_BYTES) == NULL)
        return CHAIN_EFIELD;
    for (unsigned i = 1; i < span; i++) {
        if (slot_state(page, cursor->slot + i) != SLOT_WRITTEN)
            return CHAIN_EFIELD;
    }
    entry->namespace_index = raw[ENTRY_NAMESPACE];
    entry->type = raw[ENTRY_TYPE];
    entry->chunk = raw[ENTRY_CHUNK];
    memcpy(entry->key, raw + ENTRY_KEY, ENTRY_KEY_BYTES);
    error = read_value(raw, entry);
    if (error == CHAIN_OK)
        cursor->slot += span;
    return error;
}

struct nvs_blob nvs_blob_index(const struct nvs_entry *entry)
{
    return (struct nvs_blob){.size = le32_load(entry->data),
                             .count = entry->data[INDEX_COUNT - ENTRY_DATA],
                             .first = entry->data[INDEX_FIRST - ENTRY_DATA]};
}

uint64_t nvs_integer(const struct nvs_entry *entry)
{
    uint64_t value = 0;
    if (entry->size == 0 || entry->size > sizeof value)
        return 0; /* no integer */
    for (size_t i = 0; i < entry->size; i++)
        value |= (uint64_t)entry->data[i] << (8 * i);
    const unsigned above = (unsigned)(64 - 8 * entry->size);
    if ((entry->type & NVS_SIGNED) != 0 && value >> (63 - above) != 0)
        value |= above == 0 ? 0 : UINT64_MAX << (64 - above);
    return value;
}
