/* fleet/views.c: see views.h. */
#include "fleet/views.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "chain/error.h"

#define KEPT_MAX    8 /* views nobody has open: the next device with the same image comes soon */
#define DIGESTS_MAX 4 /* of one image: file, signed part, hashed part */

struct digest {
    size_t start, length;
    uint8_t value[SHA256_BYTES];
};

struct view {
    struct view *next; /* newest first */
    unsigned open;
    unsigned digest_count;
    struct digest digest[DIGESTS_MAX];
    const struct sector **sector; /* references */
    uint8_t *bytes;
};

struct views {
    pthread_mutex_t lock;
    struct sectors *store;
    uint32_t sectors; /* of a slot */
    struct view *first;
};

struct views *views_new(struct sectors *store, uint32_t slot_sectors)
{
    struct views *views = calloc(1, sizeof *views);
    if (views == NULL)
        return NULL;
    views->store = store;
    views->sectors = slot_sectors;
    if (pthread_mutex_init(&views->lock, NULL) != 0) {
        free(views);
        return NULL;
    }
    return views;
}

static void view_free(struct views *views, struct view *view)
{
    for (uint32_t i = 0; view->sector != NULL && i < views->sectors; i++)
        sectors_drop(views->store, view->sector[i]);
    free(view->sector);
    free(view->bytes);
    free(view);
}

void views_free(struct views *views)
{
    if (views == NULL)
        return;
    while (views->first != NULL) {
        struct view *view = views->first;
        views->first = view->next;
        view_free(views, view);
    }
    pthread_mutex_destroy(&views->lock);
    free(views);
}

static struct view *assemble(struct views *views, const struct sector *const *slot)
{
    struct view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return NULL;
    view->sector = calloc(views->sectors, sizeof(void *));
    view->bytes = malloc((size_t)views->sectors * SECTOR_BYTES);
    if (view->sector == NULL || view->bytes == NULL) {
        view_free(views, view);
        return NULL;
    }
    for (uint32_t i = 0; i < views->sectors; i++) {
        uint8_t *to = view->bytes + (size_t)i * SECTOR_BYTES;
        if (slot[i] == NULL) {
            memset(to, 0xFF, SECTOR_BYTES);
            continue;
        }
        view->sector[i] = sectors_share(views->store, slot[i]);
        memcpy(to, slot[i]->bytes, SECTOR_BYTES);
    }
    return view;
}

/* The oldest views that nobody has open go, down to KEPT_MAX. */
static void thin_out(struct views *views)
{
    unsigned idle = 0;
    struct view **link = &views->first;
    while (*link != NULL) {
        struct view *view = *link;
        if (view->open == 0 && ++idle > KEPT_MAX) {
            *link = view->next;
            view_free(views, view);
        } else {
            link = &view->next;
        }
    }
}

struct view *views_open(struct views *views, const struct sector *const *slot)
{
    pthread_mutex_lock(&views->lock);
    struct view *view = views->first;
    while (view != NULL && memcmp(view->sector, slot, views->sectors * sizeof(void *)) != 0)
        view = view->next;
    if (view == NULL) {
        thin_out(views);
        view = assemble(views, slot);
        if (view != NULL) {
            view->next = views->first;
            views->first = view;
        }
    }
    if (view != NULL)
        view->open++;
    pthread_mutex_unlock(&views->lock);
    return view;
}

void views_close(struct views *views, struct view *view)
{
    pthread_mutex_lock(&views->lock);
    view->open--;
    pthread_mutex_unlock(&views->lock);
}

const uint8_t *view_bytes(const struct view *view)
{
    return view->bytes;
}

/* Do the spans, one after the other, say what the view says from *start on? Headers are hashed from
 * copies (chain/image.h), hence the comparison. */
