/* server/api/api.h: requests in, answers out, the store in between. No sockets, no HTTP library.
 *
 * Every address the server answers is one row of a table of routes: method, path, who may, whether
 * it writes, what it does. Router, authorization, the OpenAPI description and the test that walks
 * over all routes read the same rows.
 *
 * A handler runs inside a transaction, perhaps more than once (server/db/pool.h), so everything it
 * does to the world beside the store and the answer must wait. It returns FLEET_OK with the answer
 * set (none set is 200 without a body), a refusal (enum fleet_status), which becomes the error
 * answer, or an error of the store. Whatever is not FLEET_OK is rolled back.
 */
#ifndef SERVER_API_API_H
#define SERVER_API_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/db/pool.h"
#include "server/fleet/fleet.h"
#include "server/fleet/target.h"

#define API_SEGMENTS_MAX 6          /* {variables} of one path */
#define API_PATH_MAX     2048       /* bytes of path and query */
#define API_BODY_MAX     65536u     /* of JSON, from devices */
#define API_LIST_MAX     (1u << 20) /* and from people: lists of thousands */
#define API_UPLOAD_MAX   (17u << 20)

enum api_method { API_GET, API_HEAD, API_POST, API_PUT, API_DELETE, API_OTHER };

/* Who may ask. Devices and operators are different people: neither may what the other may. */
enum api_role { API_PUBLIC, API_DEVICE, API_READ, API_OPERATE, API_ADMIN };

/* What came in; each text is a copy that belongs to the request. NULL: the field was not there. */
struct api_request {
    enum api_method method;
    char *path;  /* as sent, without the query */
    char *query; /* without '?' */
    char *authorization;
    char *accept;
    char *content_type;
    char *controller_header; /* X-Controller-Id and X-Authority, from a configured proxy only */
    char *authority_header;
    char *body;
    size_t body_length;
    char *origin;             /* "https://host:port": what links begin with */
    char *address;            /* of the peer, without port */
    char *client_certificate; /* common name of the verified one */
    bool device_port;         /* came in where only devices are served */
    bool again;               /* has been run before: no quota is asked */
};

struct page;

struct api_answer {
    int status;
    const char *type; /* of the body; NULL: none */
    char *body;       /* malloc'd; api_answer_free() */
    size_t length;
    char allow[48];
    char location[256];
    unsigned retry_after; /* seconds; 0: not said */
    char filename[272];   /* to keep it under; empty: not said */
    /* Instead of a body: bytes of an artifact. Range and conditions are the HTTP side's. */
    bool is_file;
    char sha256[65];
    char etag[72]; /* with its quotes; of a body too, where that may be asked for again */
    int64_t size;
    int64_t modified; /* milliseconds since 1970 */
    /* Instead of a body: a file of the console, which is part of the program. */
    const struct page *page; /* server/web/pages.h */
    /* Instead of a body: server-sent events from now on. */
    bool is_events;
    /* What a reading run that found it MUST_WRITE has found out already, for the writing run (and
     * each repetition of it); malloc'd. */
    void *kept;
};

struct api_service; /* server/api/service.h */
struct api_route;

struct api_call {
    struct fleet fleet;
    const struct api_service *service;
    const struct api_request *request;
    const struct api_route *route;
    enum api_role role;                    /* of who asks */
    enum db_access access;                 /* of the transaction it runs in */
    char who[TARGET_ID_MAX + 16];          /* what fleet.who points to */
    const char *segment[API_SEGMENTS_MAX]; /* the path's {variables}, decoded */
    char decoded[API_PATH_MAX];
    json_t *json; /* the body of routes that take JSON */
    struct api_answer *answer;
    /* Of device routes: the device. Not known yet: what it showed would let it enrol, with `token`
     * as its own unless that is NULL. */
    struct target target;
    bool known;
    const char *enrol_token;
};

enum api_body { API_NO_BODY, API_JSON, API_JSON_OPTIONAL, API_MULTIPART };

struct api_route {
    enum api_method method;
    const char *path; /* "/rest/v1/targets/{controllerId}": a variable is a whole segment */
    enum api_role role;
    enum db_access access;
    enum api_body body;
    int (*handle)(struct api_call *call);
    const char *summary; /* one line of the description */
};

/* A table that ends with a row without path. */
extern const struct api_route ddi_routes[];
extern const struct api_route mgmt_routes[];
extern const struct api_route console_routes[];
extern const struct api_route service_routes[];
/* All of them; ends with NULL. */
extern const struct api_route *const api_tables[];

/* Finds the row and decodes the path's variables into `call`. 0, or the status to answer: 400, 404
 * (device_port: also whatever is not for devices), 405 with answer->allow set. HEAD finds GET. */
int api_route_find(struct api_call *call);

/* What a handler of a reading route returns when this request has to write after all (a poll that
 * registers its device; an upload, once it is judged): api_run() passes it on, and is called again
 * in a writing transaction. */
enum { API_MUST_WRITE = 3 };

/* Does all of it: route, authentication, body, handler, error answer. What it returns is for the
 * transaction: DB_OK, JOB_REFUSED, API_MUST_WRITE or an error. `answer` is overwritten, but what a
 * run before this one has kept. */
int api_run(struct db *db, const struct api_service *service, const struct api_request *request,
            enum db_access access, int64_t now, struct api_answer *answer);

/* Where a request is run first. What devices ask reads a few rows; what people ask may read all of
 * a fleet, and waits for others of its kind only. */
enum api_way { API_QUICK_READ, API_LONG_READ, API_WRITE };
enum api_way api_way(const struct api_request *request);

/* When the transaction failed after all: 503 with Retry-After when it is worth asking again. */
void api_answer_failure(struct api_answer *answer, int status);

void api_answer_free(struct api_answer *answer);
void api_request_free(struct api_request *request); /* its texts */

/* For handlers. Each sets the answer, returns FLEET_OK. `json` is taken over. */
int api_json(struct api_call *call, int status, json_t *json);
int api_status(struct api_call *call, int status); /* no body */
int api_text(struct api_call *call, int status, const char *type, const char *text);

/* The value of `name` in the query, decoded into out; *value NULL: it is not there. FLEET_INVALID:
 * it is too long, or no text; never answered as if it had not been asked. */
int api_query(struct api_call *call, const char *name, char *out, size_t size, const char **value);
/* The same as a number in [min, max]; `otherwise` when it is not there. FLEET_INVALID. */
int api_query_int(struct api_call *call, const char *name, int64_t min, int64_t max,
                  int64_t otherwise, int64_t *out);
/* The same as true or false; false when it is not there. FLEET_INVALID. */
int api_query_bool(struct api_call *call, const char *name, bool *out);
/* A path variable as the number of something: 1 .. 2^63 - 1. FLEET_INVALID. */
int api_segment_id(struct api_call *call, unsigned index, int64_t *id);

/* A member of `object`: FLEET_INVALID with the reason when that is no object, or when the member
 * has another type or breaks the bound. Absent or null: *out stays as it was, unless `needed`. */
int api_member_text(struct api_call *call, json_t *object, const char *name, bool needed,
                    size_t max, const char **out);
int api_member_int(struct api_call *call, json_t *object, const char *name, bool needed,
                   int64_t min, int64_t max, int64_t *out);
int api_member_bool(struct api_call *call, json_t *object, const char *name, bool *out);

#endif
