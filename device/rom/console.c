/* device/rom/console.c: the ROM's voice, and the words it says. */
#include "chain/reg/lp_aon.h"
#include "chain/reg/uart.h"
#include "chain/soc.h"
#include "device/hal/hal.h"
#include "device/hal/print.h"
#include "device/rom/rom.h"

#define STORE4         16u
#define STORE4_LOG_OFF 0x00010001u
#define BAUD_DIVIDER   347u /* 115200 from 40 MHz: 347 3/16 (soc.md 6) */
#define BAUD_FRACTION  3u
#define STRAP_GPIO8    0x4u
#define STRAP_GPIO9    0x8u

enum print_control { PRINT_ALWAYS, PRINT_GPIO8_LOW, PRINT_GPIO8_HIGH, PRINT_NEVER };

static bool console_on;

void rom_console_init(const struct efuse *efuse, uint32_t strap)
{
    bool gpio8 = (strap & STRAP_GPIO8) != 0;
    switch (efuse_bits(efuse, EFUSE_UART_PRINT_CONTROL)) {
    case PRINT_ALWAYS:
        console_on = true;
        break;
    case PRINT_GPIO8_LOW:
        console_on = !gpio8;
        break;
    case PRINT_GPIO8_HIGH:
        console_on = gpio8;
        break;
    default:
        console_on = false;
    }
    hal_write(SOC_UART0 + UART_CLKDIV, BAUD_DIVIDER | BAUD_FRACTION << 20);
    hal_write(SOC_UART0 + UART_REG_UPDATE, 1);
    if ((hal_read(SOC_LP_AON + LP_AON_STORE0 + STORE4) & STORE4_LOG_OFF) == STORE4_LOG_OFF)
        console_on = false;
}

bool rom_console_on(void)
{
    return console_on;
}

void rom_print(const char *format, ...)
{
    if (!console_on)
        return;
    va_list arguments;
    va_start(arguments, format);
    hal_vprintf(format, arguments);
    va_end(arguments);
}

bool rom_strap_spi(uint32_t strap)
{
    return (strap & STRAP_GPIO9) != 0;
}

const char *rom_mode_name(uint32_t strap)
{
    if (rom_strap_spi(strap))
        return "SPI_FAST_FLASH_BOOT";
    /* Both pins low is no valid combination (soc.md 3.1) and has no name of its own. */
    return (strap & STRAP_GPIO8) != 0 ? "DOWNLOAD(USB/UART0/SDIO_FEI_FEO)" : "INVALID";
}

const char *rom_reset_name(uint32_t cause)
{
    static const char *const names[] = {
        [SOC_RESET_POWERON] = "POWERON",
        [SOC_RESET_SW_SYS] = "LP_SW_HPSYS",
        [0x05] = "SLEEP_WAKEUP",
        [0x06] = "SDIO_HPSYS",
        [SOC_RESET_TG0_SYS] = "TG0_WDT_HPSYS",
        [SOC_RESET_TG1_SYS] = "TG1_WDT_HPSYS",
        [SOC_RESET_LPWDT_SYS] = "LP_WDT_HPSYS",
        [SOC_RESET_TG0_CPU] = "TG0_WDT_CPU",
        [SOC_RESET_SW_CPU] = "SW_CPU",
        [SOC_RESET_LPWDT_CPU] = "LP_WDT_CPU",
        [0x0F] = "LP_BOD_SYS",
        [SOC_RESET_LPWDT_RTC] = "LP_WDT_SYS",
        [SOC_RESET_TG1_CPU] = "TG1_WDT_CPU",
        [SOC_RESET_SWDT] = "LP_SWDT_SYS",
        [0x14] = "EFUSE_HPSYS",
        [0x15] = "USB_UART_HPSYS",
        [0x16] = "USB_JTAG_HPSYS",
        [0x18] = "JTAG_CPU",
    };
    if (cause >= sizeof names / sizeof names[0] || names[cause] == 0)
        return "UNKNOWN";
    return names[cause];
}
