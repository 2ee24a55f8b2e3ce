/* device/app/update.h: the agent on this device's drivers. */
#ifndef DEVICE_APP_UPDATE_H
#define DEVICE_APP_UPDATE_H

#include "device/agent/settings.h"
#include "device/app/flash_map.h"

/* Both are kept by reference. */
void update_init(struct flash_map *map, const struct settings *settings);

/* One step; milliseconds until the next. */
uint32_t update_poll(void);

/* Ask the server now. */
void update_now(void);

#endif
