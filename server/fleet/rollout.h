/* server/fleet/rollout.h: a distribution set for many targets, group after group, and the engine
 * that moves it on, halts it and ends it.
 *
 *     creating -> ready -> starting -> running <-> paused -> finished
 *                   (waiting_for_approval ...)        \-> stopping -> stopped
 *     group:  creating -> ready -> scheduled -> running -> finished | error
 *
 * The engine is rollout_tick(), called by whoever has nothing better to do, in as many processes as
 * like: each call takes one bounded piece of work in one transaction, and what it decides, it
 * decides from the store alone, so a crash anywhere repeats or skips nothing.
 */
#ifndef SERVER_FLEET_ROLLOUT_H
#define SERVER_FLEET_ROLLOUT_H

#include "server/fleet/action.h"
#include "server/fleet/fleet.h"

#define ROLLOUT_GROUPS_MAX 500
#define ROLLOUT_STEP       500   /* targets that one tick moves on */
#define ROLLOUT_SHARE      10000 /* hundredths of a percent: the whole */

enum rollout_then { ROLLOUT_NEXT_GROUP, ROLLOUT_PAUSE };

struct rollout_group_new {
    const char *name, *description; /* name NULL: "group-1", ... */
    const char *filter;             /* NULL: all that are left */
    int64_t share;                  /* of those, in hundredths of a percent */
    int64_t success_share;          /* finished, of the group, before the next one starts */
    enum rollout_then success_then;
    int64_t
        error_share; /* failed, of the group, that halts the rollout; above ROLLOUT_SHARE: never */
    bool confirm;
};

struct rollout_new {
    const char *name, *description, *filter;
    int64_t dist_set;
    struct action_terms terms;
    int64_t start_at; /* 0: by hand */
    int64_t retries;  /* of a target that failed, each after retry_seconds doubled */
    int64_t retry_seconds;
    const struct rollout_group_new *groups;
    size_t group_count;
};

/* FLEET_EXISTS, FLEET_INVALID (filter, groups, no targets), FLEET_NONE (set). */
int rollout_create(struct fleet *fleet, const struct rollout_new *new, int64_t *id);

enum rollout_order {
    ROLLOUT_START,
    ROLLOUT_ORDER_PAUSE,
    ROLLOUT_RESUME,
    ROLLOUT_STOP, /* ends it; what runs on devices is cancelled */
    ROLLOUT_TRIGGER_NEXT,
    ROLLOUT_DELETE,
};
/* FLEET_STATE where the state does not allow it. */
int rollout_order(struct fleet *fleet, int64_t id, enum rollout_order order);

/* A new rollout for the targets where this one failed or was cancelled. */
int rollout_retry(struct fleet *fleet, int64_t id, int64_t *new_id);

struct rollout_counts {
    int64_t total, not_started, scheduled, running, finished, error, cancelled;
};
/* group 0: of the whole rollout. */
int rollout_counts(struct fleet *fleet, int64_t id, int64_t group, struct rollout_counts *out);

/* One piece of work, over all tenants. *worked: call again at once. `fleet` needs db and now. */
int rollout_tick(struct fleet *fleet, bool *worked);

#endif
