/* server/call.h: requests that need the store, between libh2o and server/api. Internal to server/.
 *
 * A request becomes a struct api_request with copies of what matters, so that it may outlive the
 * connection it came by: a client that leaves takes nothing with it but its answer. Reading on
 * SQLite is done at once on the loop's own connection, everything else by the pool; the answer
 * comes back to the loop as a message.
 */
#ifndef SERVER_CALL_H
#define SERVER_CALL_H

#include <h2o.h>

#include "server/worker.h"

/* Answers now or later. For libh2o's on_req: 0. */
int call_start(h2o_req_t *request, struct service *service);

/* The loop's receiver of answers. */
void call_on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages);

/* Milliseconds since 1970. */
int64_t call_now(void);

#endif
