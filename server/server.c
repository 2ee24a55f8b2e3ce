/* server/server.c: see server/server.h. */
#include "server/server.h"

#include <h2o.h>
#include <h2o/http1.h>
#include <h2o/http2.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host/error.h"
#include "server/api/quota.h"
#include "server/db/schema.h"
#include "server/fleet/poll_log.h"
#include "server/housekeeper.h"
#include "server/http.h"
#include "server/importer.h"
#include "server/listen.h"
#include "server/metrics.h"
#include "server/proxy.h"
#include "server/tls.h"
#include "server/worker.h"

#define REQUEST_MS         10000
#define MANAGE_CONNECTIONS 256u /* people and scripts are few */
#define STREAMS_PER_PEER   8    /* HTTP/2 requests of one connection answered at once */
#define FILES_PER_PEER     2u   /* its socket and the image it downloads */
#define POOL_THREADS       8u   /* connections to PostgreSQL */
#define READER_THREADS     2u   /* long reads at once, on either store */
#define FILES_BESIDE       64u  /* everything else the process has open */

struct server {
    struct service service;
    struct listener listener[PORT_KINDS];
    struct proxy_list proxies;
    unsigned worker_count;
    struct worker worker[SERVER_THREADS_MAX];
};

static const h2o_iovec_t alpn_http1_only[] = {{H2O_STRLIT("http/1.1")}, {NULL, 0}};

static unsigned choose_threads(unsigned wanted)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (wanted == 0) {
        wanted = cores > 1 ? 2 : 1;
    }
    return wanted < SERVER_THREADS_MAX ? wanted : SERVER_THREADS_MAX;
}

