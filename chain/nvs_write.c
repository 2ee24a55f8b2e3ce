/* chain/nvs_write.c: see chain/nvs.h. Where an entry goes, and when a page is given up, is decided
 * as Espressif's generator does (nvs.md 4), so that the bytes are the same. */
#include "chain/nvs.h"

#include <stdbool.h>
#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/nvs_layout.h"

static uint8_t *slot_at(const struct nvs_writer *writer, unsigned slot)
{
    return writer->out + writer->page + PAGE_SLOTS + slot * NVS_ENTRY_BYTES;
}

static void begin_page(struct nvs_writer *writer, size_t offset)
{
    uint8_t *page = writer->out + offset;
    writer->page = offset;
    writer->slot = 0;
    le32_store(page + PAGE_STATE, PAGE_ACTIVE);
    le32_store(page + PAGE_SEQUENCE, (uint32_t)(offset / NVS_PAGE_BYTES));
    page[PAGE_VERSION] = VERSION_2;
    le32_store(page + PAGE_CRC, nvs_page_crc(page));
}

static int next_page(struct nvs_writer *writer)
{
    if (writer->usable - writer->page < 2 * NVS_PAGE_BYTES)
        return CHAIN_ESPACE;
    le32_store(writer->out + writer->page + PAGE_STATE, PAGE_FULL);
    begin_page(writer, writer->page + NVS_PAGE_BYTES);
    return CHAIN_OK;
}

int nvs_writer_begin(struct nvs_writer *writer, uint8_t *out, size_t size)
{
    if (size == 0 || size % NVS_PAGE_BYTES != 0)
        return CHAIN_EALIGN;
    *writer = (struct nvs_writer){.out = out, .size = size, .usable = size};
    if (size >= NVS_WRITABLE_MIN)
        writer->usable -= NVS_PAGE_BYTES;
    memset(out, 0xFF, size);
    begin_page(writer, 0);
    return CHAIN_OK;
}

size_t nvs_writer_end(const struct nvs_writer *writer)
{
    return writer->size < NVS_WRITABLE_MIN ? writer->page + NVS_PAGE_BYTES : writer->size;
}

static int check_key(struct nvs_key key)
{
    if (key.length == 0 || key.length > NVS_KEY_MAX)
        return CHAIN_EFIELD;
    for (size_t i = 0; i < key.length; i++) {
        if (key.text[i] < 0x20 || key.text[i] > 0x7E)
            return CHAIN_EFIELD;
    }
    return CHAIN_OK;
}

static int check_place(const struct nvs_writer *writer, struct nvs_key key)
{
    int error = check_key(key);
    return error == CHAIN_OK && writer->namespaces == 0 ? CHAIN_EMISSING : error;
}

/* An entry in its fixed fields; the data field is all ones. */
static void shape(uint8_t entry[NVS_ENTRY_BYTES], unsigned namespace_index, enum nvs_type type,
                  struct nvs_key key)
{
    memset(entry, 0xFF, NVS_ENTRY_BYTES);
    entry[ENTRY_NAMESPACE] = (uint8_t)namespace_index;
    entry[ENTRY_TYPE] = (uint8_t)type;
    entry[ENTRY_SPAN] = 1;
    entry[ENTRY_CHUNK] = CHUNK_NONE;
    memset(entry + ENTRY_KEY, 0, ENTRY_KEY_BYTES);
    memcpy(entry + ENTRY_KEY, key.text, key.length);
}

/* The entry takes its place, and its span in the bitmap. */
static void put(struct nvs_writer *writer, uint8_t entry[NVS_ENTRY_BYTES])
{
    uint8_t *bitmap = writer->out + writer->page + PAGE_BITMAP;
    le32_store(entry + ENTRY_CRC, nvs_entry_crc(entry));
    memcpy(slot_at(writer, writer->slot), entry, NVS_ENTRY_BYTES);
    for (unsigned i = 0; i < entry[ENTRY_SPAN]; i++, writer->slot++) {
        const unsigned lower_bit = 1u << (writer->slot % 4 * 2); /* 11 empty becomes 10 written */
        bitmap[writer->slot / 4] = (uint8_t)(bitmap[writer->slot / 4] & ~lower_bit);
    }
}

static int put_integer(struct nvs_writer *writer, unsigned namespace_index, struct nvs_key key,
                       enum nvs_type type, uint64_t value)
{
    uint8_t entry[NVS_ENTRY_BYTES];
    if (writer->slot == NVS_PAGE_ENTRIES) {
        int error = next_page(writer);
        if (error)
            return error;
    }
    shape(entry, namespace_index, type, key);
    for (unsigned i = 0; i < (type & 0x0Fu); i++)
        entry[ENTRY_DATA + i] = (uint8_t)(value >> (8 * i));
    put(writer, entry);
    return CHAIN_OK;
}

