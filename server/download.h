/* server/download.h: streams an image, or parts of it, to a client. Internal to server/.
 *
 * One chunk is read and sent at a time, the next when the first has been taken, so a connection
 * costs one chunk of memory whatever the image's size. server/worker.h cuts off who takes none.
 */
#ifndef SERVER_DOWNLOAD_H
#define SERVER_DOWNLOAD_H

#include <h2o.h>

#include "server/range.h"

/* Answers `request` with bytes of fd, which it takes over: the whole file (200), one part (206) or
 * several as multipart/byteranges (206), as ranges_parse() decided. `size` is the file's. */
void download_start(h2o_req_t *request, int fd, uint64_t size, enum range_verdict verdict,
                    const struct ranges *ranges);

#endif
