/* server/release/offer.c: see server/release/offer.h. */
#include "server/release/offer.h"

#include <jansson.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/digest.h"

#define SETTLED_S 1 /* coarser than any file system's clock */

static struct offer_slot *slot_of(struct offer_cache *cache, const char *product,
                                  const char *channel)
{
    unsigned hash = 5381;
    for (const char *at = product; *at != '\0'; at++) {
        hash = hash * 33 + (unsigned char)*at;
    }
    for (const char *at = channel; *at != '\0'; at++) {
        hash = hash * 33 + (unsigned char)*at;
    }
    return &cache->slot[hash % OFFER_SLOTS];
}

static bool same_stamp(const struct store_stamp *a, const struct store_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Long enough ago that a later change shows in the times. */
static bool settled(const struct store_stamp *stamp)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - stamp->changed.tv_sec > SETTLED_S;
}

static void hash_text(const char *text, size_t length, char etag[OFFER_ETAG_MAX])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)text, length, digest);
    etag[0] = '"';
    digest_print(digest, sizeof digest, etag + 1);
    etag[OFFER_ETAG_MAX - 2] = '"';
    etag[OFFER_ETAG_MAX - 1] = '\0';
}

static int make_answers(struct offer *offer, const char *product, const char *channel)
{
    const struct release *release = &offer->release;
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:I, s:s, s:I, s:s}", "product", product, "channel", channel, "version",
        release->version, "size", (json_int_t)release->size, "sha256", release->sha256,
        "secure_version", (json_int_t)release->secure_version, "published", release->published);
    offer->info_length = json_dumpb(object, offer->info, sizeof offer->info, JSON_COMPACT);
    json_decref(object);
    if (offer->info_length == 0 || offer->info_length > sizeof offer->info) {
        return STORE_EMEMORY;
    }
    hash_text(offer->info, offer->info_length, offer->info_etag);
    snprintf(offer->image_etag, sizeof offer->image_etag, "\"%s\"", release->sha256);
    return STORE_OK;
}

int offer_get(struct offer_cache *cache, const struct store *store, const char *product,
              const char *channel, const struct offer **offer)
{
    struct offer_slot *slot = slot_of(cache, product, channel);
    struct store_stamp before;
    struct store_stamp after;
    *offer = &slot->offer;
    int error = store_get_stamp(store, product, channel, &before);
    if (error != STORE_OK) {
        return error;
    }
    if (slot->used && strcmp(slot->product, product) == 0 && strcmp(slot->channel, channel) == 0 &&
        same_stamp(&slot->stamp, &before)) {
        cache->hits++;
        return STORE_OK;
    }
    slot->used = false;
    error = store_get(store, product, channel, &slot->offer.release);
    if (error == STORE_OK) {
        error = make_answers(&slot->offer, product, channel);
    }
    if (error != STORE_OK || store_get_stamp(store, product, channel, &after) != STORE_OK ||
        !same_stamp(&before, &after) || !settled(&before)) {
        return error; /* an answer for now, not to be kept */
    }
    snprintf(slot->product, sizeof slot->product, "%s", product);
    snprintf(slot->channel, sizeof slot->channel, "%s", channel);
    slot->stamp = before;
    slot->used = true;
    return STORE_OK;
}
