/* chain/nvs_read.c: see chain/nvs.h. Every byte may come from a stranger's flash. */
#include "chain/nvs.h"

#include <stdbool.h>
#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/nvs_keys.h"
#include "chain/nvs_layout.h"

static int read_memory(void *context, uint32_t offset, void *out, size_t length)
{
    memcpy(out, (const uint8_t *)context + offset, length);
    return CHAIN_OK;
}

struct nvs_source nvs_memory(const uint8_t *bytes, uint32_t size)
{
    return (struct nvs_source){.context = (void *)bytes, .read = read_memory, .size = size};
}

static uint32_t page_offset(uint32_t page)
{
    return page * NVS_PAGE_BYTES;
}

static uint32_t slot_offset(uint32_t page, unsigned slot)
{
    return page_offset(page) + PAGE_SLOTS + slot * NVS_ENTRY_BYTES;
}

static int read_raw(const struct nvs_source *source, uint32_t offset, void *out, size_t length)
{
    return source->read(source->context, offset, out, length);
}

/* A slot's bytes, decrypted where the partition is encrypted. */
static int read_slot(const struct nvs_source *source, uint32_t offset, uint8_t out[NVS_ENTRY_BYTES])
{
    int error = read_raw(source, offset, out, NVS_ENTRY_BYTES);
    if (error || source->keys == NULL)
        return error;
    return nvs_crypt_slot(source->crypto, source->keys, false, offset, out);
}

/* Of a page that holds entries. */
static int check_header(const uint8_t *header)
{
    if (le32_load(header + PAGE_CRC) != nvs_page_crc(header))
        return CHAIN_ECHECKSUM;
    const uint8_t version = header[PAGE_VERSION];
    return version == VERSION_1 || version == VERSION_2 ? CHAIN_OK : CHAIN_EFIELD;
}

static int check_blank(const struct nvs_source *source, uint32_t page)
{
    uint8_t bytes[NVS_ENTRY_BYTES];
    for (uint32_t at = 0; at < NVS_PAGE_BYTES; at += NVS_ENTRY_BYTES) {
        int error = read_raw(source, page_offset(page) + at, bytes, sizeof bytes);
        if (error)
            return error;
        for (size_t i = 0; i < sizeof bytes; i++) {
            if (bytes[i] != 0xFF)
                return CHAIN_EMAGIC;
        }
    }
    return CHAIN_OK;
}

static int check_page(const struct nvs_source *source, uint32_t page)
{
    uint8_t header[PAGE_BITMAP];
    int error = read_raw(source, page_offset(page), header, sizeof header);
    if (error)
        return error;
    const uint32_t state = le32_load(header + PAGE_STATE);
    if (state == PAGE_EMPTY)
        return check_blank(source, page);
    if (state == PAGE_CORRUPT || state == PAGE_INVALID)
        return CHAIN_OK;
    return nvs_holds_entries(header) ? check_header(header) : CHAIN_EMAGIC;
}

static int check_size(const struct nvs_source *source)
{
    return source->size == 0 || source->size % NVS_PAGE_BYTES != 0 ? CHAIN_EALIGN : CHAIN_OK;
}

int nvs_check_pages(const struct nvs_source *source, uint32_t *page)
{
    int error = check_size(source);
    for (*page = 0; error == CHAIN_OK && *page < source->size / NVS_PAGE_BYTES; ++*page) {
        error = check_page(source, *page);
        if (error)
            return error;
    }
    return error;
}

/* True when a page of that sequence number at that place comes behind the cursor's. */
static bool is_behind(const struct nvs_cursor *cursor, uint32_t sequence, uint32_t page)
{
    if (!cursor->begun)
        return true;
    return sequence != cursor->sequence ? sequence > cursor->sequence : page > cursor->page;
}

