/* device/app/self_test.h: is this image fit to stay?
 *
 * Runs once at every boot; on a trial boot the agent waits for its result. */
#ifndef DEVICE_APP_SELF_TEST_H
#define DEVICE_APP_SELF_TEST_H

#include "device/app/flash_map.h"

/* Go on testing; when a verdict is there, a line in the log says so. */
void self_test_poll(const struct flash_map *map);

/* AGENT_OK, AGENT_AGAIN (the network is not up yet), AGENT_EFAILED. */
int self_test_result(void);

#endif
