/* server/api/accept.h: which of the types an answer can have the client wants (RFC 9110, 12.5.1).
 */
#ifndef SERVER_API_ACCEPT_H
#define SERVER_API_ACCEPT_H

#include <stddef.h>

/* `field` is an Accept field, NULL when there was none; types[count] in the order the server
 * prefers. The best of them, or NULL when the client takes none. */
const char *accept_choose(const char *field, const char *const *types, size_t count);

#endif
