/* server/http.c: see server/http.h. */
#include "server/http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/error.h"
#include "server/call.h"
#include "server/download.h"
#include "server/etag.h"
#include "server/framing.h"
#include "server/metrics.h"
#include "server/range.h"
#include "server/release/ota_target.h"
#include "server/web/pages.h"

#define ABORTED_MAX 100 /* requests one connection may open and drop before it is cut */

struct handler {
    h2o_handler_t super;
    struct service *service;
};

/* A file, as it is offered. */
struct content {
    uint64_t size;
    const char *etag;
    int64_t modified; /* seconds since 1970; 0: not said */
};

struct access_logger {
    h2o_logger_t super;
    struct service *service;
};

static bool method_is(const h2o_req_t *request, const char *method)
{
    return h2o_memis(request->method.base, request->method.len, method, strlen(method));
}

void http_add(h2o_req_t *request, const h2o_token_t *name, const char *value)
{
    h2o_iovec_t copy = h2o_strdup(&request->pool, value, SIZE_MAX);
    h2o_add_header(&request->pool, &request->res.headers, name, NULL, copy.base, copy.len);
}

void http_add_named(h2o_req_t *request, const char *name, const char *value)
{
    h2o_iovec_t copy = h2o_strdup(&request->pool, value, SIZE_MAX);
    h2o_add_header_by_str(&request->pool, &request->res.headers, name, strlen(name), 1, NULL,
                          copy.base, copy.len);
}

void http_add_disposition(h2o_req_t *request, const char *filename)
{
    char value[300];
    snprintf(value, sizeof value, "attachment;filename=\"%s\"", filename);
    http_add_named(request, "content-disposition", value);
}

/* An answer whose body, if any, is in memory. libh2o leaves the body out for HEAD. */
static int answer(h2o_req_t *request, int status, const char *reason, const char *type,
                  const char *body, size_t length)
{
    request->res.status = status;
    request->res.reason = reason;
    if (status != 304) {
        request->res.content_length = length;
        http_add(request, H2O_TOKEN_CONTENT_TYPE, type);
    }
    h2o_send_inline(request, body, length);
    return 0;
}

static int answer_text(h2o_req_t *request, int status, const char *reason)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s\n", reason);
    return answer(request, status, reason, "text/plain", line, (size_t)length);
}

/* Preconditions (RFC 9110, 13.2.2) */

/* Does any field called `name` hold a list that names `etag`? *present: there is such a field. */
static bool names_etag(h2o_req_t *request, const char *name, const char *etag,
                       enum etag_comparison comparison, bool *present)
{
    bool matches = false;
    ssize_t at = -1;
    *present = false;
    while ((at = h2o_find_header_by_str(&request->headers, name, strlen(name), at)) != -1) {
        h2o_iovec_t value = request->headers.entries[at].value;
        *present = true;
        matches |= etag_list_matches(value.base, value.len, etag, comparison);
    }
    return matches;
}

/* hawkBit's clients write the tag without its quotes (hawkbit-ddi.md 5). */
static bool is_unquoted(h2o_req_t *request, const char *name, const char *etag)
{
    ssize_t at = h2o_find_header_by_str(&request->headers, name, strlen(name), -1);
    if (at == -1) {
        return false;
    }
    h2o_iovec_t value = request->headers.entries[at].value;
    return h2o_memis(value.base, value.len, etag + 1, strlen(etag) - 2);
}

static bool precondition_failed(h2o_req_t *request, const char *etag)
{
    bool present;
    bool matches = names_etag(request, "if-match", etag, ETAG_STRONG, &present);
    return present && !matches && !is_unquoted(request, "if-match", etag);
}

static bool not_modified(h2o_req_t *request, const char *etag)
{
    bool present;
    return names_etag(request, "if-none-match", etag, ETAG_WEAK, &present);
}

/* If-Range: the tag, or the time of the last change (seconds since 1970; 0: it has none). */
static bool still_holds(h2o_iovec_t condition, const char *etag, int64_t modified)
{
    struct tm date;
    if (etag_is(condition.base, condition.len, etag)) {
        return true;
    }
    return modified != 0 && h2o_time_parse_rfc1123(condition.base, condition.len, &date) == 0 &&
           timegm(&date) == modified;
}

/* What part of the image is asked for. Range means something for GET only, once, and only when
 * If-Range, if there, still holds. */
static enum range_verdict wanted_range(h2o_req_t *request, const struct content *content,
                                       struct ranges *ranges)
{
    uint64_t size = content->size;
    const h2o_headers_t *headers = &request->headers;
    ssize_t at = h2o_find_header(headers, H2O_TOKEN_RANGE, -1);
    ssize_t condition = h2o_find_header(headers, H2O_TOKEN_IF_RANGE, -1);
    ranges_parse("", 0, size, ranges);
    if (at == -1 || !method_is(request, "GET") ||
        h2o_find_header(headers, H2O_TOKEN_RANGE, at) != -1) {
        return RANGE_WHOLE;
    }
    if (condition != -1) {
        h2o_iovec_t tag = headers->entries[condition].value;
        if (!still_holds(tag, content->etag, content->modified)) {
            return RANGE_WHOLE;
        }
    }
    h2o_iovec_t value = headers->entries[at].value;
    return ranges_parse(value.base, value.len, size, ranges);
}

