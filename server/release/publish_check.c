/* server/release/publish_check.c: what needs the image alone: would a device take it, is it ours,
 * does it keep the policy? (server/release/publish.h) */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "chain/error.h"
#include "chain/verify.h"
#include "host/crypto.h"
#include "server/digest.h"
#include "server/release/publish_verdict.h"
#include "server/release/ota_target.h"

bool publish_refuse(struct publish_result *result, enum publish_verdict word, const char *format,
                    ...)
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
    digest_print(digest, sizeof digest, release->sha256);
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

static bool check_size(const struct publish_policy *policy, size_t length,
                       struct publish_result *result)
{
    if (policy->slot_size != 0 && length > policy->slot_size) {
        return publish_refuse(result, PUBLISH_REFUSED_SIZE,
                              "larger than its slot: %zu bytes, the slot has %u", length,
                              policy->slot_size);
    }
    if (policy->max_size != 0 && length > policy->max_size) {
        return publish_refuse(result, PUBLISH_REFUSED_SIZE,
                              "%zu bytes are more than the limit of %u ([release] max_size, "
                              "--max-size)",
                              length, policy->max_size);
    }
    return true;
}

/* One trusted signature is enough for a device, but not every device trusts the same key: while
 * keys rotate, each required one must have signed. */
static bool check_keys(const struct publish_policy *policy, const struct image *image,
                       const uint8_t *bytes, size_t length, struct publish_result *result)
{
    const uint8_t *sector = bytes + image->signed_length;
    uint8_t digest[SHA256_BYTES];
    if (policy->trust.count < 2) {
        return true; /* the one key is the trusted one */
    }
    result->chain = image_signed_digest(image, bytes, length, &host_crypto, digest);
    for (uint8_t i = 0; result->chain == CHAIN_OK && i < policy->trust.count; i++) {
        struct sigblock_trust one = {.count = 1};
        memcpy(one.digest[0], policy->trust.digest[i], SHA256_BYTES);
        if (sigblock_verify(sector, digest, &one, &host_crypto, &result->chain, NULL) !=
            SIGBLOCK_TRUSTED) {
            const uint8_t *key = one.digest[0];
            return publish_refuse(result, PUBLISH_REFUSED_KEYS,
                                  "required key %u of %u (digest %02x%02x%02x%02x...) %s "
                                  "(trustchain sign --append)",
                                  i + 1u, policy->trust.count, key[0], key[1], key[2], key[3],
                                  result->chain == CHAIN_EUNTRUSTED
                                      ? "has not signed it"
                                      : "is in it, but its signature does not verify");
        }
    }
    return result->chain == CHAIN_OK ||
           publish_refuse(result, PUBLISH_FAILED, "%s", chain_error_text(result->chain));
}

static bool check_image(const struct publish_policy *policy, const uint8_t *bytes, size_t length,
                        struct publish_result *result)
{
    struct image image = {0};
    struct image_app_desc desc;
    const struct verify_policy verify = {.kind = IMAGE_APP,
                                         .chip_rev = policy->chip_rev,
                                         .max_length = policy->slot_size,
                                         .trust = &policy->trust,
                                         .min_secure_version = policy->min_secure_version,
                                         .own_mmu_page = true};
    if (verify_image(bytes, length, &verify, &host_crypto, &image, &desc, &result->chain) !=
        SIGBLOCK_TRUSTED) {
        return publish_refuse(result, PUBLISH_REFUSED_IMAGE, "a device would refuse this: %s",
                              chain_error_text(result->chain));
    }
    size_t whole = (size_t)image.signed_length + SIGBLOCK_SECTOR_BYTES;
    if (length != whole) {
        return publish_refuse(result, PUBLISH_REFUSED_TRAILING,
                              "%zu bytes after the signature sector, covered by no signature",
                              length - whole);
    }
    return check_keys(policy, &image, bytes, length, result);
}

static bool check_product(const struct publish_policy *policy, struct publish_result *result)
{
    if (strcmp(result->release.project, policy->product) == 0) {
        return true;
    }
    return publish_refuse(result, PUBLISH_REFUSED_PRODUCT,
                          "the application is \"%s\", not \"%s\" (is this the right product?)",
                          result->release.project, policy->product);
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
    release->version[0] = release->project[0] = '\0';
    return publish_refuse(
        result, PUBLISH_REFUSED_LABEL,
        "the image names no version and project of 1 to 32 printable characters%s",
        policy->unchecked ? " (--as VERSION gives it one)" : "");
}

bool publish_check(const struct publish_policy *policy, const uint8_t *bytes, size_t length,
                   struct publish_result *result)
{
    memset(result, 0, sizeof *result);
    if (!name_valid_product(policy->product, strlen(policy->product)) ||
        !name_valid(policy->channel, strlen(policy->channel))) {
        return publish_refuse(result, PUBLISH_FAILED, "\"%s/%s\": %s", policy->product,
                              policy->channel, store_error_text(STORE_ENAME));
    }
    if (length == 0 || length > RELEASE_SIZE_MAX) {
        return publish_refuse(result, PUBLISH_REFUSED_SIZE, "%zu bytes do not fit any ESP32-C6",
                              length);
    }
    describe_release(&result->release, bytes, length);
    if (policy->unchecked) {
        return read_labels(policy, bytes, length, result);
    }
    return check_size(policy, length, result) && check_image(policy, bytes, length, result) &&
           read_labels(policy, bytes, length, result) && check_product(policy, result);
}
