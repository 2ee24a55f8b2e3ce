/* chain/partition.h: the partition table, binary and CSV (formats.md 3).
 *
 * A table is plain data owned by the caller (about 3.4 KB). The device links the binary form and
 * the look-ups (partition.c); rules, CSV and names are for host programs.
 */
#ifndef CHAIN_PARTITION_H
#define CHAIN_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTITION_TABLE_OFFSET 0x8000u /* default place in flash */
#define PARTITION_TABLE_BYTES  0xC00u  /* size of the binary */
#define PARTITION_TABLE_SECTOR 0x1000u /* what it takes in flash */
#define PARTITION_ENTRIES_MAX  95      /* 96 records less the end marker; 94 with an MD5 record */
#define PARTITION_LABEL_BYTES  16

enum {
    PARTITION_APP = 0,
    PARTITION_DATA = 1,
    PARTITION_BOOTLOADER = 2,
    PARTITION_PARTITION_TABLE = 3,
};
enum {
    PARTITION_APP_FACTORY = 0x00,
    PARTITION_APP_OTA_0 = 0x10,
    PARTITION_APP_OTA_15 = 0x1F,
    PARTITION_APP_TEST = 0x20,
    PARTITION_DATA_OTA = 0x00,
    PARTITION_DATA_NVS = 0x02,
    PARTITION_DATA_COREDUMP = 0x03,
    PARTITION_DATA_NVS_KEYS = 0x04,
    PARTITION_DATA_UNDEFINED = 0x06,
    PARTITION_DATA_TEE_OTA = 0x90,
    PARTITION_BOOTLOADER_PRIMARY = 0x00,
    PARTITION_BOOTLOADER_RECOVERY = 0x02,
    PARTITION_PARTITION_TABLE_PRIMARY = 0x00,
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

/* Binary form: entries, MD5 record if any, end marker; at most PARTITION_TABLE_BYTES are looked at.
 * Requires the MD5 record to match when present (*has_md5, may be NULL) and to be last, and every
 * entry to lie inside flash_size (0 = not checked). ETRUNCATED, EMAGIC, ECHECKSUM, EBOUNDS,
 * EMISSING (no entry or no end). Labels may hold any byte; a 16-byte label has no NUL in flash. */
int partition_table_parse(const uint8_t *bytes, size_t length, uint32_t flash_size,
                          struct partition_table *table, bool *has_md5);

/* Always writes PARTITION_TABLE_BYTES with the MD5 record. ESPACE when there are more than 94. */
int partition_table_build(const struct partition_table *table, uint8_t out[PARTITION_TABLE_BYTES]);

/* Where and why a table or a CSV was refused. line counts from 1; 0 = the table as a whole. */
struct partition_problem {
    unsigned line;
    char text[160]; /* what is wrong (and what to do) */
};

/* The generator's rules (formats.md 3.2): alignment, names, overlaps, otadata size, flash size (0 =
 * not checked); and one of our own: OTA slots are ota_0, ota_1, ... without gap or repetition,
 * since the bootloader finds a slot by counting them. line in *problem is the entry's index + 1.
 * EALIGN, EBOUNDS, EDUPLICATE, EOVERLAP, EFIELD, EMISSING. */
int partition_table_check(const struct partition_table *table, uint32_t table_offset,
                          uint32_t flash_size, struct partition_problem *problem);

/* Is the entry's name the word of a type or subtype it does not have? Espressif's generator warns
 * of that, as probably a mistake. problem->text says so, problem->line is left alone. */
bool partition_name_misleads(const struct partition *entry, struct partition_problem *problem);

/* How a CSV is read, beside its text. */
struct partition_csv {
    uint32_t table_offset;           /* where the table is to be in flash */
    uint32_t flash_size;             /* bytes; 0 = not checked */
    char *(*variable)(const char *); /* getenv(), for $NAME and ${NAME}; NULL = none is set */
    /* Called for rows of a table that is accepted, and is not what was meant, probably; or NULL. */
    void (*warn)(void *context, const struct partition_problem *problem);
    void *context;
};

/* CSV text (formats.md 3.3), then partition_table_check(). ESYNTAX, ESPACE and the check's errors;
 * line in *problem is the text's. Stricter than Espressif's tool in four places, each with its own
 * message: names over 16 bytes (silently cut there), control characters, text that is not UTF-8,
 * and a `$` that is left when the variables that are set have been put in (kept as it is there). */
int partition_csv_parse(const char *text, size_t length, const struct partition_csv *how,
                        struct partition_table *table, struct partition_problem *problem);

/* CSV text as Espressif's tool prints it. NUL-terminated; ESPACE; EFIELD for an entry that CSV
 * cannot express (a label with a comma, control character, ...; unknown flags): what is printed
 * reads back as the same table. */
int partition_csv_print(const struct partition_table *table, char *out, size_t out_size);

/* What a device needs of a table before it writes anything where the table says: nothing but the
 * primary bootloader and table lies below the end of the table's sector, and no two entries
 * overlap. Part of partition_table_check(). EOVERLAP. */
int partition_table_check_places(const struct partition_table *table, uint32_t table_offset);

/* Primary bootloader or table: the only entries that describe what lies below the partitions. */
bool partition_is_primary(const struct partition *entry);

bool partition_overlaps(const struct partition *a, const struct partition *b);

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
