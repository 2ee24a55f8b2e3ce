/* server/fleet/action_offline.h: sets that devices got by other means than this server. */
#ifndef SERVER_FLEET_ACTION_OFFLINE_H
#define SERVER_FLEET_ACTION_OFFLINE_H

#include "server/fleet/action.h"

/* The target has the set already: an action that begins and ends here says so. What
 * action_assign() refuses, nobody asks the device to confirm. */
int action_offline(struct fleet *fleet, const struct target *target, int64_t dist_set,
                   const struct action_terms *terms, int64_t *id);

#endif
