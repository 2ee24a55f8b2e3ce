/* server/fleet/action_status.h: what the files of action.h share: the history of an action and its
 * end. Private to server/fleet. */
#ifndef SERVER_FLEET_ACTION_STATUS_H
#define SERVER_FLEET_ACTION_STATUS_H

#include "server/fleet/action.h"

#define SERVER_MESSAGE "Update Server: " /* before messages that no device wrote */

/* One entry, with the messages of the feedback or, without one, `message` (either may be NULL).
 * FLEET_QUOTA: too many messages. */
int status_entry(struct fleet *fleet, int64_t action, enum action_state state, int64_t occurred_at,
                 const struct feedback *feedback, const char *message);

/* The action's own state. */
int action_set_state(struct fleet *fleet, int64_t action, enum action_state state, bool active);

/* An action of this target has been cancelled: what the target is to have, and its status. */
int action_settle_target(struct fleet *fleet, const struct target *target);

#endif
