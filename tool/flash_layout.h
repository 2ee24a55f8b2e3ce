/* tool/flash_layout.h: what is where in a flash: every region from its first byte to its last, in
 * order and without gaps, with what it holds. `flash map` prints and draws it, `flash read` cuts
 * along it.
 *
 * Made from a partition table alone (what is planned) or from a dump (what is there). An image is
 * judged as far as that needs no key: structure, target, checksum, digest; whom it is signed by is
 * for `trustchain verify`.
 */
#ifndef TOOL_FLASH_LAYOUT_H
#define TOOL_FLASH_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/image.h"
#include "chain/partition.h"
#include "tool/flash_dump.h"

enum flash_kind {
    FLASH_BOOTLOADER,
    FLASH_TABLE,
    FLASH_OTADATA,
    FLASH_APP,
    FLASH_NVS,
    FLASH_NVS_KEYS,
    FLASH_DATA, /* any other partition */
    FLASH_FREE, /* in no partition */
    FLASH_KINDS,
};

enum flash_content {
    FLASH_PLANNED, /* there is no dump to look into */
    FLASH_EMPTY,
    FLASH_FILLED, /* with something that is no image */
    FLASH_IMAGE,
    FLASH_DAMAGED, /* an image that no device would start */
};

struct flash_region {
    uint32_t offset;
    uint32_t size;
    enum flash_kind kind;
    char label[PARTITION_LABEL_BYTES + 1]; /* any bytes; "bootloader", "partition table"; "" free */
    const struct partition *partition;     /* of the table; NULL for what is not in it */
    bool encrypted;                        /* the chip decrypts it; planned: flagged encrypted */
    enum flash_content content;
    uint32_t used;         /* bytes: the image and its signature sector; else sectors in use */
    uint32_t image_length; /* without signature sector; 0: no image */
    bool described;        /* `app` is filled in */
    struct image_app_desc app;
    bool recorded; /* otadata has something to say about this slot: */
    uint32_t state;
    bool boots; /* what the bootloader starts at the next reset */
};

/* Bootloader, table, every partition, and what is free around each. */
#define FLASH_REGIONS_MAX (2 * (PARTITION_ENTRIES_MAX + 2) + 1)

struct flash_layout {
    uint32_t flash_size;
    uint32_t table_offset;
    bool dumped; /* made from a dump, else from a table */
    bool encrypted;
    size_t count;
    struct flash_region region[FLASH_REGIONS_MAX];
};

/* The dump, and its table to which regions point, live as long as the layout. HOST_FAILED without
 * memory, or when a region cannot be decrypted. */
int flash_layout_of_dump(const struct flash_dump *dump, struct flash_layout *layout);

/* The table was checked, lies at PARTITION_TABLE_OFFSET, and fits flash_size; flash_size 0: the
 * smallest chip that holds it. */
void flash_layout_of_table(const struct partition_table *table, uint32_t flash_size,
                           struct flash_layout *layout);

/* How the bytes of a region are to be looked at: flash_dump_region(). */
struct flash_view flash_region_view(const struct flash_region *region);

const char *flash_kind_name(enum flash_kind kind);
const char *flash_content_name(enum flash_content content);

#endif
