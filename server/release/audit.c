/* server/release/audit.c: see server/release/audit.h. */
#include "server/release/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/release/metadata.h"
#include "server/release/ota_target.h"

struct audit {
    const struct store *store;
    const struct publish_policy *policy;
    audit_visit *each;
    void *context;
};

/* Sets the reason; false, for `return wrong(...)` from a check. */
__attribute__((format(printf, 2, 3))) static bool wrong(char reason[256], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, 256, format, arguments);
    va_end(arguments);
    return false;
}

static bool check_metadata(const struct store *store, const char *sha256, const uint8_t *bytes,
                           uint32_t length, char reason[256])
{
    char text[METADATA_BYTES_MAX];
    int error = store_read_metadata(store, sha256, text, sizeof text);
    if (error != STORE_OK) {
        return wrong(reason, "its metadata file: %s (publish it again with --force)",
                     error == STORE_ENONE ? "missing" : store_error_text(error));
    }
    char *expected = metadata_make(bytes, length);
    if (expected == NULL) {
        return wrong(reason, "%s", store_error_text(STORE_EMEMORY));
    }
    bool same = strcmp(text, expected) == 0;
    free(expected);
    return same || wrong(reason, "its metadata file says something else than the image (publish "
                                 "it again with --force)");
}

/* What the pointer says beside what the image says. `found` is from publish_check(). */
static bool check_pointer(const struct release *release, const struct release *found,
                          char reason[256])
{
    if (strcmp(release->version, found->version) != 0 ||
        strcmp(release->project, found->project) != 0 ||
        release->secure_version != found->secure_version) {
        return wrong(reason,
                     "the pointer says %s %s, secure version %u; the image %s %s, %u (publish it "
                     "again with --force)",
                     release->project, release->version, release->secure_version, found->project,
                     found->version, found->secure_version);
    }
    return true;
}

static bool check_release(const struct audit *audit, const struct publish_policy *policy,
                          const struct release *release, const uint8_t *bytes, char reason[256])
{
    struct publish_result found;
    bool good = publish_check(policy, bytes, release->size, &found);
    if (strcmp(release->sha256, found.release.sha256) != 0) {
        return wrong(reason, "the image's bytes have changed: their SHA-256 is %s",
                     found.release.sha256);
    }
    if (!good) {
        return wrong(reason, "%s", found.reason);
    }
    return check_pointer(release, &found.release, reason) &&
           check_metadata(audit->store, release->sha256, bytes, release->size, reason);
}

static void audit_channel(void *context, const char *product, const char *channel, int error,
                          const struct release *release)
{
    struct audit *audit = context;
    struct publish_policy policy = *audit->policy;
    char what[2 * NAME_BYTES_MAX + 2];
    char reason[256] = "";
    uint8_t *bytes = NULL;
    if (strcmp(product, policy.product) != 0 ||
        (policy.channel != NULL && strcmp(channel, policy.channel) != 0)) {
        return;
    }
    policy.channel = channel;
    snprintf(what, sizeof what, "%s/%s", product, channel);
    if (error != STORE_OK) {
        wrong(reason, "the pointer file: %s", store_error_text(error));
        audit->each(audit->context, what, NULL, reason);
        return;
    }
    error = store_read_image(audit->store, release, &bytes);
    if (error == STORE_EDAMAGED) {
        wrong(reason, "the image is missing or of another size");
    } else if (error != STORE_OK) {
        wrong(reason, "the image: %s", store_error_text(error));
    } else {
        check_release(audit, &policy, release, bytes, reason);
    }
    free(bytes);
    audit->each(audit->context, what, release, reason);
}

int release_audit(const struct store *store, const struct publish_policy *policy, audit_visit *each,
                  void *context)
{
    struct audit audit = {.store = store, .policy = policy, .each = each, .context = context};
    return store_list(store, audit_channel, &audit);
}
