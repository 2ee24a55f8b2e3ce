/* server/mgmt/answer.h: what answers of the Management API have in common (hawkbit-ddi.md 10).
 *
 * Entities are HAL: `_links.self`, who made and who changed them. Lists are {"content", "total",
 * "size"}, a page at a time. Whoever changes something leaves a line in the audit log.
 */
#ifndef SERVER_MGMT_ANSWER_H
#define SERVER_MGMT_ANSWER_H

#include "server/api/api.h"
#include "server/fleet/filter.h"

#define MGMT_LIST_MAX 5000 /* elements of a list in one request */
#define MGMT_CODE     "hawkbit.server.error."

/* Answers. `json` is taken over; NULL (out of memory) is an error. */
int mgmt_json(struct api_call *call, int status, json_t *json);

/* An error with another status or code than its refusal would have. */
int mgmt_error(struct api_call *call, int http, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* {"href": ".../rest/v1" and what `format` makes}. */
json_t *mgmt_link(const struct api_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* createdAt, createdBy, lastModifiedAt, lastModifiedBy from four columns. */
void mgmt_stamp(json_t *object, const struct db_rows *rows, int column);

/* A column's text, or NULL where it has none: for json_pack's "s*". */
const char *mgmt_text(const struct db_rows *rows, int column);

/* audit_note() about this call's change. */
int mgmt_audit(struct api_call *call, const char *verb, const char *detail, const char *subject,
               ...) __attribute__((format(printf, 4, 5)));

/* Rows of one kind, and how they are shown. Texts of SQL live as long as the program. */
struct mgmt_rows {
    const char *columns;
    const char *table; /* "target AS t": what is filtered, counted and paged */
    const char *joins; /* only of the rows that are shown; begins with a blank, or is empty */
    const char *key;   /* "t.id": unique among the rows of one list */
    const struct mgmt_sort *sorts; /* the first is the default; ends with NULL */
    bool newest_first;             /* the default's direction */
    bool filtered;                 /* `q` is read as `filter` */
    enum filter_kind filter;
    json_t *(*show)(struct api_call *call, const struct db_rows *rows, void *context, int *status);
};
struct mgmt_sort {
    const char *name; /* as clients write it, in lower case */
    const char *column;
};

/* The page that the query (offset, limit, sort, q) asks for of the rows where `where` holds. */
int mgmt_list(struct api_call *call, const struct mgmt_rows *rows, const char *where,
              const struct db_value *values, size_t count, void *context);

/* Every row where it holds, by its key, added to `content`: of what is few. */
int mgmt_all(struct api_call *call, const struct mgmt_rows *rows, const char *where,
             const struct db_value *values, size_t count, void *context, json_t *content);

/* The one row where it holds; FLEET_NONE. *out is the caller's. */
int mgmt_one(struct api_call *call, const struct mgmt_rows *rows, const char *where,
             const struct db_value *values, size_t count, void *context, json_t **out);

/* A body that is a list of at most MGMT_LIST_MAX objects, or, as hawkBit takes it, one of them. A
 * refusal says which of several it was. */
int mgmt_each(struct api_call *call,
              int (*each)(struct api_call *call, json_t *object, json_t *answer), json_t **answer);

/* A text that may be empty, which clears it: descriptions and the like. */
int mgmt_member_note(struct api_call *call, json_t *object, const char *name, size_t max,
                     const char **out);

#endif
