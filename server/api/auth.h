/* server/api/auth.h: who asks? (hawkbit-ddi.md 2, docs/server.md 4)
 *
 * Devices: client certificate, target token, gateway token, or a trusted proxy's header. People and
 * scripts: a token of server/fleet/token.h as Bearer, or as the password of Basic with its name.
 */
#ifndef SERVER_API_AUTH_H
#define SERVER_API_AUTH_H

#include "server/api/api.h"

/* Fills role, who, fleet.tenant and fleet.tenant_name for the route that was found. FLEET_OK;
 * FLEET_DENIED: known, but not for this route (403); FLEET_NONE: not known (401); or an error of
 * the store. */
int api_authenticate(struct api_call *call);

#endif
