/* server/worker.c: see server/worker.h. */
#include "server/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "host/error.h"
#include "server/call.h"
#include "server/housekeeper.h"
#include "server/importer.h"

#define ARRIVING_MS 1000

/* Stopping */

/* Who has just come is about to ask: with the next server listening on the same socket, nobody is
 * to notice that this one ends. */
static bool is_arriving(const struct peer *peer)
{
    return !peer->asked && h2o_now(peer->port->worker->loop) < peer->since + ARRIVING_MS;
}

static void cut_peers(struct worker *worker, bool busy_too)
{
    for (h2o_linklist_t *at = worker->peers.next; at != &worker->peers; at = at->next) {
        struct peer *peer = H2O_STRUCT_FROM_MEMBER(struct peer, link, at);
        if (busy_too || (peer->requests == 0 && !is_arriving(peer))) {
            peer_cut(peer);
        }
    }
}

static void on_tick(h2o_timeout_entry_t *entry)
{
    struct worker *worker = H2O_STRUCT_FROM_MEMBER(struct worker, tick, entry);
    if (worker->stopping) {
        cut_peers(worker, h2o_now(worker->loop) >= worker->stop_at);
    } else {
        for (unsigned i = 0; i < worker->port_count; i++) {
            port_resume(&worker->port[i]);
        }
        housekeeper_tick(worker->service);
        importer_tick(worker->service);
        ticket_roll_tick(worker->service);
    }
    events_tick(worker);
    h2o_timeout_link(worker->loop, &worker->port[0].http.hundred_ms_timeout, &worker->tick);
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
    for (unsigned i = 0; i < worker->port_count; i++) {
        port_close(&worker->port[i]);
    }
}

/* The thread */

/* What a thread begins with; on the stack of who starts it, until `running` is posted. */
struct beginning {
    struct worker *worker;
    const struct worker_terms *terms;
    int fd[PORT_KINDS];
    sem_t running;
};

/* On the thread itself: libh2o's buffers go back to free lists of the thread that made their
 * socket, and the sockets that wake a loop up are made here. */
static void open_loop(const struct beginning *beginning)
{
    struct worker *worker = beginning->worker;
    const struct worker_terms *terms = beginning->terms;
    worker->loop = h2o_evloop_create();
    h2o_timeout_init(worker->loop, &worker->patience, terms->patience_s * 1000ull);
    h2o_linklist_init_anchor(&worker->peers);
    h2o_linklist_init_anchor(&worker->subscribers);
    worker->port_count = terms->port_count;
    for (unsigned i = 0; i < terms->port_count; i++) {
        port_open(&worker->port[i], worker, (enum port_kind)i, beginning->fd[i],
                  terms->peer_max[i]);
    }
    h2o_context_t *http = &worker->port[0].http;
    h2o_multithread_register_receiver(http->queue, &worker->stop_message, on_stop);
    h2o_multithread_register_receiver(http->queue, &worker->answers, call_on_messages);
    worker->tick.cb = on_tick;
    h2o_timeout_link(worker->loop, &http->hundred_ms_timeout, &worker->tick);
}

static void *run(void *argument)
{
    struct beginning *beginning = argument;
    struct worker *worker = beginning->worker;
    open_loop(beginning);
    sem_post(&beginning->running); /* from here on `beginning` is gone */
    while (!worker->stopping || !h2o_linklist_is_empty(&worker->peers) || worker->calls > 0) {
        h2o_evloop_run(worker->loop, INT32_MAX);
    }
    h2o_timeout_unlink(&worker->tick);
    h2o_timeout_dispose(worker->loop, &worker->patience);
    h2o_multithread_unregister_receiver(worker->port[0].http.queue, &worker->stop_message);
    h2o_multithread_unregister_receiver(worker->port[0].http.queue, &worker->answers);
    for (unsigned i = 0; i < worker->port_count; i++) {
        port_dispose(&worker->port[i]);
    }
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

/* Each worker has descriptors of its own, so that it may close them by itself. */
static int duplicate(const int *listener, unsigned count, int *out)
{
    for (unsigned i = 0; i < count; i++) {
        out[i] = fcntl(listener[i], F_DUPFD_CLOEXEC, 0);
        if (out[i] < 0) {
            int error = errno;
            while (i-- > 0) {
                close(out[i]);
            }
            return host_fail(NULL, "cannot start a server thread: %s", strerror(error));
        }
    }
    return HOST_DONE;
}

/* With every signal blocked: they are the starting thread's business. */
static int start_thread(struct worker *worker, struct beginning *beginning)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&worker->thread, NULL, run, beginning);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int worker_start(struct worker *worker, struct service *service, const struct worker_terms *terms)
{
    struct beginning beginning = {.worker = worker, .terms = terms};
    if (service->store_url != NULL && open_reader(worker, service->store_url) != HOST_DONE) {
        return HOST_FAILED;
    }
    if (duplicate(terms->listener, terms->port_count, beginning.fd) != HOST_DONE) {
        db_close(worker->reader);
        return HOST_FAILED;
    }
    worker->service = service;
    sem_init(&beginning.running, 0, 0);
    int error = start_thread(worker, &beginning);
    while (error == 0 && sem_wait(&beginning.running) != 0 && errno == EINTR) {
    }
    sem_destroy(&beginning.running);
    if (error == 0) {
        return HOST_DONE;
    }
    for (unsigned i = 0; i < terms->port_count; i++) {
        close(beginning.fd[i]);
    }
    db_close(worker->reader);
    return host_fail(NULL, "cannot start a server thread: %s", strerror(error));
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
