/* device/hal/mmu.h: flash pages in the cache window at SOC_FLASH_BASE, 64 KB each.
 *
 * Decryption is on for a mapping when flash encryption is enabled in the eFuses.
 */
#ifndef DEVICE_HAL_MMU_H
#define DEVICE_HAL_MMU_H

#include <stddef.h>
#include <stdint.h>

#include "chain/soc.h"

/* Invalidate all entries, cache on. */
void hal_mmu_init(void);

/* Map `length` bytes of flash from `offset` (any alignment) at window entry `first_entry` on.
 * Returns the address of the byte at `offset`; NULL when it does not fit. */
const void *hal_mmu_map(unsigned first_entry, uint32_t offset, size_t length);

/* Map so that virtual address `vaddr` shows flash `offset`; both congruent modulo the page.
 * Negative on misalignment or overflow of the window. */
int hal_mmu_map_at(uint32_t vaddr, uint32_t offset, size_t length);

void hal_mmu_unmap(unsigned first_entry, size_t entries);

/* Entries 192..255 of the window are free for temporary mappings: apps end below. */
#define HAL_MMU_SCRATCH_ENTRY ((SOC_APP_FLASH_END - SOC_FLASH_BASE) / SOC_MMU_PAGE)

#endif
