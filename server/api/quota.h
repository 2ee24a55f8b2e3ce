/* server/api/quota.h: how many requests one identity may make: `rate` a second, and `rate` times
 * QUOTA_BURST at once after a pause.
 *
 * Memory is bounded: there is room for QUOTA_IDENTITIES; when more of them are about, one that has
 * been silent longest is forgotten, which forgives it what it has used. Shared by all threads.
 */
#ifndef SERVER_API_QUOTA_H
#define SERVER_API_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#define QUOTA_BURST      10
#define QUOTA_IDENTITIES 65536

struct quota;

struct quota *quota_new(uint32_t rate); /* at least 1; NULL: out of memory */
void quota_free(struct quota *quota);

/* One request by `who` of `tenant` at `now` (milliseconds). False: one too many. */
bool quota_take(struct quota *quota, int64_t tenant, const char *who, int64_t now);

#endif
