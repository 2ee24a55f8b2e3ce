/* server/api/run.c: a request from its route to its answer. */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/api.h"
#include "server/api/accept.h"
#include "server/api/auth.h"
#include "server/api/quota.h"
#include "server/api/service.h"
#include "server/digest.h"

#define ERROR_CODE "hawkbit.server.error."

/* hawkBit's codes, which its clients log (hawkbit-ddi.md 8). */
struct refusal {
    int status;
    int http;
    const char *code;
};
static const struct refusal refusals[] = {
    {FLEET_NONE, 404, ERROR_CODE "repo.entityNotFound"},
    {FLEET_INVALID, 400, ERROR_CODE "repo.constraintViolation"},
    {FLEET_EXISTS, 409, ERROR_CODE "repo.entityAlreadyExists"},
    {FLEET_STATE, 400, ERROR_CODE "rest.body.notReadable"},
    {FLEET_NO_CANCEL, 405, ERROR_CODE "action.notCancelable"},
    {FLEET_GONE, 410, ERROR_CODE "repo.actionNotActive"},
    {FLEET_LOCKED, 423, ERROR_CODE "locked"},
    {FLEET_QUOTA, 429, ERROR_CODE "quota.tooManyEntries"},
    {FLEET_DENIED, 403, ERROR_CODE "insufficientpermission"},
};

static void set_json(struct api_answer *answer, int status, json_t *json)
{
    free(answer->body);
    answer->status = status;
    answer->type = "application/json";
    answer->body = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    answer->length = answer->body != NULL ? strlen(answer->body) : 0;
    json_decref(json);
}

static void set_error(struct api_answer *answer, int status, const char *code, const char *message)
{
    set_json(answer, status,
             json_pack("{s:s, s:s*}", "errorCode", code, "message",
                       message[0] != '\0' ? message : NULL));
}

static void set_plain(struct api_answer *answer, int status)
{
    free(answer->body);
    answer->body = NULL;
    answer->length = 0;
    answer->type = NULL;
    answer->is_file = answer->is_events = false;
    answer->status = status;
}

/* Devices ask the same again and again (hawkbit-ddi.md 3): a tag of the body saves it. */
static void set_etag(struct api_answer *answer)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)answer->body, answer->length, digest);
    strcpy(answer->etag, "\"");
    digest_print(digest, sizeof digest / 2, answer->etag + 1);
    strcat(answer->etag, "\"");
}

/* What a device may ask to read. */
static bool device_reads(const struct api_call *call)
{
    return call->route->role == API_DEVICE && call->route->method == API_GET;
}

/* hawkbit-ddi.md 1: the body is the same, its name is not. NULL: none of them is wanted. */
static const char *type_wanted(const struct api_call *call)
{
    static const char *const types[] = {"application/hal+json", "application/json"};
    return accept_choose(call->request->accept, types, sizeof types / sizeof types[0]);
}

int api_json(struct api_call *call, int status, json_t *json)
{
    if (json == NULL)
        return DB_EIO; /* out of memory, or a text that is not UTF-8 */
    set_json(call->answer, status, json);
    if (call->answer->body == NULL)
        return DB_EIO;
    if (device_reads(call)) {
        call->answer->type = type_wanted(call);
        set_etag(call->answer);
    }
    return FLEET_OK;
}

int api_status(struct api_call *call, int status)
{
    set_plain(call->answer, status);
    return FLEET_OK;
}

int api_text(struct api_call *call, int status, const char *type, const char *text)
{
    set_plain(call->answer, status);
    call->answer->type = type;
    call->answer->body = strdup(text);
    call->answer->length = strlen(text);
    return call->answer->body != NULL ? FLEET_OK : DB_EIO;
}

/* "application/json", whatever parameters follow. */
static bool is_type(const char *field, const char *type)
{
    size_t length = strlen(type);
    return field != NULL && strncasecmp(field, type, length) == 0 &&
           (field[length] == '\0' || field[length] == ';' || field[length] == ' ');
}

