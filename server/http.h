/* server/http.h: what the server answers (server/release/ota_target.h has the paths). Internal to
 * server/.
 *
 *     GET, HEAD   200, 206 with Range, 304 with If-None-Match, 404, 412, 416
 *     other       405 with Allow
 *     500         the release is there but its files are not what they should be; the log says
 * which
 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <h2o.h>
#include <stdbool.h>

#include "server/api/api.h"
#include "server/worker.h"

/* Registers the handler and the access log with service->http. */
void http_register(struct service *service, h2o_hostconf_t *host);

/* A field of the answer; the value is copied. */
void http_add(h2o_req_t *request, const h2o_token_t *name, const char *value);
void http_add_named(h2o_req_t *request, const char *name, const char *value);
/* To be kept as a file of this name, which has no quotes in it. */
void http_add_disposition(h2o_req_t *request, const char *filename);

/* Adds the tag. True when a precondition (If-Match, If-None-Match) has answered the request. */
bool http_answered_by_condition(h2o_req_t *request, const char *etag);

/* An artifact as `answer` (is_file) describes it, with Range and conditions. */
void http_send_file(h2o_req_t *request, struct service *service, const struct api_answer *answer);

/* A file of the console, with the headers that keep a browser to it. */
void http_send_page(h2o_req_t *request, const struct page *page);

#endif
