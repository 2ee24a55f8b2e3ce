/* tests/unit/chip-peripherals/bench.h: the peripherals on a bench, without a CPU.
 *
 * bench.c implements the functions of chip/bus.h that peripherals call, on a struct chip of its
 * own: the test is the bus master and says when time passes. Everything a peripheral does to its
 * surroundings is recorded for the test to look at.
 */
#ifndef BENCH_H
#define BENCH_H

#include "chip/bus.h"
#include "chain/soc.h"

#define BENCH_RAM_BASE    SOC_HP_SRAM_BASE
#define BENCH_RAM_BYTES   0x10000u
#define BENCH_SOURCES     77u
#define BENCH_FLASH_BYTES (2u << 20)

struct bench_event {
    uint64_t deadline;
    void (*fire)(struct chip *chip, unsigned id);
};

struct chip {
    struct chip_config config;
    struct efuse efuse;
    uint8_t *flash;
    uint8_t ram[BENCH_RAM_BYTES];
    void *states[64];
    struct bench_event events[64][4];
    uint64_t now;

    /* What the peripherals did. */
    bool level[BENCH_SOURCES];
    uint32_t reset_cause; /* the last one asked for, 0 = none */
    bool power_lost;
    unsigned window_changes, notes, programs, erases;
    char last_note[256];
    bool known; /* the last access hit a register that is modelled */
};

/* A powered chip: 2 MB of erased flash, factory eFuses, SPI boot. `network` as in chip_config. */
struct chip *bench_new(bool network, const char *pcap_path);
void bench_free(struct chip *chip);

uint32_t bench_read(struct chip *chip, uint32_t address);
void bench_write(struct chip *chip, uint32_t address, uint32_t value);
/* The same for a byte, as the bus would hand it over. */
void bench_write_byte(struct chip *chip, uint32_t address, uint8_t value);

/* Words from and to consecutive registers; length a multiple of 4. */
void bench_read_bytes(struct chip *chip, uint32_t address, void *out, size_t length);
void bench_write_bytes(struct chip *chip, uint32_t address, const void *bytes, size_t length);

/* Let `instructions` pass; events fire at their time. */
void bench_advance(struct chip *chip, uint64_t instructions);
void bench_reset(struct chip *chip, uint32_t cause);

/* SPI1 USR transaction with a command byte; address < 0: none. */
void bench_spi(struct chip *chip, uint8_t opcode, int64_t address, const void *out,
               size_t out_length, void *in, size_t in_length);
/* The same with WREN before it and the wait for WIP after it. */
void bench_spi_write(struct chip *chip, uint8_t opcode, int64_t address, const void *out,
                     size_t out_length);

/* Program an eFuse block through the controller, right check values included, and reload. */
void bench_burn(struct chip *chip, unsigned block, const uint8_t *data, size_t length);

/* Pseudo-random bytes, the same in every run. */
void bench_fill(uint8_t *bytes, size_t length, uint64_t seed);

#endif
