/* server/framing.h: HTTP/1 requests that two programs might cut differently out of a connection.
 *
 * libh2o keeps one of two Content-Length fields and prefers Transfer-Encoding to either. A proxy in
 * front may choose otherwise, and what it takes for a body we would take for a request; likewise
 * with lines that are folded, or do not end in CR LF. Such requests are refused as RFC
 * 9112, 2.2, 5.2 and 6.3 advise.
 */
#ifndef SERVER_FRAMING_H
#define SERVER_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

enum framing {
    FRAMING_CLEAR,
    /* Where a chunk ends is not agreed on either ("0x5" is 0 to libh2o): nothing that follows such
     * a request may be read as another one. */
    FRAMING_CHUNKED,
    /* More than one of Content-Length and Transfer-Encoding, more than one Host, or none where one
     * is needed (HTTP/1.1); a line that goes on the one before, CR without LF, LF without CR. */
    FRAMING_DOUBTFUL,
};

/* bytes[length] starts with the head of a request. */
enum framing framing_judge(const char *bytes, size_t length, bool host_needed);

#endif
