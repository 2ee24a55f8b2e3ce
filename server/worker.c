/* server/worker.c: see server/worker.h. */
#include "server/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/error.h"
#include "server/call.h"
#include "server/housekeeper.h"

#define TICK_MS       100
#define TLS_HANDSHAKE 0x16 /* first byte of a TLS connection: a handshake record */

static const char plain_http_answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                        "Content-Type: text/plain\r\n"
                                        "Content-Length: 28\r\n"
                                        "Connection: close\r\n"
                                        "\r\n"
                                        "This port speaks HTTPS only\n";

struct worker *worker_of(h2o_req_t *request)
{
    return H2O_STRUCT_FROM_MEMBER(struct worker, http, request->conn->ctx);
}

struct peer *peer_of(h2o_req_t *request)
{
    h2o_socket_t *socket = request->conn->callbacks->get_socket(request->conn);
    return socket != NULL ? socket->on_close.data : NULL;
}

static void on_peer_stuck(h2o_timeout_entry_t *entry)
{
    struct peer *peer = H2O_STRUCT_FROM_MEMBER(struct peer, stuck, entry);
    log_line(&peer->worker->service->log, "%s takes nothing, closing", peer->address);
    peer_cut(peer);
}

void peer_moves(struct peer *peer)
{
    h2o_timeout_unlink(&peer->stuck);
    if (peer->requests > 0) {
        h2o_timeout_link(peer->worker->loop, &peer->worker->patience, &peer->stuck);
    }
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

static void listen_pause(struct worker *worker)
{
    if (worker->listening) {
        h2o_socket_read_stop(worker->listener);
        worker->listening = false;
    }
}

static void listen_resume(struct worker *worker)
{
    if (!worker->listening && worker->listener != NULL) {
        h2o_socket_read_start(worker->listener, on_connection);
        worker->listening = true;
    }
}

static void on_peer_closed(void *data)
{
    struct peer *peer = data;
    peer->worker->peer_count--;
    h2o_timeout_unlink(&peer->silent);
    h2o_timeout_unlink(&peer->stuck);
    h2o_linklist_unlink(&peer->link);
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
    log_line(&peer->worker->service->log, "%s refused: not TLS", peer->address);
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
        h2o_accept(&peer->worker->accept, socket);
    } else {
        refuse_plain_http(peer);
    }
}

static void peer_new(struct worker *worker, h2o_socket_t *socket)
{
    struct sockaddr_storage address = {.ss_family = AF_INET};
    struct peer *peer = h2o_mem_alloc(sizeof *peer);
    *peer = (struct peer){
        .worker = worker, .socket = socket, .silent.cb = on_peer_silent, .stuck.cb = on_peer_stuck};
    socket->on_close.cb = on_peer_closed;
    socket->on_close.data = peer;
    h2o_linklist_insert(&worker->peers, &peer->link);
    worker->peer_count++;

    h2o_socket_getpeername(socket, (struct sockaddr *)&address);
    format_address(peer->address, (struct sockaddr *)&address);

    h2o_timeout_link(worker->loop, &worker->http.handshake_timeout, &peer->silent);
    h2o_socket_dont_read(socket, 1);
    h2o_socket_read_start(socket, on_first_bytes);
    on_first_bytes(socket, NULL); /* the listener waits for them, so they are mostly there */
}

static void on_connection(h2o_socket_t *listener, const char *error)
{
    struct worker *worker = listener->data;
    if (error != NULL) {
        return;
    }
    h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
    if (socket != NULL) {
        peer_new(worker, socket);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        log_line(&worker->service->log, "cannot accept: %s", strerror(errno));
        listen_pause(worker); /* the tick resumes it */
    }
    if (worker->peer_count >= worker->peer_max) {
        listen_pause(worker);
    }
}

/* Stopping */

static void cut_peers(struct worker *worker, bool busy_too)
{
    for (h2o_linklist_t *at = worker->peers.next; at != &worker->peers; at = at->next) {
        struct peer *peer = H2O_STRUCT_FROM_MEMBER(struct peer, link, at);
        if (busy_too || peer->requests == 0) {
            peer_cut(peer);
        }
    }
}

