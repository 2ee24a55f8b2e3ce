/* chip/bus.h: how the core, the memories and the peripherals meet. Internal to chip/.
 *
 * The core executes from and loads/stores to memory regions directly (host pointers); everything
 * else goes to a peripheral through its table. The core's file knows no peripheral and a
 * peripheral's file knows no other: they share struct chip only through the functions below.
 *
 * Time: chip->now counts retired instructions (advanced by wfi skips as well, see chip_now()).
 * A peripheral that must act later calls chip_schedule(); the core returns to the event loop at
 * the earliest deadline.
 */
#ifndef CHIP_BUS_H
#define CHIP_BUS_H

#include "chip/chip.h"

/* One memory-mapped peripheral. Addresses given to it are offsets from base. Accesses of 1 and 2
 * bytes reach it as the containing 32-bit word (write: merged with a read by the bus, except where
 * `narrow` asks to see them as they are: read and write then get the exact byte offset and only the
 * low 8 or 16 bits of the value count). Misaligned accesses never reach it: they trap. Ranges of
 * different peripherals must not overlap; at most CHIP_MAX_PERIPHERALS of them. */
#define CHIP_MAX_PERIPHERALS 64

struct peripheral {
    const char *name;
    uint32_t base;
    uint32_t bytes;
    int (*init)(struct chip *chip); /* chip_new(): allocate state; CHIP_OK or error */
    void (*reset)(struct chip *chip, uint32_t cause); /* every reset, power-on included */
    void (*free)(struct chip *chip);
    /* Return false when the register is not modelled: the bus notes it once, reads give 0. */
    bool (*read)(struct chip *chip, uint32_t offset, uint32_t *value);
    bool (*write)(struct chip *chip, uint32_t offset, uint32_t value);
    bool narrow;
};

/* All peripherals, each its own file; state hangs off chip_state(chip, slot). */
extern const struct peripheral *const chip_peripherals[];
extern const size_t chip_peripheral_count;

/* A peripheral's own state, by its position in chip_peripherals[]: set in init, read anywhere in
 * its file. */
void chip_set_state(struct chip *chip, const struct peripheral *self, void *state);
void *chip_state(const struct chip *chip, const struct peripheral *self);

const struct chip_config *chip_config(const struct chip *chip);

/* Virtual time in retired instructions; chip_now(chip) * 1000 / SOC_CPU_MHZ = nanoseconds. */
uint64_t chip_now(const struct chip *chip);

/* Events: one pending deadline per (peripheral, id 0..3); id 3 is for what may end in a reset,
 * which is all that a guest in a trap loop can wait for. At the deadline `fire` runs between
 * instructions, with chip_now() == deadline; a deadline that is not in the future becomes the next
 * instruction. Setting it again moves it; UINT64_MAX cancels. Events of the same instant fire in
 * table order, then by id. A reset cancels nothing: a peripheral's own reset() does. */
#define CHIP_EVENT_WATCHDOG 3u
void chip_schedule(struct chip *chip, const struct peripheral *self, unsigned id, uint64_t deadline,
                   void (*fire)(struct chip *chip, unsigned id));

/* Level of an interrupt source (SOC_SOURCE_*), as the peripheral drives it; cheap if unchanged. */
void chip_raise(struct chip *chip, unsigned source, bool level);

/* Ask for a reset with this cause; takes effect before the next instruction. */
void chip_request_reset(struct chip *chip, uint32_t cause);

/* One flash operation was carried out: counted in struct chip_stats. */
void chip_count_flash(struct chip *chip, enum chip_flash_op op);

/* Power is gone now (a torn flash operation): chip_run() returns CHIP_STOP_POWER_CUT. */
void chip_power_lost(struct chip *chip);

/* A line through config.note, printf style. */
void chip_note(struct chip *chip, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The interrupt controllers (interrupt.c, clint.c): part of chip_peripherals[] like the others. */
extern const struct peripheral chip_intmtx, chip_plic_m, chip_plic_u, chip_intpri, chip_clint_m;

/* They tell the core which line to take (0 = none) and what mip shows; the core tells them that mie
 * changed (chip_interrupts_changed) and what it is. */
void chip_set_interrupt_line(struct chip *chip, unsigned line);
void chip_set_interrupt_pending(struct chip *chip, uint32_t mask, uint32_t lines);
uint32_t chip_interrupt_enable(const struct chip *chip);
void chip_interrupts_changed(struct chip *chip);

/* Direct memory, to read; write through chip_dma_write(), which drops decoded instructions. */
enum chip_region { CHIP_ROM, CHIP_HP_SRAM, CHIP_LP_SRAM, CHIP_REGIONS };
uint8_t *chip_memory(struct chip *chip, enum chip_region region);

/* Flash window, implemented by cache.c: first host byte of the page that holds the window offset
 * (0..SOC_FLASH_BYTES), NULL when its MMU entry is invalid or the cache is off. The bytes are
 * decrypted; the pointer is valid until chip_flash_window_changed(). page_bytes receives the page
 * size, 8..64 KB; pages are aligned to it in the window. */
const uint8_t *chip_flash_page(struct chip *chip, uint32_t window_offset, uint32_t *page_bytes);

/* The guest fetched or loaded at `address` where the window has no page: the cache's error. */
void chip_flash_failed(struct chip *chip, uint32_t address);

/* Called by mmu/flash/efuse models: decoded instructions and page pointers must be refetched.
 * Implemented by the core. It costs all decoded code, so call it only when a page that was handed
 * out by chip_flash_page() became invalid or its bytes changed. */
void chip_flash_window_changed(struct chip *chip);

/* Guest DMA (Ethernet descriptors' buffers): false, and nothing done, when outside RAM (or ROM and
 * the flash window for reads). */
bool chip_dma_read(struct chip *chip, uint32_t address, void *out, size_t length);
bool chip_dma_write(struct chip *chip, uint32_t address, const void *bytes, size_t length);

/* While the core sleeps in wfi with a network attached: the network model waits for host sockets
 * at most `nanoseconds`, delivers frames and returns; NULL network: never called. */
void chip_network_wait(struct chip *chip, uint64_t nanoseconds);
/* Called about every millisecond of virtual time while the core is busy. */
void chip_network_poll(struct chip *chip);

#endif
