/* fleet/device_parts.h: the device's hardware as the agent is given it; private to fleet/device*.
 */
#ifndef FLEET_DEVICE_PARTS_H
#define FLEET_DEVICE_PARTS_H

#include "fleet/device.h"

/* Milliseconds of the device's own time. */
uint64_t device_now(const struct device *device);

/* Everything the agent asks for (device_parts.c, device_net.c, device_story.c). */
void device_configure(struct device *device);
struct agent_net device_net(struct device *device);
void device_event(void *context, const struct agent_event *event);

#endif
