/* server/http.h: what the server answers (server/target.h has the paths). Internal to server/.
 *
 *     GET, HEAD   200, 206 with Range, 304 with If-None-Match, 404, 412, 416
 *     other       405 with Allow
 *     500         the release is there but its files are not what they should be; the log says
 * which
 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <h2o.h>

#include "server/worker.h"

/* Registers the handler and the access log with service->http. */
void http_register(struct service *service, h2o_hostconf_t *host);

#endif
