/* server/etag.h: entity tags in If-Match, If-None-Match and If-Range (RFC 9110, 8.8.3 and 13.1). */
#ifndef SERVER_ETAG_H
#define SERVER_ETAG_H

#include <stdbool.h>
#include <stddef.h>

enum etag_comparison {
    ETAG_STRONG, /* If-Match, If-Range: a weak tag (W/"...") equals nothing */
    ETAG_WEAK,   /* If-None-Match: only the quoted part counts */
};

/* Does the list `text` ("*", or tags separated by commas) name `etag`? `etag` is a strong tag with
 * its quotes. Reading stops at the first thing that is not a tag; what came before it counts. */
bool etag_list_matches(const char *text, size_t length, const char *etag,
                       enum etag_comparison comparison);

/* If-Range holds exactly one tag, or a date: true only for the tag itself. */
bool etag_is(const char *text, size_t length, const char *etag);

#endif
