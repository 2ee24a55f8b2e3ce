/* tool/table.h: partition tables as verbs read them, and which bytes of a flash they make the chip
 * encrypt (formats.md 3 and 5). Failures print their line and return HOST_FAILED.
 */
#ifndef TOOL_TABLE_H
#define TOOL_TABLE_H

#include "chain/partition.h"
#include "host/file.h"

/* CSV or binary, told apart by the first two bytes. A CSV may name environment variables. Prints a
 * warning for each name that misleads. flash_size 0: not checked. */
int table_read(const char *path, uint32_t flash_size, struct partition_table *table);

/* The same for a table that is not at PARTITION_TABLE_OFFSET. */
int table_read_at(const char *path, uint32_t table_offset, uint32_t flash_size,
                  struct partition_table *table);

/* The same for a file that is read already; `name` is for messages. */
int table_parse(const char *name, const struct buffer *file, uint32_t flash_size,
                struct partition_table *table);

/* Does the chip encrypt the whole partition? Applications and bootloaders are encrypted only as far
 * as an image reaches; entries for the primary bootloader and table describe what is encrypted
 * anyway. */
bool partition_all_encrypted(const struct partition *partition);

#endif
