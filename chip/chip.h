/* chip/chip.h: a virtual ESP32-C6.
 *
 * struct chip is one chip with its flash chip and eFuses; many can live in a process (no globals).
 * It executes machine code only: nothing the guest does is decided by the host. Time is counted in
 * retired instructions (SOC_CPU_MHZ of them are a microsecond); without a network the same inputs
 * give the same trace, byte for byte. With a network, `wfi` waits for real time and host sockets.
 *
 * Ownership: the flash array, the eFuse image and the ROM image belong to the caller and outlive
 * the chip; the chip changes flash and eFuses in place, as the hardware would. Callbacks run inside
 * chip_run() on the caller's thread.
 */
#ifndef CHIP_CHIP_H
#define CHIP_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/efuse.h"

struct chip;

enum chip_error {
    CHIP_OK = 0,
    CHIP_EMEMORY = -1,  /* host memory exhausted */
    CHIP_ECONFIG = -2,  /* flash size not 2, 4, 8 or 16 MB, ROM too large */
    CHIP_ENETWORK = -3, /* the user-mode network could not be started */
    CHIP_EFILE = -4,    /* the capture file could not be written */
    CHIP_ESLIRP = -5,   /* the library of the user-mode network is not installed */
};

const char *chip_error_text(int error);

struct chip_config {
    const uint8_t *rom; /* loaded at SOC_ROM_BASE */
    size_t rom_bytes;
    uint8_t *flash; /* 2, 4, 8 or 16 MB; erased state is 0xFF */
    size_t flash_bytes;
    struct efuse *efuse;
    uint32_t strap; /* SOC_STRAP_SPI_BOOT or SOC_STRAP_DOWNLOAD */
    uint64_t seed;  /* of the random number generator: same seed, same numbers */

    /* UART0. tx: a byte the guest sent. rx: next byte for the guest or -1 (asked now and then).
     * Either may be NULL. */
    void (*uart_tx)(void *context, uint8_t byte);
    int (*uart_rx)(void *context);
    /* One line about the chip itself (unknown register, reset, cut); NULL = not wanted. */
    void (*note)(void *context, const char *line);
    void *context;

    bool network;          /* attach the Ethernet MAC to a user-mode network (libslirp) */
    const char *pcap_path; /* with network: record all frames; NULL = no */
};

/* Default configuration: SPI boot, no network, no callbacks. */
void chip_config_init(struct chip_config *config);

int chip_new(const struct chip_config *config, struct chip **out);
void chip_free(struct chip *chip);

/* Why chip_run() came back. */
enum chip_stop {
    CHIP_STOP_BUDGET,      /* the instruction budget is used up */
    CHIP_STOP_REQUEST,     /* chip_stop() was called (from a callback or a signal handler) */
    CHIP_STOP_RESET_LIMIT, /* more resets than allowed: chip_limit_resets() */
    CHIP_STOP_POWER_CUT,   /* the armed power cut happened: flash is as the cut left it */
    CHIP_STOP_HALT,        /* the guest can never run again: a wfi with no event to come, or a trap
                              loop at the trap vector with no watchdog running */
    CHIP_STOP_BREAKPOINT,  /* PC reached chip_breakpoint() */
};

/* Run for at most `instructions` (UINT64_MAX: without end) of virtual time: retired instructions
 * and those a wfi skipped, so it always comes back. Starts with a power-on reset the first time and
 * after chip_power_cycle(). After CHIP_STOP_POWER_CUT and CHIP_STOP_HALT it answers the same again
 * until the chip is power cycled. */
enum chip_stop chip_run(struct chip *chip, uint64_t instructions);

/* Async-signal-safe. */
void chip_stop(struct chip *chip);

/* Power off and on: SRAM and registers lost, flash and eFuses kept. */
void chip_power_cycle(struct chip *chip);

/* Stop after this many resets counted from now (0 = no limit), before the first instruction that
 * follows. Power-on is not counted: neither here nor in the statistics. */
void chip_limit_resets(struct chip *chip, unsigned resets);

/* Stop before executing the instruction at `pc` (0 = none). chip_run() called with the PC already
 * there executes it and goes on. */
void chip_breakpoint(struct chip *chip, uint32_t pc);

/* Power cuts: while armed, the `nth` (1 = next) flash operation of that kind that touches
 * [offset, offset + length) is torn: only a part of it happens, then power is gone. A torn program
 * has written about half of its bytes; a torn erase leaves the sector part erased. */
enum chip_flash_op { CHIP_FLASH_ANY, CHIP_FLASH_PROGRAM, CHIP_FLASH_ERASE };
void chip_cut_power(struct chip *chip, enum chip_flash_op op, uint32_t offset, uint32_t length,
                    unsigned nth);

/* Counters since chip_new(), for reports. */
struct chip_stats {
    uint64_t instructions; /* retired; a trapping instruction is not */
    uint64_t virtual_ns;   /* what wfi skipped included */
    unsigned resets;
    uint32_t last_reset_cause;
    uint64_t flash_programs, flash_erases;
    unsigned unknown_registers; /* distinct addresses touched that no model knows */
    /* Retired instructions since the last reset when the PC first left ROM into SRAM (bootloader)
     * and first entered the flash window (app); 0 = not yet. */
    uint64_t to_bootloader, to_app;
};

void chip_get_stats(const struct chip *chip, struct chip_stats *out);

/* Architectural state, for tests and the debugger. Register 32 is the PC. */
uint32_t chip_register(const struct chip *chip, unsigned index);
void chip_set_register(struct chip *chip, unsigned index, uint32_t value);

/* Debugger's view of memory: RAM, ROM and the flash window; false when not mapped. */
bool chip_peek(struct chip *chip, uint32_t address, void *out, size_t length);
bool chip_poke(struct chip *chip, uint32_t address, const void *bytes, size_t length);

#endif
