/* server/call.h: requests that need the store, between libh2o and server/api. Internal to server/.
 *
 * A request becomes a struct api_request with copies of what matters, so that it may outlive the
 * connection it came by: a client that leaves takes nothing with it but its answer. What devices
 * read on SQLite is read at once on the loop's own connection. What people read may take long: it
 * goes to `readers`, and is not begun when its client has left; when too many wait there, the
 * answer is 503. Everything else is a job for `pool`. Answers come back to the loop as messages.
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
