/* server/events.c: see server/events.h. */
#include "server/events.h"

#include <stdio.h>
#include <string.h>

#include "server/call.h"
#include "server/http.h"
#include "server/worker.h"

#define EVERY_MS     1000
#define HEARTBEAT_MS 15000u
#define LIFE_MS      600000u
#define TEXT_MAX     192

struct subscriber {
    h2o_generator_t generator; /* first: libh2o hands this pointer back */
    h2o_req_t *request;
    struct worker *worker;
    struct peer *peer;
    h2o_linklist_t link; /* in worker->subscribers */
    unsigned seen[EVENT_MARKS];
    uint64_t heartbeat_at; /* loop time */
    uint64_t ends_at;
    bool sending;
    char text[TEXT_MAX]; /* being sent */
};

static const char *const kind_words[EVENT_KINDS] = {"devices", "rollouts", "releases", "audit"};

/* What changes there are */

/* One number a kind, which is another one after whatever devices and the engine change. What people
 * change leaves a line in the audit log. */
static int ask_store(struct job *job, struct db *db)
{
    static const char devices[] = "SELECT COALESCE((SELECT MAX(id) FROM target), 0)"
                                  " + COALESCE((SELECT MAX(id) FROM action), 0)"
                                  " + COALESCE((SELECT MAX(id) FROM action_status), 0)";
    static const char rollouts[] =
        "SELECT COUNT(*) + COALESCE(SUM(changed_at), 0)"
        " + COALESCE((SELECT SUM(COALESCE(started_at, 0) + COALESCE(finished_at, 0))"
        "             FROM rollout_group), 0) FROM rollout";
    static const char releases[] = "SELECT COALESCE((SELECT MAX(id) FROM dist_set), 0)"
                                   " + COALESCE((SELECT MAX(id) FROM artifact), 0)";
    static const char audits[] = "SELECT COALESCE(MAX(id), 0) FROM audit";
    static const char revoked[] = "SELECT COUNT(revoked_at) FROM api_token";
    static const char *const sql[EVENT_MARKS] = {devices, rollouts, releases, audits, revoked};
    struct events *events = (struct events *)job;
    int status = DB_ROW;
    for (unsigned i = 0; i < EVENT_MARKS && status == DB_ROW; i++)
        status = db_get_int(db, sql[i], DB_NO_ARGS, &events->fresh[i]);
    return status == DB_ROW ? DB_OK : status;
}

/* On a thread of the pool; busy keeps everyone else away from the marks. */
static void on_asked(struct job *job, int status)
{
    struct events *events = (struct events *)job;
    bool by_people = events->fresh[EVENT_AUDIT] != events->mark[EVENT_AUDIT];
    for (unsigned i = 0; i < EVENT_MARKS && status == DB_OK; i++) {
        bool told = by_people && i < EVENT_KINDS;
        if (events->known && (told || events->fresh[i] != events->mark[i]))
            atomic_fetch_add(&events->seen[i], 1);
        events->mark[i] = events->fresh[i];
    }
    events->known = events->known || status == DB_OK;
    atomic_store(&events->next_at, call_now() + EVERY_MS);
    atomic_store(&events->busy, false);
}

static void look_for_changes(struct service *service)
{
    struct events *events = &service->events;
    if (atomic_load(&events->subscribers) == 0 || call_now() < atomic_load(&events->next_at) ||
        atomic_exchange(&events->busy, true))
        return;
    events->job = (struct job){.run = ask_store, .done = on_asked, .access = DB_READ};
    pool_submit(service->readers, &events->job);
}

/* Telling them */

static void on_disposed(void *self)
{
    struct subscriber *subscriber = self;
    h2o_linklist_unlink(&subscriber->link);
    subscriber->worker->subscriber_count--;
    atomic_fetch_sub(&subscriber->worker->service->events.subscribers, 1);
}

static void on_sent(h2o_generator_t *generator, h2o_req_t *request)
{
    struct subscriber *subscriber = (struct subscriber *)generator;
    (void)request;
    subscriber->sending = false;
    peer_rests(subscriber->peer);
}

static void send_text(struct subscriber *subscriber)
{
    h2o_iovec_t text = h2o_iovec_init(subscriber->text, strlen(subscriber->text));
    subscriber->sending = true;
    subscriber->heartbeat_at = h2o_now(subscriber->worker->loop) + HEARTBEAT_MS;
    peer_moves(subscriber->peer);
    h2o_send(subscriber->request, &text, 1, H2O_SEND_STATE_IN_PROGRESS);
}

