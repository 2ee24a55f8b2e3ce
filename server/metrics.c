/* server/metrics.c: see server/metrics.h. */
#include "server/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/service.h"

#define STATUSES 6 /* by hundreds; 0: aborted before there was one */
#define PORTS    2
#define FRESH_MS 5000

/* Upper bounds of the histogram, in milliseconds. */
static const unsigned bounds[] = {1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10000};
#define BOUNDS (sizeof bounds / sizeof bounds[0])

static const char *const class_words[METRIC_CLASSES] = {"poll", "feedback",   "artifact", "device",
                                                        "ota",  "management", "console",  "other"};
static const char *const port_words[PORTS] = {"device", "management"};

struct class_counts {
    _Atomic uint64_t status[STATUSES];
    _Atomic uint64_t within[BOUNDS + 1]; /* the last: above all bounds */
    _Atomic uint64_t microseconds;
    _Atomic uint64_t bytes;
};

struct metrics {
    struct pool *pool;
    struct pool *readers;
    struct class_counts class[METRIC_CLASSES];
    _Atomic int64_t connections[PORTS];
    _Atomic uint64_t enrolments_refused;
    _Atomic uint64_t handshakes[PORTS][2]; /* full, resumed */
    pthread_mutex_t lock;                  /* of the rest: what the store said last */
    int64_t tenant;
    int64_t read_at;
    bool reading; /* somebody asks the store; the others take what there is */
    char *fleet;
};

struct metrics *metrics_new(struct pool *pool, struct pool *readers)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics == NULL)
        return NULL;
    metrics->pool = pool;
    metrics->readers = readers;
    pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    pthread_mutex_destroy(&metrics->lock);
    free(metrics->fleet);
    free(metrics);
}

/* Counting */

static bool starts(const char *path, size_t length, const char *with)
{
    size_t count = strlen(with);
    return length >= count && memcmp(path, with, count) == 0;
}

static bool ends(const char *path, size_t length, const char *with)
{
    size_t count = strlen(with);
    return length >= count && memcmp(path + length - count, with, count) == 0;
}

/* `rest` is what comes behind "/controller/v1/". */
static enum metric_class device_class(const char *rest, size_t length)
{
    const char *slash = memchr(rest, '/', length);
    if (slash == NULL)
        return METRIC_POLL;
    if (starts(slash, length - (size_t)(slash - rest), "/softwaremodules/"))
        return METRIC_ARTIFACT;
    return ends(rest, length, "/feedback") ? METRIC_FEEDBACK : METRIC_DEVICE;
}

enum metric_class metric_class_of(const char *path, size_t length)
{
    static const char controller[] = "/controller/v1/";
    const char *query = memchr(path, '?', length);
    length = query != NULL ? (size_t)(query - path) : length;
    if (starts(path, length, "/ota/"))
        return METRIC_OTA;
    if (starts(path, length, "/rest/"))
        return METRIC_MANAGE;
    if (starts(path, length, "/console"))
        return METRIC_CONSOLE;
    const char *tenant_end = length > 1 ? memchr(path + 1, '/', length - 1) : NULL;
    if (tenant_end == NULL)
        return METRIC_OTHER;
    size_t left = length - (size_t)(tenant_end - path);
    if (!starts(tenant_end, left, controller))
        return METRIC_OTHER;
    return device_class(tenant_end + sizeof controller - 1, left - (sizeof controller - 1));
}

static void count(_Atomic uint64_t *what, uint64_t by)
{
    atomic_fetch_add_explicit(what, by, memory_order_relaxed);
}

void metrics_request(struct metrics *metrics, enum metric_class class, int status,
                     int64_t microseconds, size_t bytes)
{
    size_t bound = 0;
    if (metrics == NULL)
        return;
    struct class_counts *counts = &metrics->class[class];
    int64_t took = microseconds > 0 ? microseconds : 0;
    while (bound < BOUNDS && took > (int64_t)bounds[bound] * 1000)
        bound++;
    count(&counts->status[status >= 100 && status < 600 ? status / 100 : 0], 1);
    count(&counts->within[bound], 1);
    count(&counts->microseconds, (uint64_t)took);
    count(&counts->bytes, bytes);
}

void metrics_connection(struct metrics *metrics, unsigned port, int change)
{
    if (metrics != NULL)
        atomic_fetch_add_explicit(&metrics->connections[port], change, memory_order_relaxed);
}

void metrics_enrolment_refused(struct metrics *metrics)
{
    if (metrics != NULL)
        count(&metrics->enrolments_refused, 1);
}