/* To the page next by sequence number, then by place; EMISSING when there is none. */
static int turn_page(struct nvs_cursor *cursor)
{
    const struct nvs_source *source = cursor->source;
    const uint32_t pages = source->size / NVS_PAGE_BYTES;
    uint32_t best = pages, best_sequence = 0;
    for (uint32_t page = 0; page < pages; page++) {
        uint8_t header[PAGE_BITMAP];
        int error = read_raw(source, page_offset(page), header, sizeof header);
        if (error)
            return error;
        const uint32_t sequence = le32_load(header + PAGE_SEQUENCE);
        if (!nvs_holds_entries(header) || !is_behind(cursor, sequence, page) ||
            (best < pages && sequence >= best_sequence))
            continue;
        error = check_header(header);
        if (error == CHAIN_EFIELD)
            return error;
        if (error)
            continue;
        best = page;
        best_sequence = sequence;
    }
    if (best == pages)
        return CHAIN_EMISSING;
    cursor->begun = true;
    cursor->page = best;
    cursor->sequence = best_sequence;
    cursor->next = 0;
    return read_raw(source, page_offset(best) + PAGE_BITMAP, cursor->bitmap, sizeof cursor->bitmap);
}

int nvs_begin(struct nvs_cursor *cursor, const struct nvs_source *source)
{
    *cursor = (struct nvs_cursor){.source = source, .next = NVS_PAGE_ENTRIES};
    return check_size(source);
}

/* To the next slot that is not free, on this page or a later one. */
static int seek_written(struct nvs_cursor *cursor)
{
    for (;; cursor->next++) {
        while (cursor->next >= NVS_PAGE_ENTRIES) {
            int error = turn_page(cursor);
            if (error)
                return error;
        }
        const unsigned state = nvs_slot_state(cursor->bitmap, cursor->next);
        if (state != SLOT_EMPTY && state != SLOT_ERASED)
            return CHAIN_OK;
    }
}

static bool has_data(const struct nvs_entry *entry)
{
    return entry->type == NVS_STRING || entry->type == NVS_BLOB || entry->type == NVS_BLOB_DATA;
}

static bool is_inline(uint8_t type)
{
    switch (type) {
    case NVS_U8:
    case NVS_U16:
    case NVS_U32:
    case NVS_U64:
    case NVS_I8:
    case NVS_I16:
    case NVS_I32:
    case NVS_I64:
    case NVS_BLOB_INDEX:
        return true;
    default:
        return false;
    }
}

/* What is wrong with an entry that fits its own 32 bytes. */
static int judge_inline(const uint8_t *raw, struct nvs_entry *entry)
{
    entry->size = entry->type == NVS_BLOB_INDEX ? ENTRY_DATA_BYTES : entry->type & 0x0Fu;
    memcpy(entry->value, raw + ENTRY_DATA, sizeof entry->value);
    if (raw[ENTRY_SPAN] != 1)
        return CHAIN_EBOUNDS;
    if (entry->namespace_index != 0)
        return CHAIN_OK;
    const bool names = entry->type == NVS_U8 && entry->value[0] != 0 && entry->value[0] != 0xFF;
    return names ? CHAIN_OK : CHAIN_EFIELD;
}

/* The same for one with data behind it, but for the data. */
static int judge_span(const struct nvs_cursor *cursor, const uint8_t *raw, struct nvs_entry *entry)
{
    const unsigned span = raw[ENTRY_SPAN];
    const size_t room = (span - 1u) * NVS_ENTRY_BYTES;
    entry->size = le16_load(raw + DATA_SIZE);
    for (unsigned i = 1; i < span; i++) {
        if (nvs_slot_state(cursor->bitmap, entry->slot + i) != SLOT_WRITTEN)
            return CHAIN_ETRUNCATED;
    }
    if (entry->namespace_index == 0)
        return CHAIN_EFIELD;
    return entry->size > room || room - entry->size >= NVS_ENTRY_BYTES ? CHAIN_EBOUNDS : CHAIN_OK;
}

/* The entry's data: reads it all. Answers what the source does; the verdict is entry->fault. */
static int judge_data(const struct nvs_source *source, const uint8_t *raw, struct nvs_entry *entry)
{
    uint8_t slot[NVS_ENTRY_BYTES] = {0};
    uint32_t crc = NVS_CRC_START;
    uint8_t last = 0xFF;
    for (size_t done = 0; done < entry->size; done += NVS_ENTRY_BYTES) {
        const size_t left = entry->size - done;
        const size_t part = left < NVS_ENTRY_BYTES ? left : NVS_ENTRY_BYTES;
        int error = read_slot(source, entry->offset + (uint32_t)done, slot);
        if (error)
            return error;
        crc = crc32_le(crc, slot, part);
        last = slot[part - 1];
    }
    if (crc != le32_load(raw + DATA_CRC))
        entry->fault = CHAIN_ECHECKSUM;
    else if (entry->type == NVS_STRING && (entry->size == 0 || last != 0))
        entry->fault = CHAIN_EFIELD;
    return CHAIN_OK;
}

