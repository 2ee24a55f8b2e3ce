/* server/housekeeper.h: what the server does without being asked, once a second: writes down who
 * has polled, moves rollouts on, takes in what was published. Internal to server/.
 *
 * It is a job like any other, submitted by whichever loop ticks first when the last one is done, so
 * there is never more than one of a process at a time.
 */
#ifndef SERVER_HOUSEKEEPER_H
#define SERVER_HOUSEKEEPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/db/pool.h"
#include "server/release/import.h"

struct service;

struct housekeeper {
    struct job job; /* first */
    struct service *service;
    atomic_bool busy;
    atomic_bool finishing;   /* whatever else there is to do waits for the next start */
    _Atomic int64_t next_at; /* milliseconds since 1970 */
    bool worked;             /* rollouts: there is more of the same to do */
    bool imported;
    struct import import;
    char note[300];      /* of the import, for the log */
    int rollouts_failed; /* what the engine said */
};

/* From any loop, about ten times a second. Nothing without a store. */
void housekeeper_tick(struct service *service);

/* The loops have ended: once more, so that nothing is forgotten. */
void housekeeper_finish(struct service *service);

#endif
