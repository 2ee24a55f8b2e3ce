/* chain/partition.h: the partition table, binary and CSV (formats.md 3).
 */
#ifndef CHAIN_PARTITION_H
#define CHAIN_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTITION_TABLE_OFFSET 0x8000u /* default place in flash */
#define PARTITION_TABLE_BYTES  0xC00u  /* size of the binary */
#define PARTITION_ENTRIES_MAX  95      /* 96 records with the MD5; end marker when there is room */
#define PARTITION_LABEL_BYTES  16

enum { PARTITION_APP = 0, PARTITION_DATA = 1 };
enum {
    PARTITION_APP_FACTORY = 0x00,
    PARTITION_APP_OTA_0 = 0x10,
    PARTITION_APP_OTA_15 = 0x1F,
    PARTITION_APP_TEST = 0x20,
    PARTITION_DATA_OTA = 0x00,
    PARTITION_DATA_NVS = 0x02,
    PARTITION_DATA_NVS_KEYS = 0x04,
};
enum { PARTITION_ENCRYPTED = 1u << 0, PARTITION_READONLY = 1u << 1 };

struct partition {
    uint8_t type;
    uint8_t subtype;
    uint32_t offset; /* flash bytes */
    uint32_t size;   /* bytes */
    uint32_t flags;
    char label[PARTITION_LABEL_BYTES + 1];
};

struct partition_table {
    size_t count;
    struct partition entry[PARTITION_ENTRIES_MAX];
};

/* Binary form. Requires the MD5 record to match when present (has_md5, may be NULL) and every
 * entry to lie inside flash_size (0 = not checked). ETRUNCATED, EMAGIC, ECHECKSUM, EBOUNDS,
 * EMISSING (no entry or no end). */
int partition_table_parse(const uint8_t *bytes, size_t length, uint32_t flash_size,
                          struct partition_table *table, bool *has_md5);

/* Always writes PARTITION_TABLE_BYTES with the MD5 record. ESPACE when there are too many. */
int partition_table_build(const struct partition_table *table, uint8_t out[PARTITION_TABLE_BYTES]);

/* Where and why a table or a CSV was refused. line counts from 1; 0 = the table as a whole. */
struct partition_problem {
    unsigned line;
    char text[160]; /* what is wrong (and what to do) */
};

/* The generator's rules (formats.md 3.2): alignment, names, overlaps, otadata size, flash size.
 * line in *problem is the entry's index + 1. */
int partition_table_check(const struct partition_table *table, uint32_t table_offset,
                          uint32_t flash_size, struct partition_problem *problem);

/* CSV text (formats.md 3.3), then partition_table_check(). ESYNTAX and the check's errors. */
int partition_csv_parse(const char *text, size_t length, uint32_t table_offset,
                        uint32_t flash_size, struct partition_table *table,
                        struct partition_problem *problem);

/* CSV text as Espressif's tool prints it. NUL-terminated; ESPACE. */
int partition_csv_print(const struct partition_table *table, char *out, size_t out_size);

/* First entry of that type and subtype, or of that label; NULL when none. */
const struct partition *partition_find(const struct partition_table *table, uint8_t type,
                                       uint8_t subtype);
const struct partition *partition_find_label(const struct partition_table *table,
                                             const char *label);

/* Number of app entries with subtype ota_0..ota_15 (the bootloader's count). */
size_t partition_ota_count(const struct partition_table *table);

/* Words for type and subtype as Espressif has them, NULL for unnamed ones. */
const char *partition_type_name(uint8_t type);
const char *partition_subtype_name(uint8_t type, uint8_t subtype);

#endif
