/* chain/reg/lp_wdt.h: LP (RTC) watchdog and super watchdog (soc.md 18).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_LP_WDT_H
#define CHAIN_REG_LP_WDT_H

#define LP_WDT_CONFIG0       0x00
#define LP_WDT_CONFIG1       0x04 /* stage 0 hold in 136 kHz ticks; stages 1..3 follow */
#define LP_WDT_FEED          0x14 /* bit 31 */
#define LP_WDT_WPROTECT      0x18
#define LP_WDT_SWD_CONFIG    0x1C
#define LP_WDT_SWD_WPROTECT  0x20
#define LP_WDT_INT_RAW       0x24
#define LP_WDT_INT_ST        0x28
#define LP_WDT_INT_ENA       0x2C
#define LP_WDT_INT_CLR       0x30
#define LP_WDT_SLOW_HZ       136000u
#define LP_WDT_EN            (1u << 31)
#define LP_WDT_FLASHBOOT     (1u << 12)
#define LP_WDT_STG0_SHIFT    28 /* stage n: 28 - 3 * n; 0 off, 1 int, 2 CPU, 3 system, 4 RTC */
#define LP_WDT_SWD_AUTO_FEED (1u << 18)
#define LP_WDT_SWD_DISABLE   (1u << 30)

#endif
