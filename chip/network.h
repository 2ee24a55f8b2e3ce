/* chip/network.h: the cable behind the Ethernet MAC: a user-mode network (libslirp).
 *
 * 10.0.2.0/24 with DHCP (first address 10.0.2.15), DNS at 10.0.2.3 and the host itself at
 * 10.0.2.2: the guest reaches a server on the host's 127.0.0.1:PORT as 10.0.2.2:PORT. Nothing
 * outside can open a connection to the guest. No privileges are needed.
 *
 * Frames for the guest queue here while its receive ring is full; what does not fit the queue is
 * lost, as on any network. All frames of both directions go to the capture file, if there is one,
 * with virtual time stamps.
 */
#ifndef CHIP_NETWORK_H
#define CHIP_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chip;
struct network;

#define NETWORK_FRAME_MAX 1514u /* header to payload end, no FCS */

/* pcap_path may be NULL. CHIP_OK, CHIP_EMEMORY, CHIP_ENETWORK, CHIP_EFILE,
 * CHIP_ESLIRP. */
int network_new(struct chip *chip, const char *pcap_path, struct network **out);
void network_free(struct network *network);

/* A frame from the guest; answers may be queued before this returns. */
void network_send(struct network *network, const uint8_t *frame, size_t length);

/* Hand queued frames to the guest as far as it takes them. */
void network_deliver(struct network *network);

/* Let host sockets make progress, waiting for them at most `nanoseconds`, then deliver. */
void network_wait(struct network *network, uint64_t nanoseconds);

#endif
