/* server/range.h: the Range request header (RFC 9110, 14.1 and 14.2).
 *
 * A header that is malformed, that speaks another unit or that asks for too many parts is ignored,
 * as the RFC allows: the answer is the whole file. What overlaps becomes one part, so that no byte
 * is sent twice: an abusive list costs no more than a download.
 */
#ifndef SERVER_RANGE_H
#define SERVER_RANGE_H

#include <stddef.h>
#include <stdint.h>

/* In one request. swupdate's delta updates ask for up to 150 (hawkbit-ddi.md 5). */
#define RANGES_MAX 200

enum range_verdict {
    RANGE_WHOLE,         /* send everything (200) */
    RANGE_PART,          /* send the parts (206) */
    RANGE_UNSATISFIABLE, /* nothing of it exists (416) */
};

struct range {
    uint64_t first; /* offset of the first byte */
    uint64_t last;  /* offset of the last byte, included */
};

struct ranges {
    size_t count;
    struct range part[RANGES_MAX]; /* apart from each other, in the order they were asked for */
};

/* `text` is the header's value, `size` the file's length in bytes. On RANGE_PART there is at least
 * one part and each has first <= last < size; otherwise the only one is the whole file (0, 0 when
 * it is empty). */
enum range_verdict ranges_parse(const char *text, size_t length, uint64_t size,
                                struct ranges *ranges);

#endif