/* The head of an entry: its fields, whether they are sound, and how many slots to pass over. As
 * ESP-IDF: one, unless the span is known to be the entry's own. */
static int judge_head(struct nvs_cursor *cursor, const uint8_t *raw, struct nvs_entry *entry)
{
    const unsigned span = raw[ENTRY_SPAN];
    entry->namespace_index = raw[ENTRY_NAMESPACE];
    entry->type = raw[ENTRY_TYPE];
    entry->chunk = raw[ENTRY_CHUNK];
    if (nvs_slot_state(cursor->bitmap, entry->slot) != SLOT_WRITTEN)
        return CHAIN_EFIELD;
    if (le32_load(raw + ENTRY_CRC) != nvs_entry_crc(raw))
        return CHAIN_ECHECKSUM;
    if (span == 0 || span > NVS_PAGE_ENTRIES - entry->slot)
        return CHAIN_EBOUNDS;
    if (has_data(entry))
        cursor->next = entry->slot + span;
    if (raw[ENTRY_KEY] == 0 || memchr(raw + ENTRY_KEY, 0, ENTRY_KEY_BYTES) == NULL)
        return CHAIN_EFIELD;
    memcpy(entry->key, raw + ENTRY_KEY, ENTRY_KEY_BYTES);
    if (has_data(entry))
        return judge_span(cursor, raw, entry);
    return is_inline(entry->type) ? judge_inline(raw, entry) : CHAIN_EFIELD;
}

int nvs_next(struct nvs_cursor *cursor, struct nvs_entry *entry)
{
    uint8_t raw[NVS_ENTRY_BYTES];
    int error = seek_written(cursor);
    if (error)
        return error;
    const unsigned slot = cursor->next++;
    const uint32_t offset = slot_offset(cursor->page, slot);
    *entry =
        (struct nvs_entry){.page = cursor->page, .slot = slot, .offset = offset + NVS_ENTRY_BYTES};
    error = read_slot(cursor->source, offset, raw);
    if (error)
        return error;
    entry->fault = judge_head(cursor, raw, entry);
    if (entry->fault == CHAIN_OK && has_data(entry))
        error = judge_data(cursor->source, raw, entry);
    return error;
}

int nvs_entry_data(const struct nvs_source *source, const struct nvs_entry *entry, void *out)
{
    uint8_t slot[NVS_ENTRY_BYTES];
    if (!has_data(entry)) {
        memcpy(out, entry->value, entry->size);
        return CHAIN_OK;
    }
    for (size_t done = 0; done < entry->size; done += NVS_ENTRY_BYTES) {
        const size_t left = entry->size - done;
        int error = read_slot(source, entry->offset + (uint32_t)done, slot);
        if (error)
            return error;
        memcpy((uint8_t *)out + done, slot, left < NVS_ENTRY_BYTES ? left : NVS_ENTRY_BYTES);
    }
    return CHAIN_OK;
}

struct nvs_blob nvs_blob_index(const struct nvs_entry *entry)
{
    return (struct nvs_blob){.size = le32_load(entry->value),
                             .count = entry->value[INDEX_COUNT - ENTRY_DATA],
                             .first = entry->value[INDEX_FIRST - ENTRY_DATA]};
}

uint64_t nvs_integer(const struct nvs_entry *entry)
{
    uint64_t value = 0;
    if (entry->size == 0 || entry->size > sizeof value)
        return 0; /* no integer */
    for (size_t i = 0; i < entry->size; i++)
        value |= (uint64_t)entry->value[i] << (8 * i);
    const unsigned above = (unsigned)(64 - 8 * entry->size);
    if ((entry->type & NVS_SIGNED) != 0 && value >> (63 - above) != 0)
        value |= above == 0 ? 0 : UINT64_MAX << (64 - above);
    return value;
}
