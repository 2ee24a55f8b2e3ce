/* server/peer.c: see server/peer.h. */
#include "server/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/metrics.h"
#include "server/worker.h"

#define ROOM_MS       3000 /* for a handshake and a request, while others wait to be accepted */
#define TLS_HANDSHAKE 0x16 /* first byte of a TLS connection: a handshake record */

static const char plain_http_answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                        "Content-Type: text/plain\r\n"
                                        "Content-Length: 28\r\n"
                                        "Connection: close\r\n"
                                        "\r\n"
                                        "This port speaks HTTPS only\n";

struct port *port_of(h2o_req_t *request)
{
    return H2O_STRUCT_FROM_MEMBER(struct port, http, request->conn->ctx);
}

struct worker *worker_of(h2o_req_t *request)
{
    return port_of(request)->worker;
}

struct peer *peer_of(h2o_req_t *request)
{
    h2o_socket_t *socket = request->conn->callbacks->get_socket(request->conn);
    return socket != NULL ? socket->on_close.data : NULL;
}

static void on_peer_stuck(h2o_timeout_entry_t *entry)
{
    struct peer *peer = H2O_STRUCT_FROM_MEMBER(struct peer, stuck, entry);
    log_line(&peer->port->worker->service->log, "%s takes nothing, closing", peer->address);
    peer_cut(peer);
}

void peer_moves(struct peer *peer)
{
    h2o_timeout_unlink(&peer->stuck);
    if (peer->requests > 0) {
        struct worker *worker = peer->port->worker;
        h2o_timeout_link(worker->loop, &worker->patience, &peer->stuck);
    }
}

void peer_rests(struct peer *peer)
{
    h2o_timeout_unlink(&peer->stuck);
}

static void peer_release(void *hold)
{
    struct peer *peer = *(struct peer **)hold;
    peer->requests--;
    peer_moves(peer);
}

void peer_hold(h2o_req_t *request)
{
    struct peer *peer = peer_of(request);
    struct peer **hold = h2o_mem_alloc_shared(&request->pool, sizeof(struct peer *), peer_release);
    *hold = peer;
    peer->asked = true;
    peer->requests++;
    peer_moves(peer);
}

void peer_cut(struct peer *peer)
{
    shutdown(h2o_socket_get_fd(peer->socket), SHUT_RDWR);
}

static void format_address(char out[PEER_ADDRESS_MAX], const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN] = "-";
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) { /* to a socket that takes both */
            inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, text, sizeof text);
            snprintf(out, PEER_ADDRESS_MAX, "%s:%u", text, (unsigned)ntohs(in6->sin6_port));
            return;
        }
        inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
        snprintf(out, PEER_ADDRESS_MAX, "[%s]:%u", text, (unsigned)ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const void *)address;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        snprintf(out, PEER_ADDRESS_MAX, "%s:%u", text, (unsigned)ntohs(in->sin_port));
    }
}

/* Accepting */

static void on_connection(h2o_socket_t *listener, const char *error);

static void listen_pause(struct port *port)
{
    if (port->listening) {
        h2o_socket_read_stop(port->listener);
        port->listening = false;
    }
}

/* Who has come and said nothing is the first to go when there is no room. */
static void make_room(struct port *port)
{
    struct worker *worker = port->worker;
    uint64_t now = h2o_now(worker->loop);
    for (h2o_linklist_t *at = worker->peers.next; at != &worker->peers; at = at->next) {
        struct peer *peer = H2O_STRUCT_FROM_MEMBER(struct peer, link, at);
        if (peer->port == port && !peer->asked && now >= peer->since + ROOM_MS) {
            peer_cut(peer);
        }
    }
}

void port_resume(struct port *port)
{
    if (port->listener != NULL && port->peer_count >= port->peer_max) {
        make_room(port);
    }
    if (!port->listening && port->listener != NULL && port->peer_count < port->peer_max) {
        h2o_socket_read_start(port->listener, on_connection);
        port->listening = true;
    }
}

static void on_peer_closed(void *data)
{
    struct peer *peer = data;
    peer->port->peer_count--;
    metrics_connection(peer->port->worker->service->api.metrics, peer->port->kind, -1);
    h2o_timeout_unlink(&peer->silent);
    h2o_timeout_unlink(&peer->stuck);
    h2o_linklist_unlink(&peer->link);
    free(peer->name);
    free(peer);
}

static void on_peer_silent(h2o_timeout_entry_t *entry)
{
    struct peer *peer = H2O_STRUCT_FROM_MEMBER(struct peer, silent, entry);
    h2o_socket_close(peer->socket);
}

