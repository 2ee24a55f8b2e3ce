/* device/hal/hal.h: register access and the conventions of every driver.
 *
 * Drivers are for bare metal without malloc; they poll. Names: hal_<peripheral>_<verb>. A driver
 * returns HAL_OK or a negative value of enum hal_error. Clocks and power of the blocks used here
 * are on after reset (soc.md 21) and no driver turns one off.
 *
 * A program that links the hal gives it, in its linker script: section .iram in memory that is
 * not flash (flash and cache code runs there while the flash is busy), .bss zeroed, gp set.
 */
#ifndef DEVICE_HAL_HAL_H
#define DEVICE_HAL_HAL_H

#include <stdint.h>

enum hal_error {
    HAL_OK = 0,
    HAL_EALIGN = -1,   /* address or length not aligned as required */
    HAL_EBOUNDS = -2,  /* outside the device */
    HAL_ETIMEOUT = -3, /* the hardware did not finish */
    HAL_EVERIFY = -4,  /* read back differs from what was written */
};

/* A function that may run while the flash is busy, as may everything it calls. */
#define HAL_IRAM __attribute__((section(".iram"), noinline))

static inline uint32_t hal_read(uint32_t address)
{
    return *(volatile uint32_t *)address;
}

static inline void hal_write(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

/* Interrupts off; the previous setting goes back to hal_irq_restore(). */
static inline uint32_t hal_irq_disable(void)
{
    uint32_t status;
    __asm__ volatile("csrrci %0, mstatus, 8" : "=r"(status)::"memory");
    return status & 8u;
}

static inline void hal_irq_restore(uint32_t status)
{
    __asm__ volatile("csrs mstatus, %0" ::"r"(status) : "memory");
}

/* The end of a path that must not go on: sleep until a watchdog resets, or for ever. A row of
 * jumps, so that one of them being skipped by a fault does not let execution run into whatever
 * lies behind. */
static inline _Noreturn void hal_stop(void)
{
    __asm__ volatile("1: wfi\n j 1b\n j 1b\n j 1b\n j 1b" ::: "memory");
    __builtin_unreachable();
}

#endif
