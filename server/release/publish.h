/* server/release/publish.h: the check between a signed image and the devices.
 *
 * Publishing refuses what a device would refuse, so that a wrong file is noticed by the one person
 * who releases it and not by all devices that fetch it: the same verify_image() runs here, and the
 * rules a release line adds (right product, newer version). Nothing is written before the verdict
 * is final.
 */
#ifndef SERVER_RELEASE_PUBLISH_H
#define SERVER_RELEASE_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/sigblock.h"
#include "server/release/store.h"

enum publish_verdict {
    PUBLISH_DONE,
    PUBLISH_REFUSED_IMAGE,          /* verify_image() refused; `chain` says why */
    PUBLISH_REFUSED_TRAILING,       /* bytes after the signature sector */
    PUBLISH_REFUSED_PRODUCT,        /* the application names another project */
    PUBLISH_REFUSED_VERSION,        /* not newer than the published one */
    PUBLISH_REFUSED_SECURE_VERSION, /* lower than the published one */
    PUBLISH_REFUSED_SIZE,           /* larger than the slot, the policy's limit or any flash */
    PUBLISH_REFUSED_KEYS,           /* one of several required keys has not signed */
    PUBLISH_REFUSED_LABEL,          /* the image names no usable version or project */
    PUBLISH_FAILED,                 /* the store could not be read or written */
};

struct publish_policy {
    const char *product;
    const char *channel;
    struct sigblock_trust trust; /* required keys, each must have signed; >= 1 unless unchecked */
    uint32_t max_size;           /* bytes a release may have; 0 = no limit of its own */
    uint32_t slot_size;          /* bytes an image may take; 0 = only RELEASE_SIZE_MAX */
    uint32_t min_secure_version; /* anti-rollback floor of the devices; 0 = none */
    uint16_t chip_rev;           /* oldest chip in the field, major * 100 + minor */
    bool force;                  /* a version that is not newer is fine */
    bool lower_secure_version;   /* and even a lower secure version is */
    bool unchecked;              /* skip every check: to rehearse attacks, never for devices */
    const char *version;         /* unchecked only: publish under this version; NULL: image's own */
};

struct publish_result {
    enum publish_verdict verdict;
    int chain;              /* chain_error of PUBLISH_REFUSED_IMAGE */
    struct release release; /* what was, or would have been, published */
    bool replaced;          /* `before` was published until now */
    struct release before;
    char reason[256]; /* what is wrong (and what to do); empty when done */
};

/* All that can be said without a store, of bytes that came from anywhere (an upload): fills in
 * result->release and the verdict. True with PUBLISH_DONE: bytes[length] is a release of the
 * product, which publish_image() would take unless a newer one is published. */
bool publish_check(const struct publish_policy *policy, const uint8_t *bytes, size_t length,
                   struct publish_result *result);

/* publish_check(), then the rules of succession, under the store's lock, then publication. The
 * store changes only with PUBLISH_DONE, and then by one rename. */
void publish_image(const struct store *store, const struct publish_policy *policy,
                   const uint8_t *bytes, size_t length, struct publish_result *result);

/* "refused-version" and the like: one stable word per verdict, for scripts. */
const char *publish_verdict_word(enum publish_verdict verdict);

#endif
