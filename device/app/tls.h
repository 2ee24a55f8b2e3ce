/* device/app/tls.h: TLS to the pinned server, as the agent's net operations.
 *
 * The server must prove a name or address that its certificate carries, under the one authority
 * that is in this firmware; there is no other trust store and no way around it. The session of the
 * last connection is gone on with where the server lets it (session.h).
 */
#ifndef DEVICE_APP_TLS_H
#define DEVICE_APP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/agent/agent.h"

/* `ca` (DER) is kept by reference. False when it cannot be used or there are no random numbers: no
 * connection comes about then. */
bool tls_init(const uint8_t *ca, size_t ca_bytes);

/* One connection at a time, whose host is kept by reference as long as it lasts. */
struct agent_net tls_net(void);

/* Wipes the session that is kept: the next handshake is a full one. */
void tls_forget(void);

/* Is the pinned authority usable? */
bool tls_ready(void);

/* Subject of the pinned authority, for `status`. */
void tls_authority(char *out, size_t size);

#endif
