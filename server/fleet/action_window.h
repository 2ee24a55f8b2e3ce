/* server/fleet/action_window.h: an action and the maintenance window it may be carried out in
 * (hawkbit-ddi.md 3 and 4). */
#ifndef SERVER_FLEET_ACTION_WINDOW_H
#define SERVER_FLEET_ACTION_WINDOW_H

#include "server/fleet/action.h"

enum action_window_state {
    ACTION_WINDOW_NONE, /* at any time */
    ACTION_WINDOW_OPEN,
    ACTION_WINDOW_AHEAD,
    ACTION_WINDOW_OVER, /* the last one was missed */
};

/* *opens: when the next one does, of ACTION_WINDOW_AHEAD. */
enum action_window_state action_window_state(const struct action *action, int64_t now,
                                             int64_t *opens);

#endif
