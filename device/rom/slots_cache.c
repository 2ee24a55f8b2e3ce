/* device/rom/slots_cache.c: cache and MMU for programs (soc.md 4). */
#include "chain/reg/cache.h"
#include "chain/reg/spimem.h"
#include "chain/soc.h"
#include "device/hal/hal.h"
#include "device/hal/internal.h"
#include "device/hal/mmu.h"
#include "device/rom/slots.h"

#define LINE_BYTES 32u
#define BUSES      (CACHE_SHUT_IBUS | CACHE_SHUT_DBUS)
#define PAGE_SHIFT 3u

void ROM_Boot_Cache_Init(void)
{
    hal_mmu_init();
}

void Cache_MMU_Init(void)
{
    hal_mmu_unmap(0, SOC_MMU_ENTRIES);
}

void MMU_Set_Page_Mode(int mode)
{
    uint32_t control = hal_read(SOC_SPI0 + MMU_POWER_CTRL) & ~(3u << PAGE_SHIFT);
    hal_write(SOC_SPI0 + MMU_POWER_CTRL, control | ((uint32_t)mode & 3) << PAGE_SHIFT);
}

int MMU_Get_Page_Mode(void)
{
    return (int)(hal_read(SOC_SPI0 + MMU_POWER_CTRL) >> PAGE_SHIFT & 3);
}

uint32_t Cache_Get_ICache_Line_Size(void)
{
    return LINE_BYTES;
}

void Cache_Invalidate_ICache_All(void)
{
    hal_cache_invalidate();
}

int Cache_Invalidate_Addr(uint32_t address, uint32_t size)
{
    (void)address;
    (void)size;
    hal_cache_invalidate(); /* all of it: never wrong, and as fast here */
    return 0;
}

static void shut(bool closed)
{
    uint32_t control = hal_read(SOC_EXTMEM + CACHE_L1_CTRL) & ~BUSES;
    hal_write(SOC_EXTMEM + CACHE_L1_CTRL, closed ? control | BUSES : control);
}

uint32_t Cache_Disable_ICache(void)
{
    shut(true);
    hal_cache_invalidate();
    return 0;
}

void Cache_Enable_ICache(uint32_t autoload)
{
    (void)autoload;
    shut(false);
}

uint32_t Cache_Suspend_ICache(void)
{
    shut(true);
    return 0;
}

void Cache_Resume_ICache(uint32_t autoload)
{
    (void)autoload;
    shut(false);
}

void Cache_Freeze_ICache_Enable(int mode)
{
    (void)mode;
    hal_write(SOC_EXTMEM + CACHE_FREEZE_CTRL, CACHE_FREEZE_EN);
    while ((hal_read(SOC_EXTMEM + CACHE_FREEZE_CTRL) & CACHE_FREEZE_DONE) == 0)
        continue;
}

void Cache_Freeze_ICache_Disable(void)
{
    hal_write(SOC_EXTMEM + CACHE_FREEZE_CTRL, 0);
}
