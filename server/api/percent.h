/* server/api/percent.h: texts of a URL without their %XX. */
#ifndef SERVER_API_PERCENT_H
#define SERVER_API_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

/* `plus`: '+' is a blank, as in a query. The length of out, which ends in a NUL; -1: a broken %XX,
 * a control character, no UTF-8, or more than fits. */
int percent_decode(const char *text, size_t length, bool plus, char *out, size_t size);

#endif
