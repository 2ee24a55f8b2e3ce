/* tool/flash_read.h: `trustchain flash read` and `flash map`: looking into a flash dump, decrypting
 * where the device would (formats.md 5).
 */
#ifndef TOOL_FLASH_READ_H
#define TOOL_FLASH_READ_H

#include "chain/partition.h"

int flash_read(int argc, char **argv);
int flash_map(int argc, char **argv);

/* The partition table of a flash dump, decrypted when a key or an eFuse file is given (else NULL).
 * Prints its line on failure. */
int flash_dump_table(const char *path, const char *key, const char *efuse,
                     struct partition_table *table);

#endif
