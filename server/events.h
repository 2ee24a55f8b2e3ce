/* server/events.h: server-sent events: what a console that shows the fleet is told while it is
 * open. Internal to server/.
 *
 *     retry: 2000
 *
 *     event: changed
 *     data: {"kinds":["devices","rollouts","releases","audit"]}
 *
 * An event says that something of a kind is not what it was, never what: the console asks for what
 * it shows. While anybody listens, the store is asked once a second whether anything has changed,
 * so changes by other processes are told as well. A comment every 15 s keeps the connection alive.
 * After 10 minutes, and whenever a token has been revoked, the stream ends; who is still allowed
 * to connects again.
 *
 * A route becomes a stream by setting answer->is_events (server/api/api.h).
 */
#ifndef SERVER_EVENTS_H
#define SERVER_EVENTS_H

#include <h2o.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/db/pool.h"

enum event_kind { EVENT_DEVICES, EVENT_ROLLOUTS, EVENT_RELEASES, EVENT_AUDIT, EVENT_KINDS };
#define EVENT_REVOKED EVENT_KINDS /* told to nobody: ends the streams */
#define EVENT_MARKS   (EVENT_KINDS + 1)

#define EVENT_SUBSCRIBERS_MAX 64u /* of one loop */

struct service;
struct worker;

/* Of the whole process. */
struct events {
    struct job job; /* first: asks the store */
    atomic_bool busy;
    _Atomic int64_t next_at; /* milliseconds since 1970 */
    atomic_uint subscribers;
    bool known;                         /* mark[] has been read once */
    int64_t mark[EVENT_MARKS];          /* what the store said last */
    int64_t fresh[EVENT_MARKS];         /* what it says now */
    _Atomic unsigned seen[EVENT_MARKS]; /* counts the changes */
};

/* Answers with a stream; 503 when there are too many. */
void events_start(h2o_req_t *request);

/* From each loop, about ten times a second. */
void events_tick(struct worker *worker);

#endif
