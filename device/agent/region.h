/* device/agent/region.h: a part of NOR flash that the agent keeps records in.
 *
 * Offsets count from the start of the region (a partition). On a device with flash encryption the
 * region is encrypted: read() answers decrypted bytes, so erased flash reads as noise, and only
 * blank() knows. Operations return AGENT_OK or AGENT_EFLASH; a cut of power may leave an erase or
 * a write half done.
 */
#ifndef DEVICE_AGENT_REGION_H
#define DEVICE_AGENT_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGION_SECTOR_BYTES 4096u
/* Offset and length of a write are multiples of this; each unit is written once an erase. */
#define REGION_WRITE_BYTES 32u

struct agent_region {
    void *context;
    int (*read)(void *context, uint32_t offset, void *out, size_t length);
    /* Is every cell erased? */
    bool (*blank)(void *context, uint32_t offset, size_t length);
    int (*erase)(void *context, uint32_t offset); /* one sector */
    int (*write)(void *context, uint32_t offset, const void *bytes, size_t length);
};

#endif
