/* server/web/failures.c: the devices that failed in a rollout, each with its last word, so that who
 * is told of a halt sees why without opening them one by one. */
#include "server/web/web.h"

#define LIMIT_MAX 100

/* The page is cut out first: only what is shown is looked up. */
static const char failures[] =
    "SELECT t.controller_id, y.name, y.tries, s.reported_at, s.code, (SELECT m.text"
    " FROM action_message AS m WHERE m.status = s.id ORDER BY m.position DESC LIMIT 1)"
    " FROM (SELECT g.position AS position, g.name AS name, x.target AS target, x.tries AS tries"
    " FROM rollout AS r JOIN rollout_group AS g ON g.rollout = r.id JOIN rollout_target AS x"
    " ON x.rollout_group = g.id AND x.state = 'error' WHERE r.tenant = $1 AND r.id = $2"
    " ORDER BY g.position, x.target LIMIT $3 OFFSET $4) AS y JOIN target AS t ON t.id = y.target"
    " LEFT JOIN action_status AS s ON s.id = (SELECT MAX(e.id) FROM action_status AS e WHERE"
    " e.action = (SELECT MAX(a.id) FROM action AS a WHERE a.target = y.target AND a.rollout = $2))"
    " ORDER BY y.position, y.target";

static json_t *optional(const struct db_rows *rows, int column)
{
    return db_is_null(rows, column) ? json_null() : json_integer(db_int(rows, column));
}

static json_t *failure_of(const struct db_rows *rows)
{
    json_t *message = db_is_null(rows, 5) ? json_null() : json_string(db_text(rows, 5));
    return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o}", "controllerId", db_text(rows, 0), "group",
                     db_text(rows, 1), "tries", (json_int_t)db_int(rows, 2), "reportedAt",
                     optional(rows, 3), "code", optional(rows, 4), "message", message);
}

int web_failures(struct api_call *call)
{
    int64_t id;
    int64_t offset;
    int64_t limit;
    int status = api_segment_id(call, 0, &id);
    if (status == FLEET_OK)
        status = api_query_int(call, "offset", 0, INT32_MAX, 0, &offset);
    if (status == FLEET_OK)
        status = api_query_int(call, "limit", 1, LIMIT_MAX, 20, &limit);
    if (status != FLEET_OK)
        return status;
    json_t *content = json_array();
    struct db_rows *rows =
        db_query(call->fleet.db, failures,
                 DB_ARGS(db_i(call->fleet.tenant), db_i(id), db_i(limit), db_i(offset)));
    while ((status = db_next(rows)) == DB_ROW) {
        if (json_array_append_new(content, failure_of(rows)) != 0) {
            db_end(rows);
            status = DB_EIO;
            break;
        }
    }
    if (status == DB_OK)
        return api_json(call, 200, json_pack("{s:o}", "content", content));
    json_decref(content);
    return status;
}
