/* device/hal/ethernet.h: the OpenCores Ethernet MAC of the virtual chip (soc.md 25).
 *
 * Buffers and descriptors are static in the driver. Frames are from destination address to payload
 * end, without FCS, at most 1514 bytes.
 */
#ifndef DEVICE_HAL_ETHERNET_H
#define DEVICE_HAL_ETHERNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HAL_ETHERNET_FRAME_MAX 1514u

/* False when the MAC is not there (real silicon): register MODER does not read as expected. */
bool hal_ethernet_init(const uint8_t mac[6]);
bool hal_ethernet_link(void);
int hal_ethernet_send(const void *frame, size_t length);
/* Length of the next frame copied to out, 0 when there is none. */
size_t hal_ethernet_receive(void *out, size_t size);

#endif
