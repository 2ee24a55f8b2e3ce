/* A store in a folder of its own, for one test. */
#ifndef TESTS_UNIT_SERVER_STORE_FIXTURE_H
#define TESTS_UNIT_SERVER_STORE_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/crypto.h"
#include "host/crypto.h"
#include "server/release/store.h"
#include "tests/unit/folder.h"

struct fixture {
    char folder[FOLDER_BYTES];
    struct store store;
};

static inline struct fixture *fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_new("store", fixture->folder);
    if (store_open(&fixture->store, fixture->folder) != STORE_OK) {
        abort();
    }
    return fixture;
}

static inline void fixture_free(struct fixture *fixture)
{
    store_close(&fixture->store);
    folder_remove(fixture->folder);
    free(fixture);
}

/* A release of `length` times `byte`, which are put into bytes[]. */
static inline struct release fixture_release(const char *version, uint8_t byte, uint8_t *bytes,
                                             uint32_t length)
{
    struct release release = {.secure_version = 3, .size = length};
    uint8_t digest[SHA256_BYTES];
    memset(bytes, byte, length);
    const struct chain_span span = {.data = bytes, .length = length};
    host_crypto.sha256(&host_crypto, &span, 1, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(release.sha256 + 2 * i, 3, "%02x", digest[i]);
    }
    snprintf(release.project, sizeof release.project, "thermo");
    snprintf(release.version, sizeof release.version, "%s", version);
    snprintf(release.published, sizeof release.published, "2026-01-31T12:00:00Z");
    return release;
}

#endif