/* As many connections as asked for, or as many as the process may have files open. */
static unsigned choose_connections(unsigned wanted)
{
    struct rlimit limit;
    if (wanted == 0) {
        wanted = SERVER_CONNECTIONS_DEFAULT;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    rlim_t room = limit.rlim_cur > 2 * FILES_BESIDE ? limit.rlim_cur - FILES_BESIDE : FILES_BESIDE;
    return room / FILES_PER_PEER < wanted ? (unsigned)(room / FILES_PER_PEER) : wanted;
}

static void configure_http(struct service *service, enum port_kind kind)
{
    h2o_globalconf_t *http = &service->port[kind].http;
    h2o_config_init(http);
    http->server_name = h2o_iovec_init(H2O_STRLIT("trustchain"));
    http->max_request_entity_size = kind == PORT_DEVICE ? API_BODY_MAX : API_UPLOAD_MAX;
    http->handshake_timeout = REQUEST_MS;
    http->http1.req_timeout = REQUEST_MS;
    http->http2.idle_timeout = REQUEST_MS;
    http->http2.max_concurrent_requests_per_connection = STREAMS_PER_PEER;
    h2o_hostconf_t *host =
        h2o_config_register_host(http, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    http_register(service, host);
}

static int open_port(struct service *service, enum port_kind kind,
                     const struct server_options *options)
{
    bool device = kind == PORT_DEVICE;
    const struct tls_files files = {.certificate = options->certificate,
                                    .key = options->key,
                                    .client_ca = device ? options->client_ca : NULL};
    SSL_CTX *tls = tls_context(&files, device ? "trustchain devices" : "trustchain people");
    if (tls == NULL) {
        return HOST_FAILED;
    }
    h2o_ssl_register_alpn_protocols(tls,
                                    options->http1_only ? alpn_http1_only : h2o_alpn_protocols);
    SSL_CTX_set_info_callback(tls, peer_on_tls);
    service->port[kind].tls = tls;
    configure_http(service, kind);
    service->port_count++;
    return HOST_DONE;
}

/* Both ports have the same private key. */
static int open_tickets(struct service *service)
{
    service->tickets.keys = ticket_keys_new(SSL_CTX_get0_privatekey(service->port[0].tls));
    if (service->tickets.keys == NULL) {
        return host_fail(NULL, "out of memory");
    }
    for (unsigned i = 0; i < service->port_count; i++) {
        ticket_keys_install(service->tickets.keys, service->port[i].tls);
    }
    ticket_roll_begin(service);
    return HOST_DONE;
}

/* The fleet's store, brought up to date. */
static int open_fleet(struct service *service, const struct server_options *options)
{
    const char *url = options->store;
    unsigned quota = options->quota;
    struct db *db;
    if (url == NULL) {
        return HOST_DONE;
    }
    if (db_open(url, &db) != HOST_DONE) {
        return HOST_FAILED;
    }
    int status = schema_migrate(db);
    db_close(db);
    if (status != HOST_DONE) {
        return status;
    }
    service->store_url = url;
    service->housekeeper.action_days = options->action_days;
    service->api.releases = &service->store;
    service->api.polls = poll_log_new();
    if (service->api.polls == NULL) {
        return host_fail(NULL, "out of memory");
    }
    status = pool_open(url, POOL_THREADS, &service->pool);
    if (status == HOST_DONE) {
        status = pool_open_readers(url, READER_THREADS, &service->readers);
    }
    if (status != HOST_DONE) {
        return status;
    }
    service->api.metrics = metrics_new(service->pool, service->readers);
    service->api.quota = quota != 0 ? quota_new(quota) : NULL;
    return service->api.metrics != NULL && (quota == 0 || service->api.quota != NULL)
               ? HOST_DONE
               : host_fail(NULL, "out of memory");
}

/* After the workers: nobody submits any more. What polls are left is written. */
static void close_fleet(struct service *service)
{
    importer_finish(service);
    if (service->readers != NULL) {
        pool_close(service->readers);
    }
    if (service->pool != NULL) {
        housekeeper_finish(service);
        pool_close(service->pool);
    }
    metrics_free(service->api.metrics);
    quota_free(service->api.quota);
    poll_log_free(service->api.polls);
}

static void close_service(struct service *service)
{
    close_fleet(service);
    for (unsigned i = 0; i < service->port_count; i++) {
        h2o_config_dispose(&service->port[i].http);
        SSL_CTX_free(service->port[i].tls);
    }
    ticket_keys_free(service->tickets.keys);
    log_close(&service->log);
    store_close(&service->store);
}

static int open_ports(struct service *service, const struct server_options *options)
{
    int status = open_port(service, PORT_DEVICE, options);
    return status == HOST_DONE && options->manage != NULL ? open_port(service, PORT_MANAGE, options)
                                                          : status;
}

/* Releases, TLS, log, store: what can be wrong with the user's files. */
static int open_service(struct service *service, const struct server_options *options)
{
    int error = store_open(&service->store, options->releases);
    if (error != STORE_OK) {
        return host_fail(options->releases,
                         "cannot read the releases: %s (make the folder, or name another one)",
                         store_error_text(error));
    }
    service->log.fd = -1;
    service->access_log = options->access_log;
    service->api.any_artifact = options->any_artifact;
    if (options->policy != NULL) {
        service->api.policy = *options->policy;
    }
    int status = open_ports(service, options);
    if (status == HOST_DONE) {
        status = log_open(&service->log, options->log, options->log_json);
    }
    if (status == HOST_DONE) {
        status = open_fleet(service, options);
    }
    if (status == HOST_DONE) {
        status = open_tickets(service);
    }
    if (status != HOST_DONE) {
        close_service(service);
    }
    return status;
}

static void stop_workers(struct server *server, unsigned grace_ms)
{
    for (unsigned i = 0; i < server->worker_count; i++) {
        worker_ask_stop(&server->worker[i], grace_ms);
    }
    for (unsigned i = 0; i < server->worker_count; i++) {
        worker_join(&server->worker[i]);
    }
}

static int start_workers(struct server *server, const struct server_options *options)
{
    unsigned threads = choose_threads(options->threads);
    unsigned connections = choose_connections(options->connections);
    struct worker_terms terms = {
        .port_count = server->service.port_count,
        .patience_s = options->patience_s != 0 ? options->patience_s : SERVER_PATIENCE_DEFAULT,
        .peer_max = {(connections + threads - 1) / threads,
                     (MANAGE_CONNECTIONS + threads - 1) / threads},
    };
    for (unsigned i = 0; i < terms.port_count; i++) {
        terms.listener[i] = server->listener[i].fd;
    }
    for (unsigned i = 0; i < threads; i++) {
        int status = worker_start(&server->worker[i], &server->service, &terms);
        if (status != HOST_DONE) {
            stop_workers(server, 0);
            return status;
        }
        server->worker_count++;
    }
    return HOST_DONE;
}

static void close_listeners(struct server *server, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        close(server->listener[i].fd);
    }
}

static int open_listeners(struct server *server, const struct server_options *options)
{
    const char *const address[PORT_KINDS] = {options->listen, options->manage};
    for (unsigned i = 0; i < PORT_KINDS && i < server->service.port_count; i++) {
        int status = listen_open(address[i], &server->listener[i]);
        if (status != HOST_DONE) {
            close_listeners(server, i);
            return status;
        }
    }
    return HOST_DONE;
}

/* With everything open but the sockets. */
static int serve(struct server *server, const struct server_options *options)
{
    int status = open_listeners(server, options);
    if (status != HOST_DONE) {
        return status;
    }
    status = start_workers(server, options);
    if (status != HOST_DONE) {
        close_listeners(server, server->service.port_count);
    }
    return status;
}

int server_start(const struct server_options *options, struct server **out)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return host_fail(NULL, "out of memory");
    }
    signal(SIGPIPE, SIG_IGN); /* libh2o writes to sockets that may be gone */
    int status = proxy_list_read(options->trusted_proxy, &server->proxies);
    server->service.api.trusted_proxy = server->proxies.address;
    if (status == HOST_DONE) {
        status = open_service(&server->service, options);
    }
    if (status != HOST_DONE) {
        free(server);
        return status;
    }
    status = serve(server, options);
    if (status == HOST_DONE) {
        *out = server;
        return HOST_DONE;
    }
    close_service(&server->service);
    free(server);
    return status;
}

const char *server_address(const struct server *server)
{
    return server->listener[PORT_DEVICE].text;
}

uint16_t server_port(const struct server *server)
{
    return server->listener[PORT_DEVICE].port;
}

const char *server_manage_address(const struct server *server)
{
    return server->service.port_count > PORT_MANAGE ? server->listener[PORT_MANAGE].text : NULL;
}

uint16_t server_manage_port(const struct server *server)
{
    return server->listener[PORT_MANAGE].port;
}

void server_stop(struct server *server, unsigned grace_ms)
{
    close_listeners(server, server->service.port_count);
    stop_workers(server, grace_ms);
    close_service(&server->service);
    free(server);
}
