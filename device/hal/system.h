/* device/hal/system.h: time, random numbers, reset, watchdogs, interrupts. */
#ifndef DEVICE_HAL_SYSTEM_H
#define DEVICE_HAL_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

/* Microseconds since power-on (SYSTIMER unit 0; goes on over CPU resets only). */
uint64_t hal_time_us(void);
void hal_delay_us(uint32_t microseconds);
/* Sleep in wfi until an enabled interrupt or `microseconds` have passed (SYSTIMER target 0).
 * Returns at once when an interrupt was served since the last call, so that a loop of "look for
 * work, sleep" misses nothing. */
void hal_sleep_us(uint32_t microseconds);

/* Hardware random numbers. On silicon they hold entropy only while RF or the SAR ADC noise source
 * runs (soc.md 19). */
uint32_t hal_random(void);
void hal_random_bytes(void *out, size_t length);

uint32_t hal_reset_cause(void); /* SOC_RESET_* */
_Noreturn void hal_reset(void); /* whole system, cause SOC_RESET_SW_SYS */

/* The LP watchdog resets the system (cause SOC_RESET_LPWDT_RTC) unless fed within the time;
 * 0 disables it. At most an hour. */
void hal_watchdog_arm(uint32_t milliseconds);
void hal_watchdog_feed(void);
/* Turn off what the ROM started in flash-boot mode (TIMG0) and put the super watchdog on auto. */
void hal_watchdog_take_over(void);
/* What the ROM starts: TIMG0 resets the system (cause SOC_RESET_TG0_SYS) after the time. */
void hal_watchdog_flashboot(uint32_t milliseconds);

/* Route a source (SOC_SOURCE_*) to a CPU line 1..28 at priority 1 and enable it; the handler runs
 * with interrupts off and must quiet its source. hal_trap_init() installs the vector; unhandled
 * traps print and reset. Lines 29 and 30 are the hal's own. */
void hal_trap_init(void);
void hal_interrupt_attach(unsigned source, unsigned line, void (*handler)(void));

#endif