void metrics_handshake(struct metrics *metrics, unsigned port, bool resumed)
{
    if (metrics != NULL)
        count(&metrics->handshakes[port][resumed], 1);
}

/* Printing */

static void print_head(FILE *out, const char *name, const char *kind, const char *help)
{
    fprintf(out, "# HELP trustchain_%s %s\n# TYPE trustchain_%s %s\n", name, help, name, kind);
}

static void print_requests(FILE *out, struct metrics *metrics)
{
    static const char *const words[STATUSES] = {"aborted", "1xx", "2xx", "3xx", "4xx", "5xx"};
    print_head(out, "requests_total", "counter", "Requests answered.");
    for (unsigned i = 0; i < METRIC_CLASSES; i++) {
        for (unsigned j = 0; j < STATUSES; j++) {
            uint64_t value = atomic_load(&metrics->class[i].status[j]);
            if (value > 0)
                fprintf(out, "trustchain_requests_total{class=\"%s\",status=\"%s\"} %" PRIu64 "\n",
                        class_words[i], words[j], value);
        }
    }
    print_head(out, "sent_bytes_total", "counter", "Bytes of bodies sent.");
    for (unsigned i = 0; i < METRIC_CLASSES; i++)
        fprintf(out, "trustchain_sent_bytes_total{class=\"%s\"} %" PRIu64 "\n", class_words[i],
                (uint64_t)atomic_load(&metrics->class[i].bytes));
}

/* Seconds, without the locale's idea of a decimal point. */
static void print_seconds(FILE *out, uint64_t microseconds)
{
    fprintf(out, "%" PRIu64 ".%06u", microseconds / 1000000, (unsigned)(microseconds % 1000000));
}

static void print_latency(FILE *out, struct metrics *metrics)
{
    print_head(out, "request_seconds", "histogram", "From the request to its last byte.");
    for (unsigned i = 0; i < METRIC_CLASSES; i++) {
        struct class_counts *counts = &metrics->class[i];
        const char *word = class_words[i];
        uint64_t sum = 0;
        for (unsigned j = 0; j <= BOUNDS; j++) {
            sum += atomic_load(&counts->within[j]);
            fprintf(out, "trustchain_request_seconds_bucket{class=\"%s\",le=\"", word);
            if (j < BOUNDS)
                print_seconds(out, bounds[j] * 1000ull);
            fprintf(out, "%s\"} %" PRIu64 "\n", j < BOUNDS ? "" : "+Inf", sum);
        }
        fprintf(out, "trustchain_request_seconds_sum{class=\"%s\"} ", word);
        print_seconds(out, atomic_load(&counts->microseconds));
        fprintf(out, "\ntrustchain_request_seconds_count{class=\"%s\"} %" PRIu64 "\n", word, sum);
    }
}

static void print_waiting(FILE *out, const char *name, struct pool *pool, const char *help)
{
    print_head(out, name, "gauge", help);
    fprintf(out, "trustchain_%s %u\n", name, pool != NULL ? pool_waiting(pool) : 0);
}

static void print_connections(FILE *out, struct metrics *metrics)
{
    static const char *const resumed[] = {"no", "yes"};
    print_head(out, "connections", "gauge", "Connections open.");
    for (unsigned i = 0; i < PORTS; i++)
        fprintf(out, "trustchain_connections{port=\"%s\"} %" PRId64 "\n", port_words[i],
                (int64_t)atomic_load(&metrics->connections[i]));
    print_head(out, "tls_handshakes_total", "counter", "TLS handshakes done.");
    for (unsigned i = 0; i < PORTS; i++) {
        for (unsigned j = 0; j < 2; j++)
            fprintf(out,
                    "trustchain_tls_handshakes_total{port=\"%s\",resumed=\"%s\"} %" PRIu64 "\n",
                    port_words[i], resumed[j], (uint64_t)atomic_load(&metrics->handshakes[i][j]));
    }
}

static void print_process(FILE *out, struct metrics *metrics)
{
    print_requests(out, metrics);
    print_latency(out, metrics);
    print_connections(out, metrics);
    print_waiting(out, "store_jobs_waiting", metrics->pool, "Transactions that have not ended.");
    print_waiting(out, "store_reads_waiting", metrics->readers, "Long reads that have not ended.");
    print_head(out, "enrolments_refused_total", "counter", "Devices for which there is no room.");
    fprintf(out, "trustchain_enrolments_refused_total %" PRIu64 "\n",
            (uint64_t)atomic_load(&metrics->enrolments_refused));
}

