/* server/mgmt/terms.h: the terms of an assignment, as bodies state them (hawkbit-ddi.md 10). */
#ifndef SERVER_MGMT_TERMS_H
#define SERVER_MGMT_TERMS_H

#include "server/api/api.h"
#include "server/fleet/action.h"

/* type, forcetime, weight, maintenanceWindow, confirmationRequired, downgrade. FLEET_INVALID. */
int read_terms(struct api_call *call, json_t *object, struct action_terms *out);

#endif
