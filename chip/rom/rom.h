/* chip/rom/rom.h: the boot ROM built into the command: struct chip_config's rom and rom_bytes. */
#ifndef CHIP_ROM_ROM_H
#define CHIP_ROM_ROM_H

#include <stdint.h>

extern const uint8_t chip_rom_image[];
extern const uint32_t chip_rom_image_bytes;

#endif
