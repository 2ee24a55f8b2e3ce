/* tool/chip_files.h: the files that are a virtual chip's memory: flash image, eFuses, ROM.
 *
 * Flash image and eFuse file are mapped shared and locked: at any moment, also when the process is
 * killed, they hold what the chip holds, and no second run can use them. Every function prints its
 * one line on failure and returns HOST_FAILED.
 */
#ifndef TOOL_CHIP_FILES_H
#define TOOL_CHIP_FILES_H

#include "chain/efuse.h"
#include "host/file.h"

struct mapped_file {
    uint8_t *bytes; /* NULL: not mapped */
    size_t length;
    int fd;
};

/* A raw flash image of 2, 4, 8 or 16 MB. */
int flash_file_map(const char *path, struct mapped_file *out);

/* At least EFUSE_IMAGE_BYTES; what follows them in a longer file is left alone. */
int efuse_file_map(const char *path, struct mapped_file *out);

/* Unmap and unlock; a file that was never mapped is fine. */
void mapped_file_close(struct mapped_file *file);

/* The ROM to boot from: `path`, or the one built into the command when it is NULL. */
struct rom_file {
    const uint8_t *bytes;
    size_t length;
    struct buffer loaded;
};

int rom_file_load(const char *path, struct rom_file *out);

#endif