static void on_tick(h2o_timeout_entry_t *entry)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, tick, entry);
    if (worker->stopping) {
        cut_peers(worker, h2o_now(worker->loop) >= worker->stop_at);
    } else if (worker->peer_count < worker->peer_max) {
        listen_resume(worker);
    }
    if (!worker->stopping) {
        housekeeper_tick(worker->service);
    }
    h2o_timeout_link(worker->loop, &worker->http.hundred_ms_timeout, &worker->tick);
}

static void on_stop(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, stop_message, receiver);
    while (!h2o_linklist_is_empty(messages)) {
        h2o_multithread_message_t *message =
            H2O_STRUCT_FROM_MEMBER(h2o_multithread_message_t, link, messages->next);
        h2o_linklist_unlink(&message->link);
        free(message);
    }
    if (worker->stopping) {
        return;
    }
    worker->stopping = true;
    worker->stop_at = h2o_now(worker->loop) + worker->grace_ms;
    listen_pause(worker);
    h2o_socket_close(worker->listener);
    worker->listener = NULL;
    h2o_context_request_shutdown(&worker->http);
}

/* The thread */

static void *run(void *argument)
{
    struct worker *worker = argument;
    while (!worker->stopping || worker->peer_count > 0 || worker->calls > 0) {
        h2o_evloop_run(worker->loop, INT32_MAX);
    }
    h2o_timeout_unlink(&worker->tick);
    /* libh2o would repeat its GOAWAY a second from now; nobody is left to hear it. */
    h2o_timeout_unlink(&worker->http.http2._graceful_shutdown_timeout);
    h2o_timeout_dispose(worker->loop, &worker->patience);
    h2o_multithread_unregister_receiver(worker->http.queue, &worker->stop_message);
    h2o_multithread_unregister_receiver(worker->http.queue, &worker->answers);
    h2o_context_dispose(&worker->http);
    h2o_evloop_destroy(worker->loop);
    db_close(worker->reader);
    return NULL;
}

/* SQLite answers reads at once; PostgreSQL is asked by the pool's threads. */
static int open_reader(struct worker *worker, const char *url)
{
    if (strncmp(url, "sqlite:", 7) != 0) {
        return HOST_DONE;
    }
    return db_open(url, &worker->reader);
}

int worker_start(struct worker *worker, struct service *service, int listener, unsigned peer_max,
                 unsigned patience_s)
{
    int fd = fcntl(listener, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return host_fail(NULL, "cannot start a server thread: %s", strerror(errno));
    }
    if (service->store_url != NULL && open_reader(worker, service->store_url) != HOST_DONE) {
        close(fd);
        return HOST_FAILED;
    }
    worker->service = service;
    worker->peer_max = peer_max;
    worker->loop = h2o_evloop_create();
    h2o_context_init(&worker->http, worker->loop, &service->http);
    h2o_timeout_init(worker->loop, &worker->patience, patience_s * 1000ull);
    h2o_linklist_init_anchor(&worker->peers);
    worker->accept = (h2o_accept_ctx_t){
        .ctx = &worker->http, .hosts = service->http.hosts, .ssl_ctx = service->tls};
    worker->listener = h2o_evloop_socket_create(worker->loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    worker->listener->data = worker;
    listen_resume(worker);
    h2o_multithread_register_receiver(worker->http.queue, &worker->stop_message, on_stop);
    h2o_multithread_register_receiver(worker->http.queue, &worker->answers, call_on_messages);
    worker->tick.cb = on_tick;
    h2o_timeout_link(worker->loop, &worker->http.hundred_ms_timeout, &worker->tick);

    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? HOST_DONE
                      : host_fail(NULL, "cannot start a server thread: %s", strerror(error));
}

void worker_ask_stop(struct worker *worker, unsigned grace_ms)
{
    h2o_multithread_message_t *message = h2o_mem_alloc(sizeof *message);
    *message = (h2o_multithread_message_t){0};
    worker->grace_ms = grace_ms;
    h2o_multithread_send_message(&worker->stop_message, message);
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
}
