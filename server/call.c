/* server/call.c: see server/call.h. */
#include "server/call.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/api/service.h"
#include "server/http.h"

#define WAITING_MAX     20000u /* jobs; a store that is so far behind is not given more */
#define READING_MAX     64u    /* long reads likewise: people give up sooner than devices */
#define AUTHORITIES_MAX 16     /* numbered fields of one request */
#define COMPLAINT_MS    1000   /* between lines about calls that failed */

struct call {
    struct job job; /* first: the pool hands this pointer back */
    h2o_multithread_message_t message;
    struct worker *worker;
    h2o_req_t *http;    /* of the loop's thread; NULL once the client has gone */
    struct call **hold; /* in the request's memory: tells when it goes */
    atomic_bool left;   /* for the other threads: it has */
    struct api_request request;
    struct api_answer answer;
    int status;
    char problem[160]; /* what the store said when it failed */
};

int64_t call_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* From HTTP */

static char *copy(h2o_iovec_t text)
{
    char *out = malloc(text.len + 1);
    if (out == NULL)
        h2o_fatal("out of memory");
    if (text.len > 0)
        memcpy(out, text.base, text.len);
    out[text.len] = '\0';
    return out;
}

/* A field given twice is none: which one would count? A NUL cannot be in one (libh2o). */
static char *copy_field(const h2o_req_t *http, const char *name)
{
    const h2o_headers_t *fields = &http->headers;
    ssize_t at = h2o_find_header_by_str(fields, name, strlen(name), -1);
    if (at == -1 || h2o_find_header_by_str(fields, name, strlen(name), at) != -1)
        return NULL;
    return copy(fields->entries[at].value);
}

static enum api_method method_of(const h2o_req_t *http)
{
    static const char *const words[] = {
        [API_GET] = "GET", [API_HEAD] = "HEAD",     [API_POST] = "POST",
        [API_PUT] = "PUT", [API_DELETE] = "DELETE",
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (h2o_memis(http->method.base, http->method.len, words[i], strlen(words[i])))
            return (enum api_method)i;
    }
    return API_OTHER;
}

static char *origin_of(const h2o_req_t *http)
{
    char text[512];
    int length =
        snprintf(text, sizeof text, "https://%.*s", (int)http->authority.len, http->authority.base);
    return copy(h2o_iovec_init(text, length < (int)sizeof text ? (size_t)length : 0));
}

static char *address_of(h2o_req_t *http)
{
    const struct peer *peer = peer_of(http);
    const char *text = peer != NULL ? peer->address : "-";
    const char *colon = strrchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
    if (text[0] == '[')
        return copy(h2o_iovec_init(text + 1, length - 2));
    return copy(h2o_iovec_init(text, length));
}

static char *certificate_of(h2o_req_t *http)
{
    const struct peer *peer = peer_of(http);
    if (peer == NULL || peer->name == NULL)
        return NULL;
    return copy(h2o_iovec_init(peer->name, strlen(peer->name)));
}

/* Both are taken over. */
static char *join(char *list, char *more)
{
    char *joined = NULL;
    if (asprintf(&joined, "%s;%s", list != NULL ? list : "", more) < 0)
        h2o_fatal("out of memory");
    free(list);
    free(more);
    return joined;
}

/* X-Authority, or X-Authority-0, -1 and so on as one list, which may begin with 1 (hawkbit-ddi.md
 * 2). Both at once are none: a proxy that sets the one has let a client's other pass. */
static char *authorities_of(const h2o_req_t *http)
{
    char *plain = copy_field(http, "x-authority");
    char *list = NULL;
    for (unsigned i = 0; i < AUTHORITIES_MAX; i++) {
        char name[24];
        snprintf(name, sizeof name, "x-authority-%u", i);
        char *one = copy_field(http, name);
        if (one != NULL)
            list = join(list, one);
        else if (i > 0)
            break;
    }
    if (plain == NULL || list == NULL)
        return plain != NULL ? plain : list;
    free(plain);
    free(list);
    return NULL;
}

static void read_request(h2o_req_t *http, struct api_request *request)
{
    size_t end = http->query_at != SIZE_MAX ? http->query_at : http->path.len;
    *request = (struct api_request){
        .method = method_of(http),
        .path = copy(h2o_iovec_init(http->path.base, end)),
        .authorization = copy_field(http, "authorization"),
        .accept = copy_field(http, "accept"),
        .content_type = copy_field(http, "content-type"),
        .controller_header = copy_field(http, "x-controller-id"),
        .body = copy(http->entity),
        .body_length = http->entity.len,
        .origin = origin_of(http),
        .address = address_of(http),
        .client_certificate = certificate_of(http),
        .device_port = port_of(http)->kind == PORT_DEVICE,
    };
    if (request->controller_header != NULL)
        request->authority_header = authorities_of(http);
    if (http->query_at != SIZE_MAX)
        request->query = copy(h2o_iovec_init(http->path.base + end + 1, http->path.len - end - 1));
}

/* To HTTP */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {423, "Locked"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Status";
}

/* A body, which is what its type says; without a tag, by which it may be asked for again, it is
 * kept nowhere: it may be a token. */
static void add_type(h2o_req_t *http, const struct api_answer *answer)
{
    http_add(http, H2O_TOKEN_CONTENT_TYPE, answer->type);
    http_add_named(http, "x-content-type-options", "nosniff");
    if (answer->etag[0] == '\0')
        http_add(http, H2O_TOKEN_CACHE_CONTROL, "no-store");
}