/* Answers */

bool http_answered_by_condition(h2o_req_t *request, const char *etag)
{
    if (precondition_failed(request, etag)) {
        answer_text(request, 412, "Precondition Failed");
        return true;
    }
    http_add(request, H2O_TOKEN_ETAG, etag);
    http_add(request, H2O_TOKEN_CACHE_CONTROL, "no-cache"); /* may be kept, must be revalidated */
    if (not_modified(request, etag)) {
        answer(request, 304, "Not Modified", NULL, "", 0);
        return true;
    }
    return false;
}

/* Which bytes: `fd` is closed, or given away. */
static int send_bytes(h2o_req_t *request, int fd, const struct content *content)
{
    char text[96];
    struct ranges ranges;
    if (content->modified != 0) {
        struct tm date;
        time_t at = content->modified;
        h2o_time2str_rfc1123(text, gmtime_r(&at, &date));
        http_add(request, H2O_TOKEN_LAST_MODIFIED, text);
    }
    if (http_answered_by_condition(request, content->etag)) {
        close(fd);
        return 0;
    }
    http_add(request, H2O_TOKEN_ACCEPT_RANGES, "bytes");
    enum range_verdict verdict = wanted_range(request, content, &ranges);
    if (verdict == RANGE_UNSATISFIABLE) {
        close(fd);
        snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)content->size);
        http_add(request, H2O_TOKEN_CONTENT_RANGE, text);
        return answer_text(request, 416, "Range Not Satisfiable");
    }
    if (method_is(request, "HEAD")) {
        close(fd);
        request->res.status = 200;
        request->res.reason = "OK";
        request->res.content_length = (size_t)content->size;
        http_add(request, H2O_TOKEN_CONTENT_TYPE, "application/octet-stream");
        h2o_send_inline(request, "", 0);
        return 0;
    }
    download_start(request, fd, content->size, verdict, &ranges);
    return 0;
}

static int open_image(h2o_req_t *request, struct service *service, const struct release *release,
                      int *fd)
{
    int error = store_open_image(&service->store, release, fd);
    if (error == STORE_OK)
        return HOST_DONE;
    log_line(&service->log, "image %s of the store: %s", release->sha256, store_error_text(error));
    answer_text(request, 500, "Internal Server Error");
    return HOST_FAILED;
}

static int send_image(h2o_req_t *request, struct service *service, const struct offer *offer)
{
    int fd;
    const struct release *release = &offer->release;
    if (open_image(request, service, release, &fd) != HOST_DONE)
        return 0;
    return send_bytes(request, fd,
                      &(struct content){.size = release->size, .etag = offer->image_etag});
}

void http_send_file(h2o_req_t *request, struct service *service, const struct api_answer *answer)
{
    struct release release = {.size = (uint32_t)answer->size};
    int fd;
    snprintf(release.sha256, sizeof release.sha256, "%s", answer->sha256);
    if (open_image(request, service, &release, &fd) != HOST_DONE)
        return;
    http_add_disposition(request, answer->filename);
    http_add_named(request, "x-content-type-options", "nosniff");
    const struct content content = {
        .size = (uint64_t)answer->size, .etag = answer->etag, .modified = answer->modified / 1000};
    send_bytes(request, fd, &content);
}

void http_send_page(h2o_req_t *request, const struct page *page)
{
    http_add_named(request, "content-security-policy", PAGE_POLICY);
    http_add_named(request, "x-content-type-options", "nosniff");
    http_add_named(request, "referrer-policy", "no-referrer");
    http_add_named(request, "cross-origin-opener-policy", "same-origin");
    http_add_named(request, "cross-origin-resource-policy", "same-origin");
    if (!http_answered_by_condition(request, page->etag))
        answer(request, 200, "OK", page->type, (const char *)page->bytes, page->length);
}

static int send_info(h2o_req_t *request, const struct offer *offer)
{
    if (http_answered_by_condition(request, offer->info_etag)) {
        return 0;
    }
    return answer(request, 200, "OK", "application/json", offer->info, offer->info_length);
}

static int store_is_gone(h2o_req_t *request, struct service *service)
{
    log_line(&service->log, "the releases folder was removed (start the server again)");
    return answer_text(request, 500, "Internal Server Error");
}

static int send_health(h2o_req_t *request, struct service *service)
{
    if (store_check(&service->store) != STORE_OK) {
        return store_is_gone(request, service);
    }
    return answer(request, 200, "OK", "text/plain", "ok\n", 3);
}

