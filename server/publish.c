/* server/publish.c: see server/publish.h. */
#include "server/publish.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "chain/error.h"
#include "chain/verify.h"
#include "host/crypto.h"
#include "server/target.h"

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
    case PUBLISH_REFUSED_LABEL:
        return "refused-label";
    case PUBLISH_FAILED:
        break;
    }
    return "failed";
}

/* Sets the verdict and its reason; false, for `return verdict(...)` from a check. */
__attribute__((format(printf, 3, 4))) static bool
verdict(struct publish_result *result, enum publish_verdict word, const char *format, ...)
{
    va_list arguments;
    result->verdict = word;
    va_start(arguments, format);
    vsnprintf(result->reason, sizeof result->reason, format, arguments);
    va_end(arguments);
    return false;
}

static void describe_release(struct release *release, const uint8_t *bytes, size_t length)
{
    uint8_t digest[SHA256_BYTES] = {0};
    const struct chain_span whole = {.data = bytes, .length = length};
    time_t now = time(NULL);
    struct tm utc;
    host_crypto.sha256(&host_crypto, &whole, 1, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(release->sha256 + 2 * i, 3, "%02x", digest[i]);
    }
    gmtime_r(&now, &utc);
    strftime(release->published, sizeof release->published, "%Y-%m-%dT%H:%M:%SZ", &utc);
    release->size = (uint32_t)length;
}

/* What the pointer file can hold: 1 to 32 printable ASCII characters. */
static bool label_valid(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return false;
        }
    }
    return length > 0 && length <= 32;
}

static bool check_image(const struct publish_policy *policy, const uint8_t *bytes, size_t length,
                        struct publish_result *result)
{
    struct image image = {0};
    const struct verify_policy verify = {.kind = IMAGE_APP,
                                         .chip_rev = policy->chip_rev,
                                         .max_length = policy->slot_size,
                                         .trust = &policy->trust,
                                         .min_secure_version = policy->min_secure_version};
    struct image_app_desc desc;
    uint32_t word =
        verify_image(bytes, length, &verify, &host_crypto, &image, &desc, &result->chain);
    if (word != SIGBLOCK_TRUSTED) {
        if (policy->slot_size != 0 && length > policy->slot_size) {
            return verdict(result, PUBLISH_REFUSED_IMAGE,
                           "larger than its slot: %zu bytes, the slot has %u", length,
                           policy->slot_size);
        }
        return verdict(result, PUBLISH_REFUSED_IMAGE, "a device would refuse this: %s",
                       chain_error_text(result->chain));
    }
    size_t whole = (size_t)image.signed_length + SIGBLOCK_SECTOR_BYTES;
    if (length != whole) {
        return verdict(result, PUBLISH_REFUSED_TRAILING,
                       "%zu bytes after the signature sector, covered by no signature",
                       length - whole);
    }
    return true;
}

static bool check_product(const struct publish_policy *policy, struct publish_result *result)
{
    if (strcmp(result->release.project, policy->product) == 0) {
        return true;
    }
    return verdict(result, PUBLISH_REFUSED_PRODUCT,
                   "the application is \"%s\", not \"%s\" (is this the right product?)",
                   result->release.project, policy->product);
}

static bool check_successor(const struct publish_policy *policy, struct publish_result *result)
{
    const struct release *now = &result->release;
    const struct release *before = &result->before;
    if (!result->replaced) {
        return true;
    }
    if (now->secure_version < before->secure_version && !policy->lower_secure_version) {
        return verdict(result, PUBLISH_REFUSED_SECURE_VERSION,
                       "secure version %u is lower than the published %u: devices that burned "
                       "it never take this image (--lower-secure-version if you are sure)",
                       now->secure_version, before->secure_version);
    }
    if (image_version_compare(now->version, before->version) <= 0 && !policy->force) {
        return verdict(result, PUBLISH_REFUSED_VERSION,
                       "version %s is not newer than the published %s (--force publishes it)",
                       now->version, before->version);
    }
    return true;
}

/* Version, project and secure version as the image states them. */
static bool read_labels(const struct publish_policy *policy, const uint8_t *bytes, size_t length,
                        struct publish_result *result)
{
    struct image_app_desc desc;
    struct release *release = &result->release;
    if (image_app_desc_read(bytes, length, &desc) == CHAIN_OK) {
        snprintf(release->project, sizeof release->project, "%s", desc.project_name);
        snprintf(release->version, sizeof release->version, "%s", desc.version);
        release->secure_version = desc.secure_version;
    } else if (policy->unchecked) {
        snprintf(release->project, sizeof release->project, "%.32s", policy->product);
    }
    if (policy->unchecked && policy->version != NULL) {
        snprintf(release->version, sizeof release->version, "%s", policy->version);
    }
    if (label_valid(release->version) && label_valid(release->project)) {
        return true;
    }
    return verdict(result, PUBLISH_REFUSED_LABEL,
                   "the image names no version and project of 1 to 32 printable characters%s",
                   policy->unchecked ? " (--as VERSION gives it one)" : "");
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
        return verdict(result, PUBLISH_FAILED,
                       "the pointer file of %s/%s is damaged (--force replaces it)",
                       policy->product, policy->channel);
    }
    if (error != STORE_OK && error != STORE_ENONE) {
        return verdict(result, PUBLISH_FAILED, "the store cannot be read: %s",
                       store_error_text(error));
    }
    result->replaced = error == STORE_OK;
    return true;
}

static bool write_release(const struct store *store, const struct publish_policy *policy,
                          const uint8_t *bytes, struct publish_result *result)
{
    int error = store_put_image(store, &result->release, bytes);
    if (error == STORE_OK) {
        error = store_point(store, policy->product, policy->channel, &result->release);
    }
    if (error == STORE_OK) {
        return true;
    }
    return verdict(result, PUBLISH_FAILED, "the store cannot be written: %s",
                   store_error_text(error));
}

/* All checks, cheapest meaning first: is it sound, is it ours, is it next. */
static bool judge(const struct store *store, const struct publish_policy *policy,
                  const uint8_t *bytes, size_t length, struct publish_result *result)
{
    if (policy->unchecked) {
        return read_labels(policy, bytes, length, result) && read_before(store, policy, result);
    }
    return check_image(policy, bytes, length, result) &&
           read_labels(policy, bytes, length, result) && check_product(policy, result) &&
           read_before(store, policy, result) && check_successor(policy, result);
}

void publish_image(const struct store *store, const struct publish_policy *policy,
                   const uint8_t *bytes, size_t length, struct publish_result *result)
{
    int lock;
    memset(result, 0, sizeof *result);
    if (!name_valid_product(policy->product, strlen(policy->product)) ||
        !name_valid(policy->channel, strlen(policy->channel))) {
        verdict(result, PUBLISH_FAILED, "\"%s/%s\": %s", policy->product, policy->channel,
                store_error_text(STORE_ENAME));
        return;
    }
    if (length == 0 || length > RELEASE_SIZE_MAX) {
        result->chain = CHAIN_EBOUNDS;
        verdict(result, PUBLISH_REFUSED_IMAGE, "%zu bytes do not fit any ESP32-C6", length);
        return;
    }
    describe_release(&result->release, bytes, length);
    int error = store_lock(store, &lock);
    if (error != STORE_OK) {
        verdict(result, PUBLISH_FAILED, "the store cannot be locked: %s", store_error_text(error));
        return;
    }
    if (judge(store, policy, bytes, length, result)) {
        write_release(store, policy, bytes, result);
    }
    store_unlock(lock);
}