/* Reads what has come, so that closing does not reset the answer away, and says why. */
static void refuse_plain_http(struct peer *peer)
{
    char request[4096];
    int fd = h2o_socket_get_fd(peer->socket);
    ssize_t got = recv(fd, request, sizeof request, MSG_DONTWAIT);
    if (got > 0 && request[0] >= 'A' && request[0] <= 'Z') {
        send(fd, plain_http_answer, sizeof plain_http_answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
    }
    log_line(&peer->port->worker->service->log, "%s refused: not TLS", peer->address);
    h2o_socket_close(peer->socket);
}

/* The first byte decides; it is only looked at, since TLS reads the socket itself. */
static void on_first_bytes(h2o_socket_t *socket, const char *error)
{
    struct peer *peer = socket->on_close.data;
    unsigned char first = 0;
    (void)error;
    ssize_t got = recv(h2o_socket_get_fd(socket), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    h2o_timeout_unlink(&peer->silent);
    h2o_socket_read_stop(socket);
    h2o_socket_dont_read(socket, 0);
    if (got <= 0) {
        h2o_socket_close(socket);
    } else if (first == TLS_HANDSHAKE) {
        h2o_accept(&peer->port->accept, socket);
    } else {
        refuse_plain_http(peer);
    }
}

static void peer_new(struct port *port, h2o_socket_t *socket)
{
    struct sockaddr_storage address = {.ss_family = AF_INET};
    struct peer *peer = h2o_mem_alloc(sizeof *peer);
    *peer = (struct peer){.port = port,
                          .since = h2o_now(port->worker->loop),
                          .socket = socket,
                          .silent.cb = on_peer_silent,
                          .stuck.cb = on_peer_stuck};
    socket->on_close.cb = on_peer_closed;
    socket->on_close.data = peer;
    h2o_linklist_insert(&port->worker->peers, &peer->link);
    port->peer_count++;
    metrics_connection(port->worker->service->api.metrics, port->kind, 1);

    h2o_socket_getpeername(socket, (struct sockaddr *)&address);
    format_address(peer->address, (struct sockaddr *)&address);

    h2o_timeout_link(port->worker->loop, &port->http.handshake_timeout, &peer->silent);
    h2o_socket_dont_read(socket, 1);
    h2o_socket_read_start(socket, on_first_bytes);
    on_first_bytes(socket, NULL); /* the listener waits for them, so they are mostly there */
}

static void on_connection(h2o_socket_t *listener, const char *error)
{
    struct port *port = listener->data;
    if (error != NULL) {
        return;
    }
    h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
    if (socket != NULL) {
        peer_new(port, socket);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        log_line(&port->worker->service->log, "cannot accept: %s", strerror(errno));
        listen_pause(port); /* the tick resumes it */
    }
    if (port->peer_count >= port->peer_max) {
        listen_pause(port);
    }
}

/* Opening and closing */

void port_open(struct port *port, struct worker *worker, enum port_kind kind, int fd,
               unsigned peer_max)
{
    struct service_port *shared = &worker->service->port[kind];
    port->worker = worker;
    port->kind = kind;
    port->peer_max = peer_max;
    h2o_context_init(&port->http, worker->loop, &shared->http);
    port->accept =
        (h2o_accept_ctx_t){.ctx = &port->http, .hosts = shared->http.hosts, .ssl_ctx = shared->tls};
    port->listener = h2o_evloop_socket_create(worker->loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    port->listener->data = port;
    port_resume(port);
}

void port_close(struct port *port)
{
    listen_pause(port);
    h2o_socket_close(port->listener);
    port->listener = NULL;
    h2o_context_request_shutdown(&port->http);
}

void port_dispose(struct port *port)
{
    /* libh2o would repeat its GOAWAY a second from now; nobody is left to hear it. */
    h2o_timeout_unlink(&port->http.http2._graceful_shutdown_timeout);
    h2o_context_dispose(&port->http);
}

/* Certificates */

/* The one common name, as malloc'd text; NULL when there is none that can be a controller id. */
static char *common_name(const X509 *certificate)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) {
        return NULL;
    }
    unsigned char *text;
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    int length = ASN1_STRING_to_UTF8(&text, value);
    if (length < 0) {
        return NULL;
    }
    bool usable = length > 0 && length <= PEER_NAME_MAX && memchr(text, 0, (size_t)length) == NULL;
    char *name = usable ? strndup((const char *)text, (size_t)length) : NULL;
    OPENSSL_free(text);
    return name;
}

/* libh2o keeps the SSL to itself, but OpenSSL shows it here, and behind its BIO is libh2o's socket.
 * A resumed session was verified when it began; its certificate may have expired since. */
void peer_on_tls(const SSL *tls, int where, int value)
{
    (void)value;
    if ((where & SSL_CB_HANDSHAKE_DONE) == 0) {
        return;
    }
    const h2o_socket_t *socket = BIO_get_data(SSL_get_rbio(tls));
    struct peer *peer = socket->on_close.data;
    const struct port *port = peer->port;
    metrics_handshake(port->worker->service->api.metrics, port->kind, SSL_session_reused(tls) != 0);
    X509 *certificate = SSL_get0_peer_certificate(tls);
    if (peer->name == NULL && certificate != NULL && SSL_get_verify_result(tls) == X509_V_OK &&
        X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0) {
        peer->name = common_name(certificate);
    }
}
