/* device/hal/flash.h: the flash chip through SPI1 and the manual encryption block.
 *
 * Offsets are absolute flash offsets in bytes. hal_flash_read() gives raw (cipher) bytes; decrypted
 * bytes come from a mapping (device/hal/mmu.h). After a write or erase the cache is invalidated,
 * so a mapping shows the new content. While a program or erase runs no code may be fetched from
 * flash on silicon, therefore these functions and all they call are placed in SRAM (section
 * .iram) and interrupts are off during each single operation; between two (a sector, 64 bytes)
 * they are served. Buffers may lie anywhere, in a flash mapping as well.
 *
 * All return HAL_OK, HAL_EALIGN, HAL_EBOUNDS (beyond the chip) or HAL_ETIMEOUT. Nothing is
 * verified by reading back: the caller decides what is worth it.
 */
#ifndef DEVICE_HAL_FLASH_H
#define DEVICE_HAL_FLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the chip's id; 0 when it does not answer. */
uint32_t hal_flash_size(void);
int hal_flash_read(uint32_t offset, void *out, size_t length);
/* Sector aligned, multiple of 4096. */
int hal_flash_erase(uint32_t offset, size_t length);
/* Raw: offset and length multiples of 4. */
int hal_flash_write(uint32_t offset, const void *bytes, size_t length);
/* Encrypted by the hardware with the eFuse key: offset and length multiples of 32. */
int hal_flash_write_encrypted(uint32_t offset, const void *bytes, size_t length);
/* Either of both, as this device has flash encryption enabled or not; multiples of 32. */
int hal_flash_write_auto(uint32_t offset, const void *bytes, size_t length);

#endif
