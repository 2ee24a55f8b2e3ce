/* NVS: the bytes as a partition, also with every CRC set right, and as a CSV. What the reader gives
 * out lies in the partition and is found by its key, also when encrypted; what the CSV made reads
 * back whole. */
#include <string.h>

#include "chain/bytes.h"
#include "chain/crc32.h"
#include "chain/error.h"
#include "chain/nvs.h"
#include "chain/nvs_csv.h"
#include "chain/nvs_find.h"
#include "chain/nvs_keys.h"
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

/* A cipher that is quick, and undone only with the same key, tweak and direction. */
static int toy_xts(const struct chain_crypto *crypto, bool encrypt,
                   const uint8_t key[XTS256_KEY_BYTES], const uint8_t tweak[16], const uint8_t *in,
                   uint8_t *out, size_t length)
{
    (void)crypto;
    require(length == NVS_ENTRY_BYTES);
    const uint8_t step = (uint8_t)(key[0] + 31 * (tweak[0] / 32) + 7 * tweak[1] + tweak[2]);
    for (size_t i = 0; i < length; i++)
        out[i] = (uint8_t)(encrypt ? in[i] + step + i : in[i] - step - i);
    return CHAIN_OK;
}

static const struct chain_crypto toy = {.aes256_xts = toy_xts};
static const struct nvs_keys toy_keys = {{17}};

/* Every name and key in the partition is asked for: what is found is the last sound entry of that
 * namespace, key and type, and found encrypted as it is plain. */
static void find_string(const struct nvs_source *plain, const struct nvs_source *secret,
                        const char *space, const struct nvs_entry *newest)
{
    static char out[NVS_PAGE_BYTES], same[NVS_PAGE_BYTES], expected[NVS_PAGE_BYTES];
    require(newest->size <= sizeof expected);
    require(nvs_entry_data(plain, newest, expected) == CHAIN_OK);
    require(nvs_find_string(plain, space, newest->key, out, newest->size) == CHAIN_OK);
    require(memcmp(out, expected, newest->size) == 0);
    require(nvs_find_string(plain, space, newest->key, out, newest->size - 1) == CHAIN_ESPACE);
    require(nvs_find_string(secret, space, newest->key, same, sizeof same) == CHAIN_OK);
    require(memcmp(out, same, newest->size) == 0);
}

static void find_unsigned(const struct nvs_source *plain, const struct nvs_source *secret,
                          const char *space, const struct nvs_entry *newest)
{
    uint64_t value = 0, same = 0;
    require(nvs_find_unsigned(plain, space, newest->key, &value) == CHAIN_OK);
    require(value == nvs_integer(newest));
    require(nvs_find_unsigned(secret, space, newest->key, &same) == CHAIN_OK);
    require(value == same);
}

static bool is_unsigned(const struct nvs_entry *entry)
{
    return entry->type <= NVS_U64; /* a sound one */
}

/* The last sound entry that answers to the same question as `asked`. */
static struct nvs_entry newest_like(const struct nvs_source *source, const struct nvs_entry *asked)
{
    struct nvs_cursor cursor;
    struct nvs_entry entry, newest = *asked;
    require(nvs_begin(&cursor, source) == CHAIN_OK);
    while (nvs_next(&cursor, &entry) == CHAIN_OK) {
        if (entry.fault == CHAIN_OK && entry.namespace_index == asked->namespace_index &&
            strcmp(entry.key, asked->key) == 0 &&
            (entry.type == asked->type || (is_unsigned(&entry) && is_unsigned(asked))))
            newest = entry;
    }
    return newest;
}

/* A name that stands for this namespace; false when none does (any more). */
static bool name_of(const struct nvs_source *source, unsigned index, char name[NVS_KEY_MAX + 1])
{
    struct nvs_cursor cursor;
    struct nvs_entry entry;
    require(nvs_begin(&cursor, source) == CHAIN_OK);
    while (nvs_next(&cursor, &entry) == CHAIN_OK) {
        if (entry.fault || entry.namespace_index != 0 || entry.value[0] != index)
            continue;
        if (newest_like(source, &entry).value[0] != index)
            continue;
        memcpy(name, entry.key, sizeof entry.key);
        return true;
    }
    return false;
}

/* At most a few: each look-up walks the partition. */
static void try_find(const uint8_t *bytes, size_t length)
{
    static uint8_t encrypted[SIZE];
    struct nvs_cursor cursor;
    struct nvs_entry entry;
    struct nvs_source plain = nvs_memory(bytes, (uint32_t)length), secret;
    memcpy(encrypted, bytes, length);
    require(nvs_crypt(&toy, &toy_keys, true, encrypted, length) == CHAIN_OK);
    secret = nvs_memory(encrypted, (uint32_t)length);
    secret.keys = &toy_keys;
    secret.crypto = &toy;
    require(nvs_begin(&cursor, &plain) == CHAIN_OK);
    int error = CHAIN_OK;
    for (unsigned left = 8; left > 0 && error == CHAIN_OK; left--) {
        char space[NVS_KEY_MAX + 1];
        error = nvs_next(&cursor, &entry);
        if (error || entry.fault || entry.namespace_index == 0 ||
            !name_of(&plain, entry.namespace_index, space) ||
            walk(bytes, length) == CHAIN_EFIELD) /* a page of a version to come */
            continue;
        const struct nvs_entry newest = newest_like(&plain, &entry);
        if (entry.type == NVS_STRING)
            find_string(&plain, &secret, space, &newest);
        else if (is_unsigned(&entry))
            find_unsigned(&plain, &secret, space, &newest);
    }
    require(nvs_crypt(&toy, &toy_keys, false, encrypted, length) == CHAIN_OK);
    require(memcmp(encrypted, bytes, length) == 0);
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
    try_find(sealed, SIZE);
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
