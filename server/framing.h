/* server/framing.h: HTTP/1 requests that two programs might cut differently out of a connection.
 *
 * libh2o keeps one of two Content-Length fields and prefers Transfer-Encoding to either. A proxy in
 * front may choose otherwise, and what it takes for a body we would take for a request. Such
 * requests are refused as RFC 9112, 6.3 advises.
 */
#ifndef SERVER_FRAMING_H
#define SERVER_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

/* bytes[length] starts with the head of a request. True: more than one of Content-Length and
 * Transfer-Encoding, more than one Host, or none where one is needed (HTTP/1.1). */
bool framing_doubtful(const char *bytes, size_t length, bool host_needed);

#endif