int nvs_write_namespace(struct nvs_writer *writer, const char *name, size_t length)
{
    const struct nvs_key key = {name, length};
    int error = check_key(key);
    if (error == CHAIN_OK && writer->namespaces == NVS_NAMESPACES_MAX)
        error = CHAIN_ESPACE;
    if (error)
        return error;
    writer->namespaces++;
    return put_integer(writer, 0, key, NVS_U8, writer->namespaces);
}

int nvs_write_integer(struct nvs_writer *writer, struct nvs_key key, enum nvs_type type,
                      uint64_t value)
{
    int error = check_place(writer, key);
    return error ? error : put_integer(writer, writer->namespaces, key, type, value);
}

static unsigned slots_for(size_t bytes)
{
    return (unsigned)((bytes + NVS_ENTRY_BYTES - 1) / NVS_ENTRY_BYTES);
}

/* Size, CRC and span of an entry whose `size` bytes lie already in the slots behind its own. */
static void put_with_data(struct nvs_writer *writer, uint8_t entry[NVS_ENTRY_BYTES], size_t size)
{
    const uint8_t *data = slot_at(writer, writer->slot + 1);
    entry[ENTRY_SPAN] = (uint8_t)(1 + slots_for(size));
    le16_store(entry + DATA_SIZE, (uint16_t)size);
    le32_store(entry + DATA_CRC, crc32_le(NVS_CRC_START, data, size));
    put(writer, entry);
}

/* A string never fills a page to its last slot: the generator's rule (nvs.md 4). */
int nvs_write_string(struct nvs_writer *writer, struct nvs_key key, const char *text, size_t length)
{
    uint8_t entry[NVS_ENTRY_BYTES];
    int error = check_place(writer, key);
    if (error == CHAIN_OK && length > NVS_STRING_MAX)
        error = CHAIN_EBOUNDS;
    if (error == CHAIN_OK && writer->slot + 1 + slots_for(length + 1) >= NVS_PAGE_ENTRIES)
        error = next_page(writer);
    if (error)
        return error;
    shape(entry, writer->namespaces, NVS_STRING, key);
    uint8_t *data = slot_at(writer, writer->slot + 1);
    if (length > 0)
        memcpy(data, text, length);
    data[length] = 0;
    put_with_data(writer, entry, length + 1);
    return CHAIN_OK;
}

static size_t blob_size(const struct nvs_blob_parts *parts)
{
    return (parts->counted ? 4 : 0) + parts->length + parts->padding;
}

static uint8_t blob_byte(const struct nvs_blob_parts *parts, size_t at)
{
    const size_t head = parts->counted ? 4 : 0;
    if (at < head)
        return (uint8_t)(parts->length >> (8 * at));
    return at - head < parts->length ? parts->data[at - head] : parts->pad;
}

/* As much of the blob as the page takes; the page is given up when it is full. */
static int put_chunk(struct nvs_writer *writer, struct nvs_key key, unsigned number,
                     const struct nvs_blob_parts *parts, size_t done, size_t *taken)
{
    uint8_t entry[NVS_ENTRY_BYTES];
    const size_t room = (NVS_PAGE_ENTRIES - 1 - writer->slot) * NVS_ENTRY_BYTES;
    const size_t left = blob_size(parts) - done;
    const size_t size = left < room ? left : room;
    uint8_t *data = slot_at(writer, writer->slot + 1);
    for (size_t i = 0; i < size; i++)
        data[i] = blob_byte(parts, done + i);
    shape(entry, writer->namespaces, NVS_BLOB_DATA, key);
    entry[ENTRY_CHUNK] = (uint8_t)number;
    put_with_data(writer, entry, size);
    *taken = size;
    return writer->slot == NVS_PAGE_ENTRIES ? next_page(writer) : CHAIN_OK;
}

int nvs_write_blob(struct nvs_writer *writer, struct nvs_key key,
                   const struct nvs_blob_parts *parts)
{
    uint8_t entry[NVS_ENTRY_BYTES];
    size_t done = 0, taken = 0;
    unsigned count = 0;
    int error = check_place(writer, key);
    if (error == CHAIN_OK &&
        (parts->length > NVS_BLOB_MAX || parts->padding > NVS_BLOB_MAX - parts->length))
        error = CHAIN_EBOUNDS;
    if (error == CHAIN_OK && writer->slot == NVS_PAGE_ENTRIES)
        error = next_page(writer);
    do {
        if (error == CHAIN_OK && count == NVS_CHUNKS_MAX)
            error = CHAIN_EBOUNDS;
        if (error == CHAIN_OK)
            error = put_chunk(writer, key, count, parts, done, &taken);
        if (error)
            return error;
        count++;
        done += taken;
    } while (done < blob_size(parts));
    shape(entry, writer->namespaces, NVS_BLOB_INDEX, key);
    le32_store(entry + ENTRY_DATA, (uint32_t)blob_size(parts));
    entry[INDEX_COUNT] = (uint8_t)count;
    entry[INDEX_FIRST] = 0;
    put(writer, entry);
    return CHAIN_OK;
}
