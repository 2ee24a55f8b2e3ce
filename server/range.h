/* server/range.h: the Range request header (RFC 9110, 14.1 and 14.2), for one range.
 *
 * A header that asks for several ranges, that is malformed or that speaks another unit is ignored,
 * as the RFC allows: the answer is the whole file, so an abusive list costs nothing.
 */
#ifndef SERVER_RANGE_H
#define SERVER_RANGE_H

#include <stddef.h>
#include <stdint.h>

enum range_verdict {
    RANGE_WHOLE,         /* send everything (200) */
    RANGE_PART,          /* send first..last (206) */
    RANGE_UNSATISFIABLE, /* nothing of it exists (416) */
};

struct range {
    uint64_t first; /* offset of the first byte */
    uint64_t last;  /* offset of the last byte, included */
};

/* `text` is the header's value, `size` the file's length in bytes. On RANGE_PART
 * first <= last < size; otherwise *range is the whole file (0, 0 when it is empty). */
enum range_verdict range_parse(const char *text, size_t length, uint64_t size, struct range *range);

#endif