static void send_answer(h2o_req_t *http, struct service *service, const struct api_answer *answer)
{
    char number[16];
    http->res.status = answer->status;
    http->res.reason = reason_of(answer->status);
    if (answer->is_events) {
        events_start(http);
        return;
    }
    if (answer->is_file) {
        http_send_file(http, service, answer);
        return;
    }
    if (answer->page != NULL) {
        http_send_page(http, answer->page);
        return;
    }
    if (answer->etag[0] != '\0' && http_answered_by_condition(http, answer->etag))
        return;
    if (answer->type != NULL)
        add_type(http, answer);
    if (answer->status == 401) /* a browser would ask for a password if it said Basic as well */
        http_add_named(http, "www-authenticate", "Bearer");
    if (answer->allow[0] != '\0')
        http_add_named(http, "allow", answer->allow);
    if (answer->filename[0] != '\0')
        http_add_disposition(http, answer->filename);
    if (answer->location[0] != '\0')
        http_add(http, H2O_TOKEN_LOCATION, answer->location);
    if (answer->retry_after != 0) {
        snprintf(number, sizeof number, "%u", answer->retry_after);
        http_add_named(http, "retry-after", number);
    }
    if (answer->status != 204)
        http->res.content_length = answer->length;
    h2o_send_inline(http, answer->body, answer->length);
}

static void free_call(struct call *call)
{
    call->worker->calls--;
    api_answer_free(&call->answer);
    api_request_free(&call->request);
    free(call);
}

/* libh2o is done with the request, answered or not. */
static void on_disposed(void *hold)
{
    struct call *call = *(struct call **)hold;
    if (call == NULL)
        return;
    call->http = NULL;
    atomic_store(&call->left, true);
}

/* For whoever runs the server: what the client is told has no details. A store that is away fails
 * all calls, of which one a second is enough. */
static void complain(const struct call *call)
{
    static _Atomic int64_t next;
    int64_t now = call_now();
    int64_t due = atomic_load(&next);
    char path[128];
    if (now < due || !atomic_compare_exchange_strong(&next, &due, now + COMPLAINT_MS))
        return;
    log_clean(path, sizeof path, call->request.path, strlen(call->request.path));
    log_line(&call->worker->service->log, "request %s: %s: %s", path, db_status_text(call->status),
             call->problem);
}

/* On the loop, with the transaction over. */
static void finish(struct call *call)
{
    h2o_req_t *http = call->http;
    if (call->status < 0) {
        complain(call);
        api_answer_failure(&call->answer, call->status);
        if (strcmp(call->request.path, "/healthz") == 0)
            call->answer.status = 503; /* whatever the reason: do not send requests here */
    }
    if (http != NULL) {
        *call->hold = NULL;
        send_answer(http, call->worker->service, &call->answer);
    }
    free_call(call);
}

/* Transactions */

static int run(struct job *job, struct db *db)
{
    struct call *call = (struct call *)job;
    if (job->access == DB_READ && atomic_load(&call->left))
        return JOB_REFUSED; /* nobody wants to know any more */
    int status = api_run(db, &call->worker->service->api, &call->request, job->access, call_now(),
                         &call->answer);
    call->request.again = true;
    if (status < 0)
        log_sentence(call->problem, sizeof call->problem, db_error(db));
    return status;
}

/* On a thread of the pool. */
static void on_done(struct job *job, int status)
{
    struct call *call = (struct call *)job;
    call->status = status;
    h2o_multithread_send_message(&call->worker->answers, &call->message);
}

static void submit(struct call *call, struct pool *pool)
{
    call->job.done = on_done;
    pool_submit(pool, &call->job);
}

static void decide(struct call *call)
{
    if (call->status == API_MUST_WRITE) {
        call->job.access = DB_WRITE;
        submit(call, call->worker->service->pool);
    } else {
        finish(call);
    }
}

/* On the loop itself. */
static void on_done_here(struct job *job, int status)
{
    struct call *call = (struct call *)job;
    call->status = status;
    if (status == DB_EAGAIN)
        submit(call, call->worker->service->pool);
    else
        decide(call);
}

void call_on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    (void)receiver;
    while (!h2o_linklist_is_empty(messages)) {
        h2o_multithread_message_t *message =
            H2O_STRUCT_FROM_MEMBER(h2o_multithread_message_t, link, messages->next);
        h2o_linklist_unlink(&message->link);
        decide(H2O_STRUCT_FROM_MEMBER(struct call, message, message));
    }
}

static int too_busy(h2o_req_t *http)
{
    struct api_answer answer = {.retry_after = 0};
    api_answer_failure(&answer, DB_EAGAIN);
    send_answer(http, worker_of(http)->service, &answer);
    api_answer_free(&answer);
    return 0;
}

static bool is_full(const struct service *service, enum api_way way)
{
    return way == API_LONG_READ ? pool_waiting(service->readers) >= READING_MAX
                                : pool_waiting(service->pool) >= WAITING_MAX;
}

/* On its way: here and now, or to one of the pools. */
static void send_off(struct call *call, enum api_way way)
{
    struct service *service = call->worker->service;
    call->job.run = run;
    call->job.access = way == API_WRITE ? DB_WRITE : DB_READ;
    if (way == API_QUICK_READ && call->worker->reader != NULL) {
        call->job.done = on_done_here;
        job_run_here(&call->job, call->worker->reader);
    } else {
        submit(call, way == API_LONG_READ ? service->readers : service->pool);
    }
}

int call_start(h2o_req_t *http, struct service *service)
{
    struct call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return too_busy(http);
    read_request(http, &call->request);
    enum api_way way = api_way(&call->request);
    if (is_full(service, way)) {
        api_request_free(&call->request);
        free(call);
        return too_busy(http);
    }
    call->worker = worker_of(http);
    call->worker->calls++;
    call->http = http;
    call->hold = h2o_mem_alloc_shared(&http->pool, sizeof(struct call *), on_disposed);
    *call->hold = call;
    send_off(call, way);
    return 0;
}
