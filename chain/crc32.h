/* chain/crc32.h: CRC-32 in the ROM's convention (formats.md 2.4). */
#ifndef CHAIN_CRC32_H
#define CHAIN_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* crc32_le(0, "123456789", 9) = 0xCBF43926; crc32_le(0xFFFFFFFF, ...) = 0xD202D277. */
uint32_t crc32_le(uint32_t crc, const void *bytes, size_t length);

#endif
