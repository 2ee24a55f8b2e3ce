/* device/app/console.h: a few commands on UART0. */
#ifndef DEVICE_APP_CONSOLE_H
#define DEVICE_APP_CONSOLE_H

#include <stdbool.h>

#include "device/agent/settings.h"
#include "device/app/flash_map.h"

/* Both are kept by reference; `map` is NULL when flash could not be made sense of. */
void console_init(const struct flash_map *map, const struct settings *settings);

/* True when a character came. */
bool console_poll(void);

#endif