/* A label's value: quotes, backslashes and line ends escaped. */
static void print_label(FILE *out, const char *name, const char *value)
{
    fprintf(out, "%s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        if (*value == '\n')
            fputs("\\n", out);
        else
            fputc(*value, out);
    }
    fputc('"', out);
}

/* Rows of one or two labels and a number. */
static int print_rows(FILE *out, struct api_call *call, const char *sql, const char *metric,
                      const char *first, const char *second)
{
    struct db_rows *rows = db_query(call->fleet.db, sql, DB_ARGS(db_i(call->fleet.tenant)));
    int status;
    while ((status = db_next(rows)) == DB_ROW) {
        fprintf(out, "trustchain_%s{", metric);
        print_label(out, first, db_text(rows, 0));
        if (second != NULL) {
            fputc(',', out);
            print_label(out, second, db_text(rows, 1));
        }
        fprintf(out, "} %" PRId64 "\n", db_int(rows, second != NULL ? 2 : 1));
    }
    return status;
}

static int print_fleet(FILE *out, struct api_call *call)
{
    static const char by_status[] =
        "SELECT update_status, COUNT(*) FROM target WHERE tenant = $1 GROUP BY update_status";
    static const char by_version[] =
        "SELECT s.name, s.version, t.number FROM (SELECT installed_set, COUNT(*) AS number"
        " FROM target WHERE tenant = $1 AND installed_set IS NOT NULL GROUP BY installed_set)"
        " AS t JOIN dist_set AS s ON s.id = t.installed_set";
    static const char by_rollout[] =
        "SELECT r.name, c.state, SUM(c.number) FROM rollout AS r JOIN rollout_group AS g"
        " ON g.rollout = r.id JOIN rollout_count AS c ON c.rollout_group = g.id"
        " WHERE r.tenant = $1 GROUP BY r.name, c.state";
    print_head(out, "targets", "gauge", "Devices by update status.");
    int status = print_rows(out, call, by_status, "targets", "status", NULL);
    print_head(out, "targets_installed", "gauge", "Devices by what is installed.");
    if (status == DB_OK)
        status = print_rows(out, call, by_version, "targets_installed", "set", "version");
    print_head(out, "rollout_targets", "gauge", "Devices of rollouts by their state.");
    if (status == DB_OK)
        status = print_rows(out, call, by_rollout, "rollout_targets", "rollout", "state");
    return status;
}

/* The store's part as text, which is the caller's. */
static int read_fleet(struct api_call *call, char **text)
{
    size_t length = 0;
    FILE *out = open_memstream(text, &length);
    if (out == NULL)
        return DB_EIO;
    int status = print_fleet(out, call);
    if (fclose(out) == 0 && status == DB_OK)
        return FLEET_OK;
    free(*text);
    return status != DB_OK ? status : DB_EIO;
}

/* Prints what the store said within the last few seconds. False: it has to be asked, by the caller.
 * Nobody waits for somebody else's question. */
static bool print_known(FILE *out, struct metrics *metrics, const struct fleet *fleet)
{
    pthread_mutex_lock(&metrics->lock);
    bool fresh = metrics->reading || fleet->now - metrics->read_at < FRESH_MS;
    bool known = fresh && metrics->fleet != NULL && metrics->tenant == fleet->tenant;
    if (known)
        fputs(metrics->fleet, out);
    metrics->reading = metrics->reading || !known;
    pthread_mutex_unlock(&metrics->lock);
    return known;
}

static int ask_store(FILE *out, struct metrics *metrics, struct api_call *call)
{
    char *text = NULL;
    int status = read_fleet(call, &text);
    if (status == FLEET_OK)
        fputs(text, out);
    pthread_mutex_lock(&metrics->lock);
    if (status == FLEET_OK) {
        free(metrics->fleet);
        metrics->fleet = text;
        metrics->tenant = call->fleet.tenant;
        metrics->read_at = call->fleet.now;
    }
    metrics->reading = false;
    pthread_mutex_unlock(&metrics->lock);
    return status;
}

int api_metrics(struct api_call *call)
{
    struct metrics *metrics = call->service->metrics;
    char *text = NULL;
    size_t length = 0;
    if (metrics == NULL)
        return fleet_refuse(&call->fleet, FLEET_NONE, "nothing is counted here");
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return DB_EIO;
    print_process(out, metrics);
    int status = print_known(out, metrics, &call->fleet) ? FLEET_OK : ask_store(out, metrics, call);
    if (fclose(out) != 0 && status == FLEET_OK)
        status = DB_EIO;
    if (status == FLEET_OK)
        status = api_text(call, 200, "text/plain; version=0.0.4; charset=utf-8", text);
    free(text);
    return status;
}
