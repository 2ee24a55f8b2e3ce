/* chip/memory.h: the address space as the core sees it (bus.c). Internal to chip/. */
#ifndef CHIP_MEMORY_H
#define CHIP_MEMORY_H

#include "chip/chip.h"

enum bus_result {
    BUS_OK = 0,
    BUS_FAULT,      /* nothing there, or not permitted */
    BUS_MISALIGNED, /* only where it matters: peripherals */
};

/* Data accesses of 1, 2 or 4 bytes, PMP included; values zero-extended. */
enum bus_result bus_load(struct chip *chip, uint32_t address, uint32_t bytes, uint32_t *value);
enum bus_result bus_store(struct chip *chip, uint32_t address, uint32_t bytes, uint32_t value);

/* One 16-bit parcel of an instruction. */
enum bus_result bus_fetch(struct chip *chip, uint32_t address, uint32_t *parcel);

/* Host bytes of [address, address + length) in memory (no peripherals, no PMP), NULL when it is not
 * all in one memory or one flash page. */
const uint8_t *bus_host(struct chip *chip, uint32_t address, uint32_t length);

/* Code at `pc` is about to run and was not decoded yet (chip.c keeps boot milestones). */
void chip_code_entered(struct chip *chip, uint32_t pc);

#endif
