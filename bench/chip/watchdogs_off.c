/* bench/chip/watchdogs_off.c: what every program does first on the chip (soc.md 17, 18). */
#include <stdint.h>

#include "chain/reg/lp_wdt.h"
#include "chain/reg/timg.h"
#include "chain/soc.h"

void watchdogs_off(void);

static void store(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

void watchdogs_off(void)
{
    store(SOC_TIMG0 + TIMG_WDTWPROTECT, WDT_UNLOCK_KEY);
    store(SOC_TIMG0 + TIMG_WDTCONFIG0, TIMG_WDT_UPDATE);
    store(SOC_LP_WDT + LP_WDT_WPROTECT, WDT_UNLOCK_KEY);
    store(SOC_LP_WDT + LP_WDT_CONFIG0, 0);
    store(SOC_LP_WDT + LP_WDT_SWD_WPROTECT, WDT_UNLOCK_KEY);
    store(SOC_LP_WDT + LP_WDT_SWD_CONFIG, LP_WDT_SWD_DISABLE);
}
