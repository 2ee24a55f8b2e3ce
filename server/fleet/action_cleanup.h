/* server/fleet/action_cleanup.h: actions that ended long ago go, with all that was reported on
 * them.
 *
 * Never one that something still rests on:
 *   - an action that is active, or whose end its rollout has not counted;
 *   - of a rollout that has not ended (its own counts do not need the actions, docs/server.md 5);
 *   - of a set that a target filter assigns: it tells that the target has had its try;
 *   - a target's last finished one, and the one of what it has installed (installedBase).
 *
 * A pass looks at the actions of all tenants in the order of their ids, a bounded number in one
 * transaction, and ends where all are too young. Several processes may pass at once: one of
 * them works.
 */
#ifndef SERVER_FLEET_ACTION_CLEANUP_H
#define SERVER_FLEET_ACTION_CLEANUP_H

#include "server/fleet/fleet.h"

#define CLEANUP_LOOK    500 /* actions looked at in one step */
#define CLEANUP_ACTIONS 100 /* removed at most */
#define CLEANUP_ENTRIES 250 /* of their status entries, each with its messages */

struct action_cleanup {
    int64_t cursor;  /* the action that was looked at last; 0: a pass begins */
    int64_t removed; /* in this pass */
    bool over;       /* it has seen all */
};

/* The next step: what ended before `before`. In a transaction of DB_STEP; *pass is what it was when
 * this is rolled back. */
int action_cleanup_step(struct fleet *fleet, int64_t before, struct action_cleanup *pass);

#endif
