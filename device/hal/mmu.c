/* device/hal/mmu.c: MMU entries and the cache in front of them (soc.md 4). */
#include "device/hal/mmu.h"

#include "chain/bytes.h"
#include "chain/reg/cache.h"
#include "chain/reg/spimem.h"
#include "chain/soc.h"
#include "device/hal/efuse.h"
#include "device/hal/hal.h"
#include "device/hal/internal.h"

#define PAGE_SIZE_FIELD (3u << 3)
#define FLASH_PAGES     256u /* what the C6 can address at 64 KB */

HAL_IRAM void hal_cache_invalidate(void)
{
    hal_write(SOC_EXTMEM + CACHE_SYNC_ADDR, SOC_FLASH_BASE);
    hal_write(SOC_EXTMEM + CACHE_SYNC_SIZE, SOC_FLASH_BYTES - 1);
    hal_write(SOC_EXTMEM + CACHE_SYNC_CTRL, CACHE_SYNC_INVALIDATE);
    while ((hal_read(SOC_EXTMEM + CACHE_SYNC_CTRL) & CACHE_SYNC_DONE) == 0)
        continue;
    __asm__ volatile("fence.i" ::: "memory");
}

static void entry_write(uint32_t entry, uint32_t content)
{
    hal_write(SOC_SPI0 + MMU_ITEM_INDEX, entry);
    hal_write(SOC_SPI0 + MMU_ITEM_CONTENT, content);
}

void hal_mmu_init(void)
{
    hal_write(SOC_SPI0 + MMU_POWER_CTRL, hal_read(SOC_SPI0 + MMU_POWER_CTRL) & ~PAGE_SIZE_FIELD);
    for (uint32_t entry = 0; entry < SOC_MMU_ENTRIES; entry++)
        entry_write(entry, 0);
    hal_write(SOC_EXTMEM + CACHE_L1_CTRL,
              hal_read(SOC_EXTMEM + CACHE_L1_CTRL) & ~(CACHE_SHUT_IBUS | CACHE_SHUT_DBUS));
    hal_cache_invalidate();
}

int hal_mmu_map_at(uint32_t vaddr, uint32_t offset, size_t length)
{
    uint32_t window = vaddr - SOC_FLASH_BASE, in_page = offset % SOC_MMU_PAGE;
    if (vaddr < SOC_FLASH_BASE || !span_within(window, length, SOC_FLASH_BYTES) ||
        !span_within(offset, length, FLASH_PAGES * SOC_MMU_PAGE))
        return HAL_EBOUNDS;
    if (window % SOC_MMU_PAGE != in_page)
        return HAL_EALIGN;
    if (length == 0)
        return HAL_OK;
    uint32_t sensitive = hal_efuse_flash_encryption() ? MMU_SENSITIVE : 0;
    uint32_t first = window / SOC_MMU_PAGE, page = offset / SOC_MMU_PAGE;
    uint32_t count = (in_page + length + SOC_MMU_PAGE - 1) / SOC_MMU_PAGE;
    for (uint32_t i = 0; i < count; i++)
        entry_write(first + i, (page + i) | MMU_VALID | sensitive);
    hal_cache_invalidate();
    return HAL_OK;
}

const void *hal_mmu_map(unsigned first_entry, uint32_t offset, size_t length)
{
    if (first_entry >= SOC_MMU_ENTRIES)
        return 0;
    uint32_t vaddr = SOC_FLASH_BASE + first_entry * SOC_MMU_PAGE + offset % SOC_MMU_PAGE;
    return hal_mmu_map_at(vaddr, offset, length) == HAL_OK ? (const void *)vaddr : 0;
}

void hal_mmu_unmap(unsigned first_entry, size_t entries)
{
    for (size_t i = first_entry; i < SOC_MMU_ENTRIES && i - first_entry < entries; i++)
        entry_write((uint32_t)i, 0);
    hal_cache_invalidate();
}
