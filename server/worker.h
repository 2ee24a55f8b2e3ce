/* server/worker.h: one thread, one event loop, its connections. Internal to server/. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <h2o.h>
#include <pthread.h>

#include "server/api/service.h"
#include "server/db/pool.h"
#include "server/events.h"
#include "server/housekeeper.h"
#include "server/importer.h"
#include "server/log.h"
#include "server/release/offer.h"
#include "server/peer.h"
#include "server/release/store.h"
#include "server/ticket_roll.h"

/* Of all loops' ports of one kind. */
struct service_port {
    h2o_globalconf_t http;
    SSL_CTX *tls;
};

/* What all threads share, read-only once they run. */
struct service {
    struct store store;
    struct log log;
    bool access_log;
    const char *store_url; /* NULL: only the plain channel is served */
    struct pool *pool;     /* NULL likewise */
    struct pool *readers;  /* NULL likewise: of long reads */
    struct api_service api;
    struct housekeeper housekeeper;
    struct importer importer;
    struct ticket_roll tickets;
    struct events events;
    unsigned port_count; /* 2 with a management port */
    struct service_port port[PORT_KINDS];
};

struct worker {
    struct service *service;
    pthread_t thread;
    h2o_loop_t *loop;
    unsigned port_count;
    struct port port[PORT_KINDS]; /* by kind */
    struct offer_cache offers;
    struct db *reader;                  /* of SQLite, for quick reads; NULL: the pool has them */
    h2o_multithread_receiver_t answers; /* of calls (server/call.h) */
    unsigned calls;                     /* not answered yet */
    h2o_linklist_t peers;
    h2o_linklist_t subscribers; /* of server/events.h */
    unsigned subscriber_count;
    h2o_timeout_t patience;   /* how long a peer may leave an answer untaken */
    h2o_timeout_entry_t tick; /* every 100 ms: resume accepting, go on stopping */
    h2o_multithread_receiver_t stop_message;
    unsigned grace_ms; /* written before stop_message is sent */
    uint64_t stop_at;  /* loop time after which nobody is waited for */
    bool stopping;
};

/* By port_kind. */
struct worker_terms {
    unsigned port_count;
    int listener[PORT_KINDS]; /* listening sockets, which the worker duplicates */
    unsigned peer_max[PORT_KINDS];
    unsigned patience_s;
};

/* Starts the thread. HOST_DONE, or HOST_FAILED with a line printed. `worker` is zeroed by the
 * caller and must not move. */
int worker_start(struct worker *worker, struct service *service, const struct worker_terms *terms);
/* Ask it to stop, then wait for it; several workers are asked first and joined after. */
void worker_ask_stop(struct worker *worker, unsigned grace_ms);
void worker_join(struct worker *worker);

#endif
