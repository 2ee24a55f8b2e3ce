/* device/rom/main.c: from reset to the bootloader (soc.md 3.3). */
#include "chain/reg/lp_aon.h"
#include "chain/soc.h"
#include "device/hal/efuse.h"
#include "device/hal/hal.h"
#include "device/hal/mmu.h"
#include "device/hal/system.h"
#include "device/hal/uart.h"
#include "device/rom/rom.h"
#include "device/rom/slots.h"

#define LP_WATCHDOG_MS    9000u
#define TIMG0_WATCHDOG_MS 650u /* TIMG0's reset value: 26,000,000 ticks of 40 MHz (soc.md 17) */

void rom_main(void);
_Noreturn void rom_report_missing_slot(uint32_t slot, uint32_t caller);

static void greet(uint32_t strap)
{
    uint32_t cause = hal_reset_cause();
    rom_print("ESP-ROM:esp32c6-20220919\nBuild:Sep 19 2022\n");
    rom_print("rst:0x%lx (%s),boot:0x%lx (%s)\n", cause, rom_reset_name(cause), strap,
              rom_mode_name(strap));
}

/* No serial protocol here: a halt that the virtual chip reports as one. */
static _Noreturn void download_mode(const struct efuse *efuse)
{
    if (efuse_bits(efuse, EFUSE_DIS_DOWNLOAD_MODE) != 0)
        rom_print("Download boot modes disabled\n");
    else
        rom_print("waiting for download\n");
    hal_uart_flush();
    hal_watchdog_take_over();
    hal_watchdog_arm(0);
    hal_irq_disable();
    hal_stop();
}

static bool download_wanted(const struct efuse *efuse, uint32_t strap)
{
    if (!rom_strap_spi(strap))
        return true;
    bool forced = (hal_read(SOC_LP_AON + LP_AON_SYS_CFG) & LP_AON_FORCE_DOWNLOAD) != 0;
    return forced && efuse_bits(efuse, EFUSE_DIS_FORCE_DOWNLOAD) == 0;
}

/* Called by start.S on the ROM's stack, .bss cleared. */
void rom_main(void)
{
    struct efuse efuse;
    uint32_t strap = hal_read(SOC_GPIO + GPIO_STRAP) & 0xFFFF;
    hal_trap_init();
    hal_efuse_read(&efuse);
    rom_console_init(&efuse, strap);
    greet(strap);
    if (download_wanted(&efuse, strap))
        download_mode(&efuse);

    hal_watchdog_arm(LP_WATCHDOG_MS);
    hal_watchdog_flashboot(TIMG0_WATCHDOG_MS);
    hal_mmu_init();
    ets_install_uart_printf();
    rom_flash_slots_init();
    uint32_t entry = rom_load_bootloader(&efuse);
    hal_uart_flush();
    rom_enter(entry);
    hal_stop();
}

/* A program called a function of Espressif's ROM that this one does not have. */
_Noreturn void rom_report_missing_slot(uint32_t slot, uint32_t caller)
{
    rom_print("\nROM function at 0x%08lx is not available here (called from 0x%08lx)\n", slot,
              caller);
    hal_reset();
}
