/* server/api/service.h: what handlers may use beside the store. Shared by all threads, read-only
 * except where a function says otherwise. */
#ifndef SERVER_API_SERVICE_H
#define SERVER_API_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/api/api.h"
#include "server/release/publish.h"
#include "server/release/store.h"

struct metrics;
struct poll_log;

struct api_service {
    const struct store *releases;     /* where artifacts lie, by their SHA-256 */
    struct publish_policy policy;     /* what an uploaded image is judged by */
    bool any_artifact;                /* take files that are no ESP32-C6 image, unjudged */
    struct metrics *metrics;          /* server/metrics.h */
    struct quota *quota;              /* of devices, server/api/quota.h; NULL: none */
    struct poll_log *polls;           /* server/fleet/poll_log.h */
    const char *const *trusted_proxy; /* addresses whose X-Controller-Id counts; ends with NULL */
};

int api_healthz(struct api_call *call);
int api_openapi(struct api_call *call);

#endif
