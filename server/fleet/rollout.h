/* server/fleet/rollout.h: a distribution set for many targets, group after group, and the engine
 * that moves it on, halts it and ends it.
 *
 *     creating -> [waiting_for_approval ->] ready -> starting -> running <-> paused -> finished
 *                  \-> approval_denied                            \-> stopping -> stopped
 *     group:   creating -> ready -> scheduled -> running -> finished | error
 *     target:  waiting -> running -> finished | error | cancelled,  running -> retry -> waiting
 *
 * A group is scheduled while it has targets to be assigned, running when all have been. It is done
 * when `success_share` of it have finished: then the next one is scheduled, or the rollout pauses
 * (ROLLOUT_PAUSE). When more than `error_share` have failed, or all have ended and too few of them
 * finished, the group is in error and the rollout pauses with the reason. Resuming accepts the
 * failures there are; as many again halt it again. What devices do is counted in every state.
 *
 * The engine is rollout_tick(), called by whoever has nothing better to do, in as many processes as
 * like: each call takes one bounded piece of work in one transaction, and what it decides, it
 * decides from the store alone, so a crash anywhere repeats or skips nothing.
 */
#ifndef SERVER_FLEET_ROLLOUT_H
#define SERVER_FLEET_ROLLOUT_H

#include "server/fleet/action.h"
#include "server/fleet/fleet.h"

#define ROLLOUT_GROUPS_MAX  500
#define ROLLOUT_STEP        500   /* targets that one tick assigns, counts or cancels */
#define ROLLOUT_STEP_ROWS   2500  /* that one tick only sorts into groups, or removes */
#define ROLLOUT_SHARE       10000 /* hundredths of a percent: the whole */
#define ROLLOUT_EQUAL_PART  0     /* as a group's share */
#define ROLLOUT_NEVER       (ROLLOUT_SHARE + 1)
#define ROLLOUT_RETRIES_MAX 10
#define ROLLOUT_PAUSE_MAX   (7 * 86400) /* seconds between two tries of a target */
#define ROLLOUT_CHECK_MS    60000 /* a running one is looked at this often, whatever happens */

enum rollout_then { ROLLOUT_NEXT_GROUP, ROLLOUT_PAUSE };

struct rollout_group_new {
    const char *name, *description; /* name NULL: "group-1", ... */
    const char *filter;             /* NULL: all that are left */
    /* Of those, in hundredths of a percent, rounded up; ROLLOUT_EQUAL_PART: with all groups after
     * it, an equal part. */
    int64_t share;
    int64_t success_share; /* finished, of the group, before the next one starts */
    enum rollout_then success_then;
    int64_t error_share; /* more than that failed, of the group, halts; ROLLOUT_NEVER */
    bool confirm;
};

struct rollout_new {
    const char *name, *description, *filter;
    int64_t dist_set;
    struct action_terms terms;
    int64_t start_at;      /* 0: by hand */
    int64_t retries;       /* of a target that failed, before it counts as failed */
    int64_t retry_seconds; /* before the first; doubled before each one more */
    const struct rollout_group_new *groups;
    size_t group_count;
};

/* FLEET_EXISTS, FLEET_INVALID (filter, groups, no targets), FLEET_NONE (set). Locks the set. Leaves
 * a line in the audit log, as the orders do. */
int rollout_create(struct fleet *fleet, const struct rollout_new *new, int64_t *id);

enum rollout_order {
    ROLLOUT_START,
    ROLLOUT_ORDER_PAUSE, /* assigns no more; what runs on devices goes on */
    ROLLOUT_RESUME,
    ROLLOUT_STOP, /* ends it; what runs on devices is cancelled */
    ROLLOUT_TRIGGER_NEXT,
    ROLLOUT_DELETE, /* the same, and then forgets it; actions stay */
};
/* FLEET_NONE; FLEET_STATE where the state does not allow it. */
int rollout_order(struct fleet *fleet, int64_t id, enum rollout_order order);

/* Where rollout.approval.enabled asks for it. FLEET_STATE. `remark` may be NULL. */
int rollout_decide(struct fleet *fleet, int64_t id, bool approved, const char *remark);

/* A new rollout, "NAME_retry", for the targets where this one failed or was cancelled. FLEET_STATE:
 * it has not ended; FLEET_INVALID: there are none; FLEET_EXISTS. */
int rollout_retry(struct fleet *fleet, int64_t id, int64_t *new_id);

/* Scheduled: to be assigned, or to be tried again. A target that was deleted counts nowhere. */
struct rollout_counts {
    int64_t total, not_started, scheduled, running, finished, error, cancelled;
};
/* group 0: of the whole rollout. */
int rollout_counts(struct fleet *fleet, int64_t id, int64_t group, struct rollout_counts *out);

/* One piece of work, over all tenants. *worked: call again at once. `fleet` needs db and now. */
int rollout_tick(struct fleet *fleet, bool *worked);

#endif
