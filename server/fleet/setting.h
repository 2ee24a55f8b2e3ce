/* server/fleet/setting.h: a tenant's settings under hawkBit's names, each with its default. */
#ifndef SERVER_FLEET_SETTING_H
#define SERVER_FLEET_SETTING_H

#include "server/fleet/fleet.h"

#define SETTING_VALUE_MAX 512

/* "pollingTime" and the like; NULL when there is no such setting. */
const char *setting_default(const char *key);

/* The value, or its default. FLEET_NONE: no such key. */
int setting_get(struct fleet *fleet, const char *key, char out[SETTING_VALUE_MAX + 1]);
bool setting_is_on(struct fleet *fleet, const char *key, int *status);
/* NULL: back to the default. FLEET_INVALID: not a value for this key. */
int setting_set(struct fleet *fleet, const char *key, const char *value);

/* Every setting there is. */
void setting_each(void (*each)(void *context, const char *key), void *context);

#endif
