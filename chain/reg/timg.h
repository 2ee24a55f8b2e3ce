/* chain/reg/timg.h: timer groups: timer 0 and main watchdog (soc.md 17).
 * Offsets from the peripheral's base in chain/soc.h. */
#ifndef CHAIN_REG_TIMG_H
#define CHAIN_REG_TIMG_H

#define TIMG_T0CONFIG       0x00
#define TIMG_T0LO           0x04
#define TIMG_T0HI           0x08
#define TIMG_T0UPDATE       0x0C
#define TIMG_T0ALARMLO      0x10
#define TIMG_T0ALARMHI      0x14
#define TIMG_T0LOADLO       0x18
#define TIMG_T0LOADHI       0x1C
#define TIMG_T0LOAD         0x20
#define TIMG_WDTCONFIG0     0x48
#define TIMG_WDTCONFIG1     0x4C /* [31:16] prescale of the 80 MHz clock */
#define TIMG_WDTCONFIG2     0x50 /* stage 0 hold, ticks; stages 1..3 follow */
#define TIMG_WDTFEED        0x60
#define TIMG_WDTWPROTECT    0x64
#define TIMG_RTCCALICFG     0x68
#define TIMG_RTCCALICFG1    0x6C
#define TIMG_INT_ENA        0x70
#define TIMG_INT_RAW        0x74
#define TIMG_INT_ST         0x78
#define TIMG_INT_CLR        0x7C
#define TIMG_RTCCALICFG2    0x80
#define WDT_UNLOCK_KEY      0x50D83AA1u
#define TIMG_WDT_EN         (1u << 31)
#define TIMG_WDT_FLASHBOOT  (1u << 14)
#define TIMG_WDT_UPDATE     (1u << 22)
#define TIMG_WDT_STG0_SHIFT 29 /* stage n: 29 - 2 * n; 0 off, 1 int, 2 CPU reset, 3 system */
#define TIMG_INT_T0         (1u << 0)
#define TIMG_INT_WDT        (1u << 1)

#endif