/* The kinds that have changed since this subscriber was told, as an event. False: none has. */
static bool collect(struct subscriber *subscriber)
{
    struct events *events = &subscriber->worker->service->events;
    bool any = false;
    size_t used =
        (size_t)snprintf(subscriber->text, TEXT_MAX, "event: changed\ndata: {\"kinds\":[");
    for (unsigned i = 0; i < EVENT_KINDS; i++) {
        unsigned now = atomic_load(&events->seen[i]);
        if (now == subscriber->seen[i])
            continue;
        subscriber->seen[i] = now;
        used += (size_t)snprintf(subscriber->text + used, TEXT_MAX - used, "%s\"%s\"",
                                 any ? "," : "", kind_words[i]);
        any = true;
    }
    snprintf(subscriber->text + used, TEXT_MAX - used, "]}\n\n");
    return any;
}

/* Perhaps the one this stream was opened with. */
static bool token_revoked(const struct subscriber *subscriber)
{
    const struct events *events = &subscriber->worker->service->events;
    return atomic_load(&events->seen[EVENT_REVOKED]) != subscriber->seen[EVENT_REVOKED];
}

static void feed(struct subscriber *subscriber)
{
    uint64_t now = h2o_now(subscriber->worker->loop);
    if (subscriber->sending)
        return;
    if (subscriber->worker->stopping || now >= subscriber->ends_at || token_revoked(subscriber)) {
        subscriber->sending = true;
        h2o_send(subscriber->request, NULL, 0, H2O_SEND_STATE_FINAL);
    } else if (collect(subscriber)) {
        send_text(subscriber);
    } else if (now >= subscriber->heartbeat_at) {
        snprintf(subscriber->text, TEXT_MAX, ":\n\n");
        send_text(subscriber);
    }
}

void events_tick(struct worker *worker)
{
    h2o_linklist_t *next;
    for (h2o_linklist_t *at = worker->subscribers.next; at != &worker->subscribers; at = next) {
        next = at->next; /* the end of a stream may dispose of it */
        feed(H2O_STRUCT_FROM_MEMBER(struct subscriber, link, at));
    }
    if (!worker->stopping && worker->service->pool != NULL)
        look_for_changes(worker->service);
}

static struct subscriber *subscribe(h2o_req_t *request, struct worker *worker, struct peer *peer)
{
    struct events *events = &worker->service->events;
    struct subscriber *subscriber =
        h2o_mem_alloc_shared(&request->pool, sizeof *subscriber, on_disposed);
    *subscriber = (struct subscriber){.generator = {on_sent, NULL},
                                      .request = request,
                                      .worker = worker,
                                      .peer = peer,
                                      .ends_at = h2o_now(worker->loop) + LIFE_MS};
    for (unsigned i = 0; i < EVENT_MARKS; i++)
        subscriber->seen[i] = atomic_load(&events->seen[i]);
    h2o_linklist_insert(&worker->subscribers, &subscriber->link);
    worker->subscriber_count++;
    atomic_fetch_add(&events->subscribers, 1);
    return subscriber;
}

void events_start(h2o_req_t *request)
{
    struct worker *worker = worker_of(request);
    struct peer *peer = peer_of(request);
    if (peer == NULL || worker->subscriber_count >= EVENT_SUBSCRIBERS_MAX) {
        request->res.status = 503;
        request->res.reason = "Service Unavailable";
        request->res.content_length = 0;
        http_add_named(request, "retry-after", "10");
        h2o_send_inline(request, "", 0);
        return;
    }
    request->res.status = 200;
    request->res.reason = "OK";
    http_add(request, H2O_TOKEN_CONTENT_TYPE, "text/event-stream");
    http_add(request, H2O_TOKEN_CACHE_CONTROL, "no-store");
    if (h2o_memis(request->method.base, request->method.len, H2O_STRLIT("HEAD"))) {
        h2o_send_inline(request, "", 0);
        return;
    }
    struct subscriber *subscriber = subscribe(request, worker, peer);
    snprintf(subscriber->text, TEXT_MAX, "retry: 2000\n\n");
    h2o_start_response(request, &subscriber->generator);
    send_text(subscriber);
}
