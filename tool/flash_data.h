/* tool/flash_data.h: what goes into a data partition of a flash image: a file as it is or, for NVS,
 * the partition that a CSV describes.
 */
#ifndef TOOL_FLASH_DATA_H
#define TOOL_FLASH_DATA_H

#include "chain/partition.h"
#include "host/file.h"

/* At most place->size bytes; buffer_free_secret() them. A file whose name ends in .csv, for an NVS
 * partition, is CSV (docs/nvs.md 5), encrypted with the keys partition's file keys_path unless that
 * is NULL: a device that has NVS keys reads no plain NVS. The file for the keys partition has to
 * hold keys. Prints its line on failure, returns HOST_FAILED. */
int flash_data_read(const struct partition *place, const char *path, const char *keys_path,
                    struct buffer *out);

#endif
