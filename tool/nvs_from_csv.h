/* tool/nvs_from_csv.h: an NVS partition made from a CSV file, for `nvs build` and `flash build`
 * (docs/nvs.md 5, 7).
 */
#ifndef TOOL_NVS_FROM_CSV_H
#define TOOL_NVS_FROM_CSV_H

#include "host/file.h"

/* Files that the CSV names are relative to the working directory. keys_path: the file of a keys
 * partition to encrypt with; NULL: plain. size is a multiple of NVS_PAGE_BYTES; the result, which
 * the caller frees with buffer_free_secret(), is that long, or as long as the pages in use when
 * that is under NVS_WRITABLE_MIN. Prints its line on failure, returns HOST_FAILED. */
int nvs_from_csv(const char *path, const char *keys_path, size_t size, struct buffer *out);

#endif
