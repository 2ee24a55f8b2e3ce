/* NVS: the bytes as a partition, also with every CRC set right, and as a CSV. What the reader gives
 * out lies in the partition; what the CSV made reads back whole. */
#include <string.h>

#include "chain/bytes.h"
#include "chain/crc32.h"
#include "chain/error.h"
#include "chain/nvs.h"
#include "chain/nvs_csv.h"
#include "fuzz/fuzz.h"

#define SIZE (4 * NVS_PAGE_BYTES)

/* All entries; the verdict that ended the walk. */
static int walk(const uint8_t *bytes, size_t length)
{
    struct nvs_cursor cursor;
    struct nvs_entry entry;
    uint32_t page;
    const struct nvs_source source = nvs_memory(bytes, (uint32_t)length);
    size_t steps = 0;
    int verdict = nvs_begin(&cursor, &source);
    while (verdict == CHAIN_OK && (verdict = nvs_next(&cursor, &entry)) == CHAIN_OK) {
        require(++steps <= length / NVS_ENTRY_BYTES);
        require(entry.page < length / NVS_PAGE_BYTES && entry.slot < NVS_PAGE_ENTRIES);
        if (entry.fault)
            continue;
        require(entry.type < NVS_STRING || entry.type == NVS_BLOB_INDEX ||
                span_within(entry.offset, entry.size, length));
        require(entry.key[0] != 0 && memchr(entry.key, 0, sizeof entry.key) != NULL);
        if (entry.type == NVS_STRING)
            require(bytes[entry.offset + entry.size - 1] == 0);
        if (entry.type == NVS_BLOB_INDEX)
            (void)nvs_blob_index(&entry);
        else if (entry.type < NVS_STRING)
            (void)nvs_integer(&entry);
    }
    (void)nvs_check_pages(&source, &page);
    return verdict;
}

/* Random bytes hardly ever carry a right CRC: pages in use get theirs, and so does each slot as
 * an entry and, where its size field allows, as one with data. */
static void seal(uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; at += NVS_PAGE_BYTES) {
        uint8_t *page = bytes + at;
        le32_store(page + 28, crc32_le(0xFFFFFFFF, page + 4, 24));
        for (size_t slot = NVS_PAGE_ENTRIES; slot-- > 0;) {
            uint8_t *raw = page + 64 + slot * NVS_ENTRY_BYTES;
            const size_t size = le16_load(raw + 24), room = (125 - slot) * NVS_ENTRY_BYTES;
            if (raw[1] > 0x20 && raw[1] != NVS_BLOB_INDEX && size <= room)
                le32_store(raw + 28, crc32_le(0xFFFFFFFF, raw + 32, size));
            le32_store(raw + 4, crc32_le(crc32_le(0xFFFFFFFF, raw, 4), raw + 8, 24));
        }
    }
}

static void try_partition(const uint8_t *data, size_t size)
{
    static uint8_t sealed[SIZE];
    (void)walk(data, size);
    memset(sealed, 0xFF, sizeof sealed);
    if (size > 0)
        memcpy(sealed, data, size < SIZE ? size : SIZE);
    const size_t used = size < SIZE ? size + NVS_PAGE_BYTES - 1 : SIZE;
    seal(sealed, used / NVS_PAGE_BYTES * NVS_PAGE_BYTES);
    (void)walk(sealed, SIZE);
}

static void try_csv(const uint8_t *data, size_t size)
{
    static uint8_t flash[SIZE];
    struct nvs_writer writer;
    struct nvs_problem problem;
    char *text = malloc(size > 0 ? size : 1);
    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    require(nvs_writer_begin(&writer, flash, SIZE) == CHAIN_OK);
    if (nvs_csv_write(text, size, NULL, &writer, &problem) == CHAIN_OK)
        require(walk(flash, nvs_writer_end(&writer)) == CHAIN_EMISSING);
    else
        require(problem.text[0] != 0 && problem.line <= size + 1);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_partition(data, size);
    try_csv(data, size);
    return 0;
}
