/* Binary partition table: what parses lies inside the flash and can be built again; what was built
 * is a fixed point. Since random bytes hardly ever carry a right MD5, the input is also tried with
 * its entries taken as they are and an MD5 record and an end put behind them. */
#include <string.h>

#include "chain/bytes.h"
#include "chain/error.h"
#include "chain/md5.h"
#include "chain/partition.h"
#include "fuzz/fuzz.h"

#define FLASH  0x1000000u
#define RECORD 32u

static int check(const uint8_t *data, size_t size)
{
    struct partition_table table, again;
    struct partition_problem problem;
    bool has_md5;
    const int verdict = partition_table_parse(data, size, FLASH, &table, &has_md5);
    if (verdict != CHAIN_OK)
        return verdict;
    require(table.count > 0 && table.count <= PARTITION_ENTRIES_MAX);
    for (size_t i = 0; i < table.count; i++) {
        const struct partition *entry = &table.entry[i];
        require(span_within(entry->offset, entry->size, FLASH));
        require(memchr(entry->label, 0, sizeof entry->label) != NULL);
        require(partition_find_label(&table, entry->label) <= entry);
        require(partition_find(&table, entry->type, entry->subtype) <= entry);
    }
    require(partition_ota_count(&table) <= table.count);
    (void)partition_table_check(&table, PARTITION_TABLE_OFFSET, FLASH, &problem);

    uint8_t built[PARTITION_TABLE_BYTES], rebuilt[PARTITION_TABLE_BYTES];
    if (partition_table_build(&table, built) == CHAIN_OK) {
        require(partition_table_parse(built, sizeof built, FLASH, &again, &has_md5) == CHAIN_OK);
        require(has_md5 && again.count == table.count);
        require(partition_table_build(&again, rebuilt) == CHAIN_OK);
        require(memcmp(built, rebuilt, sizeof built) == 0);
    } else {
        require(table.count == PARTITION_ENTRIES_MAX);
    }
    return CHAIN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)check(data, size);

    uint8_t sealed[PARTITION_TABLE_BYTES];
    const size_t room = (sizeof sealed / RECORD - 2) * RECORD;
    const size_t used = (size < room ? size : room) / RECORD * RECORD;
    memset(sealed, 0xFF, sizeof sealed);
    if (used > 0)
        memcpy(sealed, data, used);
    for (size_t at = 0; at < used; at += RECORD)
        le16_store(sealed + at, 0x50AA);
    le16_store(sealed + used, 0xEBEB);
    md5(sealed, used, sealed + used + 16);
    const int verdict = check(sealed, sizeof sealed);
    require(verdict == CHAIN_OK || verdict == CHAIN_EBOUNDS ||
            (used == 0 && verdict == CHAIN_EMISSING));
    return 0;
}
