/* device/hal/watchdog.c: the LP watchdog, the super watchdog, and TIMG0's flash-boot watchdog
 * (soc.md 17, 18). */
#include "chain/reg/lp_wdt.h"
#include "chain/reg/timg.h"
#include "chain/soc.h"
#include "device/hal/efuse.h"
#include "device/hal/hal.h"
#include "device/hal/system.h"

#define LP_WDT_RESET_RTC  4u                        /* stage action: digital core and RTC */
#define LP_WDT_LENGTHS    ((1u << 13) | (1u << 16)) /* reset pulse lengths, as after reset */
#define TIMG_WDT_LENGTHS  ((1u << 15) | (1u << 18))
#define TIMG_RESET_SYSTEM 3u
#define TIMG_WDT_XTAL     (1u << 21)
#define TIMG_TICK_40MHZ   40000u /* prescale: one tick a millisecond */
#define MINUTES_60        3600000u

/* The eFuses lengthen stage 0 by 2^(WDT_DELAY_SEL + 1): the register gets that much less. */
static uint32_t lp_ticks(uint32_t milliseconds)
{
    if (milliseconds > MINUTES_60)
        milliseconds = MINUTES_60;
    uint32_t ticks = milliseconds * (LP_WDT_SLOW_HZ / 1000u);
    return ticks >> (1u + hal_efuse_watchdog_delay());
}

void hal_watchdog_arm(uint32_t milliseconds)
{
    hal_write(SOC_LP_WDT + LP_WDT_WPROTECT, WDT_UNLOCK_KEY);
    if (milliseconds == 0) {
        hal_write(SOC_LP_WDT + LP_WDT_CONFIG0, LP_WDT_LENGTHS);
    } else { /* never off on the way; fed first, so that a shorter time meets a fresh count */
        hal_write(SOC_LP_WDT + LP_WDT_FEED, 1u << 31);
        hal_write(SOC_LP_WDT + LP_WDT_CONFIG1, lp_ticks(milliseconds));
        hal_write(SOC_LP_WDT + LP_WDT_CONFIG0,
                  LP_WDT_EN | LP_WDT_RESET_RTC << LP_WDT_STG0_SHIFT | LP_WDT_LENGTHS);
    }
    hal_write(SOC_LP_WDT + LP_WDT_WPROTECT, 0);
}

void hal_watchdog_feed(void)
{
    hal_write(SOC_LP_WDT + LP_WDT_WPROTECT, WDT_UNLOCK_KEY);
    hal_write(SOC_LP_WDT + LP_WDT_FEED, 1u << 31);
    hal_write(SOC_LP_WDT + LP_WDT_WPROTECT, 0);
}

static void timg0_write(uint32_t config)
{
    hal_write(SOC_TIMG0 + TIMG_WDTCONFIG0, config | TIMG_WDT_LENGTHS | TIMG_WDT_UPDATE);
}

void hal_watchdog_flashboot(uint32_t milliseconds)
{
    hal_write(SOC_TIMG0 + TIMG_WDTWPROTECT, WDT_UNLOCK_KEY);
    hal_write(SOC_TIMG0 + TIMG_WDTCONFIG1, TIMG_TICK_40MHZ << 16 | 1u);
    hal_write(SOC_TIMG0 + TIMG_WDTCONFIG2, milliseconds);
    hal_write(SOC_TIMG0 + TIMG_WDTFEED, 1);
    timg0_write(TIMG_WDT_EN | TIMG_WDT_FLASHBOOT | TIMG_WDT_XTAL |
                TIMG_RESET_SYSTEM << TIMG_WDT_STG0_SHIFT);
    hal_write(SOC_TIMG0 + TIMG_WDTWPROTECT, 0);
}

void hal_watchdog_take_over(void)
{
    hal_write(SOC_TIMG0 + TIMG_WDTWPROTECT, WDT_UNLOCK_KEY);
    timg0_write(0);
    hal_write(SOC_TIMG0 + TIMG_WDTWPROTECT, 0);

    hal_write(SOC_LP_WDT + LP_WDT_SWD_WPROTECT, WDT_UNLOCK_KEY);
    hal_write(SOC_LP_WDT + LP_WDT_SWD_CONFIG,
              hal_read(SOC_LP_WDT + LP_WDT_SWD_CONFIG) | LP_WDT_SWD_AUTO_FEED);
    hal_write(SOC_LP_WDT + LP_WDT_SWD_WPROTECT, 0);
}
