#include "tool/flash_dump.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/flashcrypt.h"
#include "host/crypto.h"
#include "host/error.h"
#include "tool/cli.h"
#include "tool/inputs.h"
#include "tool/table.h"

#define SECTOR_BYTES 4096u
#define BLOCK_BYTES  16u /* what the cipher works on */

static bool is_erased(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != 0xFF)
            return false;
    }
    return true;
}

int flash_dump_region(const struct flash_dump *dump, uint32_t offset, uint32_t length,
                      struct flash_view view, struct buffer *out)
{
    const uint8_t *raw = dump->raw.bytes + offset;
    *out = (struct buffer){.bytes = malloc(length), .length = length};
    if (!out->bytes)
        return host_fail(NULL, "out of memory");
    memcpy(out->bytes, raw, length);
    if (!view.decrypt || !dump->encrypted)
        return HOST_DONE;
    int error = flashcrypt_decrypt(&host_crypto, dump->key, offset, out->bytes, out->bytes, length);
    if (error) {
        buffer_free_secret(out);
        return host_fail("flash", "0x%x bytes at 0x%x cannot be decrypted: %s", (unsigned)length,
                         (unsigned)offset, chain_error_text(error));
    }
    for (uint32_t i = 0; view.erased_stays && i < length; i += BLOCK_BYTES) {
        if (is_erased(raw + i, BLOCK_BYTES))
            memset(out->bytes + i, 0xFF, BLOCK_BYTES);
    }
    return HOST_DONE;
}

bool flash_is_decrypted(const struct partition *partition)
{
    return partition->type == PARTITION_APP || partition->type == PARTITION_BOOTLOADER ||
           partition_all_encrypted(partition);
}

/* The tables of a dump. */
struct search {
    size_t found;
    uint32_t offset[2]; /* of the first two */
    int error;          /* of the first damaged one; CHAIN_EMAGIC: there is none */
    uint32_t error_offset;
};

/* partition_table_check_places(), and what regions need besides: no entry is empty, and those of
 * the primary bootloader and table end below the table. */
static int check_places(const struct partition_table *table, uint32_t table_offset)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct partition *entry = &table->entry[i];
        if (entry->size == 0)
            return CHAIN_EFIELD;
        if (entry->offset < table_offset && entry->size > table_offset - entry->offset)
            return CHAIN_EOVERLAP;
    }
    return partition_table_check_places(table, table_offset);
}

/* The table at an offset inside the dump. */
static int table_at(const struct flash_dump *dump, uint32_t offset, struct partition_table *table)
{
    uint8_t bytes[PARTITION_TABLE_BYTES];
    memcpy(bytes, dump->raw.bytes + offset, sizeof bytes);
    if (dump->encrypted) {
        /* A sector that does not begin like a table is not worth decrypting whole. */
        int error = flashcrypt_decrypt(&host_crypto, dump->key, offset, bytes, bytes, BLOCK_BYTES);
        if (error == CHAIN_OK && bytes[0] == 0xAA && bytes[1] == 0x50)
            error = flashcrypt_decrypt(&host_crypto, dump->key, offset + BLOCK_BYTES,
                                       bytes + BLOCK_BYTES, bytes + BLOCK_BYTES,
                                       sizeof bytes - BLOCK_BYTES);
        if (error)
            return error;
    }
    int error = partition_table_parse(bytes, sizeof bytes, (uint32_t)dump->raw.length, table, NULL);
    return error ? error : check_places(table, offset);
}

/* Data, or the noise of a wrong key, can have the two bytes of the magic by chance: what follows is
 * then one entry that lies anywhere in 4 GiB. A damaged table has more of sense in it. */
static bool is_chance(const struct partition_table *candidate, int error)
{
    return error == CHAIN_EMAGIC || error == CHAIN_EMISSING ||
           (error == CHAIN_EBOUNDS && candidate->count == 1);
}

