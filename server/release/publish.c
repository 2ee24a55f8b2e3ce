/* server/release/publish.c: from a good image to a release (server/release/publish.h). */
#include <stdlib.h>

#include "chain/image.h"
#include "server/release/metadata.h"
#include "server/release/publish_verdict.h"

const char *publish_verdict_word(enum publish_verdict verdict)
{
    switch (verdict) {
    case PUBLISH_DONE:
        return "published";
    case PUBLISH_REFUSED_IMAGE:
        return "refused-image";
    case PUBLISH_REFUSED_TRAILING:
        return "refused-trailing";
    case PUBLISH_REFUSED_PRODUCT:
        return "refused-product";
    case PUBLISH_REFUSED_VERSION:
        return "refused-version";
    case PUBLISH_REFUSED_SECURE_VERSION:
        return "refused-secure-version";
    case PUBLISH_REFUSED_SIZE:
        return "refused-size";
    case PUBLISH_REFUSED_KEYS:
        return "refused-keys";
    case PUBLISH_REFUSED_LABEL:
        return "refused-label";
    case PUBLISH_FAILED:
        break;
    }
    return "failed";
}

static bool check_successor(const struct publish_policy *policy, struct publish_result *result)
{
    const struct release *now = &result->release;
    const struct release *before = &result->before;
    if (!result->replaced) {
        return true;
    }
    if (now->secure_version < before->secure_version && !policy->lower_secure_version) {
        return publish_refuse(
            result, PUBLISH_REFUSED_SECURE_VERSION,
            "secure version %u is lower than the published %u: devices that burned "
            "it never take this image (--lower-secure-version if you are sure)",
            now->secure_version, before->secure_version);
    }
    if (image_version_compare(now->version, before->version) <= 0 && !policy->force) {
        return publish_refuse(
            result, PUBLISH_REFUSED_VERSION,
            "version %s is not newer than the published %s (--force publishes it)", now->version,
            before->version);
    }
    return true;
}

/* The release published so far. A damaged pointer is replaced only when forced: what it said about
 * versions is lost. */
static bool read_before(const struct store *store, const struct publish_policy *policy,
                        struct publish_result *result)
{
    int error = store_get(store, policy->product, policy->channel, &result->before);
    if (error == STORE_EDAMAGED && (policy->force || policy->unchecked)) {
        return true;
    }
    if (error == STORE_EDAMAGED) {
        return publish_refuse(result, PUBLISH_FAILED,
                              "the pointer file of %s/%s is damaged (--force replaces it)",
                              policy->product, policy->channel);
    }
    if (error != STORE_OK && error != STORE_ENONE) {
        return publish_refuse(result, PUBLISH_FAILED, "the store cannot be read: %s",
                              store_error_text(error));
    }
    result->replaced = error == STORE_OK;
    return true;
}

/* Image, metadata, pointer: the pointer comes last, so what it names is there and whole. */
static int write_release(const struct store *store, const struct publish_policy *policy,
                         const uint8_t *bytes, const struct release *release)
{
    char *metadata = metadata_make(bytes, release->size);
    if (metadata == NULL) {
        return STORE_EMEMORY;
    }
    int error = store_put_image(store, release, bytes);
    if (error == STORE_OK) {
        error = store_put_metadata(store, release->sha256, metadata);
    }
    free(metadata);
    return error == STORE_OK ? store_point(store, policy->product, policy->channel, release)
                             : error;
}

void publish_image(const struct store *store, const struct publish_policy *policy,
                   const uint8_t *bytes, size_t length, struct publish_result *result)
{
    int lock;
    if (!publish_check(policy, bytes, length, result)) {
        return;
    }
    int error = store_lock(store, &lock);
    if (error != STORE_OK) {
        publish_refuse(result, PUBLISH_FAILED, "the store cannot be locked: %s",
                       store_error_text(error));
        return;
    }
    if (read_before(store, policy, result) &&
        (policy->unchecked || check_successor(policy, result))) {
        error = write_release(store, policy, bytes, &result->release);
        if (error != STORE_OK) {
            publish_refuse(result, PUBLISH_FAILED, "the store cannot be written: %s",
                           store_error_text(error));
        }
    }
    store_unlock(lock);
}
