/* device/rom/rom.h: the parts of the boot ROM.
 *
 * The ROM does what the ESP32-C6's does in SPI boot (soc.md 3): greet, arm the watchdogs, read the
 * bootloader from flash offset 0 through the decrypting cache, verify it when Secure Boot is on,
 * load it and jump. Every refusal ends in waiting for the watchdog. Differences to Espressif's:
 * nothing is printed on USB, direct boot (an image without header) is not offered, a bootloader
 * made for another chip or with segments outside SRAM is refused, and download mode announces
 * itself but does not speak the serial protocol.
 *
 * RAM while it works: stack 0x4087C610..0x4087E610, data above, the signature sector in
 * 0x4087A610..0x4087C610. A bootloader's segments must end below 0x4087A610.
 */
#ifndef DEVICE_ROM_ROM_H
#define DEVICE_ROM_ROM_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/efuse.h"

#define ROM_RAM_BASE 0x4087A610u

/* printf to UART0, silent when the UART_PRINT_CONTROL eFuse or LP_AON STORE4 says so (soc.md 3.2).
 * rom_console_init() looks once. */
void rom_console_init(const struct efuse *efuse, uint32_t strap);
bool rom_console_on(void);
void rom_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Words of the boot line (soc.md 3.1, 3.4). */
const char *rom_reset_name(uint32_t cause);
const char *rom_mode_name(uint32_t strap);
bool rom_strap_spi(uint32_t strap);

/* Read, judge and load the bootloader; prints what it finds. Comes back only with an image that may
 * run: the address to jump to. */
uint32_t rom_load_bootloader(const struct efuse *efuse);

/* start.S */
void rom_enter(uint32_t entry);

#endif
