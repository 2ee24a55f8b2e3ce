/* server/worker.h: one thread, one event loop, its connections. Internal to server/.
 *
 * A peer is one accepted connection. It exists from accept to close and is what bounds the
 * number of connections, refuses plain HTTP, and tells at shutdown who is still busy.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <h2o.h>
#include <pthread.h>

#include "server/api/service.h"
#include "server/db/pool.h"
#include "server/housekeeper.h"
#include "server/log.h"
#include "server/offer.h"
#include "server/store.h"

/* What all threads share, read-only once they run. */
struct service {
    struct store store;
    struct log log;
    bool access_log;
    SSL_CTX *tls;
    const char *store_url; /* NULL: only the plain channel is served */
    struct pool *pool;     /* NULL likewise */
    struct api_service api;
    struct housekeeper housekeeper;
    h2o_globalconf_t http;
};

struct worker {
    struct service *service;
    pthread_t thread;
    h2o_loop_t *loop;
    h2o_context_t http;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener; /* NULL once stopping */
    bool listening;         /* false while the connection limit is reached */
    struct offer_cache offers;
    struct db *reader;                  /* of SQLite; NULL: every call goes to the pool */
    h2o_multithread_receiver_t answers; /* of calls (server/call.h) */
    unsigned calls;                     /* not answered yet */
    h2o_linklist_t peers;
    unsigned peer_count;
    unsigned peer_max;
    h2o_timeout_t patience;   /* how long a peer may leave an answer untaken */
    h2o_timeout_entry_t tick; /* every 100 ms: resume accepting, go on stopping */
    h2o_multithread_receiver_t stop_message;
    unsigned grace_ms; /* written before stop_message is sent */
    uint64_t stop_at;  /* loop time after which nobody is waited for */
    bool stopping;
};

#define PEER_ADDRESS_MAX 64 /* "[IPv6]:port" */

struct peer {
    struct worker *worker;
    h2o_socket_t *socket;
    h2o_linklist_t link;        /* in worker->peers */
    h2o_timeout_entry_t silent; /* armed until the first byte has come */
    h2o_timeout_entry_t stuck;  /* armed while an answer is not taken */
    unsigned requests;          /* being answered */
    unsigned aborted;           /* requests the client gave up, over the connection's life */
    char address[PEER_ADDRESS_MAX];
};

/* Starts the thread on a listening socket, which the worker duplicates. HOST_DONE, or HOST_FAILED
 * with a line printed. `worker` is zeroed by the caller and must not move. */
int worker_start(struct worker *worker, struct service *service, int listener, unsigned peer_max,
                 unsigned patience_s);
/* Ask it to stop, then wait for it; several workers are asked first and joined after. */
void worker_ask_stop(struct worker *worker, unsigned grace_ms);
void worker_join(struct worker *worker);

/* The worker and the peer of a request. peer may be NULL when its socket is gone already. */
struct worker *worker_of(h2o_req_t *request);
struct peer *peer_of(h2o_req_t *request);

/* Marks the peer busy until the request is disposed of. From now on it is cut off when it takes
 * nothing for worker->patience, whatever protocol it stalls. */
void peer_hold(h2o_req_t *request);

/* The peer has taken something. */
void peer_moves(struct peer *peer);

/* Cuts the connection below the protocol; libh2o then sees an error and cleans up. */
void peer_cut(struct peer *peer);

#endif
