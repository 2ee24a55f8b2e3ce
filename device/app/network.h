/* device/app/network.h: IPv4 over the Ethernet MAC: DHCP, then ready. */
#ifndef DEVICE_APP_NETWORK_H
#define DEVICE_APP_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

/* False when there is no MAC. `name` is the host name told to DHCP; kept by reference. */
bool network_init(const char *name);

/* Move frames and timers; true when there was something to do. */
bool network_poll(void);

/* Link up and an address leased. */
bool network_ready(void);

/* Milliseconds until network_poll() has a timer to serve. */
uint32_t network_sleep_ms(void);

/* The leased address as text, "0.0.0.0" without one; valid until the next call. */
const char *network_address(void);

#endif
