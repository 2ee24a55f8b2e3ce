/* chain/soc.h: ESP32-C6 memory map, peripheral bases, interrupt sources, reset causes (soc.md 1-5).
 *
 * Shared by the drivers and the virtual chip; register offsets are in chain/reg/, one file a
 * peripheral.
 */
#ifndef CHAIN_SOC_H
#define CHAIN_SOC_H

/* Memories: base and size in bytes. */
#define SOC_ROM_BASE      0x40000000u
#define SOC_ROM_BYTES     0x00050000u
#define SOC_HP_SRAM_BASE  0x40800000u
#define SOC_HP_SRAM_BYTES 0x00080000u
#define SOC_FLASH_BASE    0x42000000u /* cache window: 256 MMU entries x page size */
#define SOC_FLASH_BYTES   0x01000000u
#define SOC_LP_SRAM_BASE  0x50000000u
#define SOC_LP_SRAM_BYTES 0x00004000u
#define SOC_PERIPH_BASE   0x60000000u
#define SOC_PERIPH_BYTES  0x00100000u
#define SOC_CPU_SUB_BASE  0x20000000u

#define SOC_MMU_ENTRIES 256u
#define SOC_MMU_PAGE    0x10000u /* default page */

/* Conventions between our ROM, bootloader and app (soc.md 1): the app's static RAM ends where the
 * bootloader's begins; the ROM's stack and data lie above. */
#define SOC_APP_RAM_END   0x4086E610u
#define SOC_APP_FLASH_END 0x42C00000u /* above: the bootloader's own mappings, 64 pages */
#define SOC_BOOT_RAM_BASE 0x4086E610u
#define SOC_BOOT_RAM_END  0x4087C610u
#define SOC_ROM_STACK_TOP 0x4087E610u

/* Virtual time base: retired instructions a microsecond (the core's 160 MHz). */
#define SOC_CPU_MHZ 160u

/* Peripheral bases. */
#define SOC_UART0      0x60000000u
#define SOC_SPI0       0x60002000u /* cache side of the flash controller, MMU, XTS block */
#define SOC_SPI1       0x60003000u /* software side of the flash controller */
#define SOC_TIMG0      0x60008000u
#define SOC_TIMG1      0x60009000u
#define SOC_SYSTIMER   0x6000A000u
#define SOC_USB_SERIAL 0x6000F000u
#define SOC_INTMTX     0x60010000u
#define SOC_AES        0x60088000u
#define SOC_SHA        0x60089000u
#define SOC_RSA        0x6008A000u
#define SOC_ECC        0x6008B000u
#define SOC_IO_MUX     0x60090000u
#define SOC_GPIO       0x60091000u
#define SOC_HP_SYSTEM  0x60095000u
#define SOC_PCR        0x60096000u
#define SOC_LP_CLKRST  0x600B0400u
#define SOC_EFUSE      0x600B0800u
#define SOC_LP_AON     0x600B1000u
#define SOC_LP_WDT     0x600B1C00u
#define SOC_LPPERI     0x600B2800u
#define SOC_INTPRI     0x600C5000u
#define SOC_EXTMEM     0x600C8000u /* cache controller */
#define SOC_ETHERNET   0x600CD000u /* OpenCores MAC: emulators only (soc.md 25) */
#define SOC_PLIC       0x20001000u
#define SOC_CLINT      0x20001800u

/* Interrupt sources (INTMTX index). */
#define SOC_SOURCE_ETHERNET  0
#define SOC_SOURCE_EFUSE     14
#define SOC_SOURCE_LP_WDT    18
#define SOC_SOURCE_CACHE     28
#define SOC_SOURCE_UART0     43
#define SOC_SOURCE_TG0_T0    51
#define SOC_SOURCE_TG0_WDT   53
#define SOC_SOURCE_TG1_T0    54
#define SOC_SOURCE_TG1_WDT   56
#define SOC_SOURCE_SYSTIMER0 57
#define SOC_SOURCE_AES       73
#define SOC_SOURCE_SHA       74
#define SOC_SOURCE_RSA       75

/* Reset causes, LP_CLKRST RESET_CAUSE [4:0] (soc.md 3.4). */
#define SOC_RESET_POWERON   0x01
#define SOC_RESET_SW_SYS    0x03
#define SOC_RESET_TG0_SYS   0x07
#define SOC_RESET_TG1_SYS   0x08
#define SOC_RESET_LPWDT_SYS 0x09
#define SOC_RESET_TG0_CPU   0x0B
#define SOC_RESET_SW_CPU    0x0C
#define SOC_RESET_LPWDT_CPU 0x0D
#define SOC_RESET_LPWDT_RTC 0x10
#define SOC_RESET_TG1_CPU   0x11
#define SOC_RESET_SWDT      0x12

/* Strapping values (GPIO_STRAP 0x60091038). */
#define SOC_STRAP_SPI_BOOT 0x0C
#define SOC_STRAP_DOWNLOAD 0x04

#endif
