/* device/boot/descriptor.c: what tools find at file offset 32 of the image (formats.md 1.6). */
#include <stdint.h>

#include "chain/image.h"

struct descriptor {
    uint8_t magic;
    uint8_t reserved[2];
    uint8_t secure_version;
    uint32_t version;
    char idf_version[32]; /* the field tools print; we say whose bootloader this is */
    char date_time[24];   /* empty: the same sources give the same bytes */
    uint8_t reserved2[16];
};

_Static_assert(sizeof(struct descriptor) == IMAGE_BOOT_DESC_BYTES, "formats.md 1.6");

__attribute__((section(".boot.descriptor"), used)) const struct descriptor boot_descriptor = {
    .magic = IMAGE_BOOT_DESC_MAGIC,
    .version = 1,
    .idf_version = "trustchain-" BOOT_VERSION,
};