static void search_all(const struct flash_dump *dump, struct partition_table *table,
                       struct search *search)
{
    struct partition_table candidate = {.count = 0};
    *search = (struct search){.error = CHAIN_EMAGIC, .error_offset = PARTITION_TABLE_OFFSET};
    for (uint32_t at = 0; span_within(at, PARTITION_TABLE_SECTOR, dump->raw.length);
         at += SECTOR_BYTES) {
        int error = table_at(dump, at, &candidate);
        if (error == CHAIN_OK) {
            if (search->found == 0)
                *table = candidate;
            if (search->found < 2)
                search->offset[search->found] = at;
            search->found++;
        } else if (search->error == CHAIN_EMAGIC && !is_chance(&candidate, error)) {
            search->error = error;
            search->error_offset = at;
        }
    }
}

static const char *advice(struct flash_dump *dump)
{
    struct search search;
    if (!dump->encrypted)
        return " (if it is encrypted, give --key or --efuse)";
    dump->encrypted = false;
    search_all(dump, &dump->table, &search);
    dump->encrypted = true;
    return search.found > 0 ? " (it is not encrypted: leave the key out)"
                            : " (is it the right key?)";
}

static int find_table(const char *name, struct flash_dump *dump)
{
    struct search search;
    search_all(dump, &dump->table, &search);
    if (search.found == 1) {
        dump->table_offset = search.offset[0];
        return HOST_DONE;
    }
    if (search.found > 1)
        return host_fail(name, "has %zu partition tables, at 0x%x, 0x%x%s (choose: --offset N)",
                         search.found, (unsigned)search.offset[0], (unsigned)search.offset[1],
                         search.found > 2 ? ", ..." : "");
    if (search.error == CHAIN_EMAGIC)
        return host_fail(name, "no partition table in any sector%s", advice(dump));
    return host_fail(name, "no valid partition table at 0x%x: %s", (unsigned)search.error_offset,
                     chain_error_text(search.error));
}

static int read_table(const char *name, const struct flash_source *source, struct flash_dump *dump)
{
    if (!source->offset_given) {
        if (!span_within(PARTITION_TABLE_OFFSET, PARTITION_TABLE_SECTOR, dump->raw.length))
            return host_fail(name, "is too short for a flash with a partition table");
        return find_table(name, dump);
    }
    dump->table_offset = source->table_offset;
    if (!span_within(dump->table_offset, PARTITION_TABLE_SECTOR, dump->raw.length))
        return host_fail(name, "ends before a partition table at 0x%x",
                         (unsigned)dump->table_offset);
    int error = table_at(dump, dump->table_offset, &dump->table);
    if (error)
        return host_fail(name, "no partition table at 0x%x: %s%s", (unsigned)dump->table_offset,
                         chain_error_text(error), advice(dump));
    return HOST_DONE;
}

int flash_dump_take(const struct flash_source *source, struct buffer *raw, struct flash_dump *dump)
{
    *dump = (struct flash_dump){.raw = *raw, .encrypted = source->key || source->efuse};
    *raw = (struct buffer){0};
    if (dump->encrypted && flash_key_read(source->key, source->efuse, dump->key) != HOST_DONE)
        return HOST_FAILED;
    return read_table(file_input_name(source->path), source, dump);
}

int flash_dump_open(const struct flash_source *source, struct flash_dump *dump)
{
    struct buffer raw;
    *dump = (struct flash_dump){0};
    if (file_read(source->path, FLASH_DUMP_MAX, &raw) != HOST_DONE)
        return HOST_FAILED;
    return flash_dump_take(source, &raw, dump);
}

void flash_dump_close(struct flash_dump *dump)
{
    buffer_free_secret(&dump->raw);
    OPENSSL_cleanse(dump->key, sizeof dump->key);
}

int flash_dump_table(const struct flash_source *source, struct partition_table *table)
{
    struct flash_dump dump;
    int status = flash_dump_open(source, &dump);
    if (status == HOST_DONE)
        *table = dump.table;
    flash_dump_close(&dump);
    return status;
}
