/* fleet/views.h: slots as they are mapped for execution, in one piece; one view serves all devices
 * whose slots hold the same sectors.
 *
 * A view also remembers the digests that were computed of it, for fleets that are asked to compute
 * each once (views_crypto()). Views may be opened and closed from several threads; the crypto of a
 * thread is its own.
 */
#ifndef FLEET_VIEWS_H
#define FLEET_VIEWS_H

#include "chain/crypto.h"
#include "fleet/sectors.h"

struct views;
struct view;

/* For slots of so many sectors. NULL: out of memory. */
struct views *views_new(struct sectors *store, uint32_t slot_sectors);
void views_free(struct views *views);

/* The content of `slot`, erased sectors as 0xFF. NULL: out of memory. */
struct view *views_open(struct views *views, const struct sector *const *slot);
void views_close(struct views *views, struct view *view);
const uint8_t *view_bytes(const struct view *view);

/* A crypto provider that asks `real` once for what it was asked before: digests of the current
 * view's bytes, and the last RSA signature under the last key. Identical questions only: keys,
 * signatures and bytes that are not the view's are compared, byte by byte. */
struct views_crypto {
    struct chain_crypto crypto; /* to be used; its context is this struct */
    const struct chain_crypto *real;
    struct views *views;
    struct view *current; /* may be NULL */
    struct rsa3072_key key;
    uint8_t signature[RSA3072_BYTES];
    uint8_t opened[RSA3072_BYTES]; /* what `signature` gave under `key` */
    int has_opened;
};

void views_crypto_init(struct views_crypto *own, struct views *views,
                       const struct chain_crypto *real);

#endif