static int send_release(h2o_req_t *request, struct service *service,
                        const struct ota_target *target)
{
    const struct offer *offer;
    int error = offer_get(&worker_of(request)->offers, &service->store, target->product,
                          target->channel, &offer);
    if (error == STORE_ENONE && store_check(&service->store) != STORE_OK) {
        return store_is_gone(request, service);
    }
    if (error == STORE_ENONE) {
        return answer_text(request, 404, "Not Found");
    }
    if (error != STORE_OK) {
        log_line(&service->log, "release %s/%s: %s", target->product, target->channel,
                 error == STORE_EDAMAGED ? "its pointer file is damaged (publish it again)"
                                         : store_error_text(error));
        return answer_text(request, 500, "Internal Server Error");
    }
    return target->kind == TARGET_IMAGE ? send_image(request, service, offer)
                                        : send_info(request, offer);
}

/* The head is still in the connection's buffer, which is let go of with the request. */
static enum framing framing_of(h2o_req_t *request)
{
    const struct peer *peer = peer_of(request);
    if (request->version >= 0x200 || peer == NULL) {
        return FRAMING_CLEAR;
    }
    const h2o_buffer_t *input = peer->socket->input;
    return framing_judge(input->bytes, input->size, request->version >= 0x101);
}

static int on_request(h2o_handler_t *self, h2o_req_t *request)
{
    struct service *service = ((struct handler *)self)->service;
    struct ota_target target = ota_target_parse(request->path.base, request->path.len);
    peer_hold(request);
    enum framing framing = framing_of(request);
    if (framing != FRAMING_CLEAR) {
        request->http1_is_persistent = 0;
    }
    if (framing == FRAMING_DOUBTFUL) {
        return answer_text(request, 400, "Bad Request");
    }
    if ((target.kind == TARGET_NONE || target.kind == TARGET_HEALTH) && service->pool != NULL) {
        return call_start(request, service);
    }
    if (target.kind == TARGET_NONE) {
        return answer_text(request, 404, "Not Found");
    }
    if (!method_is(request, "GET") && !method_is(request, "HEAD")) {
        h2o_add_header_by_str(&request->pool, &request->res.headers, H2O_STRLIT("allow"), 1, NULL,
                              H2O_STRLIT("GET, HEAD"));
        return answer_text(request, 405, "Method Not Allowed");
    }
    if (target.kind == TARGET_HEALTH) {
        return send_health(request, service);
    }
    return send_release(request, service, &target);
}

/* The access log */

static void write_access_line(struct service *service, const h2o_req_t *request, const char *peer,
                              bool aborted)
{
    char method[24];
    char path[256];
    char range[80];
    char status[16];
    char bytes[24];
    char version[32];
    ssize_t at = h2o_find_header(&request->headers, H2O_TOKEN_RANGE, -1);
    if (at != -1) {
        h2o_iovec_t value = request->headers.entries[at].value;
        log_clean(range, sizeof range, value.base, value.len);
    }
    log_clean(method, sizeof method, request->input.method.base, request->input.method.len);
    log_clean(path, sizeof path, request->input.path.base, request->input.path.len);
    snprintf(status, sizeof status, "%d", request->res.status);
    snprintf(bytes, sizeof bytes, "%zu", request->bytes_sent);
    snprintf(version, sizeof version, "HTTP/%d.%d%s", request->version >> 8,
             request->version & 0xff, aborted ? " aborted" : "");
    const struct log_field fields[] = {
        {"peer", peer, false},       {"method", method, false},
        {"path", path, false},       {"status", status, true},
        {"bytes", bytes, true},      {"range", at != -1 ? range : NULL, false},
        {"version", version, false},
    };
    log_fields(&service->log, fields, sizeof fields / sizeof fields[0]);
}

/* libh2o's own clock stands still while a loop works; this one does not. */
static int64_t microseconds_since(const struct timeval *start)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (now.tv_sec - start->tv_sec) * 1000000ll + now.tv_nsec / 1000 - start->tv_usec;
}

/* Called once per request, when it is over. Clients that open and drop requests as fast as they can
 * (HTTP/2 rapid reset) are cut off here. */
static void on_request_over(h2o_logger_t *self, h2o_req_t *request)
{
    struct service *service = ((struct access_logger *)self)->service;
    struct peer *peer = peer_of(request);
    bool body =
        request->res.status != 304 && request->res.status != 204 && !method_is(request, "HEAD");
    bool aborted =
        request->res.status == 0 || (body && request->bytes_sent < request->res.content_length);
    if (service->access_log) {
        write_access_line(service, request, peer != NULL ? peer->address : "-", aborted);
    }
    metrics_request(service->api.metrics,
                    metric_class_of(request->input.path.base, request->input.path.len),
                    aborted ? 0 : request->res.status,
                    microseconds_since(&request->timestamps.request_begin_at), request->bytes_sent);
    if (peer != NULL && aborted && ++peer->aborted == ABORTED_MAX) {
        log_line(&service->log, "%s drops its requests, closing", peer->address);
        peer_cut(peer);
    }
}

void http_register(struct service *service, h2o_hostconf_t *host)
{
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    struct handler *handler = (void *)h2o_create_handler(path, sizeof *handler);
    handler->super.on_req = on_request;
    handler->service = service;
    struct access_logger *logger = (void *)h2o_create_logger(path, sizeof *logger);
    logger->super.log_access = on_request_over;
    logger->service = service;
}
