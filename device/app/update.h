/* device/app/update.h: the agent on this device's drivers. */
#ifndef DEVICE_APP_UPDATE_H
#define DEVICE_APP_UPDATE_H

#include "device/app/flash_map.h"

/* `map` is kept by reference. */
void update_init(struct flash_map *map);

/* One step; milliseconds until the next. */
uint32_t update_poll(void);

/* Ask the server now. */
void update_now(void);

#endif
