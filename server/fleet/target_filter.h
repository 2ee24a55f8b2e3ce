/* server/fleet/target_filter.h: filters that are kept under a name, each perhaps with a set that
 * every target it matches is to have.
 *
 * A set is assigned to a target once: not where it is assigned or installed, nor where there was an
 * action for it before, however that ended. New targets are looked at at once, all of them every
 * TARGET_FILTER_PASS_MS, since attributes and tags change.
 */
#ifndef SERVER_FLEET_TARGET_FILTER_H
#define SERVER_FLEET_TARGET_FILTER_H

#include "server/fleet/action.h"
#include "server/fleet/fleet.h"

#define TARGET_FILTER_PASS_MS 60000

/* INVALID, EXISTS; NONE. Each leaves a line in the audit log. */
int target_filter_create(struct fleet *fleet, const char *name, const char *query, int64_t *id);
int target_filter_update(struct fleet *fleet, int64_t id, const char *name,
                         const char *query); /* NULL: as it is */
int target_filter_delete(struct fleet *fleet, int64_t id);

/* dist_set 0: none any more. Of the terms kind, weight and confirm count. NONE, INVALID. */
int target_filter_auto(struct fleet *fleet, int64_t id, int64_t dist_set,
                       const struct action_terms *terms);

/* A bounded piece of assigning, in any tenant (rollout_row.h). */
int target_filter_step(struct fleet *fleet, bool *worked);

#endif
