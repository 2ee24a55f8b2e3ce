/* tool/flash_dump.h: the flash of a device in a file: where its partition table is, and the bytes
 * of a region as the device would read them (formats.md 3, 5).
 *
 * Nothing in a dump is trusted: a table is taken only when every partition lies inside the file and
 * none overlaps another, so that regions can be read without asking again. Failures print their
 * line and return HOST_FAILED.
 */
#ifndef TOOL_FLASH_DUMP_H
#define TOOL_FLASH_DUMP_H

#include <stdbool.h>

#include "chain/crypto.h"
#include "chain/partition.h"
#include "host/file.h"

#define FLASH_DUMP_MAX (16u << 20) /* the largest flash of a C6 */

/* What the command line says about a dump. */
struct flash_source {
    const char *path;      /* "-": stdin */
    const char *key;       /* flash encryption key file; NULL */
    const char *efuse;     /* eFuse file with the key; NULL. Neither: the flash is plain */
    bool offset_given;     /* else the table is looked for in every sector */
    uint32_t table_offset; /* a multiple of 4096 */
};

struct flash_dump {
    struct buffer raw;
    bool encrypted;
    uint8_t key[XTS_KEY_BYTES];
    uint32_t table_offset;
    struct partition_table table;
};

/* Reads the file and finds the table. Close it whatever this returns. */
int flash_dump_open(const struct flash_source *source, struct flash_dump *dump);
/* The same for a file that is read already, of at most FLASH_DUMP_MAX bytes; they become the
 * dump's. */
int flash_dump_take(const struct flash_source *source, struct buffer *raw, struct flash_dump *dump);
void flash_dump_close(struct flash_dump *dump);

/* A copy of a region inside the dump, which the caller frees with buffer_free_secret(). decrypt:
 * it is one that the chip encrypts; a plain dump has none. erased_stays: 16-byte blocks nobody has
 * written stay 0xFF, while the device would read noise there. */
struct flash_view {
    bool decrypt;
    bool erased_stays;
};
int flash_dump_region(const struct flash_dump *dump, uint32_t offset, uint32_t length,
                      struct flash_view view, struct buffer *out);

/* Does the chip decrypt this partition, whole or as far as there is an image in it? */
bool flash_is_decrypted(const struct partition *partition);

/* The table alone. */
int flash_dump_table(const struct flash_source *source, struct partition_table *table);

#endif
