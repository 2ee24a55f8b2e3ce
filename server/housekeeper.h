/* server/housekeeper.h: what the server does without being asked, once a second: writes down who
 * has polled, moves rollouts on, removes what ended long ago. Internal to server/.
 *
 * It is a job like any other, submitted by whichever loop ticks first when the last one is done, so
 * there is never more than one of a process at a time. Actions that ended long ago are looked for
 * once a day, one small step a second, so that devices do not notice (action_cleanup.h).
 */
#ifndef SERVER_HOUSEKEEPER_H
#define SERVER_HOUSEKEEPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/db/pool.h"
#include "server/fleet/action_cleanup.h"

struct service;

enum chore { CHORE_FLEET, CHORE_CLEANUP };

struct housekeeper {
    struct job job; /* first */
    struct service *service;
    atomic_bool busy;
    atomic_bool finishing;   /* whatever else there is to do waits for the next start */
    _Atomic int64_t next_at; /* milliseconds since 1970 */
    bool worked;             /* rollouts: there is more of the same to do */
    int rollouts_failed;     /* what the engine said */
    unsigned action_days;    /* kept so long; 0: for ever */
    int64_t cleanup_at;      /* the next step, milliseconds since 1970 */
    struct action_cleanup cleanup, next_cleanup; /* as it is, and when the job is through */
};

/* From any loop, about ten times a second. Nothing without a store. */
void housekeeper_tick(struct service *service);

/* The loops have ended: once more, so that nothing is forgotten. */
void housekeeper_finish(struct service *service);

#endif
