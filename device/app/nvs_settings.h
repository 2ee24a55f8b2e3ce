/* device/app/nvs_settings.h: the settings of this device: those the firmware was built with, and
 * over them what the "nvs" partition holds (device/agent/settings.h).
 *
 * A partition table with an nvs_keys partition promises encrypted NVS, whose keys are there, under
 * flash encryption: a plain value then counts for nothing. Without one NVS is plain.
 */
#ifndef DEVICE_APP_NVS_SETTINGS_H
#define DEVICE_APP_NVS_SETTINGS_H

#include "device/agent/settings.h"

/* After flash_map_init(). Says on the log where the settings come from and which value was refused;
 * the token is never printed. Valid for ever. */
const struct settings *nvs_settings_read(void);

#endif
