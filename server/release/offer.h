/* server/release/offer.h: what a channel offers now, ready to be sent. Internal to server/.
 *
 * Most requests are polls that change nothing, so each worker keeps what it has read from the
 * store and asks only whether the pointer file is still the same one: device, inode, size and both
 * times. A file that changed within the last second is never kept, since it could change again
 * without a difference in its times. A cache belongs to one thread.
 */
#ifndef SERVER_RELEASE_OFFER_H
#define SERVER_RELEASE_OFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "server/release/store.h"
#include "server/release/ota_target.h"

#define OFFER_ETAG_MAX (RELEASE_HASH_CHARS + 3) /* quotes and NUL */
#define OFFER_INFO_MAX 512                      /* the JSON is at most about 450 bytes */
#define OFFER_SLOTS    64                       /* channels kept; more share them */

struct offer {
    struct release release;
    char image_etag[OFFER_ETAG_MAX]; /* of the .bin: its SHA-256 */
    char info_etag[OFFER_ETAG_MAX];  /* of the .json: the SHA-256 of its text */
    char info[OFFER_INFO_MAX];       /* the .json */
    size_t info_length;
};

struct offer_slot {
    bool used;
    char product[NAME_BYTES_MAX + 1];
    char channel[NAME_BYTES_MAX + 1];
    struct store_stamp stamp;
    struct offer offer;
};

/* All zero is an empty cache. */
struct offer_cache {
    struct offer_slot slot[OFFER_SLOTS];
    unsigned long hits; /* answered without reading */
};

/* What store_get() would say now, with the answers made. *offer is valid until the next call.
 * Errors as store_get(), and EMEMORY. */
int offer_get(struct offer_cache *cache, const struct store *store, const char *product,
              const char *channel, const struct offer **offer);

#endif