static bool spans_are_of(const struct views *views, const struct view *view,
                         const struct chain_span *spans, size_t count, size_t *start,
                         size_t *length)
{
    size_t size = (size_t)views->sectors * SECTOR_BYTES;
    const uint8_t *first = spans[0].data;
    bool inside = first >= view->bytes && first < view->bytes + size;
    *start = inside ? (size_t)(first - view->bytes) : 0;
    *length = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = *start + *length;
        if (at > size || spans[i].length > size - at)
            return false;
        if (spans[i].data != view->bytes + at &&
            memcmp(spans[i].data, view->bytes + at, spans[i].length) != 0)
            return false;
        *length += spans[i].length;
    }
    return true;
}

static bool recall(struct views *views, struct view *view, size_t start, size_t length,
                   uint8_t digest[SHA256_BYTES])
{
    bool found = false;
    pthread_mutex_lock(&views->lock);
    for (unsigned i = 0; i < view->digest_count && !found; i++) {
        found = view->digest[i].start == start && view->digest[i].length == length;
        if (found)
            memcpy(digest, view->digest[i].value, SHA256_BYTES);
    }
    pthread_mutex_unlock(&views->lock);
    return found;
}

static void remember(struct views *views, struct view *view, size_t start, size_t length,
                     const uint8_t digest[SHA256_BYTES])
{
    pthread_mutex_lock(&views->lock);
    if (view->digest_count < DIGESTS_MAX) {
        struct digest *kept = &view->digest[view->digest_count++];
        kept->start = start;
        kept->length = length;
        memcpy(kept->value, digest, SHA256_BYTES);
    }
    pthread_mutex_unlock(&views->lock);
}

static int sha256(const struct chain_crypto *crypto, const struct chain_span *spans, size_t count,
                  uint8_t digest[SHA256_BYTES])
{
    struct views_crypto *own = crypto->context;
    size_t start, length;
    bool of_view = own->current != NULL && count > 0 &&
                   spans_are_of(own->views, own->current, spans, count, &start, &length);
    if (of_view && recall(own->views, own->current, start, length, digest))
        return CHAIN_OK;
    int error = own->real->sha256(own->real, spans, count, digest);
    if (of_view && error == CHAIN_OK)
        remember(own->views, own->current, start, length, digest);
    return error;
}

static int rsa_public(const struct chain_crypto *crypto, const struct rsa3072_key *key,
                      const uint8_t signature[RSA3072_BYTES], uint8_t out[RSA3072_BYTES])
{
    struct views_crypto *own = crypto->context;
    int error = CHAIN_OK;
    bool same = own->has_opened && memcmp(own->key.n, key->n, sizeof key->n) == 0 &&
                own->key.e == key->e && memcmp(own->signature, signature, RSA3072_BYTES) == 0;
    if (!same) {
        error = own->real->rsa_public(own->real, key, signature, own->opened);
        own->key = *key;
        memcpy(own->signature, signature, RSA3072_BYTES);
        own->has_opened = error == CHAIN_OK;
    }
    if (error == CHAIN_OK)
        memcpy(out, own->opened, RSA3072_BYTES);
    return error;
}

static int ecdsa_verify(const struct chain_crypto *crypto, enum ecdsa_curve curve, const uint8_t *x,
                        const uint8_t *y, const uint8_t *r, const uint8_t *s,
                        const uint8_t digest[SHA256_BYTES])
{
    const struct views_crypto *own = crypto->context;
    return own->real->ecdsa_verify(own->real, curve, x, y, r, s, digest);
}

void views_crypto_init(struct views_crypto *own, struct views *views,
                       const struct chain_crypto *real)
{
    memset(own, 0, sizeof *own);
    own->crypto = *real;
    own->crypto.context = own;
    own->crypto.sha256 = sha256;
    own->crypto.sha256_twice = NULL; /* twice from memory is no more */
    own->crypto.rsa_public = rsa_public;
    own->crypto.ecdsa_verify = ecdsa_verify;
    own->real = real;
    own->views = views;
}
