/* device/agent/http.h: the little of HTTP/1.1 an update needs, bounded on every side.
 *
 * One request writer and one response reader, both pure. The reader is strict: CR LF only, no
 * folding, no transfer or content coding, no second Content-Length, Content-Range or ETag; numbers
 * are plain decimal and fit 32 bits. What it does not need it skips, within the bound: other
 * fields, and interim answers (1xx) in front of the one that counts.
 */
#ifndef DEVICE_AGENT_HTTP_H
#define DEVICE_AGENT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEADER_MAX 2048u /* bytes of status line and header fields, interim ones included */
#define HTTP_ETAG_BYTES 32u   /* SHA-256 of the file */

enum http_error {
    HTTP_ELENGTH = -1,    /* header longer than HTTP_HEADER_MAX */
    HTTP_ESYNTAX = -2,    /* not a status line, a bare CR or LF, a control character, folding */
    HTTP_ENUMBER = -3,    /* a length or range that is no number or does not add up */
    HTTP_EDUPLICATE = -4, /* a field that may come once came twice */
    HTTP_ECODING = -5,    /* transfer or content coding */
};

struct http_response {
    int status; /* 100..599 */
    bool has_length;
    uint32_t length; /* Content-Length */
    bool has_range;
    uint32_t first, last, total; /* Content-Range, first <= last < total */
    bool has_etag;               /* strong, and 64 hex digits: anything else counts as none */
    uint8_t etag[HTTP_ETAG_BYTES];
    bool ranges;          /* parts of it may be asked for */
    bool closes;          /* the connection ends with this answer */
    uint32_t retry_after; /* seconds, at most what 32 bits hold; 0: not said */
    bool retry_at_date;   /* Retry-After is there, but no number of seconds */
};

/* `bytes` holds what has come so far. Returns the length of the header when it is complete, 0 when
 * more is needed, or an http_error. */
int http_response_parse(const uint8_t *bytes, size_t length, struct http_response *response);

/* One-line meaning of an http_error; never NULL. */
const char *http_error_text(int error);

struct http_request {
    const char *method;
    const char *host;
    uint16_t port;
    const char *path;    /* from '/' on, with its query; what may stand in a request line */
    const char *version; /* of the running image, for User-Agent; whatever it says */
    const char *token;   /* printable, no blanks, for Authorization; NULL: none */
    bool gateway;        /* as GatewayToken, not TargetToken */
    bool stay;           /* the connection is to stay open */
    const char *body;    /* JSON; NULL: none */
    const uint8_t (*not_wanted)[HTTP_ETAG_BYTES]; /* If-None-Match: running and refused files */
    size_t not_wanted_count;
    uint32_t resume_offset;     /* 0: from the start */
    const uint8_t *resume_etag; /* the part is wanted of this file only; NULL: whatever it is */
};

/* Writes the request, its body included, and returns its length; 0 when it does not fit. */
size_t http_request_write(const struct http_request *request, char *out, size_t size);

#endif
