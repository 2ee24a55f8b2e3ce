/* host/escape.h: a text from outside as a part of another notation: of a URL (and back), of HTML or
 * SVG. */
#ifndef HOST_ESCAPE_H
#define HOST_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Bytes that escape_url() may need for `length` characters, with the NUL. */
#define ESCAPED_URL(length) (3 * (length) + 1)

/* A segment of a path, or a value in a query (RFC 3986 3.3): letters, digits and "-._~:@" stay, all
 * else becomes %XX. Cut before what does not fit `size`. Returns `out`. */
const char *escape_url(const char *text, char *out, size_t size);

/* Without its %XX; `plus`: '+' is a blank, as in a query. The length of out, which ends in a NUL;
 * -1: a broken %XX, a control character, no UTF-8, or more than fits. */
int unescape_url(const char *text, size_t length, bool plus, char *out, size_t size);

/* Content or a quoted attribute: <, >, & and " by their names, printable ASCII, tab and newline as
 * they are, no carriage return; all else becomes '?', as it may be no UTF-8. */
void escape_markup(const char *text, FILE *out);

#endif