/* hawkbit-ddi.md 1: a body needs a JSON type; the Management API takes the hal one as well. */
static bool type_accepted(const struct api_call *call)
{
    const char *type = call->request->content_type;
    if (call->route->body == API_MULTIPART)
        return is_type(type, "multipart/form-data");
    return is_type(type, "application/json") ||
           (call->route->role != API_DEVICE && is_type(type, "application/hal+json"));
}

/* 0, or the status to refuse with. */
static int read_body(struct api_call *call)
{
    const struct api_request *request = call->request;
    enum api_body kind = call->route->body;
    if (kind == API_NO_BODY || (kind == API_JSON_OPTIONAL && request->body_length == 0))
        return 0;
    if (!type_accepted(call))
        return 415;
    if (kind == API_MULTIPART)
        return 0;
    if (request->body_length > (call->route->role > API_DEVICE ? API_LIST_MAX : API_BODY_MAX))
        return 413;
    json_error_t error;
    call->json = json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, &error);
    if (call->json != NULL)
        return 0;
    set_error(call->answer, 400, ERROR_CODE "rest.body.notReadable", error.text);
    return 400;
}

static int refuse(struct api_call *call, int status)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (refusals[i].status == status)
            set_error(call->answer, refusals[i].http, refusals[i].code, call->fleet.problem);
    }
    return JOB_REFUSED;
}

static int refuse_plain(struct api_call *call, int http)
{
    if (call->answer->body == NULL)
        set_plain(call->answer, http);
    return JOB_REFUSED;
}

/* A file is what it is, and is sent whatever was asked for. */
static bool is_download(const struct api_route *route)
{
    static const char last[] = "/{fileName}";
    size_t length = strlen(route->path);
    return length >= sizeof last && strcmp(route->path + length - (sizeof last - 1), last) == 0;
}

/* What is wrong with a request that has found its route and shown who it is; 0: nothing. */
static int judge(struct api_call *call)
{
    struct quota *quota = call->service->quota;
    if (quota != NULL && call->route->role == API_DEVICE && !call->request->again &&
        !quota_take(quota, call->fleet.tenant, call->who, call->fleet.now)) {
        call->answer->retry_after = 1;
        return 429;
    }
    if (device_reads(call) && !is_download(call->route) && type_wanted(call) == NULL)
        return 406;
    return read_body(call);
}

static int run_route(struct api_call *call)
{
    int http = api_route_find(call);
    if (http != 0)
        return refuse_plain(call, http);
    int status = api_authenticate(call);
    if (status == FLEET_NONE)
        return refuse_plain(call, 401);
    if (status != FLEET_OK)
        return status < 0 ? status : refuse(call, status);
    http = judge(call);
    if (http != 0)
        return refuse_plain(call, http);
    status = call->route->handle(call);
    return status > 0 && status != API_MUST_WRITE ? refuse(call, status) : status;
}

int api_run(struct db *db, const struct api_service *service, const struct api_request *request,
            enum db_access access, int64_t now, struct api_answer *answer)
{
    free(answer->body);
    *answer = (struct api_answer){.status = 200, .kept = answer->kept};
    struct api_call call = {
        .fleet = {.db = db, .now = now, .who = ""},
        .service = service,
        .request = request,
        .access = access,
        .answer = answer,
    };
    int status = run_route(&call);
    json_decref(call.json);
    return status;
}

void api_answer_failure(struct api_answer *answer, int status)
{
    bool again = status == DB_EAGAIN || status == DB_EFULL || status == DB_EUNKNOWN;
    set_error(answer, again ? 503 : 500, ERROR_CODE "repo.genericError", db_status_text(status));
    answer->retry_after = again ? 5 : 0;
}

void api_answer_free(struct api_answer *answer)
{
    free(answer->body);
    free(answer->kept);
    answer->body = NULL;
    answer->kept = NULL;
}

void api_request_free(struct api_request *request)
{
    char **const texts[] = {&request->path,
                            &request->query,
                            &request->authorization,
                            &request->accept,
                            &request->body,
                            &request->content_type,
                            &request->origin,
                            &request->address,
                            &request->controller_header,
                            &request->authority_header,
                            &request->client_certificate};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        free(*texts[i]);
        *texts[i] = NULL;
    }
}
