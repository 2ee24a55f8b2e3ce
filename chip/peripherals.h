/* chip/peripherals.h: what the peripheral models share. Internal to chip/.
 *
 * Three things: the names for the table in peripherals.c; a table-driven store for registers that
 * drivers merely set and read back; and the few wires that on silicon run from one block to
 * another without passing the bus (key and boot-mode signals, the ciphertext that takes the place
 * of SPI1 data, the flash under the cache).
 */
#ifndef CHIP_PERIPHERALS_H
#define CHIP_PERIPHERALS_H

#include "chain/efuse.h"
#include "chip/bus.h"

extern const struct peripheral peripheral_aes, peripheral_clkrst, peripheral_efuse,
    peripheral_ethernet, peripheral_extmem, peripheral_gpio, peripheral_hp_system,
    peripheral_io_mux, peripheral_lp_aon, peripheral_lp_wdt, peripheral_lpperi, peripheral_mmu,
    peripheral_pcr, peripheral_rsa, peripheral_sha, peripheral_spi0, peripheral_spi1,
    peripheral_systimer, peripheral_timg0, peripheral_timg1, peripheral_uart0,
    peripheral_usb_serial, peripheral_xts;

/* --- state ---------------------------------------------------------------------------------- */

/* Zeroed state of `bytes` for `self`: CHIP_OK or CHIP_EMEMORY. state_free() undoes it. */
int state_new(struct chip *chip, const struct peripheral *self, size_t bytes);
void state_free(struct chip *chip, const struct peripheral *self);

/* --- stored registers ----------------------------------------------------------------------- */

/* A register without behaviour here: `reset` after reset, writes change the `writable` bits. */
struct stored_register {
    uint16_t offset;
    uint32_t reset;
    uint32_t writable;
};

struct stored_table {
    const struct stored_register *registers; /* ascending offsets */
    size_t count;
};

#define STORED_TABLE(array)                                                                        \
    {                                                                                              \
        (array), sizeof(array) / sizeof((array)[0])                                                \
    }

/* `values` has table->count words, the caller's. Read and write answer false for an offset that is
 * not in the table. */
void stored_reset(const struct stored_table *table, uint32_t *values);
bool stored_read(const struct stored_table *table, const uint32_t *values, uint32_t offset,
                 uint32_t *value);
bool stored_write(const struct stored_table *table, uint32_t *values, uint32_t offset,
                  uint32_t value);
/* The stored word itself; the offset must be in the table. */
uint32_t *stored_word(const struct stored_table *table, uint32_t *values, uint32_t offset);

/* --- resets --------------------------------------------------------------------------------- */

/* CPU resets leave the digital system as it is; the always-on domain survives all but power-on and
 * RTC resets (soc.md 3.4, 20). */
bool reset_is_cpu_only(uint32_t cause);
bool reset_is_rtc(uint32_t cause);

/* --- wires ---------------------------------------------------------------------------------- */

/* lp_aon.c: the boot mode latched at the last reset. lp_aon comes before its users in the table
 * so that their reset functions may ask. */
bool boot_is_download(const struct chip *chip);

/* efuse.c: the shadow registers as the hardware's key users see them (nothing masked). */
const struct efuse *efuse_shadow(const struct chip *chip);

/* xts.c: HP_SYSTEM + 0, and the released ciphertext: bytes of [offset, offset + length) that the
 * manual encryption block has released replace those in `data`. */
uint32_t encrypt_gates(const struct chip *chip);
void xts_substitute(const struct chip *chip, uint32_t offset, uint8_t *data, size_t length);

/* cache.c: flash bytes under the window changed; or everything did (keys, gates, page size). */
void cache_flash_changed(struct chip *chip, uint32_t offset, size_t length);
void cache_drop_all(struct chip *chip);

/* spimem.c: the flash chip on the bus (chip/flash.h). */
struct flash_chip *chip_flash(const struct chip *chip);

/* ethernet.c: a frame from the network; false when the receive ring has no room for it now. */
bool ethernet_deliver(struct chip *chip, const uint8_t *frame, size_t length);

#endif
