/* server/download.h: streams part of an image to a client. Internal to server/.
 *
 * One chunk is read and sent at a time, the next when the first has been taken, so a connection
 * costs one chunk of memory whatever the image's size. server/worker.h cuts off who takes none.
 */
#ifndef SERVER_DOWNLOAD_H
#define SERVER_DOWNLOAD_H

#include <h2o.h>

#include "server/range.h"

/* Sends bytes range->first..range->last of fd as the response to `request`, whose status and
 * headers are set already. Takes over fd. */
void download_start(h2o_req_t *request, int fd, const struct range *range);

#endif
