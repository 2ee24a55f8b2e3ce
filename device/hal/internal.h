/* device/hal/internal.h: what the drivers share among themselves. */
#ifndef DEVICE_HAL_INTERNAL_H
#define DEVICE_HAL_INTERNAL_H

#include <stdbool.h>

/* CPU line of the alarm of hal_sleep_us(): never taken as a trap, it only ends the wfi. */
#define HAL_ALARM_LINE 30u
/* CPU line of the Ethernet MAC. */
#define HAL_ETHERNET_LINE 29u

/* An interrupt was served since the last hal_sleep_us(), which then returns at once: the event it
 * announced may be the one the caller is about to sleep for. */
extern volatile bool hal_woken;

/* Route a source to a level-triggered line at priority 1 and enable the line. */
void hal_line_enable(unsigned source, unsigned line);

/* The cached view of all flash is out of date. */
void hal_cache_invalidate(void);

#endif
