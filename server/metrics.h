/* server/metrics.h: what the server counts, as Prometheus reads it.
 *
 *     trustchain_requests_total{class,status}       answers, by what was asked and "2xx" ... "5xx"
 *     trustchain_request_seconds{class}             histogram: from the request to its last byte
 *     trustchain_sent_bytes_total{class}            bodies; class "artifact" and "ota" are images
 *     trustchain_connections{port}                  open now
 *     trustchain_tls_handshakes_total{port,resumed} handshakes done: "yes" or "no"
 *     trustchain_store_jobs_waiting                 transactions that have not ended ...
 *     trustchain_store_reads_waiting                ... and the long reads among people's requests
 *     trustchain_enrolments_refused_total           requests of devices for which there is no room
 *     trustchain_targets{status}, {version}         the fleet, of the asker's tenant
 *     trustchain_rollout_targets{rollout,state}     rollouts that have not been deleted
 *
 * The first eight are of this process, since it started; the others are the store's, read at most
 * every 5 seconds.
 */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/db/pool.h"

struct api_call;

enum metric_class {
    METRIC_POLL,
    METRIC_FEEDBACK,
    METRIC_ARTIFACT,
    METRIC_DEVICE, /* else of a device */
    METRIC_OTA,
    METRIC_MANAGE,
    METRIC_CONSOLE,
    METRIC_OTHER,
    METRIC_CLASSES,
};

/* By the path alone, query or not. */
enum metric_class metric_class_of(const char *path, size_t length);

struct metrics;

struct metrics *metrics_new(struct pool *pool, struct pool *readers); /* NULL: out of memory */
void metrics_free(struct metrics *metrics);

/* From any thread. `metrics` may be NULL. */
void metrics_request(struct metrics *metrics, enum metric_class class, int status,
                     int64_t microseconds, size_t bytes);
void metrics_connection(struct metrics *metrics, unsigned port, int change);
void metrics_enrolment_refused(struct metrics *metrics);
void metrics_handshake(struct metrics *metrics, unsigned port, bool resumed);

/* The handler of GET /metrics. */
int api_metrics(struct api_call *call);

#endif
