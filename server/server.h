/* server/server.h: the HTTPS update server as an object: start, ask for its port, stop.
 *
 * One libh2o event loop per thread over one listening socket. The calling thread only starts and
 * stops it, so a command line, a test or the attack range can each hold one. server_start() sets
 * SIGPIPE to ignored for the process, and the server's threads block every signal.
 *
 * Two ports: the device port answers devices (DDI, /ota, /healthz) and takes small bodies only; the
 * management port, if there is one, answers everything. Port 0 picks a free one.
 *
 * Limits: a request must arrive within 10 s, a TLS handshake must finish within 10 s, an idle
 * connection is closed after 10 s, and so is one that takes nothing of its answers (less than 32
 * KiB of a download) for `patience_s` seconds. When `connections` are open, further clients wait in
 * the listen queue, and those that have not asked for anything within 3 s make room.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#define SERVER_LISTEN_DEFAULT      "127.0.0.1:8443"
#define SERVER_MANAGE_DEFAULT      "127.0.0.1:8444"
#define SERVER_CONNECTIONS_DEFAULT 10000u
#define SERVER_PATIENCE_DEFAULT    60u
#define SERVER_THREADS_MAX         64u

struct publish_policy; /* server/release/publish.h */

struct server_options {
    const char *releases;    /* folder, see server/release/store.h */
    const char *store;       /* URL, see server/db/db.h; NULL: no fleet, only the plain channel */
    const char *certificate; /* PEM files, see server/tls.h */
    const char *key;
    const char *client_ca;     /* PEM: who signs device certificates; NULL: nobody */
    const char *trusted_proxy; /* "ADDRESS, ADDRESS": may speak for devices; NULL: none */
    const char *listen;        /* of the device port: "ADDRESS:PORT" or "[IPV6]:PORT" */
    const char *manage;        /* likewise of the management port; NULL: none. Needs a store. */
    const struct publish_policy *policy; /* what uploads are judged by; what it points to stays */
    bool any_artifact;                   /* uploads are not judged */
    const char *log;                     /* file to append to; NULL is stderr */
    bool log_json;                       /* objects instead of text */
    bool access_log;                     /* a line per request */
    bool http1_only;                     /* do not offer HTTP/2 */
    unsigned threads;                    /* 0: one per core, at most two */
    unsigned patience_s;                 /* 0: SERVER_PATIENCE_DEFAULT */
    unsigned quota;                      /* requests a second of one device; 0: any number */
    unsigned action_days;                /* ended actions are kept so long; 0: for ever */
    unsigned connections;                /* open at once; 0: SERVER_CONNECTIONS_DEFAULT */
};

struct server;

/* HOST_DONE with *out serving already, or HOST_FAILED after one line on stderr. The options are not
 * needed afterwards. */
int server_start(const struct server_options *options, struct server **out);

/* "127.0.0.1:8443", with the port really used; valid until server_stop(). */
const char *server_address(const struct server *server);
uint16_t server_port(const struct server *server);
/* Likewise of the management port; NULL and 0 when there is none. */
const char *server_manage_address(const struct server *server);
uint16_t server_manage_port(const struct server *server);

/* Takes no new connection, lets downloads under way finish for up to `grace_ms` milliseconds, then
 * closes them. Frees the server. */
void server_stop(struct server *server, unsigned grace_ms);

#endif
